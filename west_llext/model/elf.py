# SPDX-License-Identifier: Apache-2.0
"""An ELF file as tables (System V gABI, chapters 4 and 5), class and byte order already undone.

Tables hold a row per section, symbol or relocation; rows are named tuples because objects have
thousands of them and a build reads thousands of objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import partial
from typing import NamedTuple

from west_llext.model.members import plain_members
from west_llext.record import record


@plain_members
class FileType(IntEnum):
    """e_type."""

    REL = 1
    EXEC = 2
    DYN = 3


@plain_members
class SectionType(IntEnum):
    """sh_type; only those that we act on."""

    NULL = 0
    PROGBITS = 1
    SYMTAB = 2
    STRTAB = 3
    RELA = 4
    NOTE = 7
    NOBITS = 8
    REL = 9
    DYNSYM = 11
    INIT_ARRAY = 14
    FINI_ARRAY = 15
    PREINIT_ARRAY = 16
    GROUP = 17
    SYMTAB_SHNDX = 18
    ARM_EXIDX = 0x70000001
    ARM_ATTRIBUTES = 0x70000003
    RISCV_ATTRIBUTES = 0x70000003


# sh_flags
SHF_WRITE = 0x1
SHF_ALLOC = 0x2
SHF_EXECINSTR = 0x4
SHF_MERGE = 0x10
SHF_STRINGS = 0x20
SHF_INFO_LINK = 0x40
SHF_LINK_ORDER = 0x80
SHF_GROUP = 0x200
SHF_TLS = 0x400
SHF_COMPRESSED = 0x800
SHF_GNU_RETAIN = 0x200000
SHF_EXCLUDE = 0x80000000

GRP_COMDAT = 0x1

# special section indices
SHN_UNDEF = 0
SHN_LORESERVE = 0xFF00
SHN_ABS = 0xFFF1
SHN_COMMON = 0xFFF2
SHN_XINDEX = 0xFFFF

# symbol bindings, types and visibilities
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE, STT_COMMON, STT_TLS = range(7)
STT_GNU_IFUNC = 10
STV_DEFAULT, STV_INTERNAL, STV_HIDDEN, STV_PROTECTED = range(4)


@record(frozen=True, slots=True, kw_only=True)
class Ident:
    """What an ELF file says of its machine.

    machine: e_machine
    bits: 32 or 64 (EI_CLASS)
    little: True for least significant byte first (EI_DATA)
    flags: e_flags
    """

    machine: int
    bits: int
    little: bool
    flags: int

    @property
    def order(self) -> str:
        """Byte order as the struct module spells it."""
        return "<" if self.little else ">"


class Section(NamedTuple):
    """A section header, with its name.

    offset, size: bytes in the file (size also for NOBITS, which has no bytes there)
    addr: address, 0 in relocatable files
    """

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


class Symbol(NamedTuple):
    """A symbol table entry, with its name.

    value: st_value as stored: for a Thumb function bit 0 is set
    section: st_shndx, already looked up where it was SHN_XINDEX
    """

    name: str
    value: int
    size: int
    info: int
    other: int
    section: int

    @property
    def binding(self) -> int:
        """One of STB_*."""
        return self.info >> 4

    @property
    def type(self) -> int:
        """One of STT_*."""
        return self.info & 15


#: A symbol of the tuple of its fields: a named tuple that is made in one step, in half the time.
new_symbol: Callable[[tuple[str, int, int, int, int, int]], Symbol]
new_symbol = partial(tuple.__new__, Symbol)


class Relocation(NamedTuple):
    """A relocation entry.

    offset: byte offset of the place from the start of its section; an address in a linked file
    symbol: index in the symbol table; 0 for none
    type: number of the psABI
    addend: explicit addend; None where the place holds it (REL)
    """

    offset: int
    symbol: int
    type: int
    addend: int | None


class Segment(NamedTuple):
    """A PT_LOAD program header.

    vaddr, paddr: where it runs, and where it is stored before it is copied there
    offset, filesz: its bytes in the file; memsz: bytes in memory, zeros behind filesz
    flags: 4 read, 2 write, 1 execute
    """

    vaddr: int
    paddr: int
    offset: int
    filesz: int
    memsz: int
    flags: int


@record(frozen=True, slots=True, kw_only=True)
class ObjectFile:
    """A whole ELF file.

    name: what messages call it (a path as the user wrote it)
    file_type: e_type
    entry: e_entry
    data: every byte of the file
    symbols: from SHT_SYMTAB (SHT_DYNSYM where there is no other, and in shared objects), the null
        symbol first
    relocations: for each section that has some: index of that section to its entries, in order;
        index 0 for those of a linked file, whose offsets are addresses
    groups: SHT_GROUP sections: (signature, flags, member section indices)
    segments: PT_LOAD program headers
    """

    name: str
    ident: Ident
    file_type: int
    entry: int
    data: bytes
    sections: tuple[Section, ...]
    symbols: Sequence[Symbol]
    relocations: Mapping[int, Sequence[Relocation]]
    groups: tuple[tuple[str, int, tuple[int, ...]], ...] = ()
    segments: tuple[Segment, ...] = ()

    def content(self, index: int) -> bytes:
        """The bytes of a section; empty for NOBITS."""
        section = self.sections[index]
        if section.type == SectionType.NOBITS:
            return b""
        return self.data[section.offset : section.offset + section.size]
