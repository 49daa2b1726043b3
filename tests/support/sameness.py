# SPDX-License-Identifier: Apache-2.0
"""Whether memory is the same after our link and after GNU ld's.

What is left for the target's loader is completed by `armloader`. Where we go through a veneer and
GNU ld doesn't, the branch is decoded, and the veneer has to lead where GNU ld's branch goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from west_llext.emit.blob import blob
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

from . import acceptance, armloader, gnuld, xtensa
from .branches import arm_jump, thumb_jump, veneer_target
from .elfbuild import Sym
from .linking import Outcome

EM_ARM, EM_XTENSA = 40, 94

#: Address, size and bytes of each region.
Linked = Mapping[Region, tuple[int, int, bytes]]


@dataclass(slots=True)
class Comparison:
    """What a comparison found.

    different: one line a difference
    regions, size: what was compared, size in bytes
    veneers: branches that were followed through one
    """

    different: list[str] = field(default_factory=list)
    regions: int = 0
    size: int = 0
    veneers: int = 0


def layout(made: Outcome) -> dict[Region, list[tuple[int, int]]]:
    """Where the input sections are, for the linker script."""
    found = {}
    for region in sorted(made.first.arranged.outputs):
        pieces = made.first.arranged.outputs[region].pieces
        rows = [(source, offset) for source, offset, _ in pieces if source >= 0]
        if rows:
            found[region] = rows
    return found


def table(made: Outcome) -> int | None:
    """Where GNU ld has to begin its global offset table for its words to be where ours are."""
    words = made.second.table.words
    # its first word is reserved
    return words[0][0] - made.first.obj.ident.bits // 8 if words else None


def memory(
    made: Outcome, symbols: Sequence[Sym], where: Mapping[Region, int], folder: Path
) -> dict[Region, bytes]:
    """The bytes of each region as the target has them in the end; the blob is accepted first.

    where: addresses of the regions, which the loader chose where we didn't
    folder: for files
    """
    record = made.linked
    if record.mode is not Mode.PRELOCATED and record.ident.machine != EM_ARM:
        return _completed(made, symbols, where, folder)
    file = blob(record)
    wrong = acceptance.problems(file) if record.ident.machine == EM_ARM else []
    if wrong:
        raise armloader.LoadError("; ".join(wrong))
    if record.mode is Mode.PRELOCATED:
        return {section.region: section.content for section in record.sections}
    values = {symbol.name: symbol.value for symbol in symbols}
    labels = {region.label: address for region, address in where.items()}
    loaded = armloader.load(armloader.read(file), labels, values.get)
    if record.mode is Mode.BOUND and loaded.looked_up:
        raise armloader.LoadError(f"{sorted(loaded.looked_up)} were looked up by name")
    return {
        region: bytes(loaded.memory[region.label]) if region is not Region.BSS else b""
        for region in made.second.sizes()
    }


def _completed(
    made: Outcome, symbols: Sequence[Sym], where: Mapping[Region, int], folder: Path
) -> dict[Region, bytes]:
    # what is left for the target, done by GNU ld: our blob has one section a region
    record = made.linked
    if record.ident.machine == EM_XTENSA:
        return _completed_xtensa(made, symbols, where)
    sections = {section.region: [(index, 0)] for index, section in enumerate(record.sections, 1)}
    given = symbols if record.mode is Mode.RELOCATABLE else ()
    theirs = gnuld.linked(folder, blob(record), layout=sections, addresses=where, symbols=given)
    return {region: content for region, (_, _, content) in theirs.items()}


def _completed_xtensa(
    made: Outcome, symbols: Sequence[Sym], where: Mapping[Region, int]
) -> dict[Region, bytes]:
    record = made.linked
    values = {symbol.name: symbol.value for symbol in symbols}
    labels = {region.label: address for region, address in where.items()}
    memory, looked_up = xtensa.completed(blob(record), labels, values.get)
    if record.mode is Mode.BOUND and looked_up:
        raise armloader.LoadError(f"{sorted(looked_up)} were looked up by name")
    return {region: memory.get(region.label, b"") for region in made.second.sizes()}


def compared(
    made: Outcome, ours: Mapping[Region, bytes], theirs: Linked, where: Mapping[Region, int]
) -> Comparison:
    """Every region of GNU ld's against ours; what we added behind it isn't looked at."""
    found = Comparison()
    if not theirs.keys() <= ours.keys():
        found.different.append(f"regions {sorted(ours)} and {sorted(theirs)}")
        return found
    for region, (address, size, expected) in theirs.items():
        pieces = made.first.arranged.outputs[region].pieces
        end = max(offset + length for source, offset, length in pieces if source >= 0)
        if region is Region.TEXT and made.second.table.words:
            end = made.second.table.words[-1][0] + made.first.obj.ident.bits // 8
        found.regions += 1
        found.size += size
        if (address, size) != (where[region], end):
            mine = f"{end} bytes at {where[region]:#x}"
            found.different.append(f"{region.label} has {mine}, not {size} at {address:#x}")
        elif ours[region][:size] != expected:
            places = _xtensa_places if made.linked.ident.machine == EM_XTENSA else _places
            arm = made.linked.ident.machine == EM_ARM
            found.different += places(region, ours[region], expected, address, found, arm=arm)
    return found


def _places(
    region: Region, ours: bytes, expected: bytes, address: int, found: Comparison, *, arm: bool
) -> Iterator[str]:
    at = 0
    while at < len(expected):
        if ours[at : at + 2] == expected[at : at + 2]:
            at += 2
            continue
        # the difference can be in the second halfword
        for start in (at, at - 2):
            if region is Region.TEXT and arm and _same_way(ours, expected, start, address):
                found.veneers += 1
                at = start + 4
                break
        else:
            mine, theirs = ours[at : at + 4].hex(), expected[at : at + 4].hex()
            yield f"{region.label}+{at:#x} is {mine}, the linker has {theirs}"
            at += 2


def _xtensa_places(
    region: Region, ours: bytes, expected: bytes, address: int, found: Comparison, *, arm: bool
) -> Iterator[str]:
    del arm
    at = 0
    while at < len(expected):
        if ours[at] == expected[at]:
            at += 1
            continue
        # the difference can be in each of the three bytes
        for start in (at, at - 1, at - 2):
            if region is Region.TEXT and xtensa.same_call(ours, expected, start, address):
                found.veneers += 1
                at = start + 3
                break
        else:
            mine, theirs = ours[at : at + 4].hex(), expected[at : at + 4].hex()
            yield f"{region.label}+{at:#x} is {mine}, GNU ld has {theirs}"
            at += 3


def _same_way(ours: bytes, expected: bytes, at: int, address: int) -> bool:
    # whether our branch goes through a veneer to where the linker's goes
    for decode in (thumb_jump, arm_jump):
        if decode is arm_jump and at % 4:
            continue
        mine, right = decode(ours, at, address), decode(expected, at, address)
        if mine is None or right is None or mine.link is not right.link:
            continue
        if not address + len(expected) <= mine.target < address + len(ours):
            continue
        found = veneer_target(ours, mine.target - address)
        if found == (right.target | right.thumb, mine.thumb):
            return True
    return False
