# SPDX-License-Identifier: Apache-2.0
"""Whether memory is the same after our link and after GNU ld's.

What is left for the target's loader is completed by `hostloader`, on RISC-V by the product's own
model of that loader. Where we go through a veneer and GNU ld doesn't, the branch is decoded, and
the veneer has to lead where GNU ld's branch goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, permutations, product

from west_llext.emit.blob import blob
from west_llext.link.extension import Resolved
from west_llext.loader.target import HeapPlan, Machine, Target
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

from . import acceptance, gnuld, hostloader, loads, xtensa
from .branches import JUMPS, veneer_target
from .elfbuild import Sym
from .linking import Case, Outcome
from .loading import LoadError

EM_XTENSA, EM_RISCV = 94, 243

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
    """Where the words of our global offset table begin, in TEXT; None where there are none."""
    words = made.second.table.words
    return words[0][0] if words else None


#: Orders of a table's words that are tried.
_MOST_ORDERS = 120


def as_theirs(
    made: Outcome, ours: Mapping[Region, bytes], theirs: Linked
) -> Iterator[Callable[[Resolved], None]]:
    """What gives the words of our table GNU ld's order, which is that of a hash.

    Several, where words are equal; none where the words themselves aren't those of GNU ld.
    """
    words, size = made.second.table.words, made.first.obj.ident.bits // 8
    places = [place for place, _, _ in words]
    mine = [ours[Region.TEXT][at : at + size] for at in places]
    right = [theirs[Region.TEXT][2][at : at + size] for at in places]
    if len(words) < 2 or sorted(mine) != sorted(right):
        return
    for order in islice(_orders(mine, right), _MOST_ORDERS):
        yield _reorder(places, [words[at][1:] for at in order])


def _orders(mine: Sequence[bytes], right: Sequence[bytes]) -> Iterator[list[int]]:
    # for each of the right words the index of one of mine; all ways among equal words, as far as
    # anybody would try them
    ways = [
        islice(permutations([at for at, word in enumerate(mine) if word == each]), _MOST_ORDERS)
        for each in dict.fromkeys(right)
    ]
    for way in product(*ways):
        left = dict(zip(dict.fromkeys(right), map(iter, way), strict=True))
        yield [next(left[each]) for each in right]


def _reorder(places: Sequence[int], keys: Sequence[tuple[int, int]]) -> Callable[[Resolved], None]:
    def reorder(second: Resolved) -> None:
        second.table.words[:] = [(place, *key) for place, key in zip(places, keys, strict=True)]
        for place, symbol, addend in second.table.words:
            entry = second.table.entry[symbol, addend]
            second.targets[entry] = second.targets[entry]._replace(value=place)

    return reorder


def matched(
    case: Case,
    made: Outcome,
    theirs: Linked,
    *,
    symbols: Sequence[Sym],
    where: Mapping[Region, int],
) -> Comparison:
    """Our link against GNU ld's, linked once more where only the order of a table differs."""
    ours = memory(made, symbols, where)
    found = compared(made, ours, theirs, where)
    if not found.different or not made.second.table.words:
        return found
    data = gnuld.unmerged(made.first.obj.data)
    for reorder in as_theirs(made, ours, theirs):
        again = replace(case, reorder=reorder).link(data)
        found = compared(again, memory(again, symbols, where), theirs, where)
        if not found.different:
            break
    return found


