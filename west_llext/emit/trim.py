# SPDX-License-Identifier: Apache-2.0
"""The export table cut down to what extensions need."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from west_llext.model.manifest import ExportGroup
from west_llext.record import record


class Dropped(NamedTuple):
    """An export that no extension needs.

    group: as the manifest has it, or None
    size: bytes that it would cost in the base image: two pointers, the name and its end
    """

    name: str
    group: str | None
    size: int


@record(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """What is left, and what was dropped.

    groups: those with something left, in the order of the manifest
    dropped: in the order of the manifest
    """

    groups: tuple[ExportGroup, ...]
    dropped: tuple[Dropped, ...]

    @property
    def saved(self) -> int:
        """Bytes that the base image gets smaller by, not counting code that nothing else uses."""
        return sum(each.size for each in self.dropped)


def trimmed(groups: Sequence[ExportGroup], needed: Collection[str], *, bits: int) -> Trimmed:
    """The groups with only the symbols in `needed`; `bits` is the width of a pointer."""
    wanted = frozenset(needed)
    kept = []
    dropped = []
    for group in groups:
        symbols = tuple(name for name in group.symbols if name.text in wanted)
        if symbols:
            kept.append(replace(group, symbols=symbols))
        for name in group.symbols:
            if name.text not in wanted:
                size = 2 * (bits // 8) + len(name.text.encode("utf-8", "replace")) + 1
                dropped.append(Dropped(name.text, group.group, size))
    return Trimmed(groups=tuple(kept), dropped=tuple(dropped))
