# SPDX-License-Identifier: Apache-2.0
"""The tables of x86 and x86-64 are complete: numbers and names are those of other lists."""

from __future__ import annotations

from collections.abc import Mapping

import elftools.elf.enums
import pytest
from support.listed import listed, named

from west_llext.arch import x86, x86_64
from west_llext.arch.table import Entry, Row

#: What GNU tools have beyond the psABI: numbers that it withdrew or keeps free, notes of C++.
GNU_64 = {
    30: "R_X86_64_GOTPLT64",
    39: "R_X86_64_PC32_BND",
    40: "R_X86_64_PLT32_BND",
    250: "R_X86_64_GNU_VTINHERIT",
    251: "R_X86_64_GNU_VTENTRY",
}
GNU_32 = {
    11: "R_386_32PLT",
    200: "R_386_USED_BY_INTEL_200",
    250: "R_386_GNU_VTINHERIT",
    251: "R_386_GNU_VTENTRY",
}
#: The psABI's additions for APX, behind its last version: three kinds for three kinds of prefix.
APX = {
    43 + 3 * row + column: f"R_X86_64_CODE_{prefix}_{kind}"
    for row, prefix in enumerate((4, 5, 6))
    for column, kind in enumerate(("GOTPCRELX", "GOTTPOFF", "GOTPC32_TLSDESC"))
}
#: A name that glibc spells in another way.
SPELLED = {7: "R_386_JMP_SLOT"}


def test_every_number_of_the_x86_64_psabi_is_in_the_table_under_its_name() -> None:
    """Version 1.0, with what was added for APX since."""
    assert listed("x86-64-psabi-1.0.txt") | GNU_64 | APX == named(x86_64.ROWS)


def test_every_number_of_the_i386_psabi_is_in_the_table_under_its_name() -> None:
    """Version 1.1; 12 and 13 are free."""
    assert listed("i386-psabi-1.1.txt") | GNU_32 == named(x86.ROWS)


def test_every_number_of_glibc_is_in_the_tables_under_its_name() -> None:
    """Glibc 2.36 lacks what GNU tools alone use, and what came since."""
    wide, narrow = listed("glibc-2.36-x86_64.txt"), listed("glibc-2.36-i386.txt")
    ours_64, ours_32 = named(x86_64.ROWS), named(x86.ROWS) | SPELLED
    assert wide == {number: ours_64[number] for number in wide}
    assert narrow == {number: ours_32[number] for number in narrow}
    assert ours_64.keys() - wide.keys() == (GNU_64.keys() | APX.keys()) - {30}
    assert ours_32.keys() - narrow.keys() == GNU_32.keys() - {11}


def test_every_number_of_pyelftools_is_in_the_tables_under_its_name() -> None:
    """It has no names that we lack."""
    for enum, rows in (
        (elftools.elf.enums.ENUM_RELOC_TYPE_x64, named(x86_64.ROWS)),
        (elftools.elf.enums.ENUM_RELOC_TYPE_i386, named(x86.ROWS)),
    ):
        theirs = {number: name for name, number in enum.items() if isinstance(number, int)}
        assert theirs == {number: rows[number] for number in theirs}


@pytest.mark.parametrize("rows", [x86.ROWS, x86_64.ROWS], ids=["x86", "x86-64"])
def test_an_entry_is_found_under_its_own_number(rows: Mapping[int, Entry]) -> None:
    """The table's keys are made of the entries."""
    assert list(rows) == sorted(rows)
    assert all(number == entry.number for number, entry in rows.items())


@pytest.mark.parametrize(
    ("rows", "handled"),
    [(x86.ROWS, {1, 2}), (x86_64.ROWS, {1, 2, 4, 10, 11})],
    ids=["x86", "x86-64"],
)
def test_the_loader_applies_just_the_types_that_the_table_calls_loadable(
    rows: Mapping[int, Entry], handled: set[int]
) -> None:
    """The types in Zephyr's arch/x86/core/elf.c; others are left as one of them."""
    kept = {number: row for number, row in rows.items() if isinstance(row, Row) and row.loadable}
    left_as = {number: row.left_as for number, row in kept.items() if row.left_as is not None}
    assert handled == kept.keys() - left_as.keys()
    assert set(left_as.values()) <= handled
