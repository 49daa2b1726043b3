# SPDX-License-Identifier: Apache-2.0
"""What the symbols of an object stand for."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import NamedTuple

from west_llext.link.arrange import Arrangement
from west_llext.model.elf import (
    SHF_TLS,
    SHN_ABS,
    SHN_COMMON,
    SHN_UNDEF,
    STB_WEAK,
    STT_FUNC,
    STT_TLS,
    ObjectFile,
    Section,
    Symbol,
)
from west_llext.model.members import plain_members
from west_llext.model.region import Region
from west_llext.model.rows import symbol_columns


@plain_members
class Kind(IntEnum):
    """Where the address of a target comes from."""

    #: in a region of this extension
    OWN = 0
    #: a known address
    ABSOLUTE = 1
    #: looked up by name on the target
    NAMED = 2
    #: an export of a prelocated extension; the address is known after placement
    PEER = 3
    #: an undefined weak symbol that nobody defines: address 0
    ZERO = 4
    #: in a section that isn't loaded
    UNLOADED = 5
    #: an undefined symbol that is an error, already reported
    MISSING = 6
    #: thread-local, which is an error, already reported
    TLS = 7
    #: a thread-local variable of the base image, at a known offset in its block
    THREAD = 8


#: What was reported as a symbol, so that its relocations need not be mentioned.
REPORTED = frozenset({Kind.MISSING, Kind.TLS})


class Target(NamedTuple):
    """What a symbol stands for.

    value: OWN: byte offset in the region; ABSOLUTE: the address; both without the Thumb bit;
        THREAD: byte offset in the block of thread-local variables
    thumb: 1 for a Thumb function
    function: whether it is known to be a function, so that `thumb` tells its instruction set
    region: OWN only
    provider: PEER, and NAMED from an extension: its name
    """

    kind: Kind
    name: str
    value: int = 0
    thumb: int = 0
    function: bool = False
    region: Region | None = None
    provider: str | None = None


# a named tuple made in one step, in half the time
_target: Callable[[tuple[Kind, str, int, int, bool, Region | None, str | None]], Target]
_target = partial(tuple.__new__, Target)


def own_targets(obj: ObjectFile, arranged: Arrangement, *, odd: bool) -> list[Target | None]:
    """By index in the symbol table: the target of each symbol that the object defines, or None.

    odd: whether bit 0 of a function's value is the Thumb bit
    """
    sections, home, count = obj.sections, arranged.home, len(obj.sections)
    targets: list[Target | None] = []
    names, values, _, infos, _, places = symbol_columns(obj.symbols)
    for index, section in enumerate(places):
        if section == SHN_UNDEF:
            targets.append(None)
            continue
        name, value, kind = names[index], values[index], infos[index] & 15
        if kind == STT_TLS:
            # the section was reported, unless there is nothing in it
            reported = section < count and _is_tls(sections[section])
            targets.append(Target(Kind.TLS if reported else Kind.UNLOADED, name))
            continue
        function = kind == STT_FUNC
        thumb = value & 1 if odd and function else 0
        if section < count:
            place = home[section]
            name = name or sections[section].name
        elif section == SHN_ABS:
            targets.append(Target(Kind.ABSOLUTE, name, value - thumb, thumb, function))
            continue
        else:
            place = _common(arranged, index, value) if section == SHN_COMMON else None
        if place is None:
            targets.append(Target(Kind.UNLOADED, name))
            continue
        region, start = place
        offset = start + value - thumb
        targets.append(_target((Kind.OWN, name, offset, thumb, function, region, None)))
    return targets


def _is_tls(section: Section) -> bool:
    return bool(section.flags & SHF_TLS and section.size)


def _common(arranged: Arrangement, index: int, alignment: int) -> tuple[Region, int] | None:
    # where value 0 would be: that of a COMMON symbol is its alignment
    start = arranged.commons.get(index)
    return None if start is None else (Region.BSS, start - alignment)


def outside_target(symbol: Symbol, *, odd: bool) -> Target:
    """The target of a symbol that another file defines at a known address."""
    name, value, _, info, _, _ = symbol
    if info & 15 == STT_TLS:
        return Target(Kind.TLS, name)
    function = info & 15 == STT_FUNC
    thumb = value & 1 if odd and function else 0
    return _target((Kind.ABSOLUTE, name, value - thumb, thumb, function, None, None))


def is_weak(symbol: Symbol) -> bool:
    """Whether an undefined symbol may stay so."""
    return symbol.info >> 4 == STB_WEAK
