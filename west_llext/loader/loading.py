# SPDX-License-Identifier: Apache-2.0
"""A load that is under way: what its steps share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import NamedTuple, NoReturn, Protocol

from west_llext.elf.headers import Formats
from west_llext.loader.allocation import Allocator
from west_llext.loader.danger import WORK, Danger, outside, unknown
from west_llext.loader.errnos import Errno
from west_llext.loader.extension import ATTRIBUTES, Llext, LoadParameters, Partition
from west_llext.loader.headers import Header, SectionTable
from west_llext.loader.log import Log
from west_llext.loader.memory import Memory, Watch
from west_llext.loader.storage import ElfLoader
from west_llext.loader.target import Target
from west_llext.loader.wording import text
from west_llext.record import record

#: Relocations that a file may have, however small it is.
FEW = 1 << 14
#: Section headers that are searched in one load; 100,000 relocations of a shared object with 30
#: sections need a fifth of it.
MOST_LOOKED = 1 << 24


class Failed(Exception):  # noqa: N818  # how the loader ends a step, no error of ours
    """The step returns an error; `result` is negative."""

    def __init__(self, result: int) -> None:
        super().__init__(result)
        self.result = result


class FileHeader(NamedTuple):
    """The ELF header (`elf_ehdr_t`)."""

    ident: bytes
    type: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int


NO_HEADER = FileHeader(bytes(16), *(0,) * 13)


class Sym(NamedTuple):
    """A symbol table entry (`elf_sym_t`)."""

    name: int
    value: int
    size: int
    info: int
    other: int
    shndx: int

    @property
    def bind(self) -> int:
        """ELF_ST_BIND."""
        return self.info >> 4

    @property
    def type(self) -> int:
        """ELF_ST_TYPE."""
        return self.info & 15


class Rela(NamedTuple):
    """A relocation entry (`elf_rela_t`); addend None where none was read."""

    offset: int
    info: int
    addend: int | None


@record(slots=True)
class Work:
    """What a load made the target do, for the cost report.

    copied: bytes that were read into memory of their own; cleared: bytes that were zeroed
    compared: names that were compared; searched: those of them in the base image's table
    relocated: relocations that were applied
    imports: those of the base image's symbols: symbol and type to how many there are
    """

    copied: int = 0
    cleared: int = 0
    compared: int = 0
    searched: int = 0
    relocated: int = 0
    imports: dict[tuple[int, int], int] = field(default_factory=dict)


class World(Protocol):
    """What a load sees of the rest of the target."""

    last_pair: int

    def base_symbol(self, name: int, value: int, work: Work) -> int:
        """Address of a symbol of the base image, by name pointer or SLID; 0 for none."""

    def extensions(self) -> Iterator[Llext]:
        """Those that are loaded, the first first."""

    def same_text(self, first: int, second: int, work: Work) -> bool:
        """Whether two names are equal (`strcmp`)."""


class Pairs(NamedTuple):
    """The RISC-V PCREL_HI20 of one relocation section.

    place: offset and size of the section; halves: their numbers, by the place of each
    watch: over the section, None where nobody can write there; seen: its changes then
    """

    place: tuple[int, int]
    halves: dict[int, list[int]]
    watch: Watch | None
    seen: int


@record(slots=True)
class Loading:
    """The state of one load.

    sects: regions, by number; the section map is in `ext`
    region: the one that relocations are applied to, in releases that know no sections
    entry: number of the relocation section and of its entry, for those
    by_address: relocations that are being applied have addresses in place of offsets
    counted: global functions and objects
    early: section headers that releases before 4.0 have read
    pairs: a relocation section, and where its RISC-V PCREL_HI20 are
    veneers: where those are that were made, by the address that they lead to
    reserved: relocations that are applied; looked: section headers that were searched for a place
    """

    target: Target
    world: World
    memory: Memory
    heap: Allocator
    ldr: ElfLoader
    ext: Llext
    parm: LoadParameters
    log: Log
    work: Work = field(default_factory=Work)
    hdr: FileHeader = NO_HEADER
    sects: list[Header] = field(default_factory=list)
    region: int | None = None
    entry: tuple[int, int] = (0, 0)
    by_address: bool = False
    counted: int = 0
    early: list[Header] = field(default_factory=list)
    pairs: Pairs | None = None
    veneers: dict[int, int] = field(default_factory=dict)
    reserved: int = 0
    looked: int = 0

    @property
    def forms(self) -> Formats:
        """How tables lie in bytes on this target, whatever the file says."""
        return self.target.forms

    @property
    def headers(self) -> SectionTable:
        """The section headers."""
        return self.ext.sect_hdrs

    def fail(self, errno: Errno, text: str | None = None) -> NoReturn:
        """Return an error, with a line in the log."""
        if text is not None:
            self.log.err(text)
        raise Failed(-errno)

    def reserve(self, count: int) -> None:
        """Refuse a file that has so many more relocations, where there can't be so many."""
        self.reserved += count
        if self.reserved > max(FEW, self.ldr.size // 4):
            raise Danger(WORK, "relocation sections of the file overlap, over and over")

    def look(self, count: int) -> None:
        """Note that so many section headers are going to be searched."""
        self.looked += count
        if self.looked > MOST_LOOKED:
            raise Danger(WORK, f"more than {MOST_LOOKED} section headers would be searched")

    def seek(self, pos: int) -> None:
        """Go to a place in the file; passes the loader's error on."""
        result = self.ldr.seek(pos & self.target.mask)
        if result:
            raise Failed(result)

    def fetch(self, pos: int, size: int, what: str) -> bytes:
        """Bytes of the file; passes the loader's error on."""
        self.seek(pos)
        found = self.ldr.read(size)
        if isinstance(found, int):
            raise Failed(found)
        if len(found) < size:
            unknown(
                f"{what} at offset {pos:#x} has {size} bytes, the file ends after {len(found)}: "
                "the rest would be what happens to lie in memory"
            )
        return found

    def symbol(self, index: int, what: str) -> Sym:
        """An entry of the symbol table, wherever the index points to."""
        table = self.sects[self.target.mem.symtab]
        form = self.forms.symbol
        raw = self.fetch(table.offset + index * form.size, form.size, what)
        return self.sym(form.unpack(raw))

    def sym(self, fields: tuple[int, ...]) -> Sym:
        """A symbol of its fields in the order of the target's class."""
        if self.target.bits == 64:
            name, info, other, shndx, value, size = fields
            return Sym(name, value, size, info, other, shndx)
        return Sym(*fields)

    def section_pointer(self, index: int) -> int:
        """Where a section was loaded to; 0 for one that wasn't (llext_loaded_sect_ptr)."""
        if index >= len(self.ext.sect_map):
            outside(f"the place of section {index} is needed, there are {len(self.ext.sect_map)}")
        region = self.ext.sect_map[index]
        if region == self.target.mem.count:
            return 0
        return self.ext.mem[region] + self.ext.sect_offset[index] & self.target.mask

    def section_name(self, header: Header) -> int | None:
        """Pointer to a section's name; None where the release finds it out of bounds."""
        return self._string(self.target.mem.shstrtab, header.name)

    def symbol_name(self, sym: Sym) -> int | None:
        """Pointer to a symbol's name, of a section's symbol the section's name."""
        if sym.type == 3 and self.region is None:
            if self.target.rules.bounded_names and sym.shndx >= self.ext.sect_cnt:
                return None
            return self.section_name(self.headers[sym.shndx])
        return self._string(self.target.mem.strtab, sym.name)

    def _string(self, region: int, offset: int) -> int | None:
        if self.target.rules.bounded_names and offset >= self.sects[region].size:
            return None
        return self.ext.mem[region] + offset & self.target.mask

    def note_partition(self, number: int, start: int, size: int) -> None:
        """Remember what user threads may see of a region."""
        name = self.target.mem.names[number]
        attributes = ATTRIBUTES.get(name)
        if attributes is not None:
            self.ext.parts[number] = Partition(name, start, size, attributes)

    def shown(self, name: int | None, what: str) -> str:
        """A name as `%s` prints it."""
        return "(null)" if name is None else text(self.memory.string(name, what))
