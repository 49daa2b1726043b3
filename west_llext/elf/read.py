# SPDX-License-Identifier: Apache-2.0
"""ELF files as records (System V gABI, chapters 4 and 5).

Tables are unpacked in columns: iterating pyelftools takes 30 times as long. Relocations are
unpacked when somebody looks at them, because most of an object's belong to debug information.
"""

from __future__ import annotations

import stat
import struct
import sys
from array import array
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Literal, NamedTuple

from west_llext.diagnostics import Diagnostic, MissingError, Span
from west_llext.elf.headers import (
    MAX_MEMORY,
    SECTION_COST,
    Headers,
    bound_names,
    decoded,
    headers,
    is_elf,
    refuse,
)
from west_llext.model.elf import (
    SHF_ALLOC,
    SHN_LORESERVE,
    SHN_XINDEX,
    FileType,
    Ident,
    ObjectFile,
    Relocation,
    Section,
    SectionType,
    Symbol,
)
from west_llext.model.rows import Rows, SymbolColumns, symbol_columns

__all__ = ["MAX_FILE_SIZE", "file_content", "is_elf", "object_file"]

#: Larger files are refused: no extension or base image is near it.
MAX_FILE_SIZE = 1 << 30
#: Relocations of sections that aren't loaded (debug information).
MAX_UNLOADED_RELOCATIONS = 1 << 22

#: Bytes that the record of a symbol (without its name) and of a relocation take, about.
_SYMBOL_COST = 208
_RELOCATION_COST = 160
# plain integers: a look-up in the enum costs more than the rest of a step
_SYMBOL_TABLES = (int(SectionType.SYMTAB), int(SectionType.DYNSYM))
_REL, _RELA, _GROUP = int(SectionType.REL), int(SectionType.RELA), int(SectionType.GROUP)
_RELOCATIONS = (_REL, _RELA)


def file_content(path: Path, name: str | None = None) -> bytes:
    """The bytes of a file; raises MissingError (L001) where it can't be read."""
    name = name or path.as_posix()
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise _unreadable(name, "not a regular file")
        if state.st_size > MAX_FILE_SIZE:
            refuse(name, f"file is larger than {MAX_FILE_SIZE >> 20} MiB")
        return path.read_bytes()
    except OSError as err:
        raise _unreadable(name, err.strerror or "unknown error") from err


def _unreadable(name: str, why: str) -> MissingError:
    message = f"can't read '{name}': {why}"
    return MissingError([Diagnostic(code="L001", at=Span(PurePath(name)), message=message)])


def object_file(data: bytes, name: str) -> ObjectFile:
    """The ELF file in `data`, which messages call `name`.

    Raises LlextError (L002) where it isn't a whole ELF file, or one that needs much memory.
    """
    head = headers(data, name)
    # what a shared object's loader sees is the dynamic symbol table, whatever else there is
    dynamic = head.file_type == FileType.DYN
    table = symbol_table(head, _SYMBOL_TABLES[::-1] if dynamic else _SYMBOL_TABLES)
    symbols = _symbols(head, table) if table else ()
    return ObjectFile(
        name=name,
        ident=head.ident,
        file_type=head.file_type,
        entry=head.entry,
        data=data,
        sections=head.sections,
        symbols=symbols,
        relocations=_relocations(head, table, len(symbols)),
        groups=_groups(head, symbols),
        segments=head.segments,
    )


def symbol_table(head: Headers, kinds: Sequence[int] = _SYMBOL_TABLES) -> int:
    """Index of the symbol table: of the first kind that there is; 0 for none."""
    for kind in kinds:
        found = [index for index, section in enumerate(head.sections) if section.type == kind]
        if len(found) > 1:
            refuse(head.name, f"has {len(found)} symbol tables, expected one")
        if found:
            return found[0]
    return 0


def section_numbers(head: Headers, table: int) -> memoryview | None:
    """SHT_SYMTAB_SHNDX of a symbol table: sections of the symbols that have SHN_XINDEX."""
    for index, section in enumerate(head.sections):
        if section.type == SectionType.SYMTAB_SHNDX and section.link == table:
            return head.table(index, 4, "section index table")
    return None


