# SPDX-License-Identifier: Apache-2.0
"""What a base image says of its processor, as flags."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.compiling import COMPILERS, Project, available, extension

from west_llext.base.abi import abi_findings
from west_llext.elf.attributes import abi
from west_llext.model.base import Abi
from west_llext.model.elf import Ident
from west_llext.toolchain.machines import flags_of, machine_of, machine_of_flags, selects_cpu

ARM, RISCV, RISCV64, AARCH64 = (40, 32), (243, 32), (243, 64), (183, 64)


def riscv(bits: int, flags: int, isa: str) -> Abi:
    """A RISC-V image with an ISA string in its attributes."""
    ident = Ident(machine=243, bits=bits, little=True, flags=flags)
    return Abi(ident=ident, attributes={5: isa})


@pytest.mark.cross
@pytest.mark.parametrize(
    ("built_for", "expected"),
    [
        ("-mcpu=cortex-m0plus -mthumb", "-march=armv6s-m -mthumb -mfloat-abi=soft"),
        ("-mcpu=cortex-m3 -mthumb", "-march=armv7-m -mthumb -mfloat-abi=soft"),
        (
            "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard",
            "-march=armv7e-m -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard",
        ),
        (
            "-mcpu=cortex-m7 -mthumb -mfloat-abi=softfp",
            "-march=armv7e-m -mthumb -mfpu=fpv5-d16 -mfloat-abi=softfp",
        ),
        (
            "-mcpu=cortex-m33 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16",
            "-march=armv8-m.main -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard",
        ),
        ("-mcpu=cortex-m23 -mthumb", "-march=armv8-m.base -mthumb -mfloat-abi=soft"),
        ("-mcpu=arm7tdmi", "-march=armv4t -mfloat-abi=soft"),
        (
            "-mcpu=cortex-r5 -mbig-endian -mfloat-abi=hard -mfpu=vfpv3-d16",
            "-march=armv7-r -mfpu=vfpv3-d16 -mfloat-abi=hard -mbig-endian",
        ),
    ],
)
def test_flags_for_an_arm_image_make_code_like_its_own(
    built_for: str, expected: str, tmp_path: Path
) -> None:
    """The attributes of gcc's objects (ABI addenda, 2.5): derived flags give the same ones."""
    cc = available("arm-none-eabi-gcc")
    tags = {}
    flags = built_for.split()
    for turn in ("image", "extension"):
        project = Project(tmp_path / turn, cc, *flags)
        text = "double times(double a, float b) { return a * b; }\n"
        seen = abi(project.object(extension(sources=[project.write("a.c", text)])))
        tags[turn] = {tag: seen.attributes.get(tag) for tag in (6, 7, 10, 26, 27, 28)}
        flags = list(flags_of(seen))
    assert " ".join(flags) == f"{expected} -fshort-enums"
    assert tags["image"] == tags["extension"]


@pytest.mark.cross
@pytest.mark.parametrize("cc", COMPILERS)
@pytest.mark.parametrize(
    "flags",
    [
        "-mcpu=cortex-a9 -marm",
        "-mcpu=cortex-a9 -mthumb -mfpu=neon -mfloat-abi=hard",
        "-mcpu=cortex-a9 -mfpu=vfpv3 -mfloat-abi=softfp",
        "-mcpu=cortex-a9 -mfpu=vfpv3-d16 -mfloat-abi=hard",
        "-mcpu=cortex-a7 -mfpu=vfpv4-d16 -mfloat-abi=softfp",
        "-mcpu=cortex-a53 -mthumb",
        "-mcpu=cortex-r5 -mfloat-abi=soft",
        "-mcpu=cortex-r5 -mfpu=vfpv3-d16 -mfloat-abi=hard",
        "-mcpu=cortex-r52 -mfpu=neon-fp-armv8 -mfloat-abi=hard",
        "-mcpu=arm1176jzf-s -mfloat-abi=soft",
        "-mcpu=cortex-m7 -mthumb -mfloat-abi=soft",
        "-mcpu=cortex-m55 -mthumb -mfloat-abi=softfp",
    ],
)
def test_each_compiler_uses_the_unit_of_an_arm_image(cc: str, flags: str, tmp_path: Path) -> None:
    """Tag_FP_arch, Tag_ABI_VFP_args (ABI addenda, 2.5); most cores of zig have a unit anyway."""
    text = "double times(double a, float b) { return a * b; }\n"
    theirs = Project(tmp_path / "base", available("arm-none-eabi-gcc"), *flags.split())
    image = abi(theirs.object(extension(sources=[theirs.write("a.c", text)])))
    ours = Project(tmp_path / "ours", available(cc), *flags_of(image))
    made = abi(ours.object(extension(sources=[ours.write("a.c", text)])))
    assert [made.attributes.get(tag) for tag in (10, 28)] == [
        image.attributes.get(tag) for tag in (10, 28)
    ]
    assert abi_findings("o", made, "b", image) == ()