def memory(
    made: Outcome, symbols: Sequence[Sym], where: Mapping[Region, int]
) -> dict[Region, bytes]:
    """The bytes of each region as the target has them in the end; the blob is accepted first.

    where: addresses of the regions, which the loader chose where we didn't
    """
    record = made.linked
    if record.mode is not Mode.PRELOCATED and record.ident.machine == EM_XTENSA:
        return _completed_xtensa(made, symbols, where)
    if record.mode is not Mode.PRELOCATED and record.ident.machine == EM_RISCV:
        return _completed_by_model(made, symbols, where)
    file = blob(record)
    known = record.ident.machine in hostloader.RELOCATORS
    wrong = acceptance.problems(file) if known else []
    if wrong:
        raise LoadError("; ".join(wrong))
    if record.mode is Mode.PRELOCATED:
        return {section.region: section.content for section in record.sections}
    values = {symbol.name: symbol.value for symbol in symbols}
    labels = {region.label: address for region, address in where.items()}
    loaded = hostloader.load(hostloader.read(file), labels, values.get)
    if record.mode is Mode.BOUND and loaded.looked_up:
        raise LoadError(f"{sorted(loaded.looked_up)} were looked up by name")
    return {
        region: bytes(loaded.memory[region.label]) if region is not Region.BSS else b""
        for region in made.second.sizes()
    }


def _completed_by_model(
    made: Outcome, symbols: Sequence[Sym], where: Mapping[Region, int]
) -> dict[Region, bytes]:
    # by the product's model of the target's loader
    record = made.linked
    given = symbols if record.mode is Mode.RELOCATABLE else ()
    target = Target(
        machine=Machine.RISCV,
        bits=record.ident.bits,
        heap=HeapPlan(address=1 << 30, size=1 << 20),
        symbols={each.name.encode(): each.value for each in given},
    )
    places = {region.label: address for region, address in where.items()}
    system, loaded = loads.load(blob(record), target, buffer=3 << 28, places=places)
    if loaded.ext is None:
        raise LoadError("; ".join(loads.logged(loaded)))
    return {
        region: loads.region(system, loaded, region.label) if region is not Region.BSS else b""
        for region in made.second.sizes()
    }


def _completed_xtensa(
    made: Outcome, symbols: Sequence[Sym], where: Mapping[Region, int]
) -> dict[Region, bytes]:
    record = made.linked
    values = {symbol.name: symbol.value for symbol in symbols}
    labels = {region.label: address for region, address in where.items()}
    memory, looked_up = xtensa.completed(blob(record), labels, values.get)
    if record.mode is Mode.BOUND and looked_up:
        raise LoadError(f"{sorted(looked_up)} were looked up by name")
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
            machine = made.linked.ident.machine if region is Region.TEXT else 0
            places = _xtensa_places if machine == EM_XTENSA else _places
            label = region.label
            for each in places(ours[region], expected, address, found, machine):
                found.different.append(f"{label}+{each}")
    return found


def _places(
    ours: bytes, expected: bytes, address: int, found: Comparison, machine: int
) -> Iterator[str]:
    # machine: whose branches are decoded; 0 for none
    at, step = 0, min((step for _, step in JUMPS.get(machine, ())), default=2)
    while at < len(expected):
        if ours[at : at + step] == expected[at : at + step]:
            at += step
            continue
        # the difference can be in the second half of an instruction
        for start in range(at, max(at - 4, -1), -step):
            if _same_way(ours, expected, start, address, machine):
                found.veneers += 1
                at = start + 4
                break
        else:
            mine, theirs = ours[at : at + 4].hex(), expected[at : at + 4].hex()
            yield f"{at:#x} is {mine}, the linker has {theirs}"
            at += step


def _xtensa_places(
    ours: bytes, expected: bytes, address: int, found: Comparison, machine: int
) -> Iterator[str]:
    del machine
    at = 0
    while at < len(expected):
        if ours[at] == expected[at]:
            at += 1
            continue
        # the difference can be in each of the three bytes
        for start in (at, at - 1, at - 2):
            if xtensa.same_call(ours, expected, start, address):
                found.veneers += 1
                at = start + 3
                break
        else:
            mine, theirs = ours[at : at + 4].hex(), expected[at : at + 4].hex()
            yield f"{at:#x} is {mine}, GNU ld has {theirs}"
            at += 3


def _same_way(ours: bytes, expected: bytes, at: int, address: int, machine: int) -> bool:
    # whether our branch goes through a veneer to where the linker's goes
    for decode, step in JUMPS.get(machine, ()):
        if at % step:
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
