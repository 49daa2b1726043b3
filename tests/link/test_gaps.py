# SPDX-License-Identifier: Apache-2.0
"""Free ranges of addresses, against a row of bytes of which each is free or not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from support.counting import LINEAR, growth

from west_llext.link.gaps import SMALLEST, Gaps, apart

SIZE = 40_000


def lowest(free: bytearray, size: int, align: int) -> int | None:
    """The first aligned place of so many ones."""
    at = free.find(b"\1" * size)
    while at >= 0 and at % align:
        at = free.find(b"\1" * size, at + 1)
    return None if at < 0 else at


def without_small_ones(free: bytearray) -> None:
    """Forget runs of ones that are too short."""
    at = 0
    while (at := free.find(1, at)) >= 0:
        end = free.find(0, at)
        end = len(free) if end < 0 else end
        if end - at < SMALLEST:
            free[at:end] = bytes(end - at)
        at = end


@pytest.mark.parametrize("seed", range(5))
def test_ranges_are_those_that_a_row_of_bytes_has(seed: int) -> None:
    """Thousands of blocks at the lowest place or at one by chance, until little is left."""
    chance = random.Random(seed)  # noqa: S311  # the same in every run
    starts = range(0, SIZE, chance.choice([SIZE, 400, 24]))
    ranges = [(start, min(start + starts.step - 4, SIZE)) for start in starts]
    gaps, free = Gaps(ranges), bytearray(SIZE)
    for low, high in ranges:
        free[low:high] = b"\1" * (high - low)
    without_small_ones(free)
    for _ in range(1500):
        size, align = chance.randrange(1, 40), chance.choice([1, 2, 4, 8, 32])
        place: int | None
        if chance.random() < 0.5:
            place = gaps.lowest(size, align)
            assert place == lowest(free, size, align)
        else:
            place = chance.randrange(SIZE)
            fits = free[place : place + size] == b"\1" * size
            assert gaps.holds(place, size) == fits
            place = place if fits else None
        if place is not None:
            gaps.take(place, size)
            free[place : place + size] = bytes(size)
            without_small_ones(free)
    assert sum(high - low for low, high in gaps) == sum(free)


def test_no_gaps_hold_nothing() -> None:
    """A memory may be taken altogether."""
    gaps = Gaps([])
    assert (gaps.lowest(4, 4), gaps.holds(0, 4), [*gaps]) == (None, False, [])


def test_ranges_that_overlap_are_one() -> None:
    """Those that only touch stay two; empty ones take nothing."""
    found = apart([(8, 9), (0, 4), (2, 3), (3, 6), (6, 7), (7, 7)])
    assert found == [(0, 6), (6, 7), (7, 7), (8, 9)]


def test_many_gaps_that_are_too_small_are_passed_over() -> None:
    """Four times as many blocks behind four times as many gaps take about four times the work."""

    def case(size: int) -> Callable[[], object]:
        small = [(16 * each, 16 * each + 8) for each in range(size)]

        def place() -> None:
            gaps = Gaps([*small, (16 * size, 1 << 30)])
            for each in range(size):
                at = gaps.lowest(12 + (size - each) % 50, 4)
                assert at is not None
                gaps.take(at, 12)

        return place

    assert growth(case, 300) < LINEAR
