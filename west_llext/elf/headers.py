# SPDX-License-Identifier: Apache-2.0
"""What an ELF file says of itself: header, section and program headers, string tables.

Input may come from strangers, so nothing is trusted: every table is bounded by the file before it
is unpacked, and what would need more memory than `MAX_MEMORY` is refused before it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from functools import partial
from itertools import product
from pathlib import PurePath
from struct import Struct
from typing import NamedTuple, NoReturn

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.model.elf import (
    SHN_LORESERVE,
    SHN_XINDEX,
    Ident,
    Section,
    SectionType,
    Segment,
)
from west_llext.record import record

#: Bytes that the records of one file may take, beside the file itself; 200,000 symbols fit.
MAX_MEMORY = 64 << 20
#: Bytes of a section record, about.
SECTION_COST = 320

# plain integers: a look-up in the enum costs more than the rest of a step
_STRTAB, _NOBITS = int(SectionType.STRTAB), int(SectionType.NOBITS)
_PT_LOAD = 1
_PN_XNUM = 0xFFFF


# a named tuple made in one step
_section = partial(tuple.__new__, Section)


class Formats(NamedTuple):
    """How the tables of a class and byte order lie in bytes."""

    header: Struct
    segment: Struct
    section: Struct
    symbol: Struct
    rel: Struct
    rela: Struct


# Without the byte order: ELF header after e_ident, program and section header, symbol, REL, RELA.
_LETTERS = {
    32: ("HHIIIIIHHHHHH", "IIIIIIII", "IIIIIIIIII", "IIIBBH", "II", "IIi"),
    64: ("HHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ", "IBBHQQ", "QQ", "QQq"),
}

#: By class (32, 64) and byte order as the struct module spells it.
FORMATS = {
    (bits, order): Formats(*(Struct(order + letters) for letters in _LETTERS[bits]))
    for bits, order in product((32, 64), "<>")
}


@record(frozen=True, slots=True, kw_only=True)
class Headers:
    """An ELF file before its tables are read.

    name: what messages call it
    data: every byte of the file
    file_type: e_type
    entry: e_entry
    segments: PT_LOAD program headers
    formats: how its tables lie in bytes
    """

    name: str
    data: bytes
    ident: Ident
    file_type: int
    entry: int
    sections: tuple[Section, ...]
    segments: tuple[Segment, ...]
    formats: Formats = field(repr=False)

    def content(self, index: int) -> bytes:
        """The bytes of a section; empty for NOBITS."""
        section = self.sections[index]
        if section.type == _NOBITS:
            return b""
        return self.data[section.offset : section.offset + section.size]

    def table(self, index: int, size: int, what: str) -> memoryview:
        """The bytes of a section that holds entries of `size` bytes; refused where it can't."""
        section = self.sections[index]
        if section.type == _NOBITS or section.entsize != size or section.size % size:
            refuse(
                self.name,
                f"{what} '{section.name}' has {section.size} bytes in entries of "
                f"{section.entsize}, expected entries of {size}",
            )
        return memoryview(self.data)[section.offset : section.offset + section.size]

    def strings(self, index: int, user: str) -> Strings:
        """The string table in a section, which `user` names in its header."""
        if index >= len(self.sections):
            refuse(
                self.name,
                f"{user} has its names in section {index}, there are {len(self.sections)} sections",
            )
        section = self.sections[index]
        if section.type != _STRTAB:
            refuse(
                self.name,
                f"{user} has its names in section {index} ('{section.name}'), which isn't a "
                "string table",
            )
        raw = memoryview(self.data)[section.offset : section.offset + section.size]
        return strings(self.name, raw, user)


