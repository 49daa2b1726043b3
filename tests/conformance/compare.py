# SPDX-License-Identifier: Apache-2.0
"""One object through our link and through GNU ld, at the same addresses, byte for byte.

prelocated: what we write is compared as it is.
bound, relocatable: a small loader, written after Zephyr's, completes what we left for the target.

Undefined symbols get addresses within the reach of every branch that uses them, in the instruction
set that the branch can end in, so that GNU ld makes no veneers; half of the weak ones get none.
Where we go through a veneer, which we do in the modes in which the target picks the addresses, the
branch is decoded, and the veneer has to lead where GNU ld's branch goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.conformance.corpus import Member
from tests.support import acceptance, armloader, gnuld
from tests.support.branches import arm_jump, thumb_jump, veneer_target
from tests.support.elfbuild import FUNC, NOTYPE, OBJECT, SHN_ABS, Sym
from tests.support.linking import Case, Outcome, Sizes, extension, offer, packed
from west_llext.elf.read import object_file
from west_llext.emit.blob import blob
from west_llext.link.extension import Purpose
from west_llext.model.elf import STB_WEAK, STT_TLS, ObjectFile, Symbol
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

TLS = 6
# relocation numbers: what can change the instruction set, what can't, and how far it gets
_CALLS = {10: "thumb", 28: "arm"}
_JUMPS = {1: "arm", 27: "arm", 29: "arm", 30: "thumb", 51: "thumb", 102: "thumb", 103: "thumb"}
_REACH = {51: 0x80000, 102: 0x200, 103: 0x40}


class Verdict(Enum):
    """What a comparison came to."""

    EQUAL = "equal"
    SKIPPED = "skipped"
    DIFFERENT = "different"


@dataclass(slots=True, kw_only=True)
class Result:
    """One comparison.

    reason: why it was skipped, or what is different
    regions: how many were compared; bytes: in them
    applied: relocation types with counts, by us and by the loader
    veneers: branches that were followed through one
    """

    member: Member
    mode: Mode
    verdict: Verdict
    reason: str = ""
    regions: int = 0
    bytes: int = 0
    applied: dict[str, int] = field(default_factory=dict)
    veneers: int = 0


#: Why an object can't be compared, by the code of our finding.
REASONS = {
    "L010": "it defines thread-local variables, which the loader gives no extension",
    "S006": "it uses a thread-local variable of the base image, which can't be imported",
    "R001": "a relocation type that extensions can't have",
    "R007": "a relocation type that the target's loader doesn't know",
}


def definitions(obj: ObjectFile, member: Member, text: int) -> list[Sym]:
    """Definitions of what the object lacks; `text` is where its code begins."""
    kinds: dict[int, set[int]] = {}
    odd: set[int] = set()
    for section, rows in obj.relocations.items():
        content = obj.content(section)
        for row in rows:
            kinds.setdefault(row.symbol, set()).add(row.type)
            if row.type not in _CALLS and row.type not in _JUMPS and content[row.offset] & 1:
                odd.add(row.symbol)
    found = []
    for index, symbol in enumerate(obj.symbols):
        if symbol.section or not symbol.name:
            continue
        if symbol.binding == STB_WEAK and (member.ordinal + index) % 2:
            continue
        found.append(
            _definition(symbol, index, kinds.get(index, set()), member, text)
            if index not in odd
            # an odd offset from a Thumb function means nothing: (S + A) | T isn't S | T + A
            else Sym(name=symbol.name, value=0x2000_0000 + index * 4, type=OBJECT, section=SHN_ABS)
        )
    return found


def _definition(symbol: Symbol, index: int, kinds: set[int], member: Member, text: int) -> Sym:
    if symbol.type == STT_TLS:
        return Sym(name=symbol.name, value=index * 4, type=TLS, section=SHN_ABS)
    turn = member.ordinal + index
    reach = min([_REACH[kind] for kind in kinds if kind in _REACH], default=0x200000)
    address = text + (-reach if turn % 3 == 0 else reach) + index % 13 * 4
    states = {state for kind, state in _JUMPS.items() if kind in kinds}
    if not states and kinds & _CALLS.keys():
        # a call can end in either instruction set, where the core has both
        states = {"thumb" if turn % 2 or member.arch != "v5te" else "arm"}
    if states:
        odd = states == {"thumb"}
        return Sym(name=symbol.name, value=address | odd, type=FUNC, section=SHN_ABS)
    kind = (FUNC, OBJECT, NOTYPE)[turn % 3]
    value = address * 5 + turn % 4 if kind != FUNC else address | 1
    return Sym(name=symbol.name, value=value & 0xFFFFFFFF, type=kind, section=SHN_ABS)


def addresses(sizes: Sizes, member: Member) -> dict[Region, int]:
    """Text, read-only data and the rest in three far places, which depend on the member."""
    spread = member.ordinal * 0x9E3779B1 % 0x800 * 0x1000
    starts = {Region.TEXT: 0x08000000 + spread, Region.DATA: 0x20000000 + spread // 2}
    starts[Region.BSS] = 0x24000000 + spread // 4
    found = packed({each: sizes[each] for each in sizes if each not in starts}, 0x0A000000 + spread)
    for region, start in starts.items():
        if region in sizes:
            align = sizes[region][1]
            found[region] = (start + align - 1) & -align
    return found


def compared(member: Member, mode: Mode, folder: Path) -> Result:
    """The comparison of one object; `folder` is for the linker's files."""
    content = gnuld.unmerged(member.content)
    obj = object_file(content, str(member))
    text = addresses({Region.TEXT: (0, 1 << 12)}, member)[Region.TEXT]
    symbols = definitions(obj, member, text)
    window = (text, text + 0x10000)
    case = Case(
        extension=extension(name="unit", mode=mode),
        base=offer(symbols),
        place=lambda sizes: addresses(sizes, member),
        windows={"text": window},
        # every other one can be loaded anywhere, so that all its calls go through veneers
        heap=window if member.ordinal % 2 else None,
        purpose=Purpose.CHECK,
    )
    made = case.link(obj)
    if made.record is None or made.findings:
        return _skipped(member, mode, made)
    return _verdict(member, made, symbols, folder)


