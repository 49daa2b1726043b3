# SPDX-License-Identifier: Apache-2.0
"""A global offset table inside the extension, for code that was compiled to use one.

Its words lie behind the code, as the literals of veneers do: the distance from an instruction to
its word is final then wherever the target's loader puts the extension, and the words are addresses
that every loader can fill in.
"""

from __future__ import annotations

from dataclasses import field

from west_llext.arch.got import TABLE
from west_llext.arch.machine import Machine
from west_llext.arch.table import Row, Via
from west_llext.link.arrange import Arrangement
from west_llext.link.targets import Kind, Target
from west_llext.model.elf import ObjectFile
from west_llext.model.region import Region
from west_llext.record import record

#: What Page(x) of the psABIs is, in bytes.
PAGE = 1 << 12


@record(slots=True)
class OffsetTable:
    """The words of one extension's table.

    words: (offset in TEXT, index of the target, bytes behind it), each a pointer-sized address
    entry: by index of a symbol and bytes behind it, the index of the target that is its word
    start: offset in TEXT at which the table begins, with a word that linkers keep for themselves
    sums: whether the psABI has a word for each sum of symbol and addend; else the addend counts
        from the word
    """

    words: list[tuple[int, int, int]] = field(default_factory=list)
    entry: dict[tuple[int, int], int] = field(default_factory=dict)
    start: int = 0
    sums: bool = False

    def key(self, symbol: int, addend: int | None) -> tuple[int, int]:
        """What finds the word of a relocation in `entry`."""
        return symbol, (addend or 0) if self.sums else 0


def offset_table(
    obj: ObjectFile, arranged: Arrangement, targets: list[Target], machine: Machine
) -> OffsetTable:
    """A word for each symbol that is referred to through one; TEXT and `targets` grow by them."""
    table = OffsetTable(sums=machine.table_of_sums)
    if not machine.table_entries:
        return table
    size = obj.ident.bits // 8
    for section, rows in obj.relocations.items():
        if arranged.home[section] is None:
            continue
        content = obj.content(section)
        for offset, symbol, number, addend in rows:
            key = table.key(symbol, addend)
            if number not in machine.table_entries or key in table.entry:
                continue
            row = machine.rows[number]
            if isinstance(row, Row) and _through_table(row, content, offset):
                place = arranged.output(Region.TEXT).add(source=-1, size=size, align=size)
                table.words.append((place, *key))
                table.entry[key] = len(targets)
                name = f"the table's word for {targets[symbol].name}"
                targets.append(Target(Kind.OWN, name, place, region=Region.TEXT))
    if machine.own_table and Region.TEXT in arranged.outputs:
        output = arranged.output(Region.TEXT)
        table.start = (table.words[0][0] if table.words else output.size) - size
        if _is_counted_from(obj, targets, table.start):
            output.align = max(output.align, PAGE)
    return table


def _is_counted_from(obj: ObjectFile, targets: list[Target], start: int) -> bool:
    # whether code looks for the table, whose page it takes to be a constant distance away
    found = False
    for index, symbol in enumerate(obj.symbols):
        if symbol.name == TABLE and targets[index].kind is Kind.ABSOLUTE:
            targets[index] = Target(Kind.OWN, TABLE, start, region=Region.TEXT)
            found = True
    return found


def _through_table(row: Row, content: bytes, offset: int) -> bool:
    # some instructions can do without (x86-64)
    if row.pick is None:
        return True
    if not row.before <= offset <= len(content) - row.size:
        return False
    instead = row.pick(content, offset)
    return instead is not None and instead.via is Via.GOT
