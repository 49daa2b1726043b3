# SPDX-License-Identifier: Apache-2.0
"""What Zephyr's loader does with an ET_REL blob, in a few lines and on its own.

Written after subsys/llext/llext_load.c and llext_link.c as of Zephyr 4.5, and arch/*/core/elf.c for
the relocations of each machine, not after our link, so that it can complete what the link has left
for the target. It shares no code with the product and checks what the loader checks.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from . import aarch64loader, arcloader, armloader, x86loader
from .loading import LoadError

SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 1, 2, 4, 8, 9
SHT_INIT, SHT_FINI, SHT_PREINIT = 14, 15, 16
SHF_WRITE, SHF_ALLOC, SHF_EXEC = 1, 2, 4
SHN_UNDEF, SHN_ABS, SHN_LORESERVE = 0, 0xFFF1, 0xFF00


class Relocator(Protocol):
    """Applies one relocation to the memory of a region; A is None for REL."""

    def __call__(
        self, memory: bytearray, at: int, kind: int, *, S: int, P: int, A: int | None
    ) -> None:
        """Of type `kind`, at an offset in memory; raises LoadError."""


#: What arch_elf_relocate does, by e_machine.
RELOCATORS: Mapping[int, Relocator] = {
    3: x86loader.relocate_32,
    40: armloader.relocate,
    62: x86loader.relocate_64,
    93: arcloader.relocate,
    183: aarch64loader.relocate,
    195: arcloader.relocate,
}


class Form(NamedTuple):
    """How the files of a class and byte order are laid out."""

    bits: int
    shoff: struct.Struct
    header: struct.Struct
    symbol: struct.Struct
    rel: struct.Struct
    rela: struct.Struct

    @property
    def shift(self) -> int:
        """Where r_info has the symbol."""
        return 8 if self.bits == 32 else 32


def form_of(data: bytes) -> Form:
    """The form of an ELF file."""
    order = "<" if data[5] == 1 else ">"
    if data[4] == 1:
        letters = ("I", "10I", "IIIBBH", "II", "IIi")
    else:
        letters = ("Q", "IIQQQQIIQQ", "IBBHQQ", "QQ", "QQq")
    return Form(32 * data[4], *(struct.Struct(order + each) for each in letters))


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
    machine: int
    form: Form
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
    form = form_of(data)
    order = "<" if data[5] == 1 else ">"
    wide = form.bits == 64
    (machine,) = struct.unpack_from(order + "H", data, 18)
    (shoff,) = form.shoff.unpack_from(data, 40 if wide else 32)
    entsize, count, names = struct.unpack_from(order + "HHH", data, 58 if wide else 46)
    if entsize != form.header.size:
        raise LoadError(f"Invalid section header size {entsize}")
    rows = [form.header.unpack_from(data, shoff + entsize * index) for index in range(count)]

    def text(table: int, offset: int) -> str:
        start = rows[table][4] + offset
        return data[start : data.index(b"\0", start)].decode("utf-8", "surrogateescape")

    sections = [Header(text(names, row[0]), *row[1:]) for row in rows]
    symbols = []
    for each in sections:
        if each.type == SHT_SYMTAB:
            for row in form.symbol.iter_unpack(data[each.offset : each.offset + each.size]):
                name, value, size, info, section = (
                    (row[0], row[4], row[5], row[1], row[3])
                    if wide
                    else (row[0], row[1], row[2], row[3], row[5])
                )
                symbols.append((text(each.link, name), value, size, info, section))
    regions: dict[int, str] = {}
    for index, each in enumerate(sections):
        label = region_label(each)
        if label is not None:
            if label in regions.values():
                raise LoadError(f"a second section in region {label}")
            regions[index] = label
    return Blob(data, machine, form, sections, symbols, regions)


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
    for section in blob.sections:
        if section.type in {SHT_REL, SHT_RELA}:
            _relocate_section(blob, loaded, section, find)
    return loaded


def _relocate_section(
    blob: Blob, loaded: Loaded, section: Header, find: Callable[[str], int | None]
) -> None:
    row = blob.form.rela if section.type == SHT_RELA else blob.form.rel
    bad = section.entsize != row.size or section.size % row.size
    if bad or section.info >= len(blob.sections):
        raise LoadError("Sanity checks failed for section")
    if not blob.sections[section.info].flags & SHF_ALLOC:
        return
    label = blob.region_of.get(section.info)
    if label is None:
        raise LoadError(f"Section {section.info} not loaded in any memory region")
    memory = loaded.memory[label]
    relocate, shift = RELOCATORS[blob.machine], blob.form.shift
    start = loaded.addresses[label]
    content = blob.data[section.offset : section.offset + section.size]
    for offset, info, *addend in row.iter_unpack(content):
        if offset >= len(memory):
            raise LoadError(f"relocation r_offset {offset:#x} out of section")
        S = _symbol_address(blob, loaded, info >> shift, find)
        A = addend[0] if addend else None
        relocate(memory, offset, info & (1 << shift) - 1, S=S, P=start + offset, A=A)


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