def _symbols(head: Headers, table: int) -> Rows[Symbol]:
    # names and sections are read at once, so that a table that can't be is refused here
    form = head.formats.symbol
    raw = head.table(table, form.size, "symbol table")
    text = head.strings(head.sections[table].link, f"symbol table '{head.sections[table].name}'")
    count = len(raw) // form.size
    fields = columns(raw, head.ident.bits, head.ident.order)
    cost = count * _SYMBOL_COST + len(head.sections) * SECTION_COST + len(text.text)
    if cost > MAX_MEMORY:
        refuse(head.name, f"has {count} symbols, which is more than are read")
    if count * len(text.text) > MAX_MEMORY // 16:
        bound_names(head.name, text, fields.names)
    names, find = text.text, text.text.index
    try:
        labels = [names[start : find("\0", start)] for start in fields.names]
    except ValueError:
        refuse(head.name, "a symbol has its name outside the string table")
    if not text.plain:
        labels = [decoded(label) for label in labels]
    # interned, because the extensions of a build share most names, and these stay in memory
    labels = [*map(sys.intern, labels)]
    sections = _checked(head, table, labels, fields.sections)
    found = Rows(Symbol)
    found.add(
        partial(_symbol_columns, head.data, head.sections[table], head.ident, labels, sections),
        count,
    )
    return found


def _symbol_columns(
    data: bytes, table: Section, ident: Ident, names: list[str], sections: Sequence[int]
) -> list[Sequence[Any]]:
    raw = memoryview(data)[table.offset : table.offset + table.size]
    return [names, *columns(raw, ident.bits, ident.order)[1:5], sections]


class Columns(NamedTuple):
    """The fields of a symbol table, each as a sequence of integers.

    Columns are many times as fast as rows; `sections` is st_shndx as stored.
    """

    names: Sequence[int]
    values: Sequence[int]
    sizes: Sequence[int]
    infos: Sequence[int]
    others: Sequence[int]
    sections: Sequence[int]


def columns(raw: memoryview, bits: int, order: str) -> Columns:
    """The columns of the symbol table in `raw`, which holds whole entries."""
    longs, halves = words(raw, "I", order), words(raw, "H", order)
    if bits == 32:
        sections = halves[7::8]
        return Columns(longs[::4], longs[1::4], longs[2::4], raw[12::16], raw[13::16], sections)
    quads = words(raw, "Q", order)
    return Columns(longs[::6], quads[1::3], quads[2::3], raw[4::24], raw[5::24], halves[3::12])


def _checked(
    head: Headers, table: int, names: Sequence[str], sections: Sequence[int]
) -> Sequence[int]:
    # an index that points nowhere is refused here, so that nobody has to check again
    count = len(head.sections)
    special = [number for number, section in enumerate(sections) if section >= count]
    long: dict[int, int] = {}
    numbers: memoryview | None = None
    for number in special:
        section = sections[number]
        if section == SHN_XINDEX:
            numbers = numbers if long else section_numbers(head, table)
            section = long[number] = _long_index(head, numbers, number)
        if section >= count and not SHN_LORESERVE <= section < SHN_XINDEX:
            refuse(
                head.name,
                f"symbol {number} ('{names[number]}') is in section {section}, "
                f"there are {count} sections",
            )
    if not long:
        return sections
    return [long.get(number, section) for number, section in enumerate(sections)]


def _long_index(head: Headers, numbers: memoryview | None, number: int) -> int:
    if numbers is None or number * 4 >= len(numbers):
        refuse(head.name, f"symbol {number} has its section in a table that isn't there")
    return int(struct.unpack_from(head.ident.order + "I", numbers, number * 4)[0])


