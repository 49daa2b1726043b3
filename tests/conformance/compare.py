# SPDX-License-Identifier: Apache-2.0
"""One object through our link and through GNU ld, at the same addresses, byte for byte.

prelocated: what we write is compared as it is.
bound, relocatable: a small loader, written after Zephyr's, completes what we left for the target.

Undefined symbols get addresses within the reach of every branch that uses them, in the instruction
set that the branch can end in, so that GNU ld makes no veneers; half of the weak ones get none.
In the modes in which the target picks the addresses, half of the objects are linked without a word
about where they are loaded, so that every call goes through a veneer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.conformance.corpus import Member
from tests.support import armloader, gnuld, sameness
from tests.support.elfbuild import FUNC, NOTYPE, OBJECT, SHN_ABS, Sym
from tests.support.linking import Case, Outcome, Sizes, extension, offer, packed
from west_llext.elf.read import object_file
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
    where = made.addresses or addresses(made.second.sizes(), member)
    layout = sameness.layout(made)
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
        ours = sameness.memory(made, symbols, where)
    except (gnuld.LinkerError, armloader.LoadError) as err:
        result.verdict, result.reason = Verdict.DIFFERENT, str(err)
        return result
    result.applied = {
        name: record.applied.get(name, 0) + record.left.get(name, 0)
        for name in {*record.applied, *record.left}
    }
    found = sameness.compared(made, ours, theirs, where)
    result.regions, result.bytes, result.veneers = found.regions, found.size, found.veneers
    if found.different:
        result.verdict, result.reason = Verdict.DIFFERENT, "; ".join(found.different[:3])
    return result
