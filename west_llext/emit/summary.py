# SPDX-License-Identifier: Apache-2.0
"""The table that a build ends with on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from west_llext.emit.budget import Budget
from west_llext.model.link import Linked
from west_llext.model.region import PLACEABLE, Region

#: Extensions that are shown; of more, the largest.
MAX_ROWS = 24


class SummaryRow(NamedTuple):
    """One extension.

    sizes: bytes of text, rodata, data and bss; other regions count as rodata
    blob: bytes of the file
    """

    name: str
    mode: str
    sizes: tuple[int, ...]
    blob: int

    @property
    def memory(self) -> int:
        """Bytes of all regions."""
        return sum(self.sizes)


def row(linked: Linked, blob_size: int) -> SummaryRow:
    """The row of an extension whose blob has `blob_size` bytes."""
    sizes = dict.fromkeys(PLACEABLE, 0)
    for section in linked.sections:
        region = section.region if section.region in sizes else Region.RODATA
        sizes[region] += section.size
    return SummaryRow(linked.name, linked.mode.value, tuple(sizes.values()), blob_size)


def text(rows: Sequence[SummaryRow], budgets: Sequence[Budget], *, width: int) -> str:
    """The table and a line for each memory, none wider than `width` where that can be helped.

    rows: in the order to show them; where they are too many, the largest are shown, the others
        summed up
    """
    shown = rows
    if len(rows) > MAX_ROWS:
        largest = sorted(rows, key=lambda each: (-each.memory, each.name))[: MAX_ROWS - 1]
        rest = set(rows).difference(largest)
        shown = [*(each for each in rows if each not in rest), _total(rest)]
    lines = [*_table(shown, width), *_memories(budgets, width)]
    return "".join(f"{line}\n" for line in lines)


def _total(rows: Iterable[SummaryRow]) -> SummaryRow:
    found = tuple(rows)
    sizes = tuple(map(sum, zip(*(each.sizes for each in found), strict=True)))
    return SummaryRow(f"{len(found)} more", "", sizes, sum(each.blob for each in found))


def _table(rows: Sequence[SummaryRow], width: int) -> list[str]:
    if not rows:
        return []
    head = ("extension", "mode", *(region.label for region in PLACEABLE), "blob")
    cells = [head] + [
        (each.name, each.mode, *map(str, each.sizes), str(each.blob)) for each in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    kept = list(range(len(head)))
    # What goes first where there is no room: the mode, then the blob's size.
    for column in (1, len(head) - 1):
        if sum(widths[each] for each in kept) + 2 * (len(kept) - 1) > width:
            kept.remove(column)
    return ["  ".join(_cell(line, widths, each) for each in kept).rstrip() for line in cells]


def _cell(line: Sequence[str], widths: Sequence[int], column: int) -> str:
    # Words to the left, numbers to the right.
    if column < 2:
        return line[column].ljust(widths[column])
    return line[column].rjust(widths[column])


def _memories(budgets: Sequence[Budget], width: int) -> list[str]:
    used = [each for each in budgets if each.by_extension]
    pad = max((len(each.memory.name) for each in used), default=0)
    return [""] * bool(used) + [_memory(each, pad, width) for each in used]


def _memory(budget: Budget, pad: int, width: int) -> str:
    """`ext_ram 12.4 of 64 KiB: filters 8.1, motor 4.3`."""
    scale, unit = _unit(budget.memory.size)
    size = _amount(budget.memory.size, scale).removesuffix(".0")
    line = f"{budget.memory.name:<{pad}} {_amount(budget.used, scale)} of {size} {unit}:"
    parts = [f"{name} {_amount(size, scale)}" for name, size in budget.by_extension]
    count = len(parts)
    while count > 1 and len(_listed(line, parts, budget, count, scale)) > width:
        count -= 1 if count <= 16 else count // 4
    return _listed(line, parts, budget, count, scale)


def _listed(line: str, parts: Sequence[str], budget: Budget, count: int, scale: int) -> str:
    shown = list(parts[:count])
    rest = budget.by_extension[count:]
    if rest:
        shown.append(f"{len(rest)} more {_amount(sum(size for _, size in rest), scale)}")
    return f"{line} {', '.join(shown)}"


def _unit(size: int) -> tuple[int, str]:
    """The largest unit of which a memory has at least one, but KiB up to 16 MiB."""
    if size < 1 << 10:
        return 1, "B"
    if size < 16 << 20:
        return 1 << 10, "KiB"
    return 1 << 20, "MiB"


def _amount(size: int, scale: int) -> str:
    """In units of `scale` with one decimal; in bytes where that would be 0.0."""
    if scale == 1:
        return str(size)
    if 0 < size * 20 < scale:
        return f"{size} B"
    return f"{size / scale:.1f}"
