# SPDX-License-Identifier: Apache-2.0
"""Placement: apart, aligned, inside, deterministic, and stable under edit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from west_llext.diagnostics import Span
from west_llext.link.place import Need, Placement, memory_of, placement
from west_llext.model.manifest import Extension, Memory, Mode, Name
from west_llext.model.region import Region

FLASH = Memory(name="flash", address=0x00040000, size=0x4000, access="rx")
RAM = Memory(name="ram", address=0x20020100, size=0x2000, access="rwx")
MEMORIES = (FLASH, RAM)
AT = Span(PurePath("llext.yml"), 7, 5)

Regions = dict[Region, tuple[int, int]]


def need(name: str, regions: Regions, *, text: str = "flash", data: str = "ram") -> Need:
    """What an extension needs; .text and .data are placed, the others follow."""
    place = {Region.TEXT: Name(text), Region.DATA: Name(data)}
    extension = Extension(name=name, mode=Mode.PRELOCATED, place=place, at=AT)
    return Need(extension=extension, regions=regions)


sizes = st.tuples(st.integers(1, 0x300), st.sampled_from([1, 2, 4, 8, 16, 64, 256]))
region_sets = st.dictionaries(
    st.sampled_from(
        [Region.TEXT, Region.RODATA, Region.DATA, Region.BSS, Region.EXPORT, Region.INIT]
    ),
    sizes,
    min_size=1,
)
occupied_ranges = st.lists(
    st.tuples(st.integers(0x3F000, 0x45000), st.integers(0, 0x800)).map(
        lambda pair: (pair[0], pair[0] + pair[1])
    ),
    max_size=4,
)


def needs_of(sets: Sequence[Regions]) -> list[Need]:
    """An extension for each set, named in order."""
    return [need(f"e{number}", regions) for number, regions in enumerate(sets)]


needs_lists = st.lists(region_sets, max_size=8).map(needs_of)


def ranges(found: Placement, needs: Sequence[Need]) -> list[tuple[int, int]]:
    """Half-open address ranges of all regions that were placed."""
    regions = {each.extension.name: each.regions for each in needs}
    return [
        (address, address + regions[name][region][0])
        for name, addresses in found.by_extension().items()
        for region, address in addresses.items()
    ]


def remembered(found: Placement) -> dict[tuple[str, str], tuple[int, int]]:
    """What a lock file keeps."""
    return {(each.extension, each.memory): (each.address, each.size) for each in found.blocks}


@given(needs_lists, occupied_ranges)
def test_regions_are_apart_aligned_and_inside(
    needs: list[Need], occupied: list[tuple[int, int]]
) -> None:
    """Nothing overlaps, neither each other nor what is occupied."""
    found = placement(needs, MEMORIES, occupied=occupied)
    taken = sorted([*ranges(found, needs), *(each for each in occupied if each[0] < each[1])])
    placed = set(ranges(found, needs))
    end = 0
    for low, high in taken:
        if (low, high) in placed:
            assert low >= end
        elif placed:
            assert all(high <= first or last <= low for first, last in placed)
        end = max(end, high)
    for name, addresses in found.by_extension().items():
        regions = next(each.regions for each in needs if each.extension.name == name)
        for region, address in addresses.items():
            size, align = regions[region]
            assert address % align == 0
            memory = FLASH if region not in {Region.DATA, Region.BSS} else RAM
            assert memory.address <= address
            assert address + size <= memory.end


@given(needs_lists, occupied_ranges)
def test_what_is_not_placed_is_a_finding(
    needs: list[Need], occupied: list[tuple[int, int]]
) -> None:
    """Every block is placed or complained of, in the order of the manifest."""
    found = placement(needs, MEMORIES, occupied=occupied)
    count = sum(
        len({memory_of(each.extension, region) for region in each.regions}) for each in needs
    )
    assert count == len(found.blocks) + len(found.findings)
    assert {"P001"} >= {each.code for each in found.findings}
    order = [each.extension for each in found.blocks]
    assert order == sorted(order, key=lambda name: int(name[1:]))


@given(needs_lists, occupied_ranges)
def test_the_same_input_gives_the_same_addresses(
    needs: list[Need], occupied: list[tuple[int, int]]
) -> None:
    """Also with what is occupied in another order, and with what the last time gave."""
    found = placement(needs, MEMORIES, occupied=occupied)
    assert found == placement(needs, MEMORIES, occupied=list(reversed(occupied)))
    again = placement(needs, MEMORIES, occupied=occupied, earlier=remembered(found))
    assert found.blocks == again.blocks


@given(needs_lists, region_sets, st.integers(0, 8))
def test_adding_an_extension_moves_no_other(
    needs: list[Need], regions: Regions, place: int
) -> None:
    """Wherever in the manifest it is added, and whether or not there is room."""
    before = placement(needs, MEMORIES)
    more = list(needs)
    more.insert(place, need("new", regions))
    after = placement(more, MEMORIES, earlier=remembered(before))
    kept = [each for each in after.blocks if each.extension != "new"]
    assert list(before.blocks) == kept


@given(needs_lists, st.integers(0, 7))
def test_removing_an_extension_moves_no_other(needs: list[Need], place: int) -> None:
    """Those that weren't placed before may be placed now."""
    before = placement(needs, MEMORIES)
    fewer = [each for number, each in enumerate(needs) if number != place]
    after = placement(fewer, MEMORIES, earlier=remembered(before))
    gone = needs[place].extension.name if place < len(needs) else ""
    for block in before.blocks:
        if block.extension != gone:
            assert block in after.blocks


