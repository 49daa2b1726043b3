# SPDX-License-Identifier: Apache-2.0
"""The relocation table of AArch64 is complete: numbers and names are those of other lists."""

from __future__ import annotations

import elftools.elf.enums
import pytest
from support.listed import listed, named

from west_llext.arch.aarch64 import MACHINE, ROWS
from west_llext.arch.table import Ignore, Row

#: The psABI withdrew 256; GNU ld calls it so.
WITHDRAWN = {256: "R_AARCH64_NULL"}
#: Names that the psABI had for them before it left their meaning to platforms.
OLDER = {1028: "R_AARCH64_TLS_DTPMOD", 1029: "R_AARCH64_TLS_DTPREL"}


def test_every_number_of_the_psabi_is_in_the_table_under_its_name() -> None:
    """AAELF64 2025Q4; 0xE000 to 0xFFFF are private to vendors and platforms."""
    assert listed("aaelf64-2025Q4.txt") | WITHDRAWN == named(ROWS)


def test_every_number_of_glibc_is_in_the_table_under_its_name() -> None:
    """Glibc 2.36 lacks what came since: PLT32 and what follows it, pointer authentication."""
    theirs, ours = listed("glibc-2.36-aarch64.txt"), named(ROWS)
    assert theirs == {number: ours[number] for number in theirs} | OLDER
    newer = {256, *range(314, 318), *range(580, 598), *range(1041, 1045)}
    assert newer == ours.keys() - theirs.keys()


def test_every_static_number_of_pyelftools_is_in_the_table_under_its_name() -> None:
    """Its dynamic relocations of thread-local storage have numbers that nobody else gives them."""
    enum = elftools.elf.enums.ENUM_RELOC_TYPE_AARCH64
    theirs = {number: name for name, number in enum.items() if isinstance(number, int)}
    static = {number: name for number, name in theirs.items() if number < 1024}
    assert len(static) == 98
    ours = named(ROWS)
    assert static == {number: ours[number] for number in static} | {256: static[256]}


def test_an_entry_is_found_under_its_own_number() -> None:
    """The table's keys are made of the entries."""
    assert list(ROWS) == sorted(ROWS)
    assert all(number == entry.number for number, entry in ROWS.items())


def test_the_loader_applies_just_the_types_that_the_table_calls_loadable() -> None:
    """The types in Zephyr's arch/arm64/core/elf.c; others are left as one of them."""
    handled = {*range(257, 281), *range(282, 294), 299, 549, 551}
    rows = {number: row for number, row in ROWS.items() if isinstance(row, Row) and row.loadable}
    left_as = {number: row.left_as for number, row in rows.items() if row.left_as is not None}
    assert handled == rows.keys() - left_as.keys()
    assert left_as == {309: 273, 311: 275, 312: 286, 314: 261, 315: 261}


@pytest.mark.parametrize("number", [270, 271, 272, 287, 289, 291, 293, 549, 551])
def test_what_4_4_gets_wrong_or_lacks_came_with_4_5(number: int) -> None:
    """MOVN and MOVZ by the sign of the value were the wrong way about; TLS came with #112727."""
    assert MACHINE.came_with(number, (4, 4)) == (4, 5)
    assert MACHINE.came_with(number, (4, 5)) is None
    assert MACHINE.came_with(283, (3, 7)) is None


def test_nothing_is_ignored_but_what_has_no_effect() -> None:
    """Both codes of the null relocation."""
    assert {0, 256} == {number for number, row in ROWS.items() if isinstance(row, Ignore)}
