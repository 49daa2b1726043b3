# SPDX-License-Identifier: Apache-2.0
"""Just enough of 32-bit little-endian ELF for the benchmarks, none of it shared with the product.

What is compared here must not be read by the code that made it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

SHT_SYMTAB, SHT_REL, SHT_NOBITS = 2, 9, 8
SHF_ALLOC = 2
STB_GLOBAL = 1
SHN_UNDEF = 0


class Section(NamedTuple):
    """A section; `content` is empty where the file holds none."""

    name: str
    kind: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    content: bytes


class Symbol(NamedTuple):
    """A symbol; `name_offset` is its name's place in the file."""

    name: str
    value: int
    info: int
    section: int
    name_offset: int


def sections(data: bytes) -> list[Section]:
    """Every section, in the order of the file."""
    shoff = struct.unpack_from("<I", data, 32)[0]
    count, names = struct.unpack_from("<HH", data, 48)
    rows = [struct.unpack_from("<10I", data, shoff + 40 * number) for number in range(count)]
    found = []
    for name, kind, flags, addr, offset, size, link, *_ in rows:
        content = b"" if kind == SHT_NOBITS else data[offset : offset + size]
        label = _string(data, rows[names][4] + name)
        found.append(Section(label, kind, flags, addr, offset, size, link, content))
    return found


def symbols(data: bytes) -> Iterator[Symbol]:
    """Every symbol of the symbol table."""
    every = sections(data)
    for table in every:
        if table.kind != SHT_SYMTAB:
            continue
        start = every[table.link].offset
        for name, value, _, info, _, section in struct.iter_unpack("<IIIBBH", table.content):
            yield Symbol(_string(data, start + name), value, info, section, start + name)


def loaded(data: bytes) -> Mapping[str, Section]:
    """The sections that have an address and a size, by name."""
    return {each.name: each for each in sections(data) if each.flags & SHF_ALLOC and each.size}


def imports(data: bytes) -> list[str]:
    """The undefined symbols, in the order of the table."""
    return [each.name for each in symbols(data) if each.name and each.section == SHN_UNDEF]


def relocations(data: bytes) -> int:
    """How many relocations the loaded sections have."""
    return sum(each.size // 8 for each in sections(data) if each.kind == SHT_REL)


def _string(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()
