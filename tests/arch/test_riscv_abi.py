# SPDX-License-Identifier: Apache-2.0
"""Flags and ISA strings of RISC-V: what they say, and what GNU ld says of a pair of objects."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest
from support.cross import gcc, tool, zig
from support.riscv import EM_RISCV, RISCV

from west_llext.arch.riscv_abi import extensions, shortest
from west_llext.base.abi import abi_findings, abi_of
from west_llext.elf.read import object_file
from west_llext.model.base import Abi
from west_llext.model.elf import Ident

STACK_ALIGN, ARCH, UNALIGNED_ACCESS = 4, 5, 6
RVC, SINGLE, DOUBLE, QUAD, RVE = 1, 2, 4, 6, 8
START = "demo.o: error[{}]: can't be linked with base image 'zephyr.elf': "


@pytest.mark.parametrize(
    ("isa", "expected"),
    [
        ("rv32i2p1_m2p0_c2p0", "i m zmmul c zca"),
        ("rv32imac", "i m zmmul a zaamo zalrsc c zca"),
        ("rv32i2p0m2p0a2p0", "i m zmmul a zaamo zalrsc"),  # without underscores, as of old
        ("rv32imafc", "i m zmmul a zaamo zalrsc f c zca zcf"),
        ("rv64imafc", "i m zmmul a zaamo zalrsc f c zca"),  # RV64 has no C.FLW
        ("rv64gc", "g i m zmmul a zaamo zalrsc f d c zca zcd"),
        ("RV32E1P9", "e"),
        ("rv32i2p1_zicsr2p0_zba1p0_xtheadba1p0", "i zicsr zba xtheadba"),
        ("rv32i2p1_zca1p0_zcf1p0", "i zca zcf"),
        ("rv64i_b", "i b zba zbb zbs"),
        ("rv64i2p1_zvl128b1p0_zfh1p0", "i zvl128b zvl64b zvl32b zfh zfhmin"),
        ("rv64i_svinval_q", "i svinval q d f"),
        ("", ""),
        ("rv", "r v zve64d zve64f zve64x zve32f zve32x zvl128b zvl64b zvl32b"),  # damaged
        ("rv32_", ""),
        ("rv32__i", "i"),
    ],
)
def test_an_isa_string_lists_extensions(isa: str, expected: str) -> None:
    """ISA naming conventions: one letter each, or words that begin with Z, S or X."""
    assert extensions(isa) == frozenset(expected.split())


@pytest.mark.parametrize(
    ("isa", "expected"),
    [
        ("rv32i2p1_m2p0_a2p1_c2p0_zmmul1p0", "rv32imac"),
        ("rv32i2p1_m2p0_a2p1_c2p0_zmmul1p0_zaamo1p0_zalrsc1p0_zca1p0", "rv32imac"),
        ("rv32i2p1_zicsr2p0_zca1p0_zmmul1p0", "rv32i_zicsr_zca_zmmul"),
        ("rv64i2p1_v1p0_zve32x1p0_zve64d1p0_zvl32b1p0_zvl128b1p0", "rv64iv"),
        ("rv32e1p9", "rv32e"),
    ],
)
def test_the_shortest_isa_string_means_the_same(isa: str, expected: str) -> None:
    """What is part of another extension goes."""
    assert shortest(isa) == expected
    assert extensions(shortest(isa)) == extensions(isa)


def riscv(flags: int = RVC, bits: int = 32, **attributes: int | str) -> Abi:
    """A file with these flags and attributes (arch, stack, unaligned)."""
    tags = {"stack": STACK_ALIGN, "arch": ARCH, "unaligned": UNALIGNED_ACCESS}
    return Abi(
        ident=Ident(machine=EM_RISCV, bits=bits, little=True, flags=flags),
        attributes={tags[name]: value for name, value in attributes.items()},
    )


def said(obj: Abi, base: Abi) -> list[str]:
    """Every finding as it is shown."""
    return [str(each) for each in abi_findings("demo.o", obj, "zephyr.elf", base)]


@pytest.mark.parametrize(
    ("ours", "theirs", "bits", "expected"),
    [
        (0, DOUBLE, 32, ("soft", "double", "ilp32d")),
        (DOUBLE, 0, 64, ("double", "soft", "lp64")),
        (SINGLE, QUAD, 64, ("single", "quad", "lp64q")),
        (QUAD, SINGLE, 32, ("quad", "single", "ilp32f")),
    ],
)
def test_another_float_convention_is_an_error(
    ours: int, theirs: int, bits: int, expected: tuple[str, str, str]
) -> None:
    """E_flags, EF_RISCV_FLOAT_ABI: arguments are in other registers."""
    mine, other, name = expected
    assert said(riscv(ours, bits), riscv(theirs, bits)) == [
        START.format("B013")
        + f"it uses the {mine}-float calling convention, the base image uses {other}-float\n"
        f"hint: compile with -mabi={name}"
    ]


def test_another_number_of_registers_is_an_error() -> None:
    """E_flags, EF_RISCV_RVE."""
    text = "it uses the calling convention of {} registers, the base image that of {}\nhint: {}"
    assert said(riscv(RVE), riscv(0)) == [
        START.format("B015") + text.format(16, 32, "compile with -mabi=ilp32")
    ]
    assert said(riscv(0), riscv(RVE)) == [
        START.format("B015") + text.format(32, 16, "compile with -mabi=ilp32e")
    ]


def test_compressed_code_for_a_processor_without_it_is_an_error() -> None:
    """E_flags, EF_RISCV_RVC; said once, whatever the ISA strings say. The reverse is fine."""
    obj, base = riscv(RVC, arch="rv32i2p1_c2p0_zca1p0"), riscv(0, arch="rv32i2p1")
    assert said(obj, base) == [
        START.format("B014") + "it has compressed instructions (C), the base image's processor has "
        "none\nhint: compile with the base image's -march"
    ]
    assert said(base, obj) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "lacking"),
    [
        ("rv32i2p1_m2p0", "rv32i2p1_zmmul1p0", "m"),
        ("rv32i2p1_zba1p0_zbb1p0_a2p1", "rv32i2p1", "a, zaamo, zalrsc, zba, zbb"),
        ("rv64i2p1_f2p2_c2p0", "rv64i2p1_c2p0", "f"),
        ("rv32i2p1_f2p2_c2p0", "rv32i2p1_f2p2_zca1p0", "zcf"),
        ("rv32i2p1_xtheadba1p0", "rv32i2p1", "xtheadba"),
    ],
)
def test_instructions_that_the_base_lacks_are_an_error(
    ours: str, theirs: str, lacking: str
) -> None:
    """Tag_RISCV_arch: what the compiler was permitted to use."""
    assert said(riscv(arch=ours), riscv(arch=theirs)) == [
        START.format("B014")
        + f"it is for '{ours}', the base image's processor is '{theirs}', which lacks {lacking}\n"
        "hint: compile with the base image's -march"
    ]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("rv32i2p1_m2p0_zmmul1p0_zca1p0", "rv32i2p1_m2p0_c2p0"),  # clang's words and GNU's
        ("rv32i2p1_m2p0_a2p1_c2p0", "rv32i2p1_m2p0_a2p1_zaamo1p0_zalrsc1p0_zca1p0"),
        ("rv32i2p0", "rv32i2p1_zicsr2p0_zifencei2p0"),
        ("rv32i2p1_zicsr2p0_zifencei2p0_zicntr2p0", "rv32i2p0"),
        ("rv64i2p1_zve32x1p0", "rv64i2p1_v1p0"),
        ("rv64i2p1_d2p2_c2p0", "rv64i2p1_f2p2_d2p2_zca1p0_zcd1p0"),
    ],
)
def test_instructions_that_are_part_of_others_are_there(ours: str, theirs: str) -> None:
    """Compilers list the same processor in different words."""
    assert said(riscv(arch=ours), riscv(arch=theirs)) == []


def test_what_nobody_says_is_not_compared() -> None:
    """Objects without attributes, and damaged ones."""
    assert said(riscv(), riscv(arch="rv32i")) == []
    assert said(riscv(arch="rv32imac"), riscv()) == []
    assert said(riscv(arch=7), riscv(arch="rv32i")) == []
    assert said(riscv(stack=16), riscv()) == []


def test_another_alignment_of_the_stack_is_an_error() -> None:
    """Tag_RISCV_stack_align."""
    assert said(riscv(stack=4), riscv(stack=16)) == [
        START.format("B015") + "it keeps the stack aligned to 4 bytes, the base image to 16\n"
        "hint: compile with -mabi=ilp32, without -mpreferred-stack-boundary"
    ]


def test_unaligned_accesses_that_the_base_avoids_are_a_warning() -> None:
    """Tag_RISCV_unaligned_access; a base that doesn't say avoids them."""
    text = (
        "demo.o: warning[B015]: may disagree with base image 'zephyr.elf': it may access unaligned "
        "data, the base image was built not to, so that its processor may trap it\n"
        "hint: compile with -mstrict-align"
    )
    assert said(riscv(unaligned=1), riscv(unaligned=0)) == [text]
    assert said(riscv(unaligned=1), riscv()) == [text]
    assert said(riscv(unaligned=1), riscv(unaligned=1)) == []
    assert said(riscv(), riscv(unaligned=1)) == []


