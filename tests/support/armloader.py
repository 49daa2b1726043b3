# SPDX-License-Identifier: Apache-2.0
"""What Zephyr's loader does with an Arm ET_REL blob, in a few lines and on its own.

Written after subsys/llext/llext_load.c, llext_link.c and arch/arm/core/elf.c as of Zephyr 4.5, not
after our link, so that it can complete what the link has left for the target. It shares no code
with the product, checks what the loader checks, and knows 32-bit little-endian files only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 1, 2, 4, 8, 9
SHT_INIT, SHT_FINI, SHT_PREINIT = 14, 15, 16
SHF_WRITE, SHF_ALLOC, SHF_EXEC = 1, 2, 4
SHN_UNDEF, SHN_ABS, SHN_LORESERVE = 0, 0xFFF1, 0xFF00


class LoadError(Exception):
    """The loader's own words."""


class Header(NamedTuple):
    """A section header."""

    name: str
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entsize: int


@dataclass(slots=True)
class Blob:
    """A blob as the loader has it after it was read.

    region_of: region label by section index
    """

    data: bytes
    sections: list[Header]
    symbols: list[tuple[str, int, int, int, int]]  # name, value, size, info, section
    region_of: dict[int, str]


@dataclass(slots=True)
class Loaded:
    """Memory after loading, by region label, and what was looked up by name."""

    memory: dict[str, bytearray]
    addresses: Mapping[str, int]
    looked_up: set[str] = field(default_factory=set)


def region_label(section: Header) -> str | None:
    """The region that the loader maps a section to (llext_map_sections)."""
    if not section.flags & SHF_ALLOC or not section.size:
        return None
    if section.name == ".exported_sym":
        return "export"
    arrays = {SHT_PREINIT: "preinit", SHT_INIT: "init", SHT_FINI: "fini", SHT_NOBITS: "bss"}
    if section.type != SHT_PROGBITS:
        return arrays.get(section.type)
    if section.flags & SHF_EXEC:
        return "text"
    return "data" if section.flags & SHF_WRITE else "rodata"


def read(data: bytes) -> Blob:
    """The tables of a blob."""
    if data[:4] != b"\x7fELF":
        raise LoadError("Invalid ELF, magic does not match")
    shoff = struct.unpack_from("<I", data, 32)[0]
    entsize, count, names = struct.unpack_from("<HHH", data, 46)
    if entsize != 40:
        raise LoadError(f"Invalid section header size {entsize}")
    rows = [struct.unpack_from("<10I", data, shoff + 40 * index) for index in range(count)]

    def text(table: int, offset: int) -> str:
        start = rows[table][4] + offset
        return data[start : data.index(b"\0", start)].decode("utf-8", "surrogateescape")

    sections = [Header(text(names, row[0]), *row[1:]) for row in rows]
    symbols = []
    for each in sections:
        if each.type == SHT_SYMTAB:
            for at in range(each.offset, each.offset + each.size, 16):
                name, value, size, info, _, section = struct.unpack_from("<IIIBBH", data, at)
                symbols.append((text(each.link, name), value, size, info, section))
    regions: dict[int, str] = {}
    for index, each in enumerate(sections):
        label = region_label(each)
        if label is not None:
            if label in regions.values():
                raise LoadError(f"a second section in region {label}")
            regions[index] = label
    return Blob(data, sections, symbols, regions)


def load(blob: Blob, addresses: Mapping[str, int], find: Callable[[str], int | None]) -> Loaded:
    """Regions copied to their addresses and relocated; `find` looks a name up in the base."""
    loaded = Loaded({}, addresses)
    for index, label in blob.region_of.items():
        section = blob.sections[index]
        if addresses[label] % max(section.align, 1):
            raise LoadError(f"region {label} is misaligned")
        if section.type == SHT_NOBITS:
            loaded.memory[label] = bytearray(section.size)
        else:
            end = section.offset + section.size
            loaded.memory[label] = bytearray(blob.data[section.offset : end])
    for index, section in enumerate(blob.sections):
        if section.type == SHT_RELA:
            raise LoadError(f"Found unsupported SHT_RELA section {index}")
        if section.type == SHT_REL:
            _relocate_section(blob, loaded, section, find)
    return loaded


def _relocate_section(
    blob: Blob, loaded: Loaded, section: Header, find: Callable[[str], int | None]
) -> None:
    if section.entsize != 8 or section.size % 8 or section.info >= len(blob.sections):
        raise LoadError("Sanity checks failed for section")
    if not blob.sections[section.info].flags & SHF_ALLOC:
        return
    label = blob.region_of.get(section.info)
    if label is None:
        raise LoadError(f"Section {section.info} not loaded in any memory region")
    memory = loaded.memory[label]
    for at in range(section.offset, section.offset + section.size, 8):
        offset, info = struct.unpack_from("<II", blob.data, at)
        if offset >= len(memory):
            raise LoadError(f"relocation r_offset {offset:#x} out of section")
        S = _symbol_address(blob, loaded, info >> 8, find)
        relocate(memory, offset, info & 0xFF, S=S, P=loaded.addresses[label] + offset)


