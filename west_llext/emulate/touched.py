# SPDX-License-Identifier: Apache-2.0
"""The memory that a call reads and writes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from west_llext.emulate.mapped import Mapping

#: Different accesses that are remembered of a call; what comes behind isn't counted.
MAX_ACCESSES = 1 << 18


class Watch(Enum):
    """What to look at while code runs; to look at memory makes it slower by a lot."""

    NOTHING = "nothing"
    MEMORY = "memory"


class Touched(NamedTuple):
    """How many different bytes of a part of memory a call has read and written.

    image: base image or extension; chunk: section, segment or region of it
    """

    image: str
    chunk: str
    read: int
    written: int


class Accesses:
    """Accesses of a call, remembered as (address, size)."""

    def __init__(self) -> None:
        """None yet."""
        self.reads: set[tuple[int, int]] = set()
        self.writes: set[tuple[int, int]] = set()

    def note(self, address: int, size: int, *, write: bool) -> None:
        """Remember an access."""
        rows = self.writes if write else self.reads
        if len(rows) < MAX_ACCESSES:
            rows.add((address, size))

    def clear(self) -> None:
        """Forget them."""
        self.reads.clear()
        self.writes.clear()

    def touched(self, regions: Iterable[Mapping]) -> tuple[Touched, ...]:
        """What they touch, by address; parts of memory that nothing was done with are left out."""
        read, written = _bytes(self.reads), _bytes(self.writes)
        found = []
        for image, chunk, (start, end, _) in regions:
            counts = [_within(each, start, end) for each in (read, written)]
            if any(counts):
                found.append(Touched(image, chunk, *counts))
        return tuple(found)


def _bytes(rows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    # as few ranges [start, end), by address
    merged: list[tuple[int, int]] = []
    for address, size in sorted(rows):
        if merged and address <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], address + size))
        else:
            merged.append((address, address + size))
    return merged


def _within(ranges: Iterable[tuple[int, int]], start: int, end: int) -> int:
    return sum(max(0, min(stop, end) - max(first, start)) for first, stop in ranges)
