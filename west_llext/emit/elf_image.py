# SPDX-License-Identifier: Apache-2.0
"""ELF files from sections and symbols (System V gABI, chapters 4 and 5)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

from west_llext.model.elf import (
    STB_LOCAL,
    FileType,
    Ident,
    Relocation,
    SectionType,
    Segment,
    Symbol,
)


class ImageSection(NamedTuple):
    """A section to write; a named tuple, because each file has a dozen.

    size: bytes in memory, where that isn't the length of the content (NOBITS)
    link, info: as the section type wants them; indices of `sections` counted from 1
    """

    name: str
    type: int
    flags: int = 0
    addr: int = 0
    content: bytes = b""
    size: int | None = None
    link: int = 0
    info: int = 0
    align: int = 1
    entsize: int = 0


# struct formats by class: ELF header behind e_ident, section header, program header
_HEADER = {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}
_SECTION = {32: "10I", 64: "IIQQQQIIQQ"}
_SEGMENT = {32: "8I", 64: "IIQQQQQQ"}
_SIZES = {32: (52, 40, 32), 64: (64, 64, 56)}  # of those three, in bytes


#: Names that are compared with each other.
MAX_TAILS = 1000


class Strings:
    """A string table while it grows; equal names share a place."""

    def __init__(self) -> None:
        """A table with the empty string in it."""
        self.content = bytearray(b"\0")
        self._known: dict[str, int] = {"": 0}

    def offset(self, text: str) -> int:
        """Where the text begins."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = len(self.content)
            self.content += text.encode("utf-8", "surrogateescape") + b"\0"
        return found

    def add_tails(self, texts: Iterable[str]) -> None:
        """Take names in such an order that one can be the end of another (.rel.text, .text).

        Of very many names (damaged objects have them) only equal ones share a place.
        """
        wanted = set(texts)
        if len(wanted) > MAX_TAILS:
            return
        for text in sorted(wanted, key=lambda each: (-len(each), each)):
            place = self.content.find(text.encode("utf-8", "surrogateescape") + b"\0")
            if place < 0:
                self.offset(text)
            else:
                self._known[text] = place


_NULL = Symbol("", 0, 0, 0, 0, 0)


def symbol_table(
    symbols: Sequence[Symbol], ident: Ident, starts: Sequence[int] = ()
) -> tuple[bytes, bytes]:
    """The bytes of a symbol table, the null symbol first, and of its string table.

    starts: address of each section, counted from 1 (the first is none), to be added to the values
    """
    names, values, sizes, infos, others, sections = zip(*[_NULL, *symbols], strict=True)
    texts = names
    if not "".join(names).isascii():
        texts = tuple([name.encode("utf-8", "surrogateescape") for name in names])
    # the first byte is the empty name; bytes are counted, which characters are where all are ASCII
    ends = accumulate([len(text) + 1 if text else 0 for text in texts], initial=1)
    offsets = [end if text else 0 for end, text in zip(ends, texts, strict=False)]
    count, high = len(starts), (1 << ident.bits) - 1
    values = tuple(
        [
            (value + starts[section] if section < count else value) & high
            for value, section in zip(values, sections, strict=True)
        ]
    )
    if ident.bits == 64:
        rows = zip(offsets, infos, others, sections, values, sizes, strict=True)
    else:
        rows = zip(offsets, values, sizes, infos, others, sections, strict=True)
    letters = ("IBBHQQ" if ident.bits == 64 else "IIIBBH") * len(names)
    table = struct.pack(ident.order + letters, *chain.from_iterable(rows))
    text = "\0".join([name for name in names if name])
    return table, b"\0" + (text.encode("utf-8", "surrogateescape") + b"\0" if text else b"")


def first_global(symbols: Sequence[Symbol]) -> int:
    """Index of the first symbol that isn't local, counting the null symbol (sh_info)."""
    for index, symbol in enumerate(symbols):
        if symbol.info >> 4 != STB_LOCAL:
            return index + 1
    return len(symbols) + 1


