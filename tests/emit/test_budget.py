# SPDX-License-Identifier: Apache-2.0
"""How full the memories are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.linked import MEMORIES, RAM, ROM, prelocated, relocatable

from west_llext.emit.budget import Budget, Use, budgets, uses
from west_llext.model.manifest import Memory


def test_sections_with_addresses_count_where_they_are() -> None:
    """Sizes from tests/support/linked.py; an extension without addresses counts nowhere."""
    assert uses(prelocated(), MEMORIES) == (
        Use("ext_rom", "filters", 0x21000100, 64),
        Use("ext_ram", "filters", 0x21040020, 4),
        Use("ext_rom", "filters", 0x21000140, 8),
        Use("ext_ram", "filters", 0x21040024, 12),
    )
    assert uses(relocatable(), MEMORIES) == ()
    assert uses(prelocated(rom=0x30000000), MEMORIES) == (
        Use("ext_ram", "filters", 0x21040020, 4),
        Use("ext_ram", "filters", 0x21040024, 12),
    )


def test_a_memory_is_used_free_and_has_a_largest_gap() -> None:
    """64 KiB of RAM with 16 bytes at 0x20 and 16 at 0x100."""
    both = [prelocated(), prelocated("motor", rom=0x21000800, ram=0x21040100)]
    found = budgets(MEMORIES, [use for each in both for use in uses(each, MEMORIES)])
    assert found == (
        Budget(
            memory=ROM,
            used=144,
            free=262144 - 144,
            largest_free=262144 - 0x848,
            by_extension=(("filters", 72), ("motor", 72)),
        ),
        Budget(
            memory=RAM,
            used=32,
            free=65536 - 32,
            largest_free=65536 - 0x110,
            by_extension=(("filters", 16), ("motor", 16)),
        ),
    )


def test_an_empty_memory_is_all_free() -> None:
    """In the order of the manifest."""
    assert [(each.used, each.largest_free) for each in budgets(MEMORIES, [])] == [
        (0, 262144),
        (0, 65536),
    ]


def test_the_largest_user_comes_first_then_the_name() -> None:
    """So that lists can be cut at the end."""
    found = [
        Use("ext_ram", name, RAM.address + 16 * n, 2 if name == "b" else 1)
        for n, name in enumerate(["d", "b", "c", "a"])
    ]
    assert budgets([RAM], found)[0].by_extension == (("b", 2), ("a", 1), ("c", 1), ("d", 1))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 8)), max_size=8),
    st.integers(48, 64),
)
def test_used_and_free_are_counted_byte_by_byte(spans: list[tuple[int, int]], size: int) -> None:
    """Against a list of bytes; sections that overlap (which placing prevents) count once."""
    memory = Memory(name="m", address=0x1000, size=size, access="rw")
    (found,) = budgets([memory], [Use("m", "x", 0x1000 + at, count) for at, count in spans])
    taken = [any(at <= byte < at + count for at, count in spans) for byte in range(size)]
    gaps = "".join("x" if each else " " for each in taken).split("x")
    assert found.used == sum(taken)
    assert found.free == size - sum(taken)
    assert found.largest_free == max(len(gap) for gap in gaps)
