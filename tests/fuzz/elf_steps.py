# SPDX-License-Identifier: Apache-2.0
"""Changes of ELF files that keep most of the file whole, so that readers get far into it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tests.fuzz.mutate import Step, mutated, number

# struct letters by class: ELF header behind e_ident, section header, symbol, REL, RELA
_HEADER = {1: "HHIIIIIHHHHHH", 2: "HHIQQQIHHHHHH"}
_SECTION = {1: "IIIIIIIIII", 2: "IIQQQQIIQQ"}
_SYMBOL = {1: "IIIBBH", 2: "IBBHQQ"}
_ROW = {(1, 9): "II", (1, 4): "IIi", (2, 9): "QQ", (2, 4): "QQq"}
_SYMBOL_TABLES, _RELOCATIONS, _NOBITS = (2, 11), (4, 9), 8
# section header fields: sh_type, sh_flags, sh_size, sh_link, sh_info, sh_addralign, sh_entsize
_TELLING = (1, 2, 5, 6, 7, 8, 9)
#: Rows that are looked at of a damaged table.
_MOST = 200


class _Row(NamedTuple):
    # An entry of a table: where it is, and its struct.
    at: int
    form: struct.Struct


class _Map:
    # Where the tables of a file are, as far as they are inside of it.

    def __init__(self, data: bytearray) -> None:
        self.data = data
        self.kind = data[4] if len(data) > 5 and data[4] in _HEADER else 1
        self.order = ">" if len(data) > 5 and data[5] == 2 else "<"
        self.header = _Row(16, struct.Struct(self.order + _HEADER[self.kind]))
        self.sections = list(self._sections())

    def _sections(self) -> Iterator[_Row]:
        if not self.inside(self.header):
            return
        values = self.values(self.header)
        form = struct.Struct(self.order + _SECTION[self.kind])
        for index in range(min(values[11], _MOST)):
            row = _Row(values[5] + index * form.size, form)
            if self.inside(row):
                yield row

    def inside(self, row: _Row) -> bool:
        return 0 <= row.at <= len(self.data) - row.form.size

    def values(self, row: _Row) -> tuple[int, ...]:
        return row.form.unpack_from(self.data, row.at)

    def rows(self, types: tuple[int, ...]) -> list[_Row]:
        # entries of all sections of some types
        found = []
        for section in self.sections:
            values = self.values(section)
            if values[1] not in types:
                continue
            letters = _ROW[self.kind, values[1]] if types == _RELOCATIONS else _SYMBOL[self.kind]
            form = struct.Struct(self.order + letters)
            for at in range(values[4], values[4] + values[5], form.size)[:_MOST]:
                row = _Row(at, form)
                if self.inside(row):
                    found.append(row)
        return found

    def contents(self) -> list[tuple[int, int]]:
        # start and end of what sections have in the file
        rows = [self.values(each) for each in self.sections]
        ranges = [(row[4], min(row[4] + row[5], len(self.data))) for row in rows if row[1] != 8]
        return [each for each in ranges if each[0] < each[1]]

    def put(self, row: _Row, field: int, value: int) -> None:
        letter = row.form.format[1 + field]
        form = struct.Struct(self.order + letter.upper())
        at = row.at + struct.calcsize(row.form.format[: 1 + field])
        form.pack_into(self.data, at, value & (1 << form.size * 8) - 1)


def change_header(data: bytearray, dice: Random) -> None:
    """Another value of a field of the ELF header."""
    tables = _Map(data)
    if tables.inside(tables.header):
        tables.put(tables.header, dice.randrange(13), number(dice))


def change_identity(data: bytearray, dice: Random) -> None:
    """Another class, byte order or version."""
    if len(data) > 6:
        data[dice.choice((4, 4, 5, 5, 6))] = dice.choice((0, 1, 2, 1, 2, 3, 255))


def change_section(data: bytearray, dice: Random) -> None:
    """Another value of a field of a section header."""
    tables = _Map(data)
    if tables.sections:
        tables.put(dice.choice(tables.sections), dice.randrange(10), number(dice))


def retype_section(data: bytearray, dice: Random) -> None:
    """A field of a section header gets what another section has there, or a small number."""
    tables = _Map(data)
    if tables.sections:
        row, other = dice.choice(tables.sections), dice.choice(tables.sections)
        field = dice.choice(_TELLING)
        value = dice.choice((tables.values(other)[field], dice.randrange(20)))
        tables.put(row, field, value)


def reflag_section(data: bytearray, dice: Random) -> None:
    """Another flag of a section."""
    tables = _Map(data)
    if tables.sections:
        row = dice.choice(tables.sections)
        flags = tables.values(row)[2] ^ 1 << dice.choice((0, 1, 2, 4, 5, 7, 9, 10, 11, 21, 31))
        tables.put(row, 2, flags)


def change_symbol(data: bytearray, dice: Random) -> None:
    """Another value of a field of a symbol."""
    tables = _Map(data)
    rows = tables.rows(_SYMBOL_TABLES)
    if rows:
        field = dice.randrange(6)
        value = number(dice) if dice.randrange(2) else dice.randrange(40)
        tables.put(dice.choice(rows), field, value)


def change_relocation(data: bytearray, dice: Random) -> None:
    """Another place, symbol, type or addend of a relocation."""
    tables = _Map(data)
    rows = tables.rows(_RELOCATIONS)
    if not rows:
        return
    row = dice.choice(rows)
    shift = 8 if tables.kind == 1 else 32
    values = tables.values(row)
    symbol, kind = values[1] >> shift, values[1] & (1 << shift) - 1
    what = dice.randrange(5)
    if what == 0:
        tables.put(row, 0, number(dice) if dice.randrange(2) else dice.randrange(256))
    elif what == 1:
        tables.put(row, 1, dice.randrange(12) << shift | kind)
    elif what == 4 and len(values) == 3:
        tables.put(row, 2, number(dice))
    else:
        tables.put(row, 1, symbol << shift | dice.randrange(256))


def change_content(data: bytearray, dice: Random) -> None:
    """Other bytes in a section, which keeps its size."""
    ranges = _Map(data).contents()
    if ranges:
        start, end = dice.choice(ranges)
        part = mutated(bytes(data[start:end]), dice)[: end - start]
        data[start : start + len(part)] = part


ELF_STEPS: tuple[Step, ...] = (
    *(change_header, change_identity, change_section, retype_section, reflag_section),
    *(change_symbol, change_symbol, change_relocation, change_relocation, change_relocation),
    *(change_section, retype_section, change_content),
)


def elf_mutated(data: bytes, dice: Random) -> bytes:
    """Another ELF file."""
    return mutated(data, dice, ELF_STEPS)