def _relocations(head: Headers, table: int, symbol_count: int) -> dict[int, Rows[Relocation]]:
    found: dict[int, Rows[Relocation]] = {}
    loaded = unloaded = 0
    for index, section in enumerate(head.sections):
        if section.type not in _RELOCATIONS or not section.size:
            continue
        if section.link != table and section.link < len(head.sections):
            kind = head.sections[section.link].type
            if section.link and kind in _SYMBOL_TABLES:
                continue  # of a dynamic symbol table beside the one that we read
        if section.info >= len(head.sections):
            refuse(
                head.name,
                f"'{section.name}' relocates section {section.info}, "
                f"there are {len(head.sections)} sections",
            )
        count = _relocation_count(head, index, symbol_count)
        if head.sections[section.info].flags & SHF_ALLOC or not section.info:
            loaded += count
        else:
            unloaded += count
        # sh_info means nothing where offsets are addresses
        relocated = 0 if head.file_type == FileType.DYN else section.info
        rows = found.setdefault(relocated, Rows(Relocation))
        rows.add(partial(_relocation_columns, head.data, head.ident, section), count)
    if loaded * _RELOCATION_COST > MAX_MEMORY or unloaded > MAX_UNLOADED_RELOCATIONS:
        refuse(head.name, f"has {loaded + unloaded} relocations, which is more than are read")
    return found


def _relocation_count(head: Headers, index: int, symbol_count: int) -> int:
    # entries of a relocation section, none of which names a symbol behind the table
    explicit = head.sections[index].type == _RELA
    form = head.formats.rela if explicit else head.formats.rel
    raw = head.table(index, form.size, "relocation section")
    # the symbol is in the upper bits of r_info, so the largest r_info has the largest
    if head.ident.bits == 32:
        last = max(words(raw, "I", head.ident.order)[1 :: form.size // 4]) >> 8
    else:
        last = max(words(raw, "Q", head.ident.order)[1 :: form.size // 8]) >> 32
    if last >= max(symbol_count, 1):
        refuse(head.name, f"'{head.sections[index].name}' names a symbol behind the symbol table")
    return len(raw) // form.size


def words(raw: memoryview, letter: Literal["H", "I", "i", "Q", "q"], order: str) -> Sequence[int]:
    """A table as integers of 16, 32 or 64 bits (struct letters), without unpacking it."""
    if (order == "<") == (sys.byteorder == "little"):
        return raw.cast(letter)
    swapped = array(letter, raw.tobytes())
    swapped.byteswap()
    return swapped


def _relocation_columns(data: bytes, ident: Ident, section: Section) -> list[Sequence[Any]]:
    raw = memoryview(data)[section.offset : section.offset + section.size]
    order = ident.order
    explicit = section.type == _RELA
    step = 3 if explicit else 2
    addends: Sequence[int | None]
    if ident.bits == 32:
        fields, shift = words(raw, "I", order), 8
        types: Sequence[int] = raw[4 if ident.little else 7 :: 4 * step].tobytes()
        addends = words(raw, "i", order)[2::3] if explicit else ()
    else:
        fields, shift = words(raw, "Q", order), 32
        types = [info & 0xFFFFFFFF for info in fields[1::step]]
        addends = words(raw, "q", order)[2::3] if explicit else ()
    symbols = [info >> shift for info in fields[1::step]]
    return [fields[::step], symbols, types, addends or [None] * len(symbols)]


def _groups(
    head: Headers, symbols: Sequence[Symbol]
) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
    found = []
    count = len(head.sections)
    total = 0
    fields: SymbolColumns | None = None
    for index, section in enumerate(head.sections):
        if section.type != _GROUP or section.size < 4:
            continue
        total += section.size // 4 - 1
        if total > count:
            refuse(head.name, f"section groups name {total} members, there are {count} sections")
        raw = head.table(index, 4, "section group")
        flags, *members = struct.unpack(f"{head.ident.order}{len(raw) // 4}I", raw)
        if section.info >= len(symbols) or any(each >= count for each in members):
            refuse(head.name, f"section group '{section.name}' names what isn't there")
        fields = fields or symbol_columns(symbols)
        place = fields.sections[section.info]
        signature = fields.names[section.info] or head.sections[min(place, count - 1)].name
        found.append((signature, flags, tuple(members)))
    return tuple(found)
