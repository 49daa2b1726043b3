# SPDX-License-Identifier: Apache-2.0
"""The relocation table of Xtensa is complete: numbers and names are those of other lists."""

from __future__ import annotations

import pytest
from support.listed import listed, named

from west_llext.arch.machine import Machine
from west_llext.arch.table import Row
from west_llext.arch.xtensa import MACHINE, MACHINE_BIG

BOTH = pytest.mark.parametrize("machine", [MACHINE, MACHINE_BIG], ids=["little", "big"])


@BOTH
def test_every_number_of_llvm_is_in_the_table_under_its_name(machine: Machine) -> None:
    """LLVM has two numbers of its own; 7 and 13 were never used."""
    assert listed("llvm-xtensa.txt") == named(machine.rows)


@BOTH
def test_every_number_of_binutils_is_in_the_table_under_its_name(machine: Machine) -> None:
    """binutils 2.40 ends at 62."""
    ours = named(machine.rows)
    theirs = listed("binutils-2.40-xtensa.txt")
    assert theirs == {number: ours[number] for number in theirs}
    assert {63, 64} == ours.keys() - theirs.keys()


@BOTH
def test_an_entry_is_found_under_its_own_number(machine: Machine) -> None:
    """The table's keys are made of the entries."""
    assert all(number == entry.number for number, entry in machine.rows.items())


def test_the_loader_applies_just_the_types_that_the_table_leaves() -> None:
    """What arch/xtensa/core/elf.c of Zephyr applies to a file of type ET_REL is R_XTENSA_32.

    Its SLOT0_OP is left out: it takes the section of the symbol without looking whether there is
    one, and checks no range; what it could do right is done here in every mode.
    """
    rows = [row for row in MACHINE.rows.values() if isinstance(row, Row) and row.loadable]
    assert {1} == {row.number if row.left_as is None else row.left_as for row in rows}
