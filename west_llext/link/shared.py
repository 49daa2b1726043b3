# SPDX-License-Identifier: Apache-2.0
"""A shared object, read as the relocatable object that it could have been.

In a shared object (ET_DYN) values of symbols and offsets of relocations are addresses, and
relocations that need no symbol have none: the word holds the address that it points to (RELATIVE).
Here everything is counted from its section again, so that the steps after this one see no
difference. What the linker has applied stays so: sections of one region keep their distances
(`arrange`).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from west_llext.arch.machine import Machine
from west_llext.arch.table import Dynamic, Ignore, Row
from west_llext.diagnostics import Diagnostic
from west_llext.link.arrange import region_of
from west_llext.link.codec import codec
from west_llext.link.complaints import Complaints
from west_llext.model.elf import (
    SHF_ALLOC,
    SHF_TLS,
    STB_LOCAL,
    STT_SECTION,
    STT_TLS,
    ObjectFile,
    Relocation,
    Section,
    SectionType,
    Symbol,
)


def relocatable(obj: ObjectFile, machine: Machine) -> tuple[ObjectFile, list[Diagnostic]]:
    """The object with places and values counted from their sections, and what is wrong with it.

    What isn't loaded is emptied: debug information of a linked file speaks of its addresses.
    """
    return _Reader(obj, machine).run()


class _Reader:
    # One file; a class because every step needs the same tables.

    def __init__(self, obj: ObjectFile, machine: Machine) -> None:
        self.obj = obj
        self.machine = machine
        self.codec = codec(obj.ident.order)
        self.mask = (1 << obj.ident.bits) - 1
        self.complaints = Complaints(obj, lambda *_: None)
        found = [
            (each.addr, index)
            for index, each in enumerate(obj.sections)
            if each.flags & SHF_ALLOC and not each.flags & SHF_TLS and each.size
        ]
        self.loaded = [index for _, index in sorted(found)]
        self.starts = sorted(start for start, _ in found)
        row = machine.rows[machine.absolute_word]
        if not isinstance(row, Row):
            raise TypeError(row)
        self.absolute = row
        self.symbols = [self.counted(symbol) for symbol in obj.symbols]
        #: by section: the index of a symbol for it
        self.anchors: dict[int, int] = {}

    def run(self) -> tuple[ObjectFile, list[Diagnostic]]:
        relocations: dict[int, list[Relocation]] = {}
        rows = self.machine.rows
        for row in self.obj.relocations.get(0, ()):
            if isinstance(rows.get(row.type), Ignore):
                continue  # GNU ld fills a table up with R_XTENSA_NONE at address 0
            place = self.section_at(row.offset)
            if place is None:
                self.complaints.unplaced(self.machine, row)
                continue
            if region_of(self.obj.sections[place[0]]) is None:
                continue
            made = self.word(row, *place)
            if made is not None:
                relocations.setdefault(place[0], []).append(made)
        found = replace(
            self.obj,
            sections=tuple([_loaded(each) for each in self.obj.sections]),
            symbols=tuple(self.symbols),
            relocations=relocations,
        )
        return found, self.complaints.diagnostics()

    def counted(self, symbol: Symbol) -> Symbol:
        # a symbol with its value counted from its section; SHN_ABS and the like are behind all
        if not 0 < symbol.section < len(self.obj.sections) or symbol.type == STT_TLS:
            return symbol
        start = self.obj.sections[symbol.section].addr
        return symbol._replace(value=symbol.value - start & self.mask)

    def section_at(self, address: int) -> tuple[int, int] | None:
        # the section at an address and the offset in it; one that ends there, where none begins
        at = bisect_right(self.starts, address) - 1
        if at < 0:
            return None
        offset = address - self.starts[at]
        index = self.loaded[at]
        return (index, offset) if offset <= self.obj.sections[index].size else None

    def word(self, row: Relocation, section: int, offset: int) -> Relocation | None:
        # the relocation of a relocatable object that does the same
        kind = self.machine.dynamic.get(row.type)
        if kind is None:
            return row._replace(offset=offset)
        held = self.held(kind, section, offset)
        if held is None:
            return None
        symbol, addend = row.symbol, row.addend or 0
        if kind.based:
            if row.addend is None or kind.partial:
                addend += held
            target = self.section_at(addend & self.mask)
            if target is None or region_of(self.obj.sections[target[0]]) is None:
                self.complaints.astray(kind, section, offset, addend & self.mask)
                return None
            symbol, addend = self.anchor(target[0]), target[1]
        # the place still holds what the linker left there, which counts nothing
        explicit = addend - held if self.absolute.partial else addend
        return Relocation(offset, symbol, self.machine.absolute_word, explicit)

    def held(self, kind: Dynamic, section: int, offset: int) -> int | None:
        # what the place holds; None where it isn't whole, or has no bytes
        there = self.obj.sections[section]
        size = 0 if there.type == SectionType.NOBITS else there.size
        if offset + self.absolute.size <= size:
            return self.codec.load(self.absolute.word, self.obj.data, there.offset + offset)
        if there.type == SectionType.NOBITS:
            self.complaints.no_content(section, Relocation(offset, 0, kind.number, None))
        else:
            self.complaints.outside(replace(self.absolute, name=kind.name), section, offset)
        return None

    def anchor(self, section: int) -> int:
        # a symbol at the start of a section
        if section not in self.anchors:
            self.anchors[section] = len(self.symbols)
            info = STB_LOCAL << 4 | STT_SECTION
            self.symbols.append(Symbol("", 0, 0, info, 0, section))
        return self.anchors[section]


def _loaded(section: Section) -> Section:
    if section.flags & SHF_ALLOC:
        return section
    return section._replace(type=SectionType.NULL, size=0)
