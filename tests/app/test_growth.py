# SPDX-License-Identifier: Apache-2.0
"""Builds of one extension out of thousands: what the others have left is looked at once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from support.counting import LINEAR, growth

from west_llext.app.kept import fitting, kept
from west_llext.app.products import Part
from west_llext.emit.budget import Use
from west_llext.emit.build_json import FILE_NAME, SCHEMA
from west_llext.emit.gdb import DebugEntry
from west_llext.manifest.load import manifest


def part(name: str, *ranges: tuple[int, int]) -> Part:
    """An extension at some places: (address, size) of each."""
    uses = tuple(Use("ram", name, address, size) for address, size in ranges)
    return Part(name=name, line="", uses=uses, chunks=(), debug=DebugEntry(name, "", ()))


def test_parts_that_share_an_address_are_left_out() -> None:
    """Whichever of the two begins first, and also those that others of their own reach over."""
    taken = [Use("ram", "built", 0x100, 0x100), Use("ram", "built", 0x120, 0x10)]
    parts = {
        each.name: each
        for each in (
            part("before", (0x80, 0x80)),
            part("into", (0xFF, 2)),
            part("inside", (0x180, 4)),
            part("behind", (0x200, 0x10), (0x220, 0x10)),
            part("between", (0x210, 0x10)),
            part("over", (0x205, 0x40)),
            part("nowhere"),
        )
    }
    assert [*fitting(parts, taken)] == ["before", "behind", "between", "nowhere"]


def test_any_parts_are_kept_as_if_each_was_compared_with_all() -> None:
    """Places by chance, of which about half are taken."""
    chance = random.Random(1)  # noqa: S311  # the same in every run
    places = [(chance.randrange(4000), chance.randrange(1, 30)) for _ in range(300)]
    parts = {str(each): part(str(each), *places[each : each + 2]) for each in range(0, 300, 2)}
    used: set[int] = set()
    expected = []
    for name, each in parts.items():
        own = {byte for use in each.uses for byte in range(use.address, use.address + use.size)}
        if used.isdisjoint(own):
            used |= own
            expected.append(name)
    assert [*fitting(parts, [])] == expected
    assert 20 < len(expected) < 130


def test_many_parts_are_not_compared_with_each_other() -> None:
    """Four times as many take about four times the work."""

    def case(size: int) -> Callable[[], object]:
        parts = {str(each): part(str(each), (each * 16, 16)) for each in range(size)}
        return lambda: fitting(parts, [])

    assert growth(case, 100) < LINEAR


def test_extensions_of_the_last_build_are_looked_up(tmp_path: Path) -> None:
    """Those that the manifest still has, by name."""

    def case(size: int) -> Callable[[], object]:
        folder = tmp_path / str(size)
        folder.mkdir()
        names = [f"e{each}" for each in range(size)]
        rows = "".join(f"  - {{name: {each}, sources: [a.c]}}\n" for each in names)
        (folder / "llext.yml").write_text(f"version: 1\nextensions:\n{rows}", encoding="utf-8")
        entries = [{"name": each} for each in names]
        document = json.dumps({"schema": SCHEMA, "extensions": entries})
        (folder / FILE_NAME).write_text(document, encoding="utf-8")
        made, _ = manifest(folder / "llext.yml")
        return lambda: kept(folder, made, [])

    assert growth(case, 100) < LINEAR
