# SPDX-License-Identifier: Apache-2.0
"""What a blob must satisfy so that Zephyr's loader takes it, as a list of what is wrong.

After subsys/llext/llext_load.c, llext_link.c and arch/*/core/elf.c, the strictest release of 3.7 to
4.5 in each point; for little-endian files.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping

from .hostloader import (
    SHF_ALLOC,
    SHN_ABS,
    SHN_UNDEF,
    SHT_FINI,
    SHT_INIT,
    SHT_NOBITS,
    SHT_PREINIT,
    SHT_REL,
    SHT_RELA,
    SHT_SYMTAB,
    Header,
    form_of,
    region_label,
)

ET_REL, ET_DYN, SHT_STRTAB, SHT_DYNSYM, SHF_TLS = 1, 3, 3, 11, 0x400
NOTYPE, OBJECT, FUNC, IFUNC, LOCAL, GLOBAL = 0, 1, 2, 10, 0, 1
#: Relocation types of arch/*/core/elf.c, by e_machine, without those of shared objects and of
#: thread-local storage.
LOADABLE: Mapping[int, Collection[int]] = {
    3: {1, 2},
    40: {0, 1, 2, 3, 10, 28, 29, 30, 38, 42, 43, 44, 45, 46, 47, 48, 49, 50},
    62: {1, 2, 4, 10, 11},
    183: {
        *(0, 256, *range(257, 281), *range(282, 294), 299),  # signed moves since 4.5
    },
    93: {4, 16, 17, 27},
    195: {4, 16, 17, 27},
}
#: The type that makes an address of a pointer-sized word.
ABSOLUTE = {3: 1, 40: 2, 62: 1, 93: 4, 183: 257, 195: 4}
EM_ARM = 40
ORDER = ("text", "data", "rodata", "bss", "export", "preinit", "init", "fini")
ARRAYS = {SHT_PREINIT, SHT_INIT, SHT_FINI}


class _Blob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.form = form_of(data)
        self.wide = self.form.bits == 64
        self.word = self.form.bits // 8
        self.type, self.machine = struct.unpack_from("<HH", data, 16)
        (shoff,) = self.form.shoff.unpack_from(data, 40 if self.wide else 32)
        self.entsize, self.count, self.names = struct.unpack_from(
            "<HHH", data, 58 if self.wide else 46
        )
        size = self.form.header.size
        rows = [self.form.header.unpack_from(data, shoff + size * n) for n in range(self.count)]
        names = rows[self.names]
        self.sections = []
        for row in rows:
            at = names[4] + row[0]
            end = data.find(b"\0", at, names[4] + names[5])
            self.sections.append(Header(data[at:end].decode(), *row[1:]))
        self.tables = [
            index
            for index, each in enumerate(self.sections)
            if each.type == (SHT_SYMTAB if self.type == ET_REL else SHT_DYNSYM)
        ]
        self.regions = {
            index: label
            for index, each in enumerate(self.sections)
            if (label := region_label(each)) is not None
        }
        self.symbols = self.rows() if len(self.tables) == 1 else []

    def rows(self) -> list[tuple[str, int, int, int]]:
        # name, value, st_info, st_shndx
        table = self.sections[self.tables[0]]
        strings = self.sections[table.link]
        found = []
        for row in self.form.symbol.iter_unpack(self.content(table)):
            name, value, info, section = (
                (row[0], row[4], row[1], row[3]) if self.wide else (row[0], row[1], row[3], row[5])
            )
            start = strings.offset + name
            end = self.data.find(b"\0", start, strings.offset + strings.size)
            text = self.data[start:end].decode("utf-8", "surrogateescape")
            found.append((text, value, info, section))
        return found

    def content(self, section: Header) -> bytes:
        return self.data[section.offset : section.offset + section.size]


def problems(data: bytes) -> list[str]:
    """Everything that the loader would refuse or silently get wrong; empty for a good blob."""
    if data[:4] != b"\x7fELF" or data[4] not in {1, 2} or data[5:7] != b"\x01\x01":
        return ["not a little-endian ELF file"]
    blob = _Blob(data)
    found = [*_headers(blob)]
    if not found:
        found += _sections(blob)
        found += _ranges(blob)
        found += _symbols(blob)
        found += _relocations(blob)
        found += _exports(blob)
    return found


def _headers(blob: _Blob) -> Iterator[str]:
    if blob.type not in {ET_REL, ET_DYN}:
        yield f"Unsupported ELF file type {blob.type:x}"
    if blob.machine not in LOADABLE:
        yield f"e_machine is {blob.machine}"
    if blob.entsize != blob.form.header.size:
        yield f"Invalid section header size {blob.entsize}"
    if len(blob.tables) != 1:
        yield f"{len(blob.tables)} symbol tables"
        return
    table = blob.sections[blob.tables[0]]
    size = blob.form.symbol.size
    if table.entsize != size or table.size % size or not table.size:
        yield "Invalid symbol table"
    if not blob.tables[0] < table.link < blob.count:
        yield "the string table isn't behind the symbol table"
    elif blob.sections[table.link].type != SHT_STRTAB:
        yield "the string table is none"
    if blob.sections[blob.names].type != SHT_STRTAB:
        yield "the section name table is none"


def _sections(blob: _Blob) -> Iterator[str]:
    labels = list(blob.regions.values())
    if labels != sorted(labels, key=ORDER.index):
        yield f"regions are in the order {labels}"
    for label in sorted({each for each in labels if labels.count(each) > 1}):
        yield f"region {label} has more than one section"
    for index, each in enumerate(blob.sections):
        if index and each.align & (each.align - 1):
            yield f"'{each.name}' has alignment {each.align:#x}"
        elif each.align and each.offset % each.align:
            yield f"'{each.name}' is padded by the loader: offset {each.offset:#x}"
        if each.flags & SHF_TLS:
            yield f"'{each.name}' is thread-local"
        if each.flags & SHF_ALLOC and index not in blob.regions:
            yield f"'{each.name}' isn't mapped to a region"
        if each.type in ARRAYS and (each.entsize != blob.word or each.size % blob.word):
            yield f"Invalid {each.name} array in section {index}"
        if blob.type == ET_REL and each.addr:
            yield f"'{each.name}' has address {each.addr:#x}"


def _ranges(blob: _Blob) -> Iterator[str]:
    table = blob.sections[blob.tables[0]]
    indices = [*blob.regions, blob.tables[0], table.link]
    if table.link != blob.names:
        indices.append(blob.names)
    ranges = [(blob.sections[index], blob.regions.get(index)) for index in indices]
    for number, (first, label) in enumerate(ranges):
        for second, other in ranges[number + 1 :]:
            if "export" in {label, other}:
                continue
            if blob.type == ET_DYN and label and other and _overlap(first, second, addr=True):
                yield f"Region VMA range of '{first.name}' overlaps with '{second.name}'"
            if "bss" not in {label, other} and _overlap(first, second, addr=False):
                yield f"Region ELF file range of '{first.name}' overlaps with '{second.name}'"


def _overlap(first: Header, second: Header, *, addr: bool) -> bool:
    one = first.addr if addr else first.offset
    two = second.addr if addr else second.offset
    return one < two + second.size and two < one + first.size


def _symbols(blob: _Blob) -> Iterator[str]:
    bindings = [info >> 4 for _, _, info, _ in blob.symbols]
    first = next((number for number, each in enumerate(bindings) if each), len(bindings))
    if LOCAL in bindings[first:]:
        yield "a local symbol is behind global ones"
    if blob.sections[blob.tables[0]].info != first:
        yield f"sh_info of the symbol table isn't {first}"
    for number, row in enumerate(blob.symbols[1:], 1):
        yield from _symbol(blob, number, row)
    if not any(
        _is_counted(info) and section in blob.regions for _, _, info, section in blob.symbols
    ):
        yield "Failed to allocate extension symbol table, ret -12"


def _is_counted(info: int) -> bool:
    # the loader's table takes these alone
    return info >> 4 == GLOBAL and info & 15 in {FUNC, OBJECT}


def _symbol(blob: _Blob, number: int, row: tuple[str, int, int, int]) -> Iterator[str]:
    name, value, info, section = row
    loaded = section in blob.regions
    if info & 15 == IFUNC:
        yield f"'{name}' is an indirect function"
    if not loaded and section not in {SHN_UNDEF, SHN_ABS}:
        yield f"'{name}' is in section {section:#x}, which isn't loaded"
    if loaded and blob.type == ET_DYN:
        where = blob.sections[section]
        if not where.addr <= value & ~1 <= where.addr + where.size:
            yield f"ET_DYN symbol value {value:#x} of '{name}' is outside its section"
    if _is_counted(info) and not loaded:
        yield f"'{name}' is a global function or object in section {section:#x}"
    if section == SHN_UNDEF and not name:
        yield f"symbol {number} has no name to look up"


def _relocations(blob: _Blob) -> Iterator[str]:
    for index, each in enumerate(blob.sections):
        if each.type == SHT_RELA and blob.machine == EM_ARM:
            yield f"Found unsupported SHT_RELA section {index}"
        if each.type not in {SHT_REL, SHT_RELA}:
            continue
        size = _row(blob, each).size
        bad = each.entsize != size or each.size % size or not each.size
        if bad or each.link != blob.tables[0]:
            yield f"Sanity checks failed for section {index}"
        if blob.type == ET_DYN:
            yield f"'{each.name}' is left in a located blob"
        if each.info not in blob.regions or blob.sections[each.info].type == SHT_NOBITS:
            yield f"Section {each.info} not loaded in any memory region"
        else:
            yield from _rows(blob, each, blob.sections[each.info].size)


def _row(blob: _Blob, section: Header) -> struct.Struct:
    return blob.form.rela if section.type == SHT_RELA else blob.form.rel


def _entries(blob: _Blob, section: Header) -> Iterator[tuple[int, int, int]]:
    # offset, symbol, type
    shift = blob.form.shift
    for offset, info, *_ in _row(blob, section).iter_unpack(blob.content(section)):
        yield offset, info >> shift, info & (1 << shift) - 1


def _rows(blob: _Blob, section: Header, size: int) -> Iterator[str]:
    for offset, symbol, kind in _entries(blob, section):
        if offset + (blob.word if kind == ABSOLUTE[blob.machine] else 1) > size:
            yield f"relocation r_offset {offset:#x} of '{section.name}'"
        if kind not in LOADABLE[blob.machine]:
            yield f"unknown relocation: {kind}"
        if symbol >= len(blob.symbols):
            yield f"relocation against symbol {symbol}"


def _exports(blob: _Blob) -> Iterator[str]:
    index = next((number for number, label in blob.regions.items() if label == "export"), None)
    if index is None:
        return
    section = blob.sections[index]
    if section.size % (2 * blob.word):
        yield f".exported_sym has {section.size} bytes"
    relocated = set()
    for each in blob.sections:
        if each.type in {SHT_REL, SHT_RELA} and each.info == index:
            absolute = ABSOLUTE[blob.machine]
            relocated |= {at for at, _, kind in _entries(blob, each) if kind == absolute}
    letter = "<Q" if blob.wide else "<I"
    words = [word for (word,) in struct.iter_unpack(letter, blob.content(section))]
    for number, word in enumerate(words):
        if number % 2 == 0 and not word and number * blob.word not in relocated:
            yield f"word {number} of .exported_sym is null"
        if number % 2 == 0 and blob.type == ET_DYN and not _has_text(blob, word):
            yield f"the name at {word:#x} of .exported_sym isn't in the blob"


def _has_text(blob: _Blob, address: int) -> bool:
    for index in blob.regions:
        section = blob.sections[index]
        if section.addr <= address < section.addr + section.size:
            return 0 in blob.content(section)[address - section.addr :]
    return False