def _skipped(member: Member, mode: Mode, made: Outcome) -> Result:
    unknown = [each for each in made.findings if each.code not in REASONS]
    if unknown:
        return Result(member=member, mode=mode, verdict=Verdict.DIFFERENT, reason=str(unknown[0]))
    reason = REASONS[made.findings[0].code]
    return Result(member=member, mode=mode, verdict=Verdict.SKIPPED, reason=reason)


def _verdict(member: Member, made: Outcome, symbols: list[Sym], folder: Path) -> Result:
    record = made.linked
    result = Result(member=member, mode=record.mode, verdict=Verdict.EQUAL)
    outputs = made.first.arranged.outputs
    where = made.addresses or addresses(made.second.sizes(), member)
    layout = {
        region: [(source, offset) for source, offset, _ in outputs[region].pieces if source >= 0]
        for region in sorted(outputs)
    }
    if not layout:
        result.verdict, result.reason = Verdict.SKIPPED, "nothing of it is loaded"
        return result
    try:
        theirs = gnuld.linked(
            folder,
            member.content,
            layout=layout,
            addresses=where,
            symbols=symbols,
            # without it the linker makes a veneer for each change of the instruction set
            options=["--use-blx"] if member.arch == "v5te" else [],
        )
        ours = _memory(made, symbols, where)
    except (gnuld.LinkerError, armloader.LoadError) as err:
        result.verdict, result.reason = Verdict.DIFFERENT, str(err)
        return result
    result.applied = {
        name: record.applied.get(name, 0) + record.left.get(name, 0)
        for name in {*record.applied, *record.left}
    }
    different = list(_differences(made, ours, theirs, where, result))
    if different:
        result.verdict, result.reason = Verdict.DIFFERENT, "; ".join(different[:3])
    return result


def _memory(made: Outcome, symbols: list[Sym], where: Mapping[Region, int]) -> dict[Region, bytes]:
    # the bytes of each region as the target has them in the end
    record = made.linked
    if record.mode is Mode.PRELOCATED:
        return {section.region: section.content for section in record.sections}
    file = blob(record)
    wrong = [each for each in acceptance.problems(file) if "extension symbol table" not in each]
    if wrong:
        raise armloader.LoadError("; ".join(wrong))
    values = {symbol.name: symbol.value for symbol in symbols}
    labels = {region.label: address for region, address in where.items()}
    loaded = armloader.load(armloader.read(file), labels, values.get)
    if record.mode is Mode.BOUND and loaded.looked_up:
        raise armloader.LoadError(f"{sorted(loaded.looked_up)} were looked up by name")
    return {
        region: bytes(loaded.memory[region.label]) if region is not Region.BSS else b""
        for region in where
    }


def _differences(
    made: Outcome,
    ours: Mapping[Region, bytes],
    theirs: Mapping[Region, tuple[int, int, bytes]],
    where: Mapping[Region, int],
    result: Result,
) -> Iterator[str]:
    if ours.keys() != theirs.keys():
        yield f"regions {sorted(ours)} and {sorted(theirs)}"
        return
    for region, (address, size, expected) in theirs.items():
        stubs = made.second.stubs.all if region is Region.TEXT else []
        end = stubs[0].offset if stubs else made.second.sizes()[region][0]
        result.regions += 1
        result.bytes += size
        # what is behind the last input section is padding for the first veneer
        if address != where[region] or not size <= end < size + 4:
            mine = f"{end} bytes at {where[region]:#x}"
            yield f"{region.label} has {mine}, not {size} at {address:#x}"
        elif ours[region][:size] != expected:
            yield from _places(region, ours[region], expected, where[region], result)


def _places(
    region: Region, ours: bytes, expected: bytes, address: int, result: Result
) -> Iterator[str]:
    at = 0
    while at < len(expected):
        if ours[at : at + 2] == expected[at : at + 2]:
            at += 2
            continue
        # the difference can be in the second halfword
        for start in (at, at - 2):
            if region is Region.TEXT and _same_way(ours, expected, start, address):
                result.veneers += 1
                at = start + 4
                break
        else:
            mine, theirs = ours[at : at + 4].hex(), expected[at : at + 4].hex()
            yield f"{region.label}+{at:#x} is {mine}, GNU ld has {theirs}"
            at += 2


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
