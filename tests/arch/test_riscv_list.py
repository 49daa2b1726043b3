# SPDX-License-Identifier: Apache-2.0
"""The relocation tables of RISC-V are complete: numbers and names are those of other lists."""

from __future__ import annotations

from support.listed import listed, named

from west_llext.arch.riscv import ROWS_32, ROWS_64
from west_llext.arch.table import Ignore, Row

#: What the psABI had until it reserved the numbers; assemblers of that time wrote them.
WITHDRAWN = {
    46: "R_RISCV_RVC_LUI",
    47: "R_RISCV_GPREL_I",
    48: "R_RISCV_GPREL_S",
    49: "R_RISCV_TPREL_I",
    50: "R_RISCV_TPREL_S",
}
#: The psABI leaves them to vendors; these are LLVM's names.
CUSTOM = {number: f"R_RISCV_CUSTOM{number}" for number in range(192, 256)}
#: Notes for a removal of virtual functions that GCC lost before RISC-V came. The psABI has given
#: the first number to something else and reserves the second.
VIRTUAL_FUNCTIONS = {41: "R_RISCV_GNU_VTINHERIT", 42: "R_RISCV_GNU_VTENTRY"}


def test_both_classes_have_the_same_numbers_and_names() -> None:
    """The class changes checks, nothing else."""
    assert named(ROWS_32) == named(ROWS_64)


def test_every_number_of_the_psabi_is_in_the_table_under_its_name() -> None:
    """The psABI reserves 13 to 15, 42, 46 to 50 and 66 to 190."""
    assert listed("riscv-psabi-2026-07.txt") | WITHDRAWN | CUSTOM == named(ROWS_64)


def test_every_number_of_llvm_is_in_the_table_under_its_name() -> None:
    """LLVM lacks what the psABI withdrew."""
    assert listed("llvm-ad05c17-riscv.txt") | WITHDRAWN == named(ROWS_64)


def test_every_number_of_glibc_is_in_the_table_under_its_name() -> None:
    """Glibc 2.36 lacks TLSDESC and what has come since 59, and has two notes that nobody writes."""
    theirs, ours = listed("glibc-2.36-riscv.txt"), named(ROWS_64)
    assert theirs == {each: ours[each] for each in theirs if each in ours} | VIRTUAL_FUNCTIONS
    assert {12, *range(59, 66), *range(191, 256)} == ours.keys() - theirs.keys()


def test_an_entry_is_found_under_its_own_number() -> None:
    """The table's keys are made of the entries."""
    for rows in (ROWS_32, ROWS_64):
        assert list(rows) == sorted(rows)
        assert all(number == entry.number for number, entry in rows.items())


def test_the_loader_applies_just_the_types_that_the_table_calls_loadable() -> None:
    """The types in Zephyr's arch/riscv/core/elf.c that it gets right.

    SUB6 and SET6 keep 5 bits of 6 there; RELATIVE and JUMP_SLOT are for shared objects. References
    through a table are left as the plain ones that they have become.
    """
    handled = {1, 2, *range(16, 20), *range(23, 29), *range(33, 41), 44, 45, 54, 55, 56, 57, 59}
    for table in (ROWS_32, ROWS_64):
        rows = {number: row for number, row in table.items() if isinstance(row, Row)}
        left_otherwise = {
            number: row.left_as for number, row in rows.items() if row.left_as is not None
        }
        assert left_otherwise == {20: 23, 41: 57}
        assert handled == {n for n, row in rows.items() if row.loadable} - left_otherwise.keys()


def test_nothing_is_ignored_but_hints() -> None:
    """ALIGN isn't among them: without it branches would end in padding."""
    for rows in (ROWS_32, ROWS_64):
        ignored = {number for number, row in rows.items() if isinstance(row, Ignore)}
        assert ignored == {0, 32, 51}
