# SPDX-License-Identifier: Apache-2.0
"""Property notes, against compilers, and when they are damaged."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cross import tool
from support.elfbuild import EM_AARCH64, Sec, elf

from west_llext.diagnostics import LlextError
from west_llext.elf.attributes import abi
from west_llext.elf.properties import properties
from west_llext.elf.read import object_file

NOTE = 7
#: GNU_PROPERTY_AARCH64_FEATURE_1_AND, GNU_PROPERTY_X86_FEATURE_1_AND, …_ISA_1_NEEDED
AARCH64, X86, X86_ISA = 0xC0000000, 0xC0000002, 0xC0008002
WANTED = frozenset({AARCH64, X86_ISA})


def note(*entries: tuple[int, bytes], owner: bytes = b"GNU\0", kind: int = 5) -> bytes:
    """A note of a 64-bit file with these properties."""
    body = b""
    for number, data in entries:
        body += struct.pack("<II", number, len(data)) + data
        body += bytes(-len(body) % 8)
    return struct.pack("<III", len(owner), len(body), kind) + owner + body


def bits(value: int) -> bytes:
    """The data of a property of 4 bytes."""
    return struct.pack("<I", value)


def read(content: bytes) -> dict[int, int]:
    """The properties in the bytes of a section."""
    return dict(properties(content, WANTED, bits=64, order="<"))


@pytest.mark.cross
@pytest.mark.parametrize(
    ("prefix", "flags", "expected"),
    [
        ("aarch64-linux-gnu-", ("-mbranch-protection=none",), {}),
        ("aarch64-linux-gnu-", ("-mbranch-protection=bti",), {AARCH64: 1}),
        ("aarch64-linux-gnu-", ("-mbranch-protection=pac-ret",), {AARCH64: 2}),
        ("aarch64-linux-gnu-", ("-mbranch-protection=standard",), {AARCH64: 3}),
        ("x86_64-linux-gnu-", ("-fcf-protection=none",), {}),
        ("x86_64-linux-gnu-", ("-fcf-protection=branch",), {X86: 1}),
        ("x86_64-linux-gnu-", ("-fcf-protection=full",), {X86: 3}),
        ("x86_64-linux-gnu-", ("-fcf-protection=full", "-m32"), {X86: 3}),
        (
            "x86_64-linux-gnu-",
            ("-fcf-protection=return", "-march=x86-64-v3", "-mneeded"),
            {X86: 2, X86_ISA: 0b111},
        ),
    ],
)
def test_a_compilers_note_says_what_it_was_told(
    prefix: str, flags: tuple[str, ...], expected: dict[int, int], tmp_path: Path
) -> None:
    """SYSVABI64 and x86-64 psABI, "Program Property": the meaning of the bits."""
    source, made = tmp_path / "unit.c", tmp_path / "unit.o"
    source.write_text("int twice(int value) { return value * 2; }\n", encoding="utf-8")
    command = [tool("gcc", prefix), *flags, "-c", str(source), "-o", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    assert expected == dict(abi(object_file(made.read_bytes(), "unit.o")).attributes)


def test_properties_of_other_types_owners_and_sizes_are_passed_over() -> None:
    """Only those that somebody asks for are read."""
    content = note((1, b"1234"), (AARCH64, bits(3)), (X86, bits(1)))
    content += note((AARCH64, bits(0)), owner=b"XYZ\0")
    content += note((AARCH64, bits(0)), kind=4)
    content += note((AARCH64, b"12345678"))
    assert read(content) == {AARCH64: 3}


def test_what_all_code_has_is_anded_and_what_some_code_needs_is_ored() -> None:
    """As GNU ld joins the notes of several objects."""
    content = note((AARCH64, bits(3)), (X86_ISA, bits(1)))
    content += note((AARCH64, bits(1)), (X86_ISA, bits(4)))
    assert read(content) == {AARCH64: 1, X86_ISA: 5}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\4\0\0\0", "ends inside a note at 0x0"),
        (note((AARCH64, bits(1)))[:-1], "has a note of 16 bytes at 0x0, which ends behind it"),
        (
            struct.pack("<III4sI", 4, 4, 5, b"GNU\0", 7),
            "ends inside a property at 0x0 of its note",
        ),
        (
            struct.pack("<III4sII", 4, 8, 5, b"GNU\0", AARCH64, 4),
            "has a property of 4 bytes at 0x0, which ends behind its note",
        ),
        (
            struct.pack("<III", 0xFFFFFFFF, 0, 5),
            "has a note of 0 bytes at 0x0, which ends behind it",
        ),
    ],
)
def test_a_damaged_note_is_refused(content: bytes, problem: str) -> None:
    """The text that L002 says of the section."""
    with pytest.raises(ValueError, match="at 0x0") as caught:
        read(content)
    assert problem == str(caught.value)
    data = elf(
        machine=EM_AARCH64,
        bits=64,
        sections=[Sec(name=".note.gnu.property", type=NOTE, content=content, align=8)],
    )
    with pytest.raises(LlextError) as refused:
        abi(object_file(data, "unit.o"))
    assert [str(each) for each in refused.value.diagnostics] == [
        f"unit.o: error[L002]: '.note.gnu.property' {problem}"
    ]


def test_a_large_section_is_not_read() -> None:
    """A note of properties has a few dozen bytes."""
    section = Sec(name=".note.gnu.property", type=NOTE, content=bytes(0x10001), align=8)
    with pytest.raises(LlextError) as refused:
        abi(object_file(elf(machine=EM_AARCH64, bits=64, sections=[section]), "unit.o"))
    assert [str(each) for each in refused.value.diagnostics] == [
        "unit.o: error[L002]: '.note.gnu.property' has 65537 bytes, at most 65536 are read"
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Nothing else comes of them than properties or a problem."""
    try:
        found = read(content)
    except ValueError:
        return
    assert found.keys() <= WANTED


@given(
    st.lists(st.tuples(st.sampled_from([1, AARCH64, X86_ISA]), st.binary(max_size=9)), max_size=4)
)
def test_what_was_written_is_read(entries: list[tuple[int, bytes]]) -> None:
    """A single note with any properties of any size."""
    last: dict[int, int] = {}
    for kind, data in entries:
        if kind in WANTED and len(data) == 4:
            value = int.from_bytes(data, "little")
            before = last.get(kind, value)
            last[kind] = before & value if kind == AARCH64 else before | value
    assert last == read(note(*entries))
