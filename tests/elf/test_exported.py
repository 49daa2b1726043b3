# SPDX-License-Identifier: Apache-2.0
"""What a blob exports, read from relocatable and from linked files, and from hostile ones."""

from __future__ import annotations

import struct
import time

import pytest
from support import elfbuild
from support.elfbuild import DYNSYM, ET_DYN, FUNC, LOCAL, SECTION, SHF_ALLOC, Rel, Sec, Sym

from west_llext.elf.exported import Exported, exported
from west_llext.elf.read import object_file

ABS = {32: 2, 64: 257}  # any number: the type isn't looked at
TEXT = Sec(name=".text", flags=SHF_ALLOC | 4, size=16)


def rows(data: bytes) -> tuple[Exported, ...]:
    """The rows of a file."""
    return exported(object_file(data, "a.llext"))


def words(*values: int, bits: int = 32, little: bool = True) -> bytes:
    """Words of a table."""
    order = "<" if little else ">"
    return struct.pack(order + ("I" if bits == 32 else "Q") * len(values), *values)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("explicit", [True, False])
def test_rows_of_a_relocatable_file(bits: int, little: bool, explicit: bool) -> None:  # noqa: FBT001
    """REL keeps the addend in the word, RELA in the relocation."""
    word = bits // 8
    addend = 4
    data = elfbuild.elf(
        bits=bits,
        little=little,
        sections=[
            TEXT,
            Sec(name=".rodata", content=b"pad\0demo_run\0"),
            Sec(
                name=".exported_sym",
                content=words(0 if explicit else addend, 0, bits=bits, little=little),
                relocations=[
                    Rel(offset=0, type=2, symbol="names", addend=addend if explicit else None),
                    Rel(offset=word, type=2, symbol="demo_run", addend=0 if explicit else None),
                ],
            ),
        ],
        symbols=[
            Sym(name="names", binding=LOCAL, type=SECTION, section=".rodata"),
            Sym(name="demo_run", value=9, type=FUNC, section=".text"),
        ],
    )
    assert rows(data) == (Exported("demo_run", 1, 9),)


def test_rows_of_a_linked_file_are_addresses() -> None:
    """Nothing is relocated: both words are final."""
    data = elfbuild.elf(
        file_type=ET_DYN,
        sections=[
            Sec(name=".text", flags=SHF_ALLOC | 4, addr=0x1000, size=16),
            Sec(name=".rodata", addr=0x1010, content=b"one\0two\0"),
            Sec(
                name=".exported_sym",
                addr=0x1018,
                content=words(0x1014, 0x1001, 0x1010, 0x1005),
            ),
        ],
    )
    assert rows(data) == (Exported("two", None, 0x1001), Exported("one", None, 0x1005))


XTENSA = 94


def test_the_addend_of_xtensa_is_in_both_places() -> None:
    """R_XTENSA_32 adds to what the place holds; that is all that Zephyr's loader adds."""
    data = elfbuild.elf(
        machine=XTENSA,
        sections=[
            TEXT,
            Sec(name=".rodata", content=b"pad\0demo_run\0"),
            Sec(
                name=".exported_sym",
                content=words(4, 8),
                relocations=[
                    Rel(offset=0, type=1, symbol="names", addend=0),
                    Rel(offset=4, type=1, symbol="code", addend=1),
                ],
            ),
        ],
        symbols=[
            Sym(name="names", binding=LOCAL, type=SECTION, section=".rodata"),
            Sym(name="code", binding=LOCAL, type=SECTION, section=".text"),
        ],
    )
    assert rows(data) == (Exported("demo_run", 1, 9),)


def test_rows_of_a_shared_object_are_relocated_at_addresses() -> None:
    """R_XTENSA_RELATIVE says where the name is, R_XTENSA_GLOB_DAT which symbol is exported."""
    data = elfbuild.elf(
        machine=XTENSA,
        file_type=ET_DYN,
        symbol_table=DYNSYM,
        sections=[
            Sec(name=".text", flags=SHF_ALLOC | 4, addr=0x1000, size=16),
            Sec(name=".rodata", addr=0x1010, content=b"one\0two\0"),
            Sec(
                name=".exported_sym",
                addr=0x2018,
                content=words(0x1014, 0, 0x1010, 0x1008),
                relocations=[
                    Rel(offset=0x2018, type=5, addend=0),
                    Rel(offset=0x201C, type=3, symbol="two", addend=0),
                    Rel(offset=0x2020, type=5, addend=0),
                    Rel(offset=0x2024, type=5, addend=0),
                ],
            ),
        ],
        symbols=[Sym(name="two", value=0x1004, type=FUNC, section=".text")],
    )
    assert rows(data) == (Exported("two", None, 0x1004), Exported("one", None, 0x1008))


@pytest.mark.parametrize(
    "pointer", [0, 0xFFF, 0x1014, 0x2000, 0xFFFFFFFF], ids=lambda each: f"{each:#x}"
)
def test_a_name_that_can_not_be_read_is_none(pointer: int) -> None:
    """Outside of every section, or without an end."""
    data = elfbuild.elf(
        file_type=ET_DYN,
        sections=[
            Sec(name=".rodata", addr=0x1000, content=b"name" * 5 + b"last"),
            Sec(name=".exported_sym", addr=0x1100, content=words(pointer, 4)),
        ],
    )
    assert rows(data) == (Exported(None, None, 4),)


def test_half_a_row_is_left_out() -> None:
    """The loader divides the size by that of a row."""
    data = elfbuild.elf(
        file_type=ET_DYN, sections=[Sec(name=".exported_sym", addr=8, content=words(0, 4, 1))]
    )
    assert rows(data) == (Exported(None, None, 4),)


def test_a_file_without_exports() -> None:
    """Not every extension has some."""
    assert rows(elfbuild.elf(sections=[TEXT])) == ()


def test_many_rows_with_one_long_name_stay_cheap() -> None:
    """2^16 rows that point at a name of 4 KiB would be 256 MiB of text."""
    count = 1 << 16
    data = elfbuild.elf(
        file_type=ET_DYN,
        sections=[
            Sec(name=".rodata", addr=0x1000, content=b"x" * 4000 + b"\0"),
            Sec(name=".exported_sym", addr=0x10000, content=words(0x1000, 4) * (count + 10)),
        ],
    )
    start = time.process_time()
    found = rows(data)
    assert len(found) == count
    assert sum(len(each.name or "") for each in found) <= 8 << 20
    assert time.process_time() - start < 5
