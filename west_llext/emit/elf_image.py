# SPDX-License-Identifier: Apache-2.0
"""ELF files from sections and symbols (System V gABI, chapters 4 and 5)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Literal, NamedTuple

from west_llext.elf.headers import FORMATS
from west_llext.model.elf import (
    STB_LOCAL,
    FileType,
    Ident,
    Relocation,
    SectionType,
    Segment,
    Symbol,
)
from west_llext.model.rows import symbol_columns


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


#: Bytes of e_ident, in front of the ELF header's fields.
_IDENT_SIZE = 16
#: Names that are compared with each other.
MAX_TAILS = 1000
#: Lists of section names whose tables are kept: the extensions of a build have the same few.
_KEPT_TABLES = 8


@lru_cache(maxsize=_KEPT_TABLES)
def _name_table(names: tuple[str, ...]) -> tuple[tuple[int, ...], bytes]:
    """Where each name begins in a string table, and the bytes of the table.

    Names share bytes, also where one is the end of another (.rel.text, .text). Of very many names
    (damaged objects have them) only equal ones do.
    """
    wanted = [*dict.fromkeys(names)]
    share_tails = len(wanted) <= MAX_TAILS
    if share_tails:
        wanted.sort(key=lambda each: (-len(each), each))
    content = bytearray(b"\0")
    places = {}
    for name in wanted:
        text = name.encode("utf-8", "surrogateescape") + b"\0"
        place = content.find(text) if share_tails or not name else -1
        if place < 0:
            place = len(content)
            content += text
        places[name] = place
    return tuple([places[name] for name in names]), bytes(content)


# by class: bytes of a symbol; the struct letter of each field and its place there (in bytes)
_SYMBOL: dict[int, tuple[int, tuple[tuple[Literal["B", "H", "I", "Q"], int], ...]]] = {
    32: (16, (("I", 0), ("I", 4), ("I", 8), ("B", 12), ("B", 13), ("H", 14))),
    64: (24, (("I", 0), ("Q", 8), ("Q", 16), ("B", 4), ("B", 5), ("H", 6))),
}


def symbol_table(
    symbols: Sequence[Symbol], ident: Ident, starts: Sequence[int] = ()
) -> tuple[bytes, bytes]:
    """The bytes of a symbol table, the null symbol first, and of its string table.

    starts: address of each section, counted from 1 (the first is none), to be added to the values
    """
    given, *numbers = symbol_columns(symbols)
    names = ["", *given]
    # the null symbol is nothing but zeros
    values, sizes, infos, others, sections = [[0, *column] for column in numbers]
    texts: Sequence[str | bytes] = names
    if not "".join(names).isascii():
        texts = [name.encode("utf-8", "surrogateescape") for name in names]
    # the first byte is the empty name; bytes are counted, which characters are where all are ASCII
    ends = accumulate([len(text) + 1 if text else 0 for text in texts], initial=1)
    offsets = [end if text else 0 for end, text in zip(ends, texts, strict=False)]
    count, high = len(starts), (1 << ident.bits) - 1
    addresses = [
        (value + starts[section] if section < count else value) & high
        for value, section in zip(values, sections, strict=True)
    ]
    text = "\0".join([name for name in names if name])
    return (
        _columns(ident, (offsets, addresses, sizes, infos, others, sections)),
        b"\0" + (text.encode("utf-8", "surrogateescape") + b"\0" if text else b""),
    )


def _columns(ident: Ident, fields: Sequence[Sequence[int]]) -> bytes:
    # the bytes of a symbol table, column by column: in half the time of row by row
    count = len(fields[0])
    size, layout = _SYMBOL[ident.bits]
    table = bytearray(size * count)
    for (letter, place), values in zip(layout, fields, strict=True):
        # units are copied as they are, whatever their byte order
        column = memoryview(struct.pack(f"{ident.order}{count}{letter}", *values)).cast(letter)
        width = column.itemsize
        memoryview(table).cast(letter)[place // width :: size // width] = column
    return bytes(table)


def first_global(symbols: Sequence[Symbol]) -> int:
    """Index of the first symbol that isn't local, counting the null symbol (sh_info)."""
    for index, info in enumerate(symbol_columns(symbols).infos):
        if info >> 4 != STB_LOCAL:
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
    forms = FORMATS[ident.bits, ident.order]
    places, table = _name_table((*[each[0] for each in sections], ".shstrtab"))
    names = ImageSection(name=".shstrtab", type=SectionType.STRTAB, addr=names_addr, content=table)
    parts: list[bytes] = []
    end = _IDENT_SIZE + forms.header.size + forms.segment.size * len(segments)
    headers = [bytes(forms.section.size)]
    starts: list[int] = []
    for place, each in zip(places, [*sections, names], strict=True):
        _, kind, flags, addr, content, memory, link, info, align, entsize = each
        start = (end + align - 1) & -align
        size = len(content) if memory is None else memory
        starts.append(start)
        header = place, kind, flags, addr, start, size, link, info, align, entsize
        headers.append(forms.section.pack(*header))
        if content:
            parts += (bytes(start - end), content)
            end = start + len(content)
    shoff = (end + 7) & -8
    head = _elf_header(ident, file_type, shoff, len(headers), len(segments))
    loads = _segment_headers(segments, starts, ident)
    return b"".join([head, loads, *parts, bytes(shoff - end), *headers])


def _elf_header(
    ident: Ident, file_type: FileType, shoff: int, sections: int, segments: int
) -> bytes:
    forms = FORMATS[ident.bits, ident.order]
    size = _IDENT_SIZE + forms.header.size
    magic = bytes([0x7F, 0x45, 0x4C, 0x46, ident.bits // 32, 1 if ident.little else 2, 1])
    return magic.ljust(_IDENT_SIZE, b"\0") + forms.header.pack(
        file_type,
        ident.machine,
        1,
        0,
        size if segments else 0,
        shoff,
        ident.flags,
        size,
        forms.segment.size if segments else 0,
        segments,
        forms.section.size,
        sections,
        sections - 1,
    )


def _segment_headers(
    segments: Sequence[tuple[int, Segment]], starts: Sequence[int], ident: Ident
) -> bytes:
    form = FORMATS[ident.bits, ident.order].segment
    rows = []
    for section, each in segments:
        place = starts[section]
        if ident.bits == 32:
            row = (1, place, each.vaddr, each.paddr, each.filesz, each.memsz, each.flags, 1)
        else:
            row = (1, each.flags, place, each.vaddr, each.paddr, each.filesz, each.memsz, 1)
        rows.append(form.pack(*row))
    return b"".join(rows)
