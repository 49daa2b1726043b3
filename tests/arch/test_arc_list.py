# SPDX-License-Identifier: Apache-2.0
"""The relocation table of ARC is complete: numbers and names are those of other lists."""

from __future__ import annotations

from support.listed import listed, named

from west_llext.arch.arc import MACHINE, MACHINE_700, MACHINE_700_BIG, MACHINE_BIG, ROWS
from west_llext.arch.table import Row

# GNU binutils has another name for one, and glibc gives one a wrong number.
GLIBC = {55: "R_ARC_JUMP_SLOT"}
# What only glibc lists: types of the ARCtangent-A4.
OLD = {5, 6, 7, 32, 33, 34}


def test_every_number_of_binutils_is_in_the_table_under_its_name() -> None:
    """All but those of a processor that binutils no longer knows."""
    ours = named(ROWS)
    assert listed("binutils-2.40-arc.txt") == {
        number: name for number, name in ours.items() if number not in OLD
    }


def test_every_number_of_glibc_is_in_the_table_under_its_name() -> None:
    """R_ARC_TLS_DTPOFF_S9 is 73, which glibc has as 74; its last line for 74 is the right one."""
    ours = named(ROWS) | GLIBC
    theirs = listed("glibc-2.36-arc.txt")
    assert theirs == {number: ours[number] for number in theirs}
    assert theirs.keys() >= OLD


def test_an_entry_is_found_under_its_own_number() -> None:
    """The table's keys are made of the entries, and all four machines have it."""
    assert all(number == entry.number for number, entry in ROWS.items())
    for machine in (MACHINE, MACHINE_BIG, MACHINE_700, MACHINE_700_BIG):
        assert machine.rows is ROWS


def test_the_loader_applies_just_the_types_that_the_table_leaves() -> None:
    """arch/arc/core/elf.c of Zephyr; R_ARC_B26, which it takes for R_ARC_32, is of another CPU."""
    rows = [row for row in ROWS.values() if isinstance(row, Row) and row.loadable]
    left = {row.number if row.left_as is None else row.left_as for row in rows}
    assert left == {4, 16, 17, 27}


def test_the_types_whose_addend_the_loader_adds_twice_are_left_without_one() -> None:
    """Branches: it adds r_addend to the symbol, and to the distance again."""
    bare = {row.number for row in ROWS.values() if isinstance(row, Row) and row.bare}
    assert bare == {16, 17, 61, 76}
