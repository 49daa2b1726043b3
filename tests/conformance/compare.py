# SPDX-License-Identifier: Apache-2.0
"""One object through our link and through GNU ld, at the same addresses, byte for byte.

prelocated: what we write is compared as it is.
bound, relocatable: a small loader, written after Zephyr's, completes what we left for the target,
at three addresses of every region, which the name of the object decides about; GNU ld links the
object for each of them.

Undefined symbols get addresses within the reach of every branch that uses them, in the instruction
set that the branch can end in, so that GNU ld makes no veneers; half of the weak ones get none.
In the modes in which the target picks the addresses, half of the objects are linked without a word
about where they are loaded, so that every call goes through a veneer.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from tests.conformance.corpus import Member
from tests.conformance.definitions import (
    EM_AARCH64,
    EM_ARC,
    EM_ARC_700,
    EM_ARM,
    EM_RISCV,
    EM_X86_64,
    REACH,
    bounds,
    definitions,
)
from tests.support import gnuld, sameness
from tests.support.cross import lld
from tests.support.elfbuild import Sym
from tests.support.linking import Case, Outcome, Sizes, extension, offer, packed
from tests.support.loading import LoadError
from tests.support.tools import tools_of
from west_llext.elf.read import object_file
from west_llext.link.extension import Purpose
from west_llext.model.elf import SHF_EXECINSTR, Ident, ObjectFile
from west_llext.model.manifest import Mode
from west_llext.model.region import PLACEABLE, Region

#: Machines whose calls don't reach everywhere.
_SHORT_CALLS = {EM_ARM, EM_AARCH64, EM_ARC_700, EM_ARC, EM_RISCV}


#: Around all that `addresses` and `spots` give.
_EVERYWHERE = 0x08000000, 0x30000000

#: Load addresses that the target could pick, for the modes in which it does.
LOADS = 3
#: How far the code can be from where definitions are near, at most, in bytes.
_MOST_ROOM = 0x100000
#: Bytes among which definitions of the same reach lie.
_DEFINITIONS = 0x200
#: Addresses of what code can be far away from.
_FAR = {Region.DATA: (0x20000000, 0x23800000), Region.BSS: (0x24000000, 0x2C000000)}


class Verdict(Enum):
    """What a comparison came to."""

    EQUAL = "equal"
    SKIPPED = "skipped"
    DIFFERENT = "different"


class Oracle(Enum):
    """The linker that is compared with."""

    GNU = "GNU ld"
    LLD = "lld"


@dataclass(slots=True, kw_only=True)
class Result:
    """One comparison.

    reason: why it was skipped, or what is different
    regions: how many were compared, once for each address; bytes: in them
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


class _Setting(NamedTuple):
    # what both linkers get; `folder` is for files, `room` is how far the code can move
    member: Member
    case: Case
    symbols: list[Sym]
    folder: Path
    oracle: Oracle
    base: int
    text: int
    room: int


#: Why an object can't be compared, by the code of our finding.
REASONS = {
    "L010": "it defines thread-local variables, which the loader gives no extension",
    "S006": "it uses a thread-local variable of the base image, which can't be imported",
    "R001": "a relocation type that extensions can't have",
    "R006": "it refers to a section without bytes, which is loaded nowhere",
    "R007": "a relocation type that the target's loader doesn't know",
}