def _symbol_address(
    blob: Blob, loaded: Loaded, index: int, find: Callable[[str], int | None]
) -> int:
    # llext_lookup_symbol
    name, value, _, _, section = blob.symbols[index]
    if not index:
        return 0
    if section == SHN_UNDEF:
        loaded.looked_up.add(name)
        found = find(name)
        if found is None:
            raise LoadError(f"Undefined symbol with no entry in symbol table {name}")
        return found
    if section == SHN_ABS:
        return value
    if section >= SHN_LORESERVE:
        raise LoadError(f"target symbol has unexpected section index {section:#x}")
    if section not in blob.region_of:
        raise LoadError(f"symbol section {section} is not loaded")
    return loaded.addresses[blob.region_of[section]] + value


def signed(value: int, bits: int) -> int:
    """`bits` bits of a value as two's complement."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _word(memory: bytearray, at: int) -> int:
    return int(struct.unpack_from("<I", memory, at)[0])


def _put(memory: bytearray, at: int, value: int) -> None:
    struct.pack_into("<I", memory, at, value & 0xFFFFFFFF)


def _arm_branch(memory: bytearray, at: int, S: int, P: int) -> None:
    word = _word(memory, at)
    offset = signed((word & 0xFFFFFF) << 2, 26) + S - P
    if offset >= 0x2000000 or offset <= -0x2000000:
        raise LoadError(f"relocation out of range ({P:#x} -> {S:#x})")
    _put(memory, at, word & 0xFF000000 | (offset >> 2) & 0xFFFFFF)


def _thumb_branch(memory: bytearray, at: int, S: int, P: int) -> None:
    upper, lower = struct.unpack_from("<HH", memory, at)
    sign, j1, j2 = upper >> 10 & 1, lower >> 13 & 1, lower >> 11 & 1
    i1, i2 = 1 - (j1 ^ sign), 1 - (j2 ^ sign)
    value = sign << 24 | i1 << 23 | i2 << 22 | (upper & 0x3FF) << 12 | (lower & 0x7FF) << 1
    offset = signed(value, 25) + S - P
    if offset >= 0x1000000 or offset <= -0x1000000:
        raise LoadError(f"relocation out of range ({P:#x} -> {S:#x})")
    sign = offset >> 24 & 1
    j1, j2 = 1 - (sign ^ (offset >> 23 & 1)), 1 - (sign ^ (offset >> 22 & 1))
    upper = upper & 0xF800 | sign << 10 | offset >> 12 & 0x3FF
    lower = lower & 0xD000 | j1 << 13 | j2 << 11 | offset >> 1 & 0x7FF
    struct.pack_into("<HH", memory, at, upper, lower)


def _arm_move(memory: bytearray, at: int, add: int, shift: int) -> None:
    word = _word(memory, at)
    value = (signed((word & 0xF0000) >> 4 | word & 0xFFF, 16) + add) >> shift
    _put(memory, at, word & 0xFFF0F000 | (value & 0xF000) << 4 | value & 0xFFF)


def _thumb_move(memory: bytearray, at: int, add: int, shift: int) -> None:
    upper, lower = struct.unpack_from("<HH", memory, at)
    value = (upper & 0xF) << 12 | (upper & 0x400) << 1 | (lower & 0x7000) >> 4 | lower & 0xFF
    value = (signed(value, 16) + add) >> shift
    upper = upper & 0xFBF0 | (value & 0xF000) >> 12 | (value & 0x800) >> 1
    lower = lower & 0x8F00 | (value & 0x700) << 4 | value & 0xFF
    struct.pack_into("<HH", memory, at, upper, lower)


def relocate(memory: bytearray, at: int, kind: int, *, S: int, P: int) -> None:
    """One relocation, as arch_elf_relocate of 32-bit Arm applies it."""
    if kind in {2, 38, 108}:
        _put(memory, at, _word(memory, at) + S)
    elif kind == 3:
        _put(memory, at, _word(memory, at) + S - P)
    elif kind == 42:
        word = _word(memory, at)
        value = signed(word, 31) + S - P
        if not -0x40000000 <= value < 0x40000000:
            raise LoadError("relocation out of range")
        _put(memory, at, word & 0x80000000 | value & 0x7FFFFFFF)
    elif kind in {1, 28, 29}:
        _arm_branch(memory, at, S, P)
    elif kind in {10, 30}:
        _thumb_branch(memory, at, S, P)
    elif kind in {43, 44, 45, 46}:
        _arm_move(memory, at, S - (P if kind > 44 else 0), 16 if kind in {44, 46} else 0)
    elif kind in {47, 48, 49, 50}:
        _thumb_move(memory, at, S - (P if kind > 48 else 0), 16 if kind in {48, 50} else 0)
    elif kind != 0:
        raise LoadError(f"unknown relocation: {kind}")
