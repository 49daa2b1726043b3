# SPDX-License-Identifier: Apache-2.0
"""Which pages a target needs: an emulator maps memory by pages, images ask for bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntFlag
from typing import NamedTuple

#: Bytes of a page.
PAGE = 0x1000


class Access(IntFlag):
    """What may be done with memory; the numbers are those of p_flags (ELF)."""

    NONE = 0
    EXECUTE = 1
    WRITE = 2
    READ = 4


class Range(NamedTuple):
    """The addresses [start, end), with what may be done there."""

    start: int
    end: int
    access: Access


#: Access of each page, by the page's number: its address divided by PAGE.
Pages = Mapping[int, Access]


def pages(ranges: Iterable[Range], known: Pages) -> dict[int, Access]:
    """`known` with the pages of the ranges.

    Where several share a page, it allows what any of them asks for. Takes time and memory in
    proportion to the ranges' size: look at that first.
    """
    grown = dict(known)
    for each in ranges:
        for number in _numbers(each.start, each.end):
            grown[number] = grown.get(number, Access.NONE) | each.access
    return grown


def overlaps(known: Pages, start: int, end: int) -> bool:
    """Whether a page of [start, end) is in use."""
    return any(number in known for number in _numbers(start, end))


def runs(known: Pages) -> Iterator[Range]:
    """The pages as few ranges, by address."""
    current: Range | None = None
    for number in sorted(known):
        start, access = number * PAGE, known[number]
        if current is not None and current.end == start and current.access == access:
            current = current._replace(end=start + PAGE)
            continue
        if current is not None:
            yield current
        current = Range(start, start + PAGE, access)
    if current is not None:
        yield current


def _numbers(start: int, end: int) -> range:
    return range(start // PAGE, -(-end // PAGE) if end > start else start // PAGE)