@pytest.mark.parametrize("cc", COMPILERS)
@pytest.mark.parametrize(("enums", "size"), [("-fshort-enums", 1), ("-fno-short-enums", 2)])
def test_enums_are_as_large_as_those_of_an_arm_image(
    cc: str, enums: str, size: int, tmp_path: Path
) -> None:
    """Tag_ABI_enum_size (ABI addenda, 2.5); gcc for bare metal and clang differ by default."""
    ident = Ident(machine=40, bits=32, little=True, flags=0)
    flags = flags_of(Abi(ident=ident, attributes={6: 10, 7: ord("M"), 26: size}))
    assert " ".join(flags) == f"-march=armv7-m -mthumb -mfloat-abi=soft {enums}"
    project = Project(tmp_path, available(cc), *flags)
    text = "enum few { ONE }; enum few few;\n"
    made = abi(project.object(extension(sources=[project.write("a.c", text)])))
    assert made.attributes[26] == size


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (
            riscv(32, 1, "rv32i2p1_m2p0_a2p1_c2p0_zicsr2p0_zmmul1p0"),
            "-march=rv32imac_zicsr -mabi=ilp32",
        ),
        # clang lists the parts of extensions, which gcc 12 doesn't know
        (
            riscv(32, 1, "rv32i2p1_m2p0_a2p1_c2p0_zmmul1p0_zaamo1p0_zalrsc1p0_zca1p0"),
            "-march=rv32imac -mabi=ilp32",
        ),
        (riscv(32, 1, "rv32i2p1_zmmul1p0_zca1p0"), "-march=rv32i_zmmul_zca -mabi=ilp32"),
        (riscv(64, 5, "rv64i2p1_m2p0_f2p2_d2p2"), "-march=rv64imfd -mabi=lp64d"),
        (riscv(32, 8, "rv32e1p9_m2p0"), "-march=rv32em -mabi=ilp32e"),
        (riscv(32, 0, ""), ""),
        (riscv(32, 0, "nonsense"), ""),
    ],
)
def test_flags_for_a_riscv_image_come_from_its_isa_string(image: Abi, expected: str) -> None:
    """psABI: Tag_RISCV_arch, and the float ABI in bits 1 and 2 of e_flags."""
    assert " ".join(flags_of(image)) == expected


def noted(machine: int, bits: int, **attributes: int) -> Abi:
    """An image whose property note says these, by type in hexadecimal."""
    ident = Ident(machine=machine, bits=bits, little=True, flags=0)
    return Abi(
        ident=ident, attributes={int(kind[1:], 16): each for kind, each in attributes.items()}
    )


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (noted(183, 64), ""),
        (noted(183, 64, _C0000000=2), ""),
        (noted(183, 64, _C0000000=3), "-mbranch-protection=bti"),
        (noted(3, 32), "-m32"),
        (noted(62, 64), "-m64"),
        (noted(62, 64, _C0000002=1), "-m64 -fcf-protection=branch"),
        (noted(3, 32, _C0000002=2), "-m32 -fcf-protection=return"),
        (noted(62, 64, _C0000002=3), "-m64 -fcf-protection=full"),
        (noted(62, 64, _C0000002=0, _C0008002=7), "-m64"),
    ],
)
def test_flags_for_an_image_with_a_property_note_keep_what_it_asks_for(
    image: Abi, expected: str
) -> None:
    """SYSVABI64 and x86-64 psABI, "Program Property": landing pads and shadow stacks."""
    assert " ".join(flags_of(image)) == expected


@pytest.mark.cross
@pytest.mark.parametrize(
    ("cc", "flags"),
    [
        ("aarch64-linux-gnu-gcc", "-mbranch-protection=bti"),
        ("x86_64-linux-gnu-gcc", "-m64 -fcf-protection=full"),
        ("x86_64-linux-gnu-gcc", "-m32 -fcf-protection=branch"),
    ],
)
def test_code_for_a_protected_image_is_as_protected(cc: str, flags: str, tmp_path: Path) -> None:
    """The note of what is compiled with the derived flags says the same."""
    text = "int twice(int value) { return 2 * value; }\n"
    first = Project(tmp_path / "image", available(cc), *flags.split())
    image = abi(first.object(extension(sources=[first.write("a.c", text)])))
    second = Project(tmp_path / "extension", available(cc), *flags_of(image))
    made = abi(second.object(extension(sources=[second.write("a.c", text)])))
    assert image.attributes == made.attributes != {}


