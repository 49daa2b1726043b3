# SPDX-License-Identifier: Apache-2.0
"""Six points of every field: a small value, both limits, one step past each, a misaligned one.

Limits and words are those of the manuals, typed by hand (tests/support/limits_*.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from support import (
    limits_aarch64,
    limits_arc,
    limits_arm,
    limits_riscv,
    limits_x86,
    limits_xtensa,
)
from support.fields import Field, Limits, Point, refused

from west_llext.arch.table import Row

_TABLES = (limits_arm, limits_aarch64, limits_arc, limits_riscv, limits_x86, limits_xtensa)
MACHINES = [limits for each in _TABLES for limits in each.LIMITS]
CHECKED = [
    pytest.param(limits.rows[case.name], case, id=f"{limits.name}-{case.name}")
    for limits in MACHINES
    for case in limits.fields
]
UNCHECKED = [
    pytest.param(limits.rows[name], empty, points, id=f"{limits.name}-{name}")
    for limits in MACHINES
    for name, empty, points in limits.unchecked
]
ALIGNED = [
    pytest.param(limits.rows[name], empty, points, size, id=f"{limits.name}-{name}")
    for limits in MACHINES
    for name, empty, points, size in limits.aligned
]


@pytest.mark.parametrize(("row", "case"), CHECKED)
def test_a_small_value_and_both_limits_are_encoded(row: Row, case: Field) -> None:
    """Three points, in the words of the manual (`case.manual`)."""
    for value, word in (case.small, case.lowest, case.highest):
        assert word == row.encode(case.empty, value), hex(value)


@pytest.mark.parametrize(("row", "case"), CHECKED)
def test_one_step_past_either_limit_is_refused(row: Row, case: Field) -> None:
    """Two points, with all that the exception says: the value is the formula's, not the rounded."""
    low, high = case.lowest[0], case.highest[0] + case.step
    for value in (low - case.step, high):
        assert (value, low, high, case.step) == refused(row, case.empty, value)


@pytest.mark.parametrize(("row", "case"), [each for each in CHECKED if each.values[1].step > 1])
def test_a_misaligned_value_is_refused(row: Row, case: Field) -> None:
    """The sixth point: between two values that the field can hold."""
    low, high = case.lowest[0], case.highest[0] + case.step
    for value in (case.small[0] + 1, case.small[0] + case.step // 2, low + 1, high - 1):
        assert (value, low, high, case.step) == refused(row, case.empty, value)


@pytest.mark.parametrize(("row", "case"), [each for each in CHECKED if not each.values[0].revise])
def test_no_other_bit_of_the_word_changes(row: Row, case: Field) -> None:
    """Condition, registers and opcode stay, whatever was in the field before."""
    everything = (1 << row.layout.bits) - 1
    for value, word in (case.small, case.lowest, case.highest):
        assert row.encode(everything, value) == word | everything & ~row.layout.mask


@pytest.mark.parametrize(("row", "empty", "points"), UNCHECKED)
def test_an_unchecked_field_takes_the_bits_that_fit(
    row: Row, empty: int, points: Sequence[Point]
) -> None:
    """The psABIs: "no overflow check"; what is above is dropped, and no alignment is asked for."""
    for value, word in points:
        assert word == row.encode(empty, value), hex(value)


@pytest.mark.parametrize(("row", "empty", "points", "size"), ALIGNED)
def test_a_scaled_offset_is_unchecked_but_for_its_alignment(
    row: Row, empty: int, points: Sequence[Point], size: int
) -> None:
    """AAELF64, the note behind the table of relocations for PC-relative addresses."""
    for value, word in points:
        assert word == row.encode(empty, value), hex(value)
        for wrong in (value + 1, value + size // 2, value - 1):
            assert (wrong & 0xFFF, 0, 4096, size) == refused(row, empty, wrong)


@pytest.mark.parametrize("limits", MACHINES, ids=lambda each: each.name)
def test_every_row_has_its_points(limits: Limits) -> None:
    """No row is without limits, or the words of an unchecked one; none has them twice."""
    tested = [each[0] for each in (*limits.fields, *limits.unchecked, *limits.aligned)]
    tested += limits.elsewhere
    assert sorted(limits.rows) == sorted(tested)