class Strings:
    """A string table. Text is kept as Latin-1, so that its offsets are those of the bytes.

    text: the whole table; ends in NUL
    plain: whether it is ASCII, so that slices of `text` are names
    """

    __slots__ = ("plain", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain = text.isascii()

    def __getitem__(self, offset: int) -> str:
        """The name at an offset; raises ValueError where that is outside."""
        name = self.text[offset : self.text.index("\0", offset)]
        return name if self.plain else decoded(name)


def decoded(name: str) -> str:
    """A name out of a table that isn't ASCII; what isn't UTF-8 survives as surrogates."""
    return name.encode("latin-1").decode("utf-8", "surrogateescape")


def strings(name: str, raw: memoryview, user: str) -> Strings:
    """The string table in `raw`; refused where it doesn't end or takes too much memory."""
    if len(raw) > MAX_MEMORY // 4:
        refuse(name, f"{user} has {len(raw)} bytes of names, at most {MAX_MEMORY // 4} are read")
    if len(raw) and raw[-1]:
        refuse(name, f"the string table of {user} doesn't end in a zero byte")
    return Strings(str(raw, "latin-1") if len(raw) else "\0")


def refuse(name: str, message: str) -> NoReturn:
    """Raise the error of a file that can't be read; no caller has to check again."""
    raise LlextError([Diagnostic(code="L002", at=Span(PurePath(name)), message=message)])


def is_elf(data: bytes) -> bool:
    """Whether the bytes begin as an ELF file does."""
    return data[:4] == b"\x7fELF"


def headers(data: bytes, name: str) -> Headers:
    """The headers of the ELF file in `data`, which messages call `name`.

    Raises LlextError (L002) where they aren't whole.
    """
    if not is_elf(data):
        refuse(name, "not an ELF file: it doesn't begin with 7f 45 4c 46")
    if len(data) < 16 or data[4] not in {1, 2} or data[5] not in {1, 2}:
        refuse(name, "not a whole ELF header")
    bits, order = 32 * data[4], "<" if data[5] == 1 else ">"
    formats = FORMATS[bits, order]
    if len(data) < 16 + formats.header.size:
        refuse(name, "not a whole ELF header")
    file_type, machine, _, entry, phoff, shoff, flags, _, phentsize, phnum, *rest = (
        formats.header.unpack_from(data, 16)
    )
    rows = _Rows(data, name, formats)
    return Headers(
        name=name,
        data=data,
        ident=Ident(machine=machine, bits=bits, little=order == "<", flags=flags),
        file_type=file_type,
        entry=entry,
        sections=rows.sections(shoff, *rest),
        segments=rows.segments(phoff, phentsize, phnum),
        formats=formats,
    )


class _Rows:
    # Reads the two header tables; a class because each step needs the file and its formats.

    def __init__(self, data: bytes, name: str, formats: Formats) -> None:
        self.data = data
        self.name = name
        self.formats = formats

    def table(self, offset: int, size: int, what: str) -> memoryview:
        if offset + size > len(self.data):
            refuse(
                self.name,
                f"{what} at {offset:#x} has {size} bytes and ends behind the file "
                f"({len(self.data)} bytes)",
            )
        return memoryview(self.data)[offset : offset + size]

    def sections(self, offset: int, entsize: int, count: int, names: int) -> tuple[Section, ...]:
        if not offset:
            return ()
        form = self.formats.section
        if entsize != form.size:
            refuse(self.name, f"section headers have {entsize} bytes, expected {form.size}")
        if count == 0 or names == SHN_XINDEX:
            # the numbers don't fit the ELF header: they are in the first section header
            first = form.unpack(self.table(offset, form.size, "section header"))
            count = count or first[5]
            names = first[6] if names == SHN_XINDEX else names
        if count >= SHN_LORESERVE:
            refuse(self.name, f"has {count} sections, at most {SHN_LORESERVE - 1} are read")
        rows = list(form.iter_unpack(self.table(offset, form.size * count, "section header table")))
        return self.named(rows, names) if rows else ()

    def named(self, rows: list[tuple[int, ...]], names: int) -> tuple[Section, ...]:
        text = self.section_names(rows, names)
        total = 0
        found = []
        try:
            for row in rows:
                kind, offset, size = row[1], row[4], row[5]
                if kind != _NOBITS and kind:
                    total += size
                    if offset + size > len(self.data):
                        self.table(offset, size, f"section '{text(row[0])}'")
                found.append(_section((text(row[0]), *row[1:])))
        except ValueError:
            refuse(self.name, f"section {len(found)} has its name outside the table of names")
        # whoever reads every section must not read the file again and again
        if total > 4 * len(self.data):
            refuse(
                self.name, f"sections overlap: they have {total} bytes, the file {len(self.data)}"
            )
        return tuple(found)

    def section_names(self, rows: list[tuple[int, ...]], index: int) -> Callable[[int], str]:
        if not index:
            return _no_name
        if index >= len(rows):
            refuse(
                self.name, f"section name table has index {index}, there are {len(rows)} sections"
            )
        row = rows[index]
        if row[1] != _STRTAB:
            refuse(self.name, f"section {index} holds section names, but isn't a string table")
        found = strings(self.name, self.table(row[4], row[5], "section name table"), "sections")
        if len(rows) * len(found.text) > MAX_MEMORY // 8:  # what they add up to at most
            bound_names(self.name, found, [row[0] for row in rows])
        return found.__getitem__

    def segments(self, offset: int, entsize: int, count: int) -> tuple[Segment, ...]:
        if not offset or not count:
            return ()
        form = self.formats.segment
        if entsize != form.size:
            refuse(self.name, f"program headers have {entsize} bytes, expected {form.size}")
        if count == _PN_XNUM:
            refuse(self.name, f"has {count} program headers or more, at most {count - 1} are read")
        found = []
        for row in form.iter_unpack(self.table(offset, form.size * count, "program header table")):
            if row[0] != _PT_LOAD:
                continue
            if form.size == 32:
                _, file_offset, vaddr, paddr, filesz, memsz, flags, _ = row
            else:
                _, flags, file_offset, vaddr, paddr, filesz, memsz, _ = row
            self.table(file_offset, filesz, "segment")
            found.append(Segment(vaddr, paddr, file_offset, filesz, memsz, flags))
        return tuple(found)


def _no_name(_: int) -> str:
    return ""


def bound_names(name: str, table: Strings, offsets: Iterable[int]) -> None:
    """Refuse a file whose names add up to much more than its string table (they overlap)."""
    left = MAX_MEMORY // 8
    find = table.text.find
    for offset in offsets:
        left -= max(find("\0", offset) - offset, 0)
        if left < 0:
            refuse(name, f"names overlap: they add up to more than {MAX_MEMORY // 8} bytes")
