# SPDX-License-Identifier: Apache-2.0
"""What a blob exports: the rows of `.exported_sym`, two words each, a name and an address.

In a relocatable file both words are relocated, in a shared object too; in any other linked file
they are addresses already.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from west_llext.arch.machines import machine_of
from west_llext.model.elf import SHF_ALLOC, FileType, ObjectFile, Relocation, SectionType

SECTION = ".exported_sym"
#: Rows that are read, and bytes that all names together may have; no blob is near it.
MAX_ROWS = 1 << 16
MAX_NAMES = 8 << 20
#: Longest name that is read, in bytes.
MAX_NAME = 4096


class Exported(NamedTuple):
    """A row.

    name: None where it can't be read
    section: index of the section that it is in; None where only the address is known
    value: byte offset in the section, or the address; bit 0 set for a Thumb function
    """

    name: str | None
    section: int | None
    value: int


def exported(file: ObjectFile) -> tuple[Exported, ...]:
    """Every row, in the order of the file."""
    return tuple(_Reader(file).rows())


class _Place(NamedTuple):
    # section None: `offset` is an address
    section: int | None
    offset: int


class _Reader:
    def __init__(self, file: ObjectFile) -> None:
        self.file = file
        self.content = cache(file.content)
        self.relocations = cache(self.by_offset)
        self.left = MAX_NAMES
        self.stored = sorted(
            (
                (index, each)
                for index, each in enumerate(file.sections)
                if each.flags & SHF_ALLOC and each.size and each.type != SectionType.NOBITS
            ),
            key=lambda item: item[1].addr,
        )
        self.starts = [each.addr for _, each in self.stored]
        # types whose place has a part of the addend, though the relocation has one (Xtensa)
        machine = machine_of(file.ident)
        self.partial = frozenset[int]()
        if machine is not None:
            based = {number for number, row in machine.dynamic.items() if row.partial}
            self.partial = machine.partial | based
        self.linked = file.file_type != FileType.REL

    def rows(self) -> Iterator[Exported]:
        word = self.file.ident.bits // 8
        form = struct.Struct(self.file.ident.order + ("II" if word == 4 else "QQ"))
        count = 0
        for index, section in enumerate(self.file.sections):
            if section.name != SECTION:
                continue
            raw = self.content(index)[: (MAX_ROWS - count) * form.size]
            whole = raw[: len(raw) - len(raw) % form.size]
            # in a linked file, offsets of relocations are addresses
            base, source = (section.addr, 0) if self.linked else (0, index)
            relocations = self.relocations(source)
            for number, (name, value) in enumerate(form.iter_unpack(whole)):
                start = base + number * form.size
                text = self.text(self.place(name, relocations.get(start)))
                place = self.place(value, relocations.get(start + word))
                yield Exported(text, place.section, place.offset)
            count += len(whole) // form.size

    def by_offset(self, index: int) -> dict[int, Relocation]:
        # the relocations of a section
        return {row.offset: row for row in self.file.relocations.get(index, ())}

    def place(self, word: int, relocation: Relocation | None) -> _Place:
        # what a word of the table stands for
        if relocation is None:
            return _Place(None, word)
        addend = relocation.addend or 0
        if relocation.addend is None or relocation.type in self.partial:
            addend += word
        if self.linked and not relocation.symbol:
            return _Place(None, addend)
        symbol = self.file.symbols[relocation.symbol]
        value = symbol.value + addend
        if self.linked:
            return _Place(None, value)
        return _Place(symbol.section if symbol.section < len(self.file.sections) else None, value)

    def text(self, place: _Place) -> str | None:
        section, offset = place
        if section is None:
            section, offset = self.section_at(offset)
        if offset < 0:
            return None
        raw = self.content(section)
        end = raw.find(b"\0", offset, offset + min(MAX_NAME, max(self.left, 0)))
        if end <= offset:
            return None
        self.left -= end - offset
        return raw[offset:end].decode("utf-8", "surrogateescape")

    def section_at(self, address: int) -> tuple[int, int]:
        # the section that holds an address, and the offset in it; an offset below 0 for none
        at = bisect_right(self.starts, address) - 1
        if at < 0:
            return 0, -1
        index, section = self.stored[at]
        offset = address - section.addr
        return (index, offset) if offset < section.size else (0, -1)
