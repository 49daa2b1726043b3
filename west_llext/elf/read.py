# SPDX-License-Identifier: Apache-2.0
"""ELF files as records (System V gABI, chapters 4 and 5).

Input may come from strangers, so every table is bounded by the file before it is unpacked; what
can't be read is one `E` diagnostic. Tables are unpacked in one call each: iterating pyelftools
takes 30 times as long.
"""

from __future__ import annotations

import struct
from pathlib import Path, PurePath
from typing import NoReturn

from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span
from west_llext.model.elf import (
    SHN_LORESERVE,
    SHN_XINDEX,
    Ident,
    ObjectFile,
    Relocation,
    Section,
    SectionType,
    Segment,
    Symbol,
)

#: Larger files are refused: no extension or base image is near it, and a table could not be bounded.
MAX_FILE_SIZE = 1 << 30

_PT_LOAD = 1


def file_content(path: Path, name: str | None = None) -> bytes:
    """The bytes of a file; raises MissingError where it can't be read."""
    name = name or path.as_posix()
    try:
        if path.stat().st_size > MAX_FILE_SIZE:
            _refuse(name, f"file is larger than {MAX_FILE_SIZE >> 20} MiB")
        return path.read_bytes()
    except OSError as err:
        at = Span(PurePath(name))
        message = f"can't read '{name}': {err.strerror}"
        raise MissingError([Diagnostic(code="L001", at=at, message=message)]) from err


def object_file(data: bytes, name: str) -> ObjectFile:
    """The ELF file in `data`, which messages call `name`.

    Raises LlextError (L002) where it isn't a whole ELF file.
    """
    return _Reader(data, name).file()


def is_elf(data: bytes) -> bool:
    """Whether the bytes begin as an ELF file does."""
    return data[:4] == b"\x7fELF"


def _refuse(name: str, message: str) -> NoReturn:
    raise LlextError([Diagnostic(code="L002", at=Span(PurePath(name)), message=message)])


# struct formats without the byte order: ELF header after e_ident, program and section header,
# symbol, REL, RELA, by class
_FORMATS = {
    32: ("HHIIIIIHHHHHH", "IIIIIIII", "IIIIIIIIII", "IIIBBH", "II", "IIi"),
    64: ("HHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ", "IBBHQQ", "QQ", "QQq"),
}


