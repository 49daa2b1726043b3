# SPDX-License-Identifier: Apache-2.0
"""Addresses for prelocated extensions: automatic, deterministic, stable under edit.

The unit of placement is a block: what one extension has in one memory. A block that was placed
before stays where it was as long as it fits there; the others take the lowest gap that is large
enough, in the order of the manifest. So adding, growing or removing one extension moves no other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from west_llext.diagnostics import Diagnostic, Span
from west_llext.link.gaps import Gaps, apart
from west_llext.model.manifest import Extension, Memory
from west_llext.model.region import Region
from west_llext.record import record

#: Regions in the order in which a block holds them: what is read-only first.
ORDER = (
    Region.TEXT,
    Region.RODATA,
    Region.EXPORT,
    Region.PREINIT,
    Region.INIT,
    Region.FINI,
    Region.DATA,
    Region.BSS,
)


@record(frozen=True, slots=True, kw_only=True)
class Need:
    """What an extension needs room for: (size, alignment) of each of its regions, in bytes."""

    extension: Extension
    regions: Mapping[Region, tuple[int, int]]


@record(frozen=True, slots=True, kw_only=True)
class Block:
    """Where one extension's regions in one memory lie.

    offsets: of each region from `address`
    """

    extension: str
    memory: str
    address: int
    size: int
    align: int
    offsets: Mapping[Region, int]


#: Where blocks were the last time: (extension, memory) to (address, size).
Earlier = Mapping[tuple[str, str], tuple[int, int]]


@record(frozen=True, slots=True, kw_only=True)
class Placement:
    """Addresses of every region of every prelocated extension."""

    blocks: tuple[Block, ...]
    findings: tuple[Diagnostic, ...] = ()

    def by_extension(self) -> dict[str, dict[Region, int]]:
        """Address of each region of each extension."""
        found: dict[str, dict[Region, int]] = {}
        for block in self.blocks:
            addresses = found.setdefault(block.extension, {})
            for region, offset in block.offsets.items():
                addresses[region] = block.address + offset
        return found


def memory_of(extension: Extension, region: Region) -> str | None:
    """The memory that a region goes to; what isn't said follows its nearest kin."""
    place = extension.place
    for kin in _KIN[region]:
        if kin in place:
            return place[kin].text
    return None


_KIN = {
    Region.TEXT: (Region.TEXT,),
    Region.DATA: (Region.DATA,),
    Region.BSS: (Region.BSS, Region.DATA),
} | dict.fromkeys(
    (Region.RODATA, Region.EXPORT, Region.PREINIT, Region.INIT, Region.FINI),
    (Region.RODATA, Region.TEXT),
)


def placement(
    needs: Sequence[Need],
    memories: Sequence[Memory],
    *,
    occupied: Iterable[tuple[int, int]] = (),
    earlier: Earlier | None = None,
) -> Placement:
    """Addresses for every need.

    occupied: half-open ranges of addresses that are taken, such as those of the base image
    earlier: addresses of the last time
    """
    findings: list[Diagnostic] = []
    blocks = [block for need in needs for block in _blocks(need, findings)]
    spans = {need.extension.name: need.extension.at for need in needs}
    by_memory: dict[str, list[Block]] = {}
    for block in blocks:
        by_memory.setdefault(block.memory, []).append(block)
    placed: list[Block] = []
    taken = apart(occupied)
    for memory in memories:
        first = max(bisect_right(taken, (memory.address, 0)) - 1, 0)
        room = _Room(memory, taken[first : bisect_left(taken, (memory.end, 0))])
        placed += room.place(by_memory.get(memory.name, []), earlier or {})
        findings += room.complaints(spans)
    order = {need.extension.name: index for index, need in enumerate(needs)}
    placed.sort(key=lambda block: (order[block.extension], block.address))
    return Placement(blocks=tuple(placed), findings=tuple(findings))


def _blocks(need: Need, findings: list[Diagnostic]) -> list[Block]:
    # the blocks of one extension, without their addresses
    offsets: dict[str, dict[Region, int]] = {}
    sizes: dict[str, int] = {}
    aligns: dict[str, int] = {}
    for region in ORDER:
        if region not in need.regions:
            continue
        size, align = need.regions[region]
        memory = memory_of(need.extension, region)
        if memory is None:
            findings.append(_unplaced(need.extension, region, size))
            continue
        start = (sizes.get(memory, 0) + align - 1) & -align
        offsets.setdefault(memory, {})[region] = start
        sizes[memory] = start + size
        aligns[memory] = max(aligns.get(memory, 4), align)
    name = need.extension.name
    return [
        Block(
            extension=name,
            memory=memory,
            address=0,
            size=sizes[memory],
            align=aligns[memory],
            offsets=offsets[memory],
        )
        for memory in offsets
    ]


class _Room:
    # One memory while it fills.

    def __init__(self, memory: Memory, occupied: Iterable[tuple[int, int]]) -> None:
        self.memory = memory
        self.failed: list[Block] = []
        self.kept = 0  # blocks that are where they were
        self.gaps = Gaps(_free(memory, occupied))

    def place(self, blocks: Sequence[Block], earlier: Earlier) -> list[Block]:
        placed: dict[str, Block] = {}
        # those that shrank or stayed first: one that grew may not take their place
        known = [(block, earlier.get((block.extension, self.memory.name))) for block in blocks]
        for grown in (False, True):
            for block, before in known:
                if before is None or (block.size > before[1]) is not grown:
                    continue
                address = before[0]
                if not address % block.align and self.gaps.holds(address, block.size):
                    placed[block.extension] = self.put(block, address)
                    self.kept += 1
        for block in blocks:
            if block.extension in placed:
                continue
            lowest = self.gaps.lowest(block.size, block.align)
            if lowest is None:
                self.failed.append(block)
            else:
                placed[block.extension] = self.put(block, lowest)
        return list(placed.values())

    def put(self, block: Block, address: int) -> Block:
        self.gaps.take(address, block.size)
        return replace(block, address=address)

    def free(self) -> tuple[int, int]:
        # bytes in all gaps, and in the largest one
        sizes = [high - low for low, high in self.gaps]
        return sum(sizes), max(sizes, default=0)

    def complaints(self, spans: Mapping[str, Span]) -> list[Diagnostic]:
        if not self.failed:
            return []
        free, largest = self.free()
        found = []
        for block in self.failed:
            hint = f"make '{self.memory.name}' larger, or place something elsewhere"
            if block.size <= free and self.kept:
                hint = "remove the lock file once, so that everything is placed anew"
            found.append(
                Diagnostic(
                    code="P001",
                    at=spans[block.extension],
                    message=f"extension '{block.extension}' needs {block.size} bytes "
                    f"({block.align}-aligned) in memory '{self.memory.name}', {free} of "
                    f"{self.memory.size} are free, {largest} in one piece",
                    hint=hint,
                )
            )
        return found


def _free(memory: Memory, occupied: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    # what is left of a memory, from its start on; `occupied` is sorted and apart
    address = memory.address
    for low, high in occupied:
        if low < min(high, memory.end) and high > address:
            if low > address:
                yield address, low
            address = high
    if address < memory.end:
        yield address, memory.end


def _unplaced(extension: Extension, region: Region, size: int) -> Diagnostic:
    wanted = "data" if region in {Region.DATA, Region.BSS} else "text"
    return Diagnostic(
        code="P002",
        at=extension.at,
        message=f"prelocated extension '{extension.name}' has {size} bytes of {region.label}, but "
        "no memory for it",
        hint=f"add '{wanted}: MEMORY' to its 'place'",
    )
