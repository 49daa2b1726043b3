# SPDX-License-Identifier: Apache-2.0
"""Ranges of addresses: those that are free, of which the lowest that is large enough is found soon.

Thousands of extensions leave thousands of small gaps between them. These are kept in rows, each
with about the size of its largest gap, so that most rows are passed over with one look.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator

#: Gaps of fewer bytes are forgotten: no block fits.
SMALLEST = 4

# gaps in a row; one that has twice as many becomes two
_ROW = 128


class Gaps:
    """Half-open ranges, sorted and apart."""

    def __init__(self, gaps: Iterable[tuple[int, int]]) -> None:
        """`gaps` are sorted and apart."""
        found = list(gaps)
        self._rows = [found[at : at + _ROW] for at in range(0, len(found), _ROW)]
        # at most so many bytes has the largest gap of a row; it may have become smaller
        self._largest = [*map(_largest, self._rows)]
        # the lowest address that a gap of the row can begin at
        self._starts = [row[0][0] for row in self._rows]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """From the lowest on."""
        for row in self._rows:
            yield from row

    def lowest(self, size: int, align: int) -> int | None:
        """The lowest aligned address with so many free bytes, or None."""
        for number, row in enumerate(self._rows):
            if self._largest[number] >= size:
                for low, high in row:
                    address = (low + align - 1) & -align
                    if address + size <= high:
                        return address
                self._largest[number] = _largest(row)
        return None

    def holds(self, address: int, size: int) -> bool:
        """Whether all bytes there are free."""
        number = bisect_right(self._starts, address) - 1
        if number < 0:
            return False
        row = self._rows[number]
        at = bisect_right(row, (address, sys.maxsize)) - 1
        return at >= 0 and address + size <= row[at][1]

    def take(self, address: int, size: int) -> None:
        """Note that bytes, which were free, aren't any more."""
        number = bisect_right(self._starts, address) - 1
        row = self._rows[number]
        at = bisect_right(row, (address, sys.maxsize)) - 1
        low, high = row[at]
        if high - address - size >= SMALLEST:
            row[at] = address + size, high
        else:
            del row[at]
        if address - low >= SMALLEST:
            row.insert(at, (low, address))
        if len(row) == 2 * _ROW:
            self._rows[number : number + 1] = row, more = row[:_ROW], row[_ROW:]
            self._starts.insert(number + 1, more[0][0])
            self._largest.insert(number + 1, self._largest[number])


def apart(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Half-open ranges, sorted, those that overlap as one."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def _largest(row: Iterable[tuple[int, int]]) -> int:
    return max((high - low for low, high in row), default=0)
