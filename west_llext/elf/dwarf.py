# SPDX-License-Identifier: Apache-2.0
"""Source lines of places in an object, from its line number table (DWARF 2 to 5, section 6.2).

Only .debug_line is read, with the relocations that belong to it: that is all a message needs, and
unlike a whole DWARF reader it can be bounded. Whatever is odd about the table means that no line is
known; debug information must never keep an object from being linked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import NamedTuple

from west_llext.arch.formula import evaluate
from west_llext.arch.machines import machine_of
from west_llext.arch.table import Ignore, Row
from west_llext.diagnostics import Span
from west_llext.model.elf import SHF_EXECINSTR, STT_FUNC, ObjectFile, Relocation, Section

#: Larger tables aren't read: 4 MiB are about a million lines.
MAX_TABLE = 4 << 20
MAX_RELOCATIONS = 1 << 19
MAX_ROWS = 1 << 18
MAX_FILES = 1 << 14
MAX_NAME = 1024
#: Bytes that the names of all files may take, each with its folder.
MAX_NAMES = 64 << 20
#: Bytes of a name beside its text, about.
_NAME_COST = 56
#: Bytes of the longest address.
_ADDRESS = 8
#: Lines and columns are below.
_LIMIT = 1 << 31


class _Row(NamedTuple):
    # From `addr` on the code belongs to a line; `file` is None behind the end of a sequence.
    addr: int
    file: str | None
    line: int
    column: int


class _Table(NamedTuple):
    # Rows by section, sorted by address; section None for files that are linked already.
    # readers: by section and offset of a literal, those of the first instruction that reads it
    addrs: dict[int | None, list[int]]
    rows: dict[int | None, list[_Row]]
    readers: dict[tuple[int, int], tuple[int, int]]

    def row(self, key: int | None, offset: int) -> _Row | None:
        # what is recorded of a place; None where nothing is, or no file
        index = bisect_right(self.addrs.get(key, ()), offset) - 1
        return self.rows[key][index] if index >= 0 and self.rows[key][index].file else None


class _OddError(Exception):
    # The table can't be right; nobody outside sees it.
    pass


def line_of(obj: ObjectFile, section: int, offset: int) -> Span | None:
    """Source file, line and column of `offset` in a section, as the compiler recorded them.

    Of a literal (Xtensa) it is the line of the code that reads it. Relative paths count from the
    folder in which the compiler ran. None where nothing is known.
    """
    table = _kept(_Whole(obj))
    row = table.row(section, offset)
    if section not in table.rows and None in table.rows:
        row = table.row(None, obj.sections[section].addr + offset)
    elif row is None and (section, offset) in table.readers:
        row = table.row(*table.readers[section, offset])
    if row is None or row.file is None:
        return None
    if not 0 < row.line < _LIMIT:
        return Span(PurePath(row.file))
    return Span(PurePath(row.file), row.line, row.column if row.column < _LIMIT else 0)


class _Whole:
    # An object as a key: bytes objects keep their hash, so that this costs little.
    __slots__ = ("obj",)

    def __init__(self, obj: ObjectFile) -> None:
        self.obj = obj

    def __hash__(self) -> int:
        return hash(self.obj.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Whole) and self.obj.data == other.obj.data


@lru_cache(maxsize=4)
def _kept(key: _Whole) -> _Table:
    # misses of one extension come together; the tables of the last few objects are enough
    rows: dict[int | None, list[_Row]] = {}
    sequences: list[tuple[int | None, list[_Row]]] = []
    total = 0
    try:
        for section, sequence in _sequences(key.obj):
            total += len(sequence)
            if total > MAX_ROWS:
                break
            sequences.append((section, sequence))
    except (_OddError, IndexError, ValueError, OverflowError):
        pass  # what came before is good
    for section, sequence in sorted(sequences, key=lambda each: each[1][0].addr):
        rows.setdefault(section, []).extend(sequence)
    addrs = {section: [row.addr for row in found] for section, found in rows.items()}
    return _Table(addrs, rows, _readers(key.obj) if rows else {})


def _readers(obj: ObjectFile) -> dict[tuple[int, int], tuple[int, int]]:
    # assemblers record no line for literals, of which only instructions speak
    machine = machine_of(obj.ident)
    readers: dict[tuple[int, int], tuple[int, int]] = {}
    if machine is None or machine.literals is None:
        return readers
    for section, rows in obj.relocations.items():
        if obj.sections[section].flags & SHF_EXECINSTR:
            for offset, index, _, addend in rows:
                symbol = obj.symbols[index]
                place = symbol.section, symbol.value + (addend or 0)
                readers.setdefault(place, (section, offset))
    return readers


def _sequences(obj: ObjectFile) -> Iterator[tuple[int | None, list[_Row]]]:
    left = MAX_TABLE
    sections = {each.name: each for each in reversed(obj.sections)}
    for index, section in enumerate(obj.sections):
        if section.name == ".debug_line" and section.size <= left:
            left -= section.size
            reader = _Reader(obj, index, sections)
            while reader.at < len(reader.data):
                head = _header(reader)
                if head is not None:
                    yield from _program(reader, head)
                    reader.at = head.end


class _Reader:
    # A debug section as a stream of values, relocated on the way.

    def __init__(self, obj: ObjectFile, index: int, sections: Mapping[str, Section]) -> None:
        self.obj = obj
        self.data = obj.content(index)
        self.order = obj.ident.order
        self.at = 0
        self.names = MAX_NAMES
        self.relocations: dict[int, list[Relocation]] = {}
        rows = obj.relocations.get(index, ())
        if len(rows) > MAX_RELOCATIONS:
            raise _OddError
        for row in rows:
            self.relocations.setdefault(row.offset, []).append(row)
        self.machine = machine_of(obj.ident)
        self.sections = sections

    def number(self, size: int) -> int:
        raw = self.data[self.at : self.at + size]
        if len(raw) < size:
            raise _OddError
        self.at += size
        return int.from_bytes(raw, "little" if self.order == "<" else "big")

    def place(self, size: int) -> tuple[int | None, int]:
        # a number that may be an address: section (None if it isn't relocated) and value
        rows = self.relocations.get(self.at, ())
        value = self.number(size)
        section = None
        for row in rows:
            section, value = self.relocated(row, value)
        return section, value & (1 << 8 * size) - 1

    def relocated(self, row: Relocation, value: int) -> tuple[int | None, int]:
        # every psABI's plain word is S + A; of other words only those of differences are here
        symbol = self.obj.symbols[row.symbol]
        machine = self.machine
        if machine is None:
            return symbol.section, symbol.value + (value if row.addend is None else row.addend)
        odd = int(machine.entry_is_odd and symbol.type == STT_FUNC)
        target = (symbol.value & ~odd) + (value if row.addend is None else row.addend)
        entry = machine.rows.get(row.type)
        if isinstance(entry, Ignore):
            return None, value
        if row.type in machine.joins and isinstance(entry, Row):
            return None, evaluate(entry.formula, S=target, A=0, P=0, V=value)
        return symbol.section, target + (value if row.type in machine.partial else 0)

    def unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise _OddError

    def signed(self) -> int:
        start = self.at
        value = self.unsigned()
        bits = 7 * (self.at - start)
        return value - (value >> (bits - 1) << bits)

    def text(self) -> str:
        end = self.data.index(b"\0", self.at)
        raw = self.data[self.at : end]
        self.at = end + 1
        return raw.decode("utf-8", "surrogateescape")

    def string(self, name: str, place: tuple[int | None, int]) -> str:
        # a text in another debug section: that of the relocation, or the first of that name
        index, offset = place
        section = self.sections.get(name) if index is None else self.obj.sections[index]
        if section is None or offset >= section.size:
            raise _OddError
        start = section.offset + offset
        last = min(section.offset + section.size, start + MAX_NAME)
        end = self.obj.data.index(b"\0", start, last)
        return self.obj.data[start:end].decode("utf-8", "surrogateescape")

    def file(self, folder: str, name: str) -> str:
        # the path of a file; many files may have the bytes of one long folder
        absolute = name.startswith("/") or name[1:2] == ":"
        self.names -= len(name) + (0 if absolute else len(folder)) + _NAME_COST
        if self.names < 0:
            raise _OddError
        return name if not folder or absolute else f"{folder}/{name}"


class _Header(NamedTuple):
    # What a line number program starts from (6.2.4).
    version: int
    unit: int
    line_base: int
    line_range: int
    lengths: list[int]
    files: list[str]
    start: int
    end: int

    @property
    def special(self) -> int:
        return len(self.lengths) + 1


def _header(reader: _Reader) -> _Header | None:
    # None for a version that we don't know, which is stepped over
    size = reader.number(4)
    offset_size = 4
    if size == 0xFFFFFFFF:
        offset_size = 8
        size = reader.number(8)
    end = reader.at + size
    if not size or end > len(reader.data):
        raise _OddError
    version = reader.number(2)
    if version not in {2, 3, 4, 5}:
        reader.at = end
        return None
    if version == 5:
        reader.number(2)  # sizes of addresses and of segment selectors
    start = reader.number(offset_size) + reader.at
    unit = reader.number(1)
    reader.number(2 if version >= 4 else 1)  # operations per instruction, default_is_stmt
    line_base = (reader.number(1) ^ 0x80) - 0x80
    line_range = reader.number(1)
    lengths = [reader.number(1) for _ in range(reader.number(1) - 1)]
    files = _files_of_5(reader, offset_size) if version == 5 else _files_before_5(reader)
    if not line_range or not reader.at <= start <= end:
        raise _OddError
    return _Header(version, unit, line_base, line_range, lengths, files, start, end)


def _files_before_5(reader: _Reader) -> list[str]:
    folders = [""]
    while folder := reader.text():
        folders.append(folder)
    files = [""]
    while name := reader.text():
        folder_index = reader.unsigned()
        reader.unsigned()
        reader.unsigned()
        files.append(reader.file(folders[folder_index], name))
    return files


def _files_of_5(reader: _Reader, offset_size: int) -> list[str]:
    # the first folder is the one in which the compiler ran
    folders = ["", *(name for name, _ in _entries(reader, offset_size)[1:])]
    return [reader.file(folders[folder], name) for name, folder in _entries(reader, offset_size)]


def _entries(reader: _Reader, offset_size: int) -> list[tuple[str, int]]:
    formats = [(reader.unsigned(), reader.unsigned()) for _ in range(reader.number(1))]
    count = reader.unsigned()
    if count > MAX_FILES or (count and not formats):
        raise _OddError
    found = []
    for _ in range(count):
        values = {content: _value(reader, form, offset_size) for content, form in formats}
        name, folder = values.get(1, ""), values.get(2, 0)  # DW_LNCT_path, _directory_index
        found.append((str(name), folder if isinstance(folder, int) else 0))
    return found


_FIXED_FORMS = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16}  # data1, 2, 4, 8, 16


def _value(reader: _Reader, form: int, offset_size: int) -> str | int:
    # the forms that the table may have (7.5.6)
    if form in _FIXED_FORMS:
        return reader.number(_FIXED_FORMS[form])
    if form == 0x08:  # string
        return reader.text()
    if form in {0x0E, 0x1F}:  # strp, line_strp
        name = ".debug_str" if form == 0x0E else ".debug_line_str"
        return reader.string(name, reader.place(offset_size))
    if form == 0x0F:  # udata
        return reader.unsigned()
    if form == 0x09:  # block
        reader.at += reader.unsigned()
        return 0
    raise _OddError


def _program(reader: _Reader, head: _Header) -> Iterator[tuple[int | None, list[_Row]]]:
    # the machine of 6.2.2, without the registers that lines don't depend on
    special, base, line_range, unit = head.special, head.line_base, head.line_range, head.unit
    reader.at = head.start
    state = _State(head.files)
    while reader.at < head.end:
        opcode = reader.data[reader.at]
        reader.at += 1
        if opcode >= special:
            opcode -= special
            state.addr += opcode // line_range * unit
            state.line += base + opcode % line_range
            state.add()
        elif opcode:
            _standard(opcode, reader, head, state)
        elif _extended(reader, state):
            yield from state.ended()
            state = _State(head.files)


def _standard(opcode: int, reader: _Reader, head: _Header, state: _State) -> None:
    if opcode == 1:  # copy
        state.add()
    elif opcode == 2:  # advance_pc
        state.addr += reader.unsigned() * head.unit
    elif opcode == 3:  # advance_line
        state.line += reader.signed()
    elif opcode == 4:  # set_file
        state.file = reader.unsigned()
    elif opcode == 5:  # set_column
        state.column = reader.unsigned()
    elif opcode == 8:  # const_add_pc
        state.addr += (255 - head.special) // head.line_range * head.unit
    elif opcode == 9:  # fixed_advance_pc
        state.addr += reader.place(2)[1]
    else:
        for _ in range(head.lengths[opcode - 1]):
            reader.unsigned()


class _State:
    # The registers, and the rows of the sequence so far.

    def __init__(self, files: list[str]) -> None:
        self.files = files
        self.section: int | None = None
        self.addr = 0
        self.file = 1
        self.line = 1
        self.column = 0
        self.rows: list[_Row] = []

    def add(self) -> None:
        name = self.files[self.file] if self.file < len(self.files) else None
        if len(self.rows) >= MAX_ROWS:
            raise _OddError
        self.rows.append(_Row(self.addr, name or None, self.line, self.column))

    def ended(self) -> Iterator[tuple[int | None, list[_Row]]]:
        if self.rows:
            self.rows.append(_Row(self.addr, None, 0, 0))
            yield self.section, self.rows


def _extended(reader: _Reader, state: _State) -> bool:
    # an extended opcode; True where it ends the sequence
    size = reader.unsigned()
    start = reader.at
    opcode = reader.number(1) if size else 0
    if opcode == 2:  # set_address
        if size - 1 > _ADDRESS:
            raise _OddError
        section, state.addr = reader.place(size - 1)
        if not state.rows:
            state.section = section
    reader.at = start + size
    return opcode == 1  # end_sequence