class _Reader:
    # Reads one file; a class because every step needs the bytes, their order and their class.

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        if not is_elf(data):
            _refuse(name, "not an ELF file: it doesn't begin with 7f 45 4c 46")
        if len(data) < 52 or data[4] not in {1, 2} or data[5] not in {1, 2}:
            _refuse(name, "not a whole ELF header")
        self.bits = 32 * data[4]
        self.order = "<" if data[5] == 1 else ">"
        self.formats = tuple(self.order + text for text in _FORMATS[self.bits])
        if len(data) < 16 + struct.calcsize(self.formats[0]):
            _refuse(name, "not a whole ELF header")

    def file(self) -> ObjectFile:
        header = struct.unpack_from(self.formats[0], self.data, 16)
        file_type, machine, _, entry, phoff, shoff, flags, _, phentsize, phnum = header[:10]
        shentsize, shnum, shstrndx = header[10:]
        sections = self.sections(shoff, shentsize, shnum, shstrndx)
        symbols = self.symbols(sections)
        return ObjectFile(
            name=self.name,
            ident=Ident(machine=machine, bits=self.bits, little=self.order == "<", flags=flags),
            file_type=file_type,
            entry=entry,
            data=self.data,
            sections=sections,
            symbols=symbols,
            relocations=self.relocations(sections, len(symbols)),
            groups=self.groups(sections, symbols),
            segments=self.segments(phoff, phentsize, phnum),
        )

    def table(self, offset: int, size: int, what: str) -> memoryview:
        if offset + size > len(self.data):
            _refuse(
                self.name, f"{what} at {offset:#x} ends behind the file ({len(self.data)} bytes)"
            )
        return memoryview(self.data)[offset : offset + size]

    def sections(self, offset: int, entsize: int, count: int, names: int) -> tuple[Section, ...]:
        if not offset:
            return ()
        size = struct.calcsize(self.formats[2])
        if entsize != size:
            _refuse(self.name, f"section headers have {entsize} bytes, expected {size}")
        if count == 0 or names == SHN_XINDEX:
            # more than 65,280 sections: the counts are in the first header
            first = struct.unpack(self.formats[2], self.table(offset, size, "section header"))
            count = count or first[5]
            names = first[6] if names == SHN_XINDEX else names
        raw = self.table(offset, size * count, "section header table")
        rows = list(struct.iter_unpack(self.formats[2], raw))
        if names >= len(rows):
            _refuse(
                self.name, f"section name table has index {names}, there are {len(rows)} sections"
            )
        text = self.strings(rows[names][4], rows[names][5]) if names else _Strings(b"")
        for row in rows:
            if row[1] != SectionType.NOBITS and row[4] + row[5] > len(self.data) and row[1]:
                self.table(row[4], row[5], f"section '{text[row[0]]}'")
        return tuple([Section(text[row[0]], *row[1:]) for row in rows])

    def strings(self, offset: int, size: int) -> _Strings:
        return _Strings(bytes(self.table(offset, size, "string table")))

    def symbols(self, sections: tuple[Section, ...]) -> tuple[Symbol, ...]:
        index = _first(sections, SectionType.SYMTAB) or _first(sections, SectionType.DYNSYM)
        if not index:
            return ()
        table = sections[index]
        if table.link >= len(sections):
            _refuse(self.name, f"symbol table names section {table.link} for its strings")
        text = self.strings(sections[table.link].offset, sections[table.link].size)
        size = struct.calcsize(self.formats[3])
        raw = self.table(table.offset, table.size - table.size % size, "symbol table")
        if self.bits == 32:
            rows = [
                Symbol(text[name], value, length, info, other, section)
                for name, value, length, info, other, section in struct.iter_unpack(
                    self.formats[3], raw
                )
            ]
        else:
            rows = [
                Symbol(text[name], value, length, info, other, section)
                for name, info, other, section, value, length in struct.iter_unpack(
                    self.formats[3], raw
                )
            ]
        return self.with_indices(sections, index, rows)

    def with_indices(
        self, sections: tuple[Section, ...], table: int, rows: list[Symbol]
    ) -> tuple[Symbol, ...]:
        # st_shndx of symbols in sections beyond 65,280 is in a table of its own (SHT_SYMTAB_SHNDX);
        # an index that points nowhere is refused here, so that nobody has to check again
        long = [s for s in sections if s.type == SectionType.SYMTAB_SHNDX and s.link == table]
        if long:
            raw = self.table(long[0].offset, long[0].size - long[0].size % 4, "section index table")
            indices = [each[0] for each in struct.iter_unpack(self.order + "I", raw)]
            rows = [
                row._replace(section=indices[number])
                if row.section == SHN_XINDEX and number < len(indices)
                else row
                for number, row in enumerate(rows)
            ]
        count = len(sections)
        for number, row in enumerate(rows):
            if count <= row.section and not SHN_LORESERVE <= row.section < SHN_XINDEX:
                _refuse(
                    self.name,
                    f"symbol {number} ('{row.name}') is in section {row.section}, "
                    f"there are {count} sections",
                )
        return tuple(rows)

    def relocations(
        self, sections: tuple[Section, ...], symbol_count: int
    ) -> dict[int, list[Relocation]]:
        found: dict[int, list[Relocation]] = {}
        for section in sections:
            if section.type not in {SectionType.REL, SectionType.RELA} or not section.size:
                continue
            if section.info >= len(sections):
                _refuse(
                    self.name,
                    f"'{section.name}' relocates section {section.info}, "
                    f"there are {len(sections)} sections",
                )
            rows = self.relocation_rows(section)
            if rows and max(row.symbol for row in rows) >= max(symbol_count, 1):
                _refuse(self.name, f"'{section.name}' names a symbol behind the symbol table")
            found.setdefault(section.info, []).extend(rows)
        return found

    def relocation_rows(self, section: Section) -> list[Relocation]:
        explicit = section.type == SectionType.RELA
        text = self.formats[5 if explicit else 4]
        size = struct.calcsize(text)
        raw = self.table(section.offset, section.size - section.size % size, f"'{section.name}'")
        shift, mask = (8, 0xFF) if self.bits == 32 else (32, 0xFFFFFFFF)
        if explicit:
            return [
                Relocation(offset, info >> shift, info & mask, addend)
                for offset, info, addend in struct.iter_unpack(text, raw)
            ]
        return [
            Relocation(offset, info >> shift, info & mask, None)
            for offset, info in struct.iter_unpack(text, raw)
        ]

    def groups(
        self, sections: tuple[Section, ...], symbols: tuple[Symbol, ...]
    ) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
        found = []
        for section in sections:
            if section.type != SectionType.GROUP or section.size < 4:
                continue
            raw = self.table(section.offset, section.size - section.size % 4, "section group")
            flags, *members = (each[0] for each in struct.iter_unpack(self.order + "I", raw))
            if section.info >= len(symbols) or any(each >= len(sections) for each in members):
                _refuse(self.name, f"section group '{section.name}' names what isn't there")
            symbol = symbols[section.info]
            signature = symbol.name or sections[min(symbol.section, len(sections) - 1)].name
            found.append((signature, flags, tuple(members)))
        return tuple(found)

    def segments(self, offset: int, entsize: int, count: int) -> tuple[Segment, ...]:
        size = struct.calcsize(self.formats[1])
        if not offset or not count:
            return ()
        if entsize != size:
            _refuse(self.name, f"program headers have {entsize} bytes, expected {size}")
        raw = self.table(offset, size * count, "program header table")
        found = []
        for row in struct.iter_unpack(self.formats[1], raw):
            if row[0] != _PT_LOAD:
                continue
            if self.bits == 32:
                _, file_offset, vaddr, paddr, filesz, memsz, flags, _ = row
            else:
                _, flags, file_offset, vaddr, paddr, filesz, memsz, _ = row
            self.table(file_offset, filesz, "segment")
            found.append(Segment(vaddr, paddr, file_offset, filesz, memsz, flags))
        return tuple(found)


def _first(sections: tuple[Section, ...], kind: SectionType) -> int:
    for index, section in enumerate(sections):
        if section.type == kind:
            return index
    return 0


class _Strings:
    # A string table: names by offset. Nearly every one is ASCII, which is decoded once as a whole.

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.text = raw.decode("ascii") + "\0" if raw.isascii() else None

    def __getitem__(self, offset: int) -> str:
        if self.text is not None:
            if offset >= len(self.text):
                return ""
            return self.text[offset : self.text.index("\0", offset)]
        end = self.raw.find(b"\0", offset)
        return self.raw[offset : end if end >= 0 else None].decode("utf-8", "surrogateescape")
