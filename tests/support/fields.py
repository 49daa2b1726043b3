# SPDX-License-Identifier: Apache-2.0
"""Six points of a field: a small value, both limits, one step past each, a misaligned one."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from west_llext.arch.table import Entry, RangeError, Row

MIB = 1 << 20


class Field(NamedTuple):
    """What a manual says of an instruction or a data relocation.

    manual: where it says so, and in which words
    empty: the word with a field of zeros
    small, lowest, highest: a value and the word that holds it
    step: distance of the values that it can hold
    """

    name: str
    manual: str
    empty: int
    small: tuple[int, int]
    lowest: tuple[int, int]
    highest: tuple[int, int]
    step: int


def by_name(case: object) -> str:
    """The name of a case, for pytest."""
    return case.name if isinstance(case, Field) else ""


def row_of(rows: Mapping[int, Entry], name: str) -> Row:
    """The row of that name."""
    found = next(entry for entry in rows.values() if entry.name == name)
    assert isinstance(found, Row)
    return found


def refused(row: Row, empty: int, value: int) -> tuple[object, ...]:
    """What the refusal of a value says: value, low, high (exclusive), alignment."""
    with pytest.raises(RangeError) as caught:
        row.encode(empty, value)
    return caught.value.args


def holds_its_limits(row: Row, case: Field) -> None:
    """Three points, in the words of the manual (`case.manual`)."""
    for value, word in (case.small, case.lowest, case.highest):
        assert word == row.encode(case.empty, value), hex(value)


def refuses_what_is_past(row: Row, case: Field) -> None:
    """Two points, with all that the exception says."""
    low, high = case.lowest[0], case.highest[0] + case.step
    for value in (low - case.step, high):
        assert (value, low, high, case.step) == refused(row, case.empty, value)


def refuses_what_is_between(row: Row, case: Field) -> None:
    """The sixth point: between two values that the field can hold."""
    low, high = case.lowest[0], case.highest[0] + case.step
    for value in (case.small[0] + 1, case.small[0] + case.step // 2, low + 1, high - 1):
        assert (value, low, high, case.step) == refused(row, case.empty, value)


def sampled(low: int, high: int, step: int) -> list[int]:
    """Both limits, the values next to 0, and 50 more that are always the same."""
    chance = random.Random(f"{low}:{high}")  # noqa: S311 (any even spread will do)
    edges = {low, low + step, high - step, high, 0, step, 2 * step}
    if low < 0:
        edges |= {-step, -2 * step}
    return sorted(edges | {chance.randrange(low, high + 1, step) for _ in range(50)})
