# SPDX-License-Identifier: Apache-2.0
"""Pages of a target's memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from west_llext.emulate.memory import PAGE, Access, Range, overlaps, pages, runs

READ, WRITE = Access.READ, Access.READ | Access.WRITE


def test_ranges_that_share_a_page_share_its_access() -> None:
    """Code and data on one page: the page allows what either asks for."""
    known = pages([Range(0x1000, 0x1010, READ), Range(0x1010, 0x2010, WRITE)], {})
    assert list(runs(known)) == [Range(0x1000, 0x3000, WRITE)]


def test_neighbours_with_different_access_stay_apart() -> None:
    """Adjacent pages are one run only where they allow the same."""
    known = pages(
        [Range(0x1000, 0x2000, READ), Range(0x2000, 0x4000, WRITE), Range(0x5000, 0x5001, WRITE)],
        {},
    )
    assert list(runs(known)) == [
        Range(0x1000, 0x2000, READ),
        Range(0x2000, 0x4000, WRITE),
        Range(0x5000, 0x6000, WRITE),
    ]


def test_empty_range_takes_no_page() -> None:
    """A section of size 0 has an address, but nothing is there."""
    assert pages([Range(0x1234, 0x1234, READ)], {}) == {}


def test_overlap_counts_whole_pages() -> None:
    """A page is in use as soon as one byte of it is."""
    known = pages([Range(0x1FFF, 0x2001, READ)], {})
    assert [overlaps(known, start, start + 1) for start in (0x0FFF, 0x1000, 0x2FFF, 0x3000)] == [
        False,
        True,
        True,
        False,
    ]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40 * PAGE), st.integers(0, 5 * PAGE), st.sampled_from([READ, WRITE])
        ),
        max_size=8,
    )
)
def test_runs_cover_exactly_what_was_asked_for(
    requests: list[tuple[int, int, Access]],
) -> None:
    """Every byte of a request lies in a run that allows it, and no page is there for nothing."""
    ranges = [Range(start, start + size, access) for start, size, access in requests]
    found = list(runs(pages(ranges, {})))
    for each in ranges:
        for address in {each.start, each.end - 1} if each.end > each.start else ():
            (run,) = (run for run in found if run.start <= address < run.end)
            assert run.access & each.access == each.access
    for run in found:
        for start in range(run.start, run.end, PAGE):
            assert any(each.start < start + PAGE and start < each.end for each in ranges)
