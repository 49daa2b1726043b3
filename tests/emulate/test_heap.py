# SPDX-License-Identifier: Apache-2.0
"""The heap behind stand-ins: what is given out doesn't overlap, and comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from west_llext.emulate.heap import ALIGNMENT, Heap
from west_llext.emulate.memory import Access, Range

START, END = 0x20000000, 0x20001000


def heap() -> Heap:
    """A fresh heap of a page."""
    return Heap(Range(START, END, Access.READ | Access.WRITE))


def test_pieces_are_aligned_and_counted() -> None:
    """In use are the bytes that were asked for."""
    made = heap()
    assert [made.allocate(size) for size in (1, 20, 3)] == [START, START + 16, START + 48]
    assert (made.live, made.peak, made.size(START + 16)) == (24, 24, 20)
    assert made.free(START + 16)
    assert (made.live, made.peak, made.size(START + 16)) == (4, 24, None)


def test_a_larger_alignment_leaves_room_in_front_in_use() -> None:
    """What lies in front of it can still be given out."""
    made = heap()
    made.allocate(16)
    assert made.allocate(32, 256) == START + 256
    assert made.allocate(16) == START + 16


def test_freed_neighbours_become_one_again() -> None:
    """In any order, so that all of it can be given out once more."""
    made = heap()
    pieces = [made.allocate(1024) for _ in range(4)]
    assert made.allocate(1) == 0
    assert all(made.free(pieces[number]) for number in (1, 3, 2, 0))
    assert made.allocate(END - START) == START


def test_what_was_not_given_out_cannot_be_freed() -> None:
    """Twice neither."""
    made = heap()
    piece = made.allocate(8)
    assert (made.free(piece + 8), made.free(piece), made.free(piece)) == (False, True, False)


def test_nothing_and_too_much_are_asked_for() -> None:
    """malloc(0) may give a pointer, which has to differ from others."""
    made = heap()
    assert made.allocate(0) != made.allocate(0)
    assert (made.allocate(END - START), made.allocate(1 << 40)) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from([1, 16, 64, 512])), max_size=60))
def test_pieces_never_overlap(wanted: list[tuple[int, int]]) -> None:
    """Every third one is freed at once; at the end the heap is whole."""
    made = heap()
    held: dict[int, int] = {}
    for number, (size, align) in enumerate(wanted):
        place = made.allocate(size, align)
        if not place:
            continue
        assert place % max(align, ALIGNMENT) == 0
        assert START <= place <= place + size <= END
        assert all(place + max(size, 1) <= at or at + held[at] <= place for at in held)
        held[place] = max(size, 1)
        if number % 3 == 0:
            del held[place]
            assert made.free(place)
    assert all(made.free(each) for each in held)
    assert (made.live, made.allocate(END - START)) == (0, START)
