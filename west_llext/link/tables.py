# SPDX-License-Identifier: Apache-2.0
"""A global offset table inside the extension, for code that was compiled to use one.

Its words lie behind the code, as the literals of veneers do: the distance from an instruction to
its word is final then wherever the target's loader puts the extension, and the words are addresses
that every loader can fill in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from west_llext.arch.machine import Machine
from west_llext.arch.table import Row, Via
from west_llext.link.arrange import Arrangement
from west_llext.link.targets import Kind, Target
from west_llext.model.elf import ObjectFile
from west_llext.model.region import Region


@dataclass(slots=True)
class OffsetTable:
    """The words of one extension's table.

    words: (offset in TEXT, index of the target), each a pointer-sized address
    entry: by index of a symbol, the index of the target that is its word
    """

    words: list[tuple[int, int]] = field(default_factory=list)
    entry: dict[int, int] = field(default_factory=dict)


def offset_table(
    obj: ObjectFile, arranged: Arrangement, targets: list[Target], machine: Machine
) -> OffsetTable:
    """A word for each symbol that is referred to through one; TEXT and `targets` grow by them."""
    table = OffsetTable()
    if not machine.table_entries:
        return table
    size = obj.ident.bits // 8
    for section, rows in obj.relocations.items():
        if arranged.home[section] is None:
            continue
        content = obj.content(section)
        for offset, symbol, number, _ in rows:
            if number not in machine.table_entries or symbol in table.entry:
                continue
            row = machine.rows[number]
            if isinstance(row, Row) and _through_table(row, content, offset):
                place = arranged.output(Region.TEXT).add(source=-1, size=size, align=size)
                table.words.append((place, symbol))
                table.entry[symbol] = len(targets)
                name = f"the table's word for {targets[symbol].name}"
                targets.append(Target(Kind.OWN, name, place, region=Region.TEXT))
    return table


def _through_table(row: Row, content: bytes, offset: int) -> bool:
    # some instructions can do without (x86-64)
    if row.pick is None:
        return True
    if not row.before <= offset <= len(content) - row.size:
        return False
    instead = row.pick(content, offset)
    return instead is not None and instead.via is Via.GOT
