# SPDX-License-Identifier: Apache-2.0
"""Six points of a field: a small value, both limits, one step past each, a misaligned one."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
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


#: A value and the word that holds it.
Point = tuple[int, int]


class Limits(NamedTuple):
    """What the manuals say of all fields of a machine.

    rows: by name
    unchecked: (name, word with a field of zeros, points) of fields that take every value
    aligned: likewise, with the size that values must be multiples of
    elsewhere: names of rows whose tests are in the machine's own file
    """

    name: str
    rows: Mapping[str, Row]
    fields: Sequence[Field]
    unchecked: Sequence[tuple[str, int, Sequence[Point]]]
    aligned: Sequence[tuple[str, int, Sequence[Point], int]] = ()
    elsewhere: frozenset[str] = frozenset()


def rows_of(entries: Mapping[int, Entry]) -> dict[str, Row]:
    """The rows of a table by name, without what is ignored or refused."""
    return {entry.name: entry for entry in entries.values() if isinstance(entry, Row)}


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


def sampled(low: int, high: int, step: int) -> list[int]:
    """Both limits, the values next to 0, and 50 more that are always the same."""
    chance = random.Random(f"{low}:{high}")  # noqa: S311 (any even spread will do)
    edges = {low, low + step, high - step, high, 0, step, 2 * step}
    if low < 0:
        edges |= {-step, -2 * step}
    return sorted(edges | {chance.randrange(low, high + 1, step) for _ in range(50)})
