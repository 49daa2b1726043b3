# SPDX-License-Identifier: Apache-2.0
"""The table of exported symbols inside a base image, in the forms that it can have.

Zephyr: an array of {name, address}, two words each, between `_llext_const_symbol_list_start` and
`_end` (include/zephyr/llext/symbol.h). With CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID a build step has
replaced each pointer to a name by the first bytes of the name's SHA-256, big-endian, and marked the
section (scripts/build/llext_prepare_exptab.py).
Other bases: the array `west_llext_exports` with as many entries as `west_llext_export_count` says,
or, where the linker dropped that word because nothing reads it, as its size tells.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import PurePath

from west_llext.diagnostics import Diagnostic, Severity, Span
from west_llext.elf.headers import Headers
from west_llext.elf.memory import Memory
from west_llext.elf.symbols import prefixed_symbols
from west_llext.model.base import SymbolIndex
from west_llext.model.elf import Symbol
from west_llext.model.slid import slid
from west_llext.record import record

START, END = "_llext_const_symbol_list_start", "_llext_const_symbol_list_end"
AREA = "llext_const_symbol_area"
NAMES = "llext_exports_strtab"
ENTRY = "__llext_sym_"
STANDALONE, COUNT = "west_llext_exports", "west_llext_export_count"
#: Symbols that are looked for in every image.
NAMES_OF_TABLES = (START, END, STANDALONE, COUNT)

SHF_LLEXT_PREPARATION_DONE = 0x08000000
SLID_SETTING = "CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID"
#: Entries that are read; the largest bases have some thousands.
MAX_ENTRIES = 1 << 17
#: Bytes that all names together may have.
MAX_NAMES = 8 << 20


@record(slots=True)
class Exports:
    """What was found in an image.

    table: name to address, or None where the image has no table
    by_slid: whether the target looks symbols up by SLID
    findings: what is wrong with it; warnings, because the rest of it can be used
    """

    table: dict[str, int] | None = None
    by_slid: bool = False
    findings: list[Diagnostic] = field(default_factory=list)


def exports(head: Headers, index: SymbolIndex, config: Mapping[str, str]) -> Exports:
    """The exported symbols of a base image, with bit 0 set in addresses of Thumb functions.

    config: its Kconfig settings, as far as they are known
    """
    return _Reader(head, index).exports(config)


class _Reader:
    # Reads one image; a class because each form needs the same things.

    def __init__(self, head: Headers, index: SymbolIndex) -> None:
        self.head = head
        self.index = index
        self.memory = Memory(head)
        self.word = struct.Struct(head.ident.order + ("I" if head.ident.bits == 32 else "Q"))
        self.entry = struct.Struct(head.ident.order + ("II" if head.ident.bits == 32 else "QQ"))
        self.found = Exports()

    def exports(self, config: Mapping[str, str]) -> Exports:
        start, end = self.index.get(START), self.index.get(END)
        standalone = self.index.get(STANDALONE)
        if start is not None and end is not None:
            raw = self.rows(start.value, end.value - start.value)
            if config.get(SLID_SETTING) == "y" or self.prepared(start):
                self.found.by_slid = True
                self.found.table = self.slids(raw)
            else:
                self.found.table = self.names(raw, start.value)
        elif standalone is not None:
            self.found.table = self.names(self.standalone(standalone), standalone.value)
        else:
            entries = list(self.single_entries())
            if entries:
                self.found.table = self.names(entries, None)
        return self.found

    def warn(self, code: str, message: str, hint: str | None) -> None:
        self.found.findings.append(
            Diagnostic(
                code=code,
                at=Span(PurePath(self.head.name)),
                message=message,
                hint=hint,
                severity=Severity.WARNING,
            )
        )

    def rows(self, addr: int, size: int) -> list[tuple[int, int]]:
        # the two words of each entry of a table
        if size == 0:
            return []
        place = self.memory.place(addr, size)
        if place is None or size % self.entry.size or size // self.entry.size > MAX_ENTRIES:
            self.warn(
                "B004",
                f"the exported table of {size} bytes at {addr:#x} can't be read, expected "
                f"entries of {self.entry.size} bytes inside the image",
                "rebuild the base image",
            )
            return []
        return list(self.entry.iter_unpack(memoryview(self.head.data)[place : place + size]))

    def standalone(self, table: Symbol) -> list[tuple[int, int]]:
        count = self.index.get(COUNT)
        if count is None and table.size >= self.entry.size:
            return self.rows(table.value, table.size - self.entry.size)
        raw = None if count is None else self.memory.content(count.value, self.word.size)
        if raw is None:
            self.warn(
                "B004",
                f"'{STANDALONE}' is there, but the word '{COUNT}' isn't",
                "link the whole generated file into the base image",
            )
            return []
        return self.rows(table.value, self.word.unpack(raw)[0] * self.entry.size)

    def single_entries(self) -> Iterator[tuple[int, int]]:
        # entries by their own symbols, where the linker script has no symbols for the ends
        for symbol in prefixed_symbols(self.head, ENTRY, limit=MAX_ENTRIES):
            place = self.memory.place(symbol.value, self.entry.size)
            if symbol.size == self.entry.size and place is not None:
                yield self.entry.unpack_from(self.head.data, place)

    def names(self, rows: Iterable[tuple[int, int]], start: int | None) -> dict[str, int]:
        table: dict[str, int] = {}
        left = MAX_NAMES
        bad: list[str] = []
        for number, (pointer, addr) in enumerate(rows):
            name = self.memory.text(pointer)
            if not name:
                bad.append(f"entry {number} has its name at {pointer:#x}")
                continue
            left -= len(name)
            if left < 0:
                bad.append(f"entry {number} and those behind it have too long names")
                break
            if addr:
                table.setdefault(name, addr)
        if bad:
            where = "" if start is None else f" at {start:#x}"
            more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
            self.warn(
                "B004",
                f"the exported table{where} can't be read whole: {bad[0]}, where the image has no "
                f"text{more}",
                "rebuild the base image",
            )
        return table

    def prepared(self, start: Symbol) -> bool:
        # whether a build step has replaced names by SLIDs
        areas = [section for section in self.head.sections if section.name == AREA]
        if not areas and start.section < len(self.head.sections):
            areas = [self.head.sections[start.section]]
        return bool(areas and areas[0].flags & SHF_LLEXT_PREPARATION_DONE)

    def slids(self, rows: Iterable[tuple[int, int]]) -> dict[str, int]:
        wanted = dict(rows)
        total = len(wanted)
        table: dict[str, int] = {}
        for name in self.candidates():
            if not wanted:
                break
            addr = wanted.pop(slid(name, self.word.size), None)
            if addr:
                table[name] = addr
        if wanted:
            first = min(wanted)
            self.warn(
                "B005",
                f"{len(wanted)} of {total} SLIDs in the exported table belong to no name in the "
                f"image, the first is {first:#x}",
                "use the image before it is stripped",
            )
        return dict(sorted(table.items()))

    def candidates(self) -> Iterator[str]:
        # names that a SLID may stand for, the likely ones first
        for number, section in enumerate(self.head.sections):
            if section.name == NAMES and section.size <= MAX_NAMES:
                text = self.head.content(number).decode("utf-8", "surrogateescape")
                yield from filter(None, text.split("\0"))
        for symbol in prefixed_symbols(self.head, ENTRY, limit=MAX_ENTRIES):
            yield symbol.name[len(ENTRY) :]
        yield from self.index
