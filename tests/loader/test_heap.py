# SPDX-License-Identifier: Apache-2.0
"""The model of the target's heap: places and costs, counted by hand (lib/heap/heap.c)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from west_llext.loader.blocks import Blocks
from west_llext.loader.danger import Danger
from west_llext.loader.heap import Heap


def heap(size: int = 8 << 10, *, pointer: int = 4, clamps: bool = False) -> Heap:
    """A fresh heap at 0x1000."""
    return Heap(start=0x1000, size=size, pointer=pointer, statistics=False, clamps=clamps)


def test_the_first_allocation_lies_behind_the_heaps_own_part() -> None:
    """16 bytes and 10 lists of 4 for 1023 units, rounded up to 56; then a header of 4."""
    assert heap().allocate(1) == 0x1000 + 56 + 4


def test_headers_are_twice_as_large_where_pointers_have_64_bits() -> None:
    """And a chunk has 2 units at least: 16 bytes and 9 lists for 1023 units, 56, and 8."""
    made = heap(pointer=8)
    assert made.allocate(1) == 0x1000 + 56 + 8
    assert made.allocate(1) == 0x1000 + 56 + 8 + 16


def test_a_heap_of_more_than_32767_units_has_large_headers() -> None:
    """A byte takes 16, in place of 8; the end marker of a heap of 32768 counts as its own."""
    for size, overhead in (((256 << 10) + 8, 15), (256 << 10, 7)):
        made = heap(size)
        assert made.overhead(made.allocate(1), 1) == overhead


def test_an_aligned_allocation_gives_the_gap_back() -> None:
    """It starts at a multiple, and what is in front of it can be had."""
    made = heap()
    place = made.allocate(100, 256)
    assert place == 0x1100
    assert made.allocate(16) == 0x1000 + 56 + 4


def test_nothing_can_be_had_of_no_bytes_or_of_too_many() -> None:
    """A null pointer, both times."""
    made = heap()
    assert (made.allocate(0), made.allocate(8 << 10), made.allocate(8 << 10, 64)) == (0, 0, 0)


def test_a_request_that_only_its_alignment_makes_too_large() -> None:
    """Older allocators read behind their lists, newer ones find nothing."""
    with pytest.raises(Danger) as danger:
        heap().allocate(8, 1 << 20)
    expected = (
        "an allocation of 1048584 bytes is larger than the heap's 8184, and the allocator would "
        "read behind its lists"
    )
    assert (danger.value.code, danger.value.message) == ("L021", expected)
    assert heap(clamps=True).allocate(8, 1 << 20) == 0


def test_bytes_in_use_are_counted_without_headers() -> None:
    """5 bytes take a chunk of 16, of which 4 are header."""
    made = heap()
    place = made.allocate(5)
    assert (made.live, made.peak, made.overhead(place, 5)) == (12, 12, 11)
    made.free(place)
    assert (made.live, made.peak) == (0, 12)
    made.reset_peak()
    assert made.peak == 0


@given(st.lists(st.tuples(st.integers(1, 600), st.sampled_from([0, 4, 8, 32, 256])), max_size=40))
def test_allocations_never_overlap_and_all_comes_back(requests: list[tuple[int, int]]) -> None:
    """Whatever is asked for; in the end the largest request fits again."""
    made = heap()
    taken: dict[int, int] = {}
    for number, (size, align) in enumerate(requests):
        place = made.allocate(size, align)
        if place:
            assert not align or place % align == 0
            assert all(place + size <= each or each + taken[each] <= place for each in taken)
            taken[place] = size
        if number % 3 == 2 and taken:
            gone = next(iter(taken))
            made.free(gone)
            del taken[gone]
    for each in taken:
        made.free(each)
    assert made.live == 0
    assert made.allocate(8184 - 56 - 4)


def test_blocks_are_taken_in_runs() -> None:
    """The first that is long enough; whole blocks, aligned to a block."""
    made = Blocks(start=0x1000, size=256, block=64)
    assert [made.allocate(65, 32), made.allocate(1, 1), made.allocate(65, 32)] == [
        0x1000,
        0x1080,
        0,
    ]
    assert made.overhead(0x1000, 65) == 63
    made.free(0x1000)
    assert (made.live, made.peak, made.allocate(1, 64)) == (64, 192, 0x1000)


@pytest.mark.parametrize(("size", "align"), [(0, 1), (1, 0), (1, 128), (1, 3)])
def test_blocks_that_are_not_aligned_enough_are_not_given(size: int, align: int) -> None:
    """Nor is nothing."""
    assert Blocks(start=0x1000, size=256, block=64).allocate(size, align) == 0
