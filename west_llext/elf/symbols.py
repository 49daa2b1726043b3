# SPDX-License-Identifier: Apache-2.0
"""The symbols of a large image, without a record for each (a base image can have 200,000)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import compress, islice
from typing import NamedTuple

from west_llext.elf.headers import MAX_MEMORY, Headers, Strings, decoded, refuse
from west_llext.elf.read import Columns, columns, section_numbers, symbol_table
from west_llext.model.base import EMPTY_INDEX, LazyNames, SymbolIndex
from west_llext.model.elf import (
    SHN_XINDEX,
    STB_GLOBAL,
    STB_WEAK,
    STT_FILE,
    STT_OBJECT,
    STT_SECTION,
    STV_HIDDEN,
    STV_INTERNAL,
    Symbol,
)

#: Bytes that a name in the index takes beside its text, about.
_NAME_COST = 180
# st_info of global and weak symbols: the binding is in the upper half
_GLOBALS = range(STB_GLOBAL << 4, (STB_WEAK + 1) << 4)
#: Source file, name and value of every local object, in the order of the symbol table. The source
#: is that of the last STT_FILE symbol before it, empty where there is none.
LocalObjects = Callable[[], Iterator[tuple[str, str, int]]]

#: 1 for those as a table for bytes.translate.
_IS_GLOBAL = bytes(each in _GLOBALS for each in range(256))
#: Names that are looked for one by one in the string table; places that are looked at for them.
_FEW, _MANY = 64, 4096
#: Symbols whose names are in memory at a time.
_PART = 1 << 12
# longer names than these aren't looked at one by one
_LONGEST = 4096
_UNNAMED = (STT_SECTION, STT_FILE)


class ImageSymbols(NamedTuple):
    """The symbols of an image.

    definitions: global and weak ones
    local: names of its local symbols
    hidden: those of `local` that were global, but hidden, before the image was linked
    objects: its local objects
    """

    definitions: SymbolIndex
    local: LazyNames
    hidden: LazyNames
    objects: LocalObjects


def image_symbols(head: Headers, names: Collection[str] = ()) -> ImageSymbols:
    """The symbols of an image; what isn't asked for isn't read.

    names: those that will be asked for first
    Raises LlextError (L002) where the symbol table can't be read.
    """
    table = symbol_table(head)
    if not table:
        nothing = LazyNames(frozenset)
        return ImageSymbols(EMPTY_INDEX, nothing, nothing, lambda: iter(()))
    tables = _tables(head, table)
    index = SymbolIndex(
        find=partial(_rows, tables),
        raw=tables.raw,
        bits=tables.bits,
        order=tables.order,
        names=names,
    )
    # a linker makes hidden symbols local, but leaves their visibility as it was
    local = partial(_local_names, tables, range(256))
    hidden = partial(_local_names, tables, range(STV_INTERNAL, STV_HIDDEN + 1))
    objects = partial(_local_objects, tables)
    return ImageSymbols(index, LazyNames(local), LazyNames(hidden), objects)


class _Tables(NamedTuple):
    # The symbol table of a file, with its names, all of which are inside the string table; without
    # the rest of the file, which is large.
    file: str
    raw: bytes
    bits: int
    order: str
    text: Strings

    def columns(self) -> Columns:
        return columns(memoryview(self.raw), self.bits, self.order)


def _tables(head: Headers, table: int) -> _Tables:
    view = head.table(table, head.formats.symbol.size, "symbol table")
    text = head.strings(head.sections[table].link, f"symbol table '{head.sections[table].name}'")
    fields = columns(view, head.ident.bits, head.ident.order)
    if max(fields.names, default=0) >= len(text.text):
        refuse(head.name, "a symbol has its name outside the string table")
    raw = _with_sections(head, table, view.tobytes(), fields)
    return _Tables(head.name, raw, head.ident.bits, head.ident.order, text)


def prefixed_symbols(head: Headers, prefix: str, *, limit: int) -> Iterator[Symbol]:
    """Symbols of any binding whose names begin so, `limit` at most; they are looked for one by one.

    Raises LlextError (L002) where the symbol table can't be read.
    """
    table = symbol_table(head)
    if not table:
        return
    form = head.formats.symbol
    view = head.table(table, form.size, "symbol table")
    text = head.strings(head.sections[table].link, f"symbol table '{head.sections[table].name}'")
    if prefix not in text.text:
        return
    rows = columns(view, head.ident.bits, head.ident.order).names
    found = (row for row, start in enumerate(rows) if text.text.startswith(prefix, start))
    for row in islice(found, limit):
        values = form.unpack_from(view, row * form.size)
        if form.size == 16:
            name, value, size, info, other, section = values
        else:
            name, info, other, section, value, size = values
        end = text.text.find("\0", name, name + _LONGEST)
        if end >= 0:
            label = text.text[name:end]
            yield Symbol(label if text.plain else decoded(label), value, size, info, other, section)


def _local_objects(tables: _Tables) -> Iterator[tuple[str, str, int]]:
    fields, text = tables.columns(), tables.text
    left = MAX_MEMORY
    file = ""
    for row, info in enumerate(fields.infos):
        if info >= _GLOBALS.start or (info & 15) not in {STT_OBJECT, STT_FILE}:
            continue
        start = fields.names[row]
        name = text.text[start : max(text.text.find("\0", start, start + _LONGEST), start)]
        left -= len(name) + 1
        if left < 0:
            return
        if info & 15 == STT_FILE:
            file = name
        else:
            yield file, name if text.plain else decoded(name), fields.values[row]


def _rows(tables: _Tables, wanted: Collection[str] | None) -> dict[str, int]:
    # name to row of global definitions, of all for None; a linked image has one of each name. The
    # names are those that were given, because others with the same text would take memory.
    if wanted is None:
        rows: dict[str, int] = {}
        for part in _named_rows(tables):
            rows.update(part)
        return rows if tables.text.plain else {decoded(name): row for name, row in rows.items()}
    given = {_stored(name): name for name in wanted}
    if len(given) <= _FEW:
        starts = _starts(tables.text.text, given)
        if starts is not None:
            return {given[starts[start]]: row for row, start in _at(tables, starts)}
    parts = (part for rows in _named_rows(tables) for part in rows)
    return {given[name]: row for name, row in parts if name in given}


def _starts(text: str, names: Iterable[str]) -> dict[int, str] | None:
    # where strings end in one of a few names, which is what a symbol of that name may refer to;
    # None where that is so at too many places
    starts: dict[int, str] = {}
    for name in names:
        at = text.find(name + "\0")
        while at >= 0:
            starts[at] = name
            if len(starts) > _MANY:
                return None
            at = text.find(name + "\0", at + 1)
    return starts


def _at(tables: _Tables, starts: Collection[int]) -> list[tuple[int, int]]:
    # (row, start of the name) of global definitions whose names begin at one of some places
    if not starts:
        return []
    fields = tables.columns()
    rows = [(row, start) for row, start in enumerate(fields.names) if start in starts]
    return [each for each in rows if fields.infos[each[0]] in _GLOBALS and fields.sections[each[0]]]


def _named_rows(tables: _Tables) -> Iterator[list[tuple[str, int]]]:
    # (name, row) of every global definition, some thousand at a time: all of them take memory
    fields, names = tables.columns(), tables.text.text
    find = names.index
    bound = bytes(fields.infos).translate(_IS_GLOBAL)
    left = MAX_MEMORY - len(names)
    for first in range(0, len(bound), _PART):
        part = slice(first, first + _PART)
        kept = list(map(min, bound[part], fields.sections[part]))
        rows = list(compress(range(first, first + _PART), kept))
        starts = compress(fields.names[part], kept)
        labels = [names[start : find("\0", start)] for start in starts]
        left -= sum(map(len, labels)) + len(labels) * _NAME_COST
        if left < 0:
            refuse(tables.file, "has more symbols than are read, or names that overlap")
        yield list(zip(labels, rows, strict=True))


def _stored(name: str) -> str:
    # as a string table has it (`headers.Strings`)
    return name if name.isascii() else name.encode("utf-8", "surrogateescape").decode("latin-1")


def _with_sections(head: Headers, table: int, raw: bytes, fields: Columns) -> bytes:
    # the table with section numbers in place of SHN_XINDEX; they fit, as there are few sections
    numbers = section_numbers(head, table)
    if numbers is None:
        return raw
    long = struct.unpack(f"{head.ident.order}{len(numbers) // 4}I", numbers)
    at = 14 if head.ident.bits == 32 else 6
    size = head.formats.symbol.size
    found = bytearray(raw)
    for number, section in enumerate(fields.sections):
        if section == SHN_XINDEX:
            if number >= len(long) or long[number] >= len(head.sections):
                refuse(head.name, f"symbol {number} has its section in a table that isn't there")
            struct.pack_into(head.ident.order + "H", found, number * size + at, long[number])
    return bytes(found)


def _local_names(tables: _Tables, every: range) -> frozenset[str]:
    # names of local symbols whose visibility is in the range
    fields, text = tables.columns(), tables.text
    names, find = text.text, text.text.find
    left = MAX_MEMORY
    found = set()
    rows = zip(fields.names, fields.infos, fields.others, strict=True)
    for start, info, other in rows:
        if info < _GLOBALS.start and info not in _UNNAMED and other in every:
            end = find("\0", start)
            left -= end - start + _NAME_COST
            if left < 0:
                break
            found.add(names[start : max(end, start)])
    found.discard("")
    return frozenset(found if text.plain else map(decoded, found))