def relocation_section(
    rows: Sequence[Relocation], ident: Ident, *, name: str, symbols: int, target: int
) -> ImageSection:
    """A REL or RELA section, as the addends say.

    symbols, target: indices of the symbol table and of the section that it changes
    """
    shift = 8 if ident.bits == 32 else 32
    word = "I" if ident.bits == 32 else "Q"
    if rows and rows[0].addend is not None:
        form = struct.Struct(ident.order + word * 3)
        mask = (1 << ident.bits) - 1  # addresses wrap, and so do their distances
        content = b"".join(
            form.pack(row.offset, row.symbol << shift | row.type, (row.addend or 0) & mask)
            for row in rows
        )
        kind, prefix = SectionType.RELA, ".rela"
    else:
        form = struct.Struct(ident.order + word * 2)
        content = b"".join(form.pack(row.offset, row.symbol << shift | row.type) for row in rows)
        kind, prefix = SectionType.REL, ".rel"
    return ImageSection(
        name=prefix + name,
        type=kind,
        content=content,
        link=symbols,
        info=target,
        align=ident.bits // 8,
        entsize=form.size,
    )


def image(
    sections: Sequence[ImageSection],
    ident: Ident,
    file_type: FileType,
    *,
    names_addr: int = 0,
    segments: Sequence[tuple[int, Segment]] = (),
) -> bytes:
    """A whole ELF file; the section name table is added.

    names_addr: sh_addr of that table
    segments: PT_LOAD headers, each with the index of the section (counted from 0) whose bytes it
        begins with; its `offset` is filled in
    """
    names = Strings()
    names.add_tails([*(each.name for each in sections), ".shstrtab"])
    offsets_of_names = [names.offset(each.name) for each in sections]
    own_name = names.offset(".shstrtab")
    header_size, _, segment_size = _SIZES[ident.bits]
    parts: list[bytes] = []
    end = header_size + segment_size * len(segments)
    headers: list[tuple[int, ...]] = [(0,) * 10]
    table = ImageSection(
        name=".shstrtab",
        type=SectionType.STRTAB,
        addr=names_addr,
        content=bytes(names.content),
    )
    starts: list[int] = []
    for name, each in zip([*offsets_of_names, own_name], [*sections, table], strict=True):
        content = each.content
        start = (end + each.align - 1) & -each.align
        size = len(content) if each.size is None else each.size
        starts.append(start)
        headers.append((name, each.type, each.flags, each.addr, start, size, *_tail(each)))
        if content:
            parts.append(bytes(start - end))
            parts.append(content)
            end = start + len(content)
    shoff = (end + 7) & -8
    parts.append(bytes(shoff - end))
    form = struct.Struct(ident.order + _SECTION[ident.bits])
    parts += [form.pack(*row) for row in headers]
    head = _elf_header(ident, file_type, shoff, len(headers), len(segments))
    return b"".join([head, _segment_headers(segments, starts, ident), *parts])


def _tail(section: ImageSection) -> tuple[int, int, int, int]:
    return section.link, section.info, section.align, section.entsize


def _elf_header(
    ident: Ident, file_type: FileType, shoff: int, sections: int, segments: int
) -> bytes:
    header_size, section_size, segment_size = _SIZES[ident.bits]
    magic = bytes([0x7F, 0x45, 0x4C, 0x46, ident.bits // 32, 1 if ident.little else 2, 1])
    return (
        magic
        + bytes(9)
        + struct.pack(
            ident.order + _HEADER[ident.bits],
            file_type,
            ident.machine,
            1,
            0,
            header_size if segments else 0,
            shoff,
            ident.flags,
            header_size,
            segment_size if segments else 0,
            segments,
            section_size,
            sections,
            sections - 1,
        )
    )


def _segment_headers(
    segments: Sequence[tuple[int, Segment]], starts: Sequence[int], ident: Ident
) -> bytes:
    form = struct.Struct(ident.order + _SEGMENT[ident.bits])
    rows = []
    for section, each in segments:
        place = starts[section]
        if ident.bits == 32:
            row = (1, place, each.vaddr, each.paddr, each.filesz, each.memsz, each.flags, 1)
        else:
            row = (1, each.flags, place, each.vaddr, each.paddr, each.filesz, each.memsz, 1)
        rows.append(form.pack(*row))
    return b"".join(rows)
