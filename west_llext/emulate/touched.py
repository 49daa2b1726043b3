# SPDX-License-Identifier: Apache-2.0
"""The memory that a call reads and writes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import accumulate
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
        both = [_Bytes(_merged(rows)) for rows in (self.reads, self.writes)]
        found = []
        for image, chunk, (start, end, _) in regions:
            counts = [each.below(end) - each.below(start) for each in both]
            if any(counts):
                found.append(Touched(image, chunk, *counts))
        return tuple(found)


class _Bytes:
    # Ranges that don't touch, by address, with how many bytes come before each: there may be a
    # quarter of a million of them, and thousands of regions to count them in.

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self.ranges = ranges
        sizes = (stop - start for start, stop in ranges)
        self.before = list(accumulate(sizes, initial=0))

    def below(self, address: int) -> int:
        index = bisect_left(self.ranges, (address, 0))
        if not index:
            return 0
        _, stop = self.ranges[index - 1]
        return self.before[index] - max(0, stop - address)


def _merged(rows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    # accesses as few ranges [start, end), by address
    merged: list[tuple[int, int]] = []
    for address, size in sorted(rows):
        if merged and address <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], address + size))
        else:
            merged.append((address, address + size))
    return merged