@given(needs_lists, st.integers(0, 7), region_sets)
def test_changing_an_extension_moves_no_other(
    needs: list[Need], place: int, regions: Regions
) -> None:
    """It may grow or shrink, and it goes elsewhere if it has no room where it was."""
    before = placement(needs, MEMORIES)
    changed = f"e{place}"
    edited = [need(changed, regions) if each.extension.name == changed else each for each in needs]
    after = placement(edited, MEMORIES, earlier=remembered(before))
    for block in before.blocks:
        if block.extension != changed:
            assert block in after.blocks


def test_a_block_that_grew_stays_where_it_has_room() -> None:
    """The last one can grow in place; its neighbour can't, and moves behind it."""
    first = [need("a", {Region.TEXT: (0x100, 4)}), need("b", {Region.TEXT: (0x100, 4)})]
    before = placement(first, MEMORIES)
    grown = [need("a", {Region.TEXT: (0x100, 4)}), need("b", {Region.TEXT: (0x180, 4)})]
    after = placement(grown, MEMORIES, earlier=remembered(before)).by_extension()
    assert after == {"a": {Region.TEXT: 0x40000}, "b": {Region.TEXT: 0x40100}}
    moved = [need("a", {Region.TEXT: (0x180, 4)}), need("b", {Region.TEXT: (0x100, 4)})]
    after = placement(moved, MEMORIES, earlier=remembered(before)).by_extension()
    assert after == {"a": {Region.TEXT: 0x40200}, "b": {Region.TEXT: 0x40100}}


def test_regions_of_a_memory_are_one_block_in_the_order_of_access() -> None:
    """Read-only first, .bss last; each aligned inside the block."""
    regions = {
        Region.BSS: (5, 4),
        Region.DATA: (6, 8),
        Region.TEXT: (10, 4),
        Region.RODATA: (3, 1),
        Region.EXPORT: (8, 4),
        Region.INIT: (4, 4),
    }
    found = placement([need("a", regions, text="ram")], MEMORIES)
    assert found.by_extension()["a"] == {
        Region.TEXT: 0x20020100,
        Region.RODATA: 0x2002010A,
        Region.EXPORT: 0x20020110,
        Region.INIT: 0x20020118,
        Region.DATA: 0x20020120,
        Region.BSS: 0x20020128,
    }


@pytest.mark.parametrize(
    ("occupied", "address"),
    [
        ([], 0x40000),
        ([(0x40000, 0x40010)], 0x40010),
        ([(0x3FF00, 0x40001)], 0x40004),
        ([(0x40010, 0x40020)], 0x40000),
        ([(0x4000F, 0x40020)], 0x40020),
        ([(0x40000, 0x40100), (0x40008, 0x40010)], 0x40100),
        ([(0x40008, 0x40008)], 0x40000),
        ([(0x40008, 0x40004)], 0x40000),
        ([(0, 0x40000), (0x44000, 0xFFFFFFFF)], 0x40000),
    ],
)
def test_what_is_occupied_stays_free(occupied: list[tuple[int, int]], address: int) -> None:
    """Half-open ranges, in any order, also empty ones and ones that reach out of the memory."""
    found = placement([need("a", {Region.TEXT: (16, 4)})], MEMORIES, occupied=occupied)
    assert found.by_extension() == {"a": {Region.TEXT: address}}


def test_an_address_of_the_last_time_that_no_longer_fits_is_given_up() -> None:
    """Misaligned, outside, or occupied by now: the lowest gap is taken."""
    wanted = [need("a", {Region.TEXT: (0x100, 16)})]
    for address in (0x40008, 0x3FFF0, 0x43FF0, 0xFFFFFFF0, 0):
        earlier = {("a", "flash"): (address, 0x100)}
        found = placement(wanted, MEMORIES, earlier=earlier)
        assert found.by_extension()["a"][Region.TEXT] == 0x40000
    earlier = {("a", "flash"): (0x40100, 0x100)}
    found = placement(wanted, MEMORIES, earlier=earlier, occupied=[(0x40180, 0x40190)])
    assert found.by_extension()["a"][Region.TEXT] == 0x40000


