# SPDX-License-Identifier: Apache-2.0
"""Windowed and CALL0 code don't go together; a note in `.xtensa.info` says which is which."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.cross import gcc
from support.elfbuild import Sec, elf

from west_llext.arch.attributes import TEXT_NOTES
from west_llext.arch.machine import Core
from west_llext.arch.xtensa import MACHINE
from west_llext.arch.xtensa_abi import Key
from west_llext.base.abi import abi_findings
from west_llext.diagnostics import LlextError
from west_llext.elf.attributes import abi
from west_llext.elf.read import object_file
from west_llext.elf.text_note import text_note
from west_llext.model.base import Abi
from west_llext.model.elf import Ident

FORM = TEXT_NOTES[94]


def note(text: bytes, owner: bytes = b"Xtensa_Info\0", order: str = "<") -> bytes:
    """A note with lines."""
    return struct.pack(order + "III", len(owner), len(text), 1) + owner + text


def xtensa(abi_line: int | None, literals: int | None = 0, *, little: bool = True) -> Abi:
    """A file whose note says that of the calling convention and of absolute literals."""
    said = {Key.ABI: abi_line, Key.USE_ABSOLUTE_LITERALS: literals}
    ident = Ident(machine=94, bits=32, little=little, flags=0x300)
    return Abi(
        ident=ident, attributes={key: value for key, value in said.items() if value is not None}
    )


def said(obj: Abi, base: Abi) -> list[str]:
    """Every finding as it is shown."""
    return [str(each) for each in abi_findings("demo.o", obj, "zephyr.elf", base)]


def test_windowed_code_doesnt_suit_a_call0_base() -> None:
    """XTHAL_ABI_WINDOWED is 0, XTHAL_ABI_CALL0 is 1."""
    assert said(xtensa(0), xtensa(1)) == [
        """\
demo.o: error[B015]: can't be linked with base image 'zephyr.elf': it was compiled for the \
windowed calling convention, the base image for the CALL0 one
hint: compile with -mabi=call0"""
    ]


def test_call0_code_doesnt_suit_a_windowed_base() -> None:
    """The other way round."""
    assert said(xtensa(1), xtensa(0)) == [
        """\
demo.o: error[B015]: can't be linked with base image 'zephyr.elf': it was compiled for the CALL0 \
calling convention, the base image for the windowed one
hint: compile with -mabi=windowed"""
    ]


def test_absolute_literals_need_a_base_register() -> None:
    """A base image that doesn't use LITBASE doesn't set it."""
    assert said(xtensa(0, 1), xtensa(0, 0)) == [
        """\
demo.o: error[B015]: can't be linked with base image 'zephyr.elf': it addresses literals from a \
base register (LITBASE), which the base image leaves unset
hint: compile with -Wa,--no-absolute-literals"""
    ]


@pytest.mark.parametrize(
    ("obj", "base"),
    [
        (xtensa(0), xtensa(0)),
        (xtensa(1), xtensa(1)),
        (xtensa(None), xtensa(0)),
        (xtensa(0), xtensa(None)),
        (xtensa(7), xtensa(0)),
        (xtensa(0, 0), xtensa(0, 1)),
        (xtensa(0, 1), xtensa(0, None)),
    ],
)
def test_equal_files_and_those_that_say_nothing_suit_each_other(obj: Abi, base: Abi) -> None:
    """Older assemblers wrote nothing of the calling convention."""
    assert said(obj, base) == []


def test_the_byte_order_decides_first() -> None:
    """Its finding, and no other."""
    assert said(xtensa(0, little=False), xtensa(1)) == [
        """\
demo.o: error[B012]: it is big-endian, the base image 'zephyr.elf' is little-endian
hint: compile with the base image's compiler"""
    ]


def test_code_may_use_windows_where_nothing_is_said() -> None:
    """Veneers for code that doesn't would use a register that it may hold something in."""
    ident = Ident(machine=94, bits=32, little=True, flags=0x300)
    assert MACHINE.core(ident, {Key.ABI: 1}) == Core(windowed=False)
    for attributes in ({}, {Key.ABI: 0}, {Key.ABI: 5}):
        assert MACHINE.core(ident, attributes) == Core(windowed=True)


def test_a_note_is_read_line_by_line() -> None:
    """What nobody asks for is passed over, and so is what is no number."""
    lines = b"HW=x\nUSE_ABSOLUTE_LITERALS=0\nABI=1\n\0\0"
    assert text_note(note(lines), FORM, "<") == {Key.USE_ABSOLUTE_LITERALS: 0, Key.ABI: 1}
    assert text_note(note(lines, order=">"), FORM, ">") == {2: 0, 1: 1}
    assert text_note(note(b"ABI=call0\nABI\n=\nABI=-1\nABI=12345678901\n"), FORM, "<") == {}
    assert text_note(note(b"ABI=1\n", owner=b"Other\0\0\0"), FORM, "<") == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x0c\0\0", "ends inside a note at 0x0"),
        (note(b"ABI=1\n")[:-3], "has a note of 6 bytes at 0x0, which ends behind it"),
        (
            struct.pack("<III", 0xFFFFFFFF, 4, 1),
            "has a note of 4 bytes at 0x0, which ends behind it",
        ),
    ],
)
def test_a_damaged_note_is_refused(content: bytes, problem: str) -> None:
    """L002, with the name of the section."""
    data = elf(
        machine=94, flags=0x300, sections=[Sec(name=".xtensa.info", type=7, content=content)]
    )
    with pytest.raises(LlextError) as caught:
        abi(object_file(data, "demo.o"))
    assert [str(each) for each in caught.value.diagnostics] == [
        f"demo.o: error[L002]: '.xtensa.info' {problem}"
    ]


def test_a_large_note_is_refused() -> None:
    """Real ones have 56 bytes."""
    section = Sec(name=".xtensa.info", type=7, flags=0, content=bytes(1 << 17))
    with pytest.raises(LlextError) as caught:
        abi(object_file(elf(machine=94, sections=[section]), "demo.o"))
    assert [str(each) for each in caught.value.diagnostics] == [
        "demo.o: error[L002]: '.xtensa.info' has 131072 bytes, at most 65536 are read"
    ]


@pytest.mark.cross
def test_a_compiled_object_says_its_convention(tmp_path: Path) -> None:
    """The lx106 has no windows."""
    found = abi(
        object_file(gcc(tmp_path, "int x;", prefix="xtensa-lx106-elf-").read_bytes(), "unit.o")
    )
    assert found.attributes == {Key.ABI: 1, Key.USE_ABSOLUTE_LITERALS: 0}
