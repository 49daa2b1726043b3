# SPDX-License-Identifier: Apache-2.0
"""The relocation table is complete: numbers and names are those of other lists."""

from __future__ import annotations

import elftools.elf.enums
import pytest
from support.listed import listed, named

from west_llext.arch.arm import ROWS
from west_llext.arch.table import Row, table

# GNU ld, GNU as and the Linux FDPIC port use private numbers of the psABI under these names.
FDPIC = {
    161: "R_ARM_GOTFUNCDESC",
    162: "R_ARM_GOTOFFFUNCDESC",
    163: "R_ARM_FUNCDESC",
    164: "R_ARM_FUNCDESC_VALUE",
    165: "R_ARM_TLS_GD32_FDPIC",
    166: "R_ARM_TLS_LDM32_FDPIC",
    167: "R_ARM_TLS_IE32_FDPIC",
}
# Names of the draft before AAELF32: R_ARM_TLS_DESC had been R_ARM_SWI24, and R_ARM_IRELATIVE had
# been meant to get 140.
PYELFTOOLS = {(13, "R_ARM_SWI24"), (140, "R_ARM_IRELATIVE")}


def test_every_number_of_the_psabi_is_in_the_table_under_its_name() -> None:
    """AAELF32 2023Q3, "Relocation codes"; 139 to 159 and 177 to 255 are reserved."""
    assert listed("aaelf32-2023Q3.txt") | FDPIC == named(ROWS)


def test_every_number_of_llvm_is_in_the_table_under_its_name() -> None:
    """LLVM 14 lacks 131 to 135 and the FDPIC numbers, and has nothing that we lack."""
    ours = named(ROWS)
    theirs = listed("llvm-14.0.6.txt")
    assert theirs == {number: ours[number] for number in theirs}
    assert {131, 132, 133, 134, 135, *range(161, 177)} == ours.keys() - theirs.keys()


def test_every_number_of_pyelftools_is_in_the_table_under_its_name() -> None:
    """Two of its names are older than the psABI."""
    enum = elftools.elf.enums.ENUM_RELOC_TYPE_ARM
    theirs = {(number, name) for name, number in enum.items() if isinstance(number, int)}
    ours = {(number, entry.name) for number, entry in ROWS.items()}
    assert set() == theirs - ours - PYELFTOOLS


def test_an_entry_is_found_under_its_own_number() -> None:
    """The table's keys are made of the entries."""
    assert list(ROWS) == sorted(ROWS)
    assert all(number == entry.number for number, entry in ROWS.items())


def test_two_entries_of_one_number_are_refused() -> None:
    """A copied row whose number wasn't changed fails at import."""
    entry = ROWS[2]
    with pytest.raises(ValueError, match="a relocation number is in the table twice"):
        table(entry, entry)


def test_the_loader_applies_just_the_types_that_the_table_calls_loadable() -> None:
    """The types in Zephyr's arch/arm/core/elf.c that the table has a row for.

    R_ARM_NONE and R_ARM_V4BX are ignored; RELATIVE, GLOB_DAT and JUMP_SLOT are for shared objects.
    """
    handled = {1, 2, 3, 10, 28, 29, 30, 38, 42, 43, 44, 45, 46, 47, 48, 49, 50, 108}
    rows = {number for number, row in ROWS.items() if isinstance(row, Row) and row.loadable}
    assert handled == rows