def test_what_does_not_fit_says_how_much_room_there_is() -> None:
    """P001, whole text: free bytes, and the largest piece of them."""
    wanted = [
        need("a", {Region.TEXT: (0x3000, 4)}),
        need("b", {Region.TEXT: (0x1800, 4), Region.DATA: (4, 4)}),
        need("c", {Region.TEXT: (0x2000, 256)}),
    ]
    found = placement(wanted, MEMORIES)
    assert [str(each) for each in found.findings] == [
        """\
llext.yml:7:5: error[P001]: extension 'b' needs 6144 bytes (4-aligned) in memory 'flash', 4096 of \
16384 are free, 4096 in one piece
hint: make 'flash' larger, or place something elsewhere""",
        """\
llext.yml:7:5: error[P001]: extension 'c' needs 8192 bytes (256-aligned) in memory 'flash', 4096 \
of 16384 are free, 4096 in one piece
hint: make 'flash' larger, or place something elsewhere""",
    ]
    assert list(found.by_extension()) == ["a", "b"]


def test_what_would_fit_in_one_piece_says_how_to_get_it() -> None:
    """P001: the addresses of the last time leave gaps."""
    earlier = {("a", "flash"): (0x41000, 0x1000)}
    wanted = [need("a", {Region.TEXT: (0x1000, 4)}), need("b", {Region.TEXT: (0x2800, 4)})]
    found = placement(wanted, MEMORIES, earlier=earlier)
    assert [str(each) for each in found.findings] == [
        """\
llext.yml:7:5: error[P001]: extension 'b' needs 10240 bytes (4-aligned) in memory 'flash', 12288 \
of 16384 are free, 8192 in one piece
hint: remove the lock file once, so that everything is placed anew"""
    ]


def test_gaps_that_were_there_before_are_no_reason_to_place_anew() -> None:
    """P001: the base image lies in the middle."""
    wanted = [need("a", {Region.TEXT: (0x2800, 4)})]
    found = placement(wanted, MEMORIES, occupied=[(0x42000, 0x42100)])
    assert [str(each) for each in found.findings] == [
        """\
llext.yml:7:5: error[P001]: extension 'a' needs 10240 bytes (4-aligned) in memory 'flash', 16128 \
of 16384 are free, 8192 in one piece
hint: make 'flash' larger, or place something elsewhere"""
    ]


def test_a_region_without_a_memory_is_a_finding() -> None:
    """P002, whole text: what to add."""
    extension = Extension(name="a", mode=Mode.PRELOCATED, place={Region.TEXT: Name("flash")}, at=AT)
    regions = {Region.TEXT: (8, 4), Region.DATA: (4, 4), Region.BSS: (12, 4)}
    found = placement([Need(extension=extension, regions=regions)], MEMORIES)
    assert [str(each) for each in found.findings] == [
        """\
llext.yml:7:5: error[P002]: prelocated extension 'a' has 4 bytes of data, but no memory for it
hint: add 'data: MEMORY' to its 'place'""",
        """\
llext.yml:7:5: error[P002]: prelocated extension 'a' has 12 bytes of bss, but no memory for it
hint: add 'data: MEMORY' to its 'place'""",
    ]
    nowhere = Extension(name="b", mode=Mode.PRELOCATED, place={}, at=AT)
    found = placement([Need(extension=nowhere, regions={Region.TEXT: (8, 4)})], MEMORIES)
    assert [str(each) for each in found.findings] == [
        """\
llext.yml:7:5: error[P002]: prelocated extension 'b' has 8 bytes of text, but no memory for it
hint: add 'text: MEMORY' to its 'place'"""
    ]


def test_what_is_not_placed_by_name_follows_its_nearest_kin() -> None:
    """.bss goes with .data; constants, exports and constructors with .rodata, or .text."""
    place = {Region.TEXT: Name("t"), Region.RODATA: Name("r"), Region.DATA: Name("d")}
    full = Extension(name="a", place=place)
    assert [memory_of(full, region) for region in (Region.BSS, Region.EXPORT, Region.FINI)] == [
        "d",
        "r",
        "r",
    ]
    short = Extension(name="a", place={Region.TEXT: Name("t")})
    assert [memory_of(short, region) for region in (Region.RODATA, Region.INIT, Region.DATA)] == [
        "t",
        "t",
        None,
    ]


def test_a_thousand_extensions_are_packed_without_holes() -> None:
    """Each takes the lowest gap: blocks follow each other."""
    memory = Memory(name="flash", address=0, size=1 << 24, access="rx")
    wanted = [need(f"e{n}", {Region.TEXT: (0x40 + n % 7 * 4, 4)}) for n in range(1000)]
    found = placement(wanted, [memory])
    assert all(one.address + one.size == two.address for one, two in pairwise(found.blocks))