@pytest.mark.cross
@pytest.mark.zig
@pytest.mark.parametrize("cc", ["riscv64-unknown-elf-gcc", "zig"])
@pytest.mark.parametrize(
    "flags",
    [
        "-march=rv32imac -mabi=ilp32",
        "-march=rv32e -mabi=ilp32e",
        "-march=rv32imafc_zicsr_zba -mabi=ilp32f",
        "-march=rv64imafdc -mabi=lp64d",
    ],
)
@pytest.mark.parametrize("base", ["riscv64-unknown-elf-gcc", "zig"])
def test_each_compiler_makes_what_fits_the_base_image_of_each(
    base: str, cc: str, flags: str, tmp_path: Path
) -> None:
    """Their ISA strings list the same processor in different words."""
    text = "int twice(int value) { return 2 * value; }\n"
    theirs = Project(tmp_path / "base", available(base), *flags.split())
    image = abi(theirs.object(extension(sources=[theirs.write("a.c", text)])))
    ours = Project(tmp_path / "ours", available(cc), *flags_of(image))
    made = abi(ours.object(extension(sources=[ours.write("a.c", text)])))
    assert abi_findings("o", made, "b", image) == ()


@pytest.mark.parametrize("attributes", [{}, {6: "text"}, {6: 99}, {7: 77}])
def test_an_image_that_says_nothing_gives_no_flags(attributes: dict[int, int | str]) -> None:
    """Attributes may be absent, odd, or newer than we are."""
    ident = Ident(machine=40, bits=32, little=True, flags=0)
    assert flags_of(Abi(ident=ident, attributes=attributes)) == ()


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [({1: 1}, ("-mabi=call0",)), ({1: 0}, ("-mabi=windowed",)), ({}, ()), ({1: 9}, ())],
)
def test_flags_for_an_xtensa_image_name_its_calls(
    attributes: dict[int, int], expected: tuple[str, ...]
) -> None:
    """All else is in the compiler, which is made for one core."""
    ident = Ident(machine=94, bits=32, little=True, flags=0x300)
    assert flags_of(Abi(ident=ident, attributes=attributes)) == expected


@pytest.mark.parametrize(
    ("ident", "expected"),
    [
        (Ident(machine=195, bits=32, little=True, flags=0x406), "-mcpu=archs"),
        (Ident(machine=195, bits=32, little=False, flags=5), "-mcpu=arcem -mbig-endian"),
        (Ident(machine=195, bits=32, little=True, flags=0x403), "-mcpu=arc700"),
        (Ident(machine=195, bits=32, little=True, flags=0), ""),
    ],
)
def test_flags_for_an_arc_image_name_its_processor(ident: Ident, expected: str) -> None:
    """EF_ARC_MACH_MSK of e_flags."""
    assert " ".join(flags_of(Abi(ident=ident))) == expected


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("arm-none-eabi-gcc", ARM), ("thumb-freestanding-eabi", ARM), ("arm-zephyr-eabi-gcc", ARM),
        ("aarch64-none-elf", AARCH64), ("riscv64-unknown-elf-gcc", RISCV64),
        ("riscv32-freestanding", RISCV), ("x86_64-elf-gcc", (62, 64)), ("i386-elf", (3, 32)),
        ("gcc", None), ("clang-17", None), ("zig", None),
    ],
)  # fmt: skip
def test_names_of_compilers_and_triples_tell_the_machine(
    name: str, machine: tuple[int, int] | None
) -> None:
    """As gcc, clang and zig spell them."""
    assert machine_of(name) == machine


@pytest.mark.parametrize(
    ("flags", "machine"),
    [
        ("-mcpu=cortex-m3", ARM), ("-march=armv8-m.main", ARM), ("-mthumb", ARM),
        ("-mcpu=arm7tdmi", ARM), ("-mcpu=cortex-a7", ARM), ("-mcpu=cortex-a53", AARCH64),
        ("-march=armv8-a", AARCH64), ("-march=armv8.2-a", AARCH64), ("-march=armv8.1-m.main", ARM),
        ("-march=armv8-r -mfloat-abi=hard", ARM), ("-mcpu=cortex-a53 -mthumb", ARM),
        ("-march=rv32imc", RISCV), ("-march=rv64gc", RISCV64), ("-m32", (3, 32)), ("-Os", None),
    ],
)  # fmt: skip
def test_machine_flags_tell_the_machine(flags: str, machine: tuple[int, int] | None) -> None:
    """As gcc's manual has them for each machine."""
    assert machine_of_flags(flags.split()) == machine


def test_only_some_flags_choose_a_processor() -> None:
    """-mthumb alone leaves the architecture open."""
    assert selects_cpu(["-mcpu=cortex-m3"])
    assert not selects_cpu(["-mthumb", "-O2"])