def addresses(sizes: Sizes, member: Member, base: int = 0) -> dict[Region, int]:
    """Text, read-only data and the rest in three far places, which depend on the member."""
    spread = member.ordinal * 0x9E3779B1 % 0x800 * 0x1000
    starts = {Region.TEXT: 0x08000000 + spread, Region.DATA: 0x20000000 + spread // 2}
    starts[Region.BSS] = 0x24000000 + spread // 4
    rest = {each: sizes[each] for each in sizes if each not in starts}
    found = packed(rest, base + 0x0A000000 + spread)
    for region, start in starts.items():
        if region in sizes:
            align = sizes[region][1]
            found[region] = (base + start + align - 1) & -align
    return found


def spots(
    sizes: Sizes, member: Member, text: int, room: int, base: int = 0
) -> Iterator[dict[Region, int]]:
    """Where the target could load the member, picked by its name.

    The code is at most `room` bytes behind `text`, everything else anywhere.
    """
    chance = random.Random(str(member))  # noqa: S311  nothing secret
    for _ in range(LOADS):
        rest = {each: sizes[each] for each in sizes if each not in {*_FAR, Region.TEXT}}
        found = packed(rest, base + chance.randrange(0x0A000000, 0x1F000000))
        for region, (low, high) in _FAR.items():
            if region in sizes:
                align = sizes[region][1]
                start = base + chance.randrange(low, high)
                found[region] = (start + align - 1) & -align
        if Region.TEXT in sizes:
            align = sizes[Region.TEXT][1]
            found[Region.TEXT] = text + chance.randrange(0, room + 1, align)
        yield found


def _room(obj: ObjectFile) -> int:
    # how far the code can move with every branch to a definition still reaching it; definitions
    # are at half of the branches' reach
    reaches = REACH[obj.ident.machine]
    found = [
        reaches[row.type]
        for rows in obj.relocations.values()
        for row in rows
        if row.type in reaches and not obj.symbols[row.symbol].section
    ]
    code = sum(each.size for each in obj.sections if each.flags & SHF_EXECINSTR)
    return max(min([*found, _MOST_ROOM]) - code - _DEFINITIONS, 0)


def _base(ident: Ident, member: Member, mode: Mode) -> int:
    # RV64 code makes an address near 0 with one instruction where that is near and with another
    # where it isn't (or, in our link, may not be); all else it makes from the place
    if (ident.machine, ident.bits) != (EM_RISCV, 64):
        return 0
    return 1 << 32 if mode is not Mode.PRELOCATED or member.ordinal % 2 else 0


def compared(member: Member, mode: Mode, folder: Path, oracle: Oracle = Oracle.GNU) -> Result:
    """The comparison of one object; `folder` is for the linker's files."""
    content = gnuld.unmerged(member.content)
    obj = object_file(content, str(member))
    base = _base(obj.ident, member, mode)
    text = addresses({Region.TEXT: (0, 1 << 12)}, member, base)[Region.TEXT]
    # lld makes other code than GNU ld of a call of an undefined weak function
    symbols = definitions(obj, member, text, every=oracle is Oracle.LLD)
    room = _room(obj)
    window, (low, high) = (text, text + max(room, 0x10000)), _EVERYWHERE
    case = Case(
        extension=extension(name="unit", mode=mode),
        base=offer(symbols, ident=obj.ident),
        place=lambda sizes: addresses(sizes, member, base),
        windows={region.label: (base + low, base + high) for region in PLACEABLE}
        | {"text": window},
        # every other one can be loaded anywhere, so that all its calls go through veneers
        heap=window if member.ordinal % 2 or obj.ident.machine not in _SHORT_CALLS else None,
        purpose=Purpose.CHECK,
    )
    made = case.link(obj)
    reason = _no_oracle(obj, content) if oracle is Oracle.LLD else _constants(obj, mode)
    if reason:
        return Result(member=member, mode=mode, verdict=Verdict.SKIPPED, reason=reason)
    if made.record is None or made.findings:
        return _skipped(member, mode, made)
    return _verdict(_Setting(member, case, symbols, folder, oracle, base, text, room), made)


def _no_oracle(obj: ObjectFile, content: bytes) -> str:
    # why lld can't be asked
    tools = tools_of(content)
    if not tools.lld:
        return "lld doesn't know the machine"
    types = {row.type for rows in obj.relocations.values() for row in rows}
    return "lld makes other code of what refers to a table" if types & tools.lld_other else ""


def _constants(obj: ObjectFile, mode: Mode) -> str:
    # of an address that code reads from a table GNU ld makes a constant where a linker has defined
    # the symbol; ours is known in prelocated mode only
    if obj.ident.machine != EM_X86_64 or mode is Mode.PRELOCATED:
        return ""
    own = bounds(obj)
    wanted = any(not each.section and each.name in own for each in obj.symbols)
    return "GNU ld makes constants of the bounds of sections" if wanted else ""


def _skipped(member: Member, mode: Mode, made: Outcome) -> Result:
    unknown = [each for each in made.findings if each.code not in REASONS]
    if unknown:
        return Result(member=member, mode=mode, verdict=Verdict.DIFFERENT, reason=str(unknown[0]))
    reason = REASONS[made.findings[0].code]
    return Result(member=member, mode=mode, verdict=Verdict.SKIPPED, reason=reason)


def _options(member: Member, oracle: Oracle) -> dict[str, Sequence[str]]:
    # what the linker needs to link as we do
    if oracle is Oracle.LLD:
        return {"linker": lld(), "options": tools_of(member.content).lld}
    # without it the linker makes a veneer for each change of the instruction set
    return {"options": ["--use-blx"] if member.arch == "v5te" else []}


def _verdict(setting: _Setting, made: Outcome) -> Result:
    record = made.linked
    result = Result(member=setting.member, mode=record.mode, verdict=Verdict.EQUAL)
    if not sameness.layout(made):
        result.verdict, result.reason = Verdict.SKIPPED, "nothing of it is loaded"
        return result
    result.applied = {
        name: record.applied.get(name, 0) + record.left.get(name, 0)
        for name in {*record.applied, *record.left}
    }
    for where in _places(setting, made):
        _compare(setting, made, where, result)
        if result.verdict is Verdict.DIFFERENT:
            break
    return result


def _places(setting: _Setting, made: Outcome) -> Iterable[Mapping[Region, int]]:
    # of the regions: where we placed them, or where the target could
    if made.addresses:
        return [made.addresses]
    sizes = made.second.sizes()
    return spots(sizes, setting.member, setting.text, setting.room, setting.base)


def _compare(setting: _Setting, made: Outcome, where: Mapping[Region, int], result: Result) -> None:
    member, case, symbols, folder, oracle, *_ = setting
    try:
        theirs = gnuld.linked(
            folder,
            member.content,
            layout=sameness.layout(made),
            addresses=where,
            symbols=symbols,
            table=sameness.table(made),
            **_options(member, oracle),  # type: ignore[arg-type]  # parameters of `linked`
        )
        found = sameness.matched(case, made, theirs, symbols=symbols, where=where)
    except (gnuld.LinkerError, LoadError) as err:
        result.verdict, result.reason = Verdict.DIFFERENT, f"{_shown(where)}: {err}"
        return
    result.regions += found.regions
    result.bytes += found.size
    result.veneers += found.veneers
    if found.different:
        result.verdict = Verdict.DIFFERENT
        result.reason = f"{_shown(where)}: {'; '.join(found.different[:3])}"


def _shown(where: Mapping[Region, int]) -> str:
    return ", ".join(f"{region.label} at {where[region]:#x}" for region in sorted(where))
