# SPDX-License-Identifier: Apache-2.0
"""Build attributes, against pyelftools and readelf, and when they are damaged."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import ARMAttributesSection, RISCVAttributesSection
from hypothesis import given
from hypothesis import strategies as st
from support import elfbuild
from support.cross import archive, gcc, output, sample, tool, zig
from support.elfbuild import EM_ARM, EM_RISCV, Sec, elf

from west_llext.arch.attributes import ATTRIBUTE_FORMATS
from west_llext.diagnostics import LlextError
from west_llext.elf.attributes import abi, attributes
from west_llext.elf.read import object_file

AEABI = ATTRIBUTE_FORMATS[EM_ARM]
SOURCE = "double half(double value) { return value / 2; }\n"


def by_pyelftools(data: bytes) -> dict[object, object]:
    """Name of each tag to its value."""
    file = ELFFile(io.BytesIO(data))
    found: dict[object, object] = {}
    for section in file.iter_sections():
        if isinstance(section, (ARMAttributesSection, RISCVAttributesSection)):
            for part in section.iter_subsections():
                for scope in part.iter_subsubsections(scope="TAG_FILE"):
                    found |= {row.tag: row.value for row in scope.iter_attributes()}
    found.pop("TAG_FILE", None)
    return found


def by_us(data: bytes) -> dict[int, object]:
    """Tag to value."""
    return dict(abi(object_file(data, "unit.o")).attributes)


def same(data: bytes) -> None:
    """Values and their order are those that pyelftools reads; it has names in place of tags."""
    ours, theirs = by_us(data), by_pyelftools(data)
    assert len(ours) > 1
    assert list(ours.values()) == list(theirs.values())


@pytest.mark.cross
@pytest.mark.parametrize(
    "flags",
    [
        ("-mcpu=cortex-m0",),
        ("-mcpu=cortex-m3",),
        ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
        ("-mcpu=cortex-m33+nofp",),
        ("-mcpu=cortex-m55", "-mfloat-abi=hard"),
        ("-mcpu=cortex-r5", "-marm"),
        ("-march=armv4t", "-mbig-endian"),
        ("-mcpu=cortex-a53", "-mno-unaligned-access", "-fshort-enums", "-fshort-wchar"),
    ],
    ids=" ".join,
)
def test_attributes_of_gcc_read_as_by_pyelftools_and_readelf(
    flags: tuple[str, ...], tmp_path: Path
) -> None:
    """Readelf -A prints the processor's name and one line for each attribute."""
    path = gcc(tmp_path, SOURCE, *flags)
    data = path.read_bytes()
    same(data)
    printed = output(tool("readelf"), "-A", str(path))
    lines = [line.strip() for line in printed.splitlines() if line.startswith("  Tag_")]
    ours = by_us(data)
    assert len(lines) == len(ours)
    assert f'Tag_CPU_name: "{ours[5]}"' in lines


@pytest.mark.zig
@pytest.mark.parametrize(
    ("target", "cpu"),
    [
        ("thumb-freestanding-eabi", "cortex_m0"),
        ("thumb-freestanding-eabihf", "cortex_m4+vfp4d16sp"),
        ("thumb-freestanding-eabihf", "cortex_m4"),
        ("riscv32-freestanding", "generic_rv32+m+a+c"),
        ("riscv64-freestanding", "generic_rv64"),
    ],
)
def test_attributes_of_clang_read_as_by_pyelftools(target: str, cpu: str, tmp_path: Path) -> None:
    """Clang writes tags in another order, and those of RISC-V."""
    data = zig(tmp_path, SOURCE, "-target", target, f"-mcpu={cpu}", "-g0").read_bytes()
    same(data)


@pytest.mark.cross
def test_attributes_of_the_c_library_read_as_by_pyelftools() -> None:
    """Objects of one compiler have equal bytes, which are parsed once."""
    attributes.cache_clear()
    for _, data in sample(archive(), 40):
        same(data)
    info = attributes.cache_info()
    assert info.misses < 5 < info.hits


def arm(content: bytes, *, little: bool = True) -> bytes:
    """An Arm object with these attributes."""
    section = Sec(name=".ARM.attributes", type=0x70000003, flags=0, content=content, align=1)
    return elf(little=little, sections=[section])