UNITS = {
    "soft": ("rv32imac", "ilp32"),
    "single": ("rv32imafc", "ilp32f"),
    "double": ("rv32imafdc", "ilp32d"),
    "double soft": ("rv32imafdc", "ilp32"),
    "small": ("rv32e", "ilp32e"),
    "plain": ("rv32i", "ilp32"),
    "wide soft": ("rv64imac", "lp64"),
    "wide double": ("rv64imafdc", "lp64d"),
}


def abi(path: Path) -> Abi:
    """What a compiled object says."""
    return abi_of(object_file(path.read_bytes(), path.name))


@pytest.mark.cross
def test_gnu_ld_complains_of_the_same_pairs(tmp_path: Path) -> None:
    """Of each pair of objects: class, floating point and registers, as ld sees them.

    (Ld takes the larger processor where ours must run on the base's, so that isn't compared.)
    """
    source = "double half(double value) { return value / 2; }\n"
    made = {
        name: gcc(
            *(tmp_path, source, f"-march={isa}", f"-mabi={convention}", f"-Dhalf=h{number}"),
            name=f"{name.replace(' ', '_')}.c",
            prefix=RISCV,
        )
        for number, (name, (isa, convention)) in enumerate(UNITS.items())
    }
    for ours, theirs in itertools.permutations(made, 2):
        bits = abi(made[theirs]).ident.bits
        command = [tool("ld", RISCV), f"-melf{bits}lriscv", "-r", "-o", str(tmp_path / "pair.o")]
        command += [str(made[theirs]), str(made[ours])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = abi_findings("o", abi(made[ours]), "b", abi(made[theirs]))
        codes = {each.code for each in found}
        assert bool(codes - {"B014"}) is (done.returncode != 0), (ours, theirs, done.stderr)
        if "stack aligned" in done.stderr:  # ld stops here
            assert "B015" in codes, (ours, theirs)
            continue
        assert ("B013" in codes) is ("-float modules" in done.stderr), (ours, theirs, done.stderr)


@pytest.mark.cross
def test_code_for_less_runs_on_more_and_not_the_reverse(tmp_path: Path) -> None:
    """Real ISA strings: rv32i, rv32imac and rv32imafdc with the same convention."""
    source = "int twice(int value) { return 2 * value; }\n"
    steps = ["rv32i", "rv32imac", "rv32imafdc", "rv32imafdc_zba_zbb"]
    made = [
        abi(gcc(tmp_path, source, f"-march={isa}", "-mabi=ilp32", name=f"{isa}.c", prefix=RISCV))
        for isa in steps
    ]
    for low, high in itertools.combinations(made, 2):
        assert abi_findings("o", low, "b", high) == ()
        assert {each.code for each in abi_findings("o", high, "b", low)} == {"B014"}


@pytest.mark.cross
@pytest.mark.zig
@pytest.mark.parametrize(
    ("isa", "convention", "target", "cpu"),
    [
        ("rv32imac", "ilp32", "riscv32-freestanding", "generic_rv32+m+a+c"),
        ("rv64imafdc", "lp64d", "riscv64-freestanding", "generic_rv64+m+a+f+d+c"),
    ],
)
def test_gcc_and_zig_mean_the_same_processor(
    isa: str, convention: str, target: str, cpu: str, tmp_path: Path
) -> None:
    """Their ISA strings differ, their code fits."""
    source = "int twice(int value) { return 2 * value; }\n"
    theirs = abi(
        gcc(tmp_path, source, f"-march={isa}", f"-mabi={convention}", name="g.c", prefix=RISCV)
    )
    flags = ("-target", target, f"-mcpu={cpu}", f"-mabi={convention}")
    ours = abi(zig(tmp_path, source, *flags, name="z.c"))
    assert ours.attributes[ARCH] != theirs.attributes[ARCH]
    assert abi_findings("o", ours, "b", theirs) == ()
    assert abi_findings("o", theirs, "b", ours) == ()
