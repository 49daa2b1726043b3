# SPDX-License-Identifier: Apache-2.0
"""Places in objects: where a relocation is, and how messages name it."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

from west_llext.arch.table import Row
from west_llext.diagnostics import Span
from west_llext.model.elf import ObjectFile
from west_llext.model.region import Region

#: Characters of a section's name in a place: thousands of messages may have the same one.
_MAX_SHOWN = 200


class Use(NamedTuple):
    """One relocation of the object, about to be applied.

    section, offset: the place in the object
    region, here: the place in the blob, an offset from the start of the region
    word: what the place holds; symbol: index of the target; addend: A
    """

    row: Row
    section: int
    offset: int
    region: Region
    here: int
    word: int
    symbol: int
    addend: int


def place_of(obj: ObjectFile) -> Span:
    """The object file as a place."""
    return Span(PurePath(obj.name))


def in_section(obj: ObjectFile, section: int, offset: int) -> str:
    """A place in an object, as `.text+0x1c`."""
    name = obj.sections[section].name
    if len(name) > _MAX_SHOWN:
        name = f"{name[: _MAX_SHOWN - 3]}..."
    return f"{name}+{offset:#x}"


def shown(value: int) -> str:
    """A signed value or address in hex, always with a sign where it is a distance."""
    return f"{'-' if value < 0 else '+'}{abs(value):#x}"