def part(body: bytes, *, vendor: bytes = b"aeabi", order: str = "<") -> bytes:
    """A section with one subsection that holds the attributes of the file."""
    scope = b"\1" + struct.pack(order + "I", 5 + len(body)) + body
    inner = vendor + b"\0" + scope
    return b"A" + struct.pack(order + "I", 4 + len(inner)) + inner


def test_the_kind_of_a_value_follows_from_its_tag() -> None:
    """Addenda, 'Coding extensibility': text for 4, 5 and odd tags above 32; 32 has both."""
    body = b"\x05name\0\x06\x0a\x20\x01vendor\0\x43note\0\x41\x06\x0b\0\x22\x81\x01\xc7\x01odd\0"
    assert by_us(arm(part(body))) == {
        5: "name", 6: 10, 32: 1, 67: "note", 65: "\x06\x0b", 34: 129, 199: "odd",
    }  # fmt: skip
    assert by_us(arm(part(body, order=">"), little=False)) == by_us(arm(part(body)))


def test_values_of_other_vendors_and_of_single_sections_are_left_out() -> None:
    """Only Tag_File of the public subsection describes the whole file."""
    other = part(b"\x06\x0e", vendor=b"gnu")
    section = b"\2" + struct.pack("<I", 9) + b"\1\0\x06\x0d"
    inner = b"aeabi\0" + section
    content = other + struct.pack("<I", 4 + len(inner)) + inner + part(b"\x06\x0b")[1:]
    assert by_us(arm(content)) == {6: 11}


def test_files_without_attributes_have_none() -> None:
    """Hand-written assembler and other machines: nothing is known, nothing is wrong."""
    assert by_us(elf(sections=[Sec(name=".text", size=4)])) == {}
    assert by_us(elf(machine=elfbuild.EM_386, sections=[Sec(name=".text", size=4)])) == {}


def test_riscv_attributes_go_by_parity_alone() -> None:
    """RISC-V ELF psABI, 'Attributes': Tag_RISCV_arch is 5, Tag_RISCV_stack_align is 4."""
    body = b"\x04\x10\x05rv32i2p1\0"
    section = Sec(
        name=".riscv.attributes",
        type=0x70000003,
        flags=0,
        content=part(body, vendor=b"riscv"),
        align=1,
    )
    assert by_us(elf(machine=EM_RISCV, sections=[section])) == {4: 16, 5: "rv32i2p1"}


DAMAGED = [
    (b"", "is in format nothing, expected 41 ('A')"),
    (b"B", "is in format 42, expected 41 ('A')"),
    (b"A\x10\0", "has a part of 16 bytes at 0x1, where 2 are left"),
    (b"A\x03\0\0\0", "has a part of 3 bytes at 0x1, where 4 are left"),
    (b"A\x05\0\0\0x", "ends inside a string at 0x5"),
    (part(b"\x05name"), "ends inside a string at 0x11"),
    (part(b"\x06"), "ends inside a number at 0x11"),
    (part(b"\x06" + b"\x80" * 12), "has a number of more than 64 bits before 0x1b"),
]


@pytest.mark.parametrize(("content", "message"), DAMAGED)
def test_damaged_attributes_are_refused(content: bytes, message: str) -> None:
    """A compiler that doesn't close its tables can't be trusted with the ABI."""
    with pytest.raises(LlextError) as caught:
        abi(object_file(arm(content), "demo.o"))
    assert str(caught.value) == f"demo.o: error[L002]: '.ARM.attributes' {message}"


def test_a_large_attributes_section_is_refused() -> None:
    """Parsed attributes are kept, so that their number is bounded."""
    with pytest.raises(LlextError) as caught:
        abi(object_file(arm(part(bytes(1 << 16))), "demo.o"))
    assert str(caught.value) == (
        "demo.o: error[L002]: '.ARM.attributes' has 65552 bytes, at most 65536 are read"
    )


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Nothing but ValueError comes out, in a frame that is right or not."""
    for content in (raw, b"A" + raw, part(raw)):
        try:
            found = attributes.__wrapped__(content, AEABI, "<")
        except ValueError:
            continue
        assert all(isinstance(tag, int) for tag in found)
