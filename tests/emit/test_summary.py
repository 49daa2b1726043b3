# SPDX-License-Identifier: Apache-2.0
"""The table that a build ends with."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.linked import MEMORIES, RAM, prelocated, relocatable

from west_llext.emit import summary
from west_llext.emit.budget import Budget, Use, budgets, uses
from west_llext.emit.summary import MAX_ROWS, SummaryRow
from west_llext.model.manifest import Memory

ROWS = [summary.row(relocatable(), 1234), summary.row(prelocated(), 900)]
BUDGETS = budgets(MEMORIES, uses(prelocated(), MEMORIES))


def test_the_whole_table() -> None:
    """Names to the left, numbers to the right, memories below."""
    assert summary.text(ROWS, BUDGETS, width=80) == (
        "extension  mode         text  rodata  data  bss  blob\n"
        "hello      relocatable    64       8     4   12  1234\n"
        "filters    prelocated     64       8     4   12   900\n"
        "\n"
        "ext_rom 0.1 of 256 KiB: filters 0.1\n"
        "ext_ram 16 B of 64 KiB: filters 16 B\n"
    )


def test_a_narrow_terminal_gets_fewer_columns() -> None:
    """The mode goes first, then the size of the blob."""
    assert (
        summary.text(ROWS, [], width=45).splitlines()[1]
        == "hello        64       8     4   12  1234"
    )
    assert summary.text(ROWS, [], width=36).splitlines()[1] == "hello        64       8     4   12"
    assert summary.text(ROWS, [], width=1) == summary.text(ROWS, [], width=36)


def test_a_budget_is_spelled_as_people_speak() -> None:
    """The example of the design."""
    found = Budget(
        memory=RAM,
        used=12700,
        free=65536 - 12700,
        largest_free=0,
        by_extension=(("filters", 8300), ("motor", 4400)),
    )
    assert summary.text([], [found], width=80) == (
        "\next_ram 12.4 of 64 KiB: filters 8.1, motor 4.3\n"
    )


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (1000, "m 1 of 1000 B: x 1"),
        (1536, "m 1 B of 1.5 KiB: x 1 B"),
        (64 << 10, "m 1 B of 64 KiB: x 1 B"),
        (8 << 20, "m 1 B of 8192 KiB: x 1 B"),
        (16 << 20, "m 1 B of 16 MiB: x 1 B"),
    ],
)
def test_the_unit_follows_the_memory(size: int, shown: str) -> None:
    """One unit a line; what is there is never shown as 0.0."""
    memory = Memory(name="m", address=0, size=size, access="rw")
    found = budgets([memory], [Use("m", "x", 0, 1)])
    assert summary.text([], found, width=80) == f"\n{shown}\n"


def test_unused_memories_are_not_shown() -> None:
    """They would say nothing."""
    assert summary.text([], budgets(MEMORIES, []), width=80) == ""
    assert summary.text(ROWS, budgets(MEMORIES, []), width=80).count("\n") == 3


def test_of_many_extensions_the_largest_are_shown_and_the_rest_is_summed_up() -> None:
    """In the order of the manifest; the sums are right."""
    rows = [SummaryRow(f"x{n}", "bound", (n % 10, 0, 0, 1), n) for n in range(1000)]
    lines = summary.text(rows, [], width=80).splitlines()
    assert len(lines) == 1 + MAX_ROWS
    names = [line.split()[0] for line in lines[1:-1]]
    assert names == sorted(names, key=lambda name: int(name[1:]))
    assert all(name.endswith("9") for name in names)
    total = sum(each.sizes[0] for each in rows) - 9 * (MAX_ROWS - 1)
    blobs = sum(each.blob for each in rows) - sum(int(name[1:]) for name in names)
    assert lines[-1].split() == [
        *("977", "more", str(total), "0", "0", "977", str(blobs)),
    ]


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(30, 120))
def test_lines_of_memories_keep_to_the_width(count: int, width: int) -> None:
    """The list is cut, and says how many more and how much; one extension is always shown."""
    found = budgets(
        [RAM], [Use("ext_ram", f"name{n}", RAM.address + n * 512, 512) for n in range(count)]
    )
    lines = summary.text([], found, width=width).splitlines()[1:]
    assert len(lines) == bool(count)
    for line in lines:
        shown = line.partition(": ")[2].split(", ")
        assert len(line) <= max(width, len("ext_ram 30.0 of 64 KiB: name0 0.5, 59 more 29.5"))
        more = shown.pop().split() if " more " in shown[-1] else ["0"]
        assert len(shown) + int(more[0]) == count
