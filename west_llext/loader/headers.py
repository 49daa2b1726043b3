# SPDX-License-Identifier: Apache-2.0
"""Section headers as the loader sees them: in the target's memory, where a write can hit them."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from west_llext.loader.danger import outside
from west_llext.loader.memory import Block, Memory, Watch
from west_llext.record import record

SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA = 0, 1, 2, 3, 4
SHT_NOBITS, SHT_REL, SHT_DYNSYM = 8, 9, 11
SHT_INIT_ARRAY, SHT_FINI_ARRAY, SHT_PREINIT_ARRAY = 14, 15, 16
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 0x1, 0x2, 0x4, 0x400
#: The flags that sections of one region must have in common.
SHF_BASIC_TYPE = SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR
#: The loader's own flag: a relocation section targets the region.
SHF_HAS_RELOCS = 0x100000
ET_REL, ET_DYN = 1, 3


@record(slots=True)
class Header:
    """A section header (`elf_shdr_t`); a region is described by one, too.

    name: offset in the table of section names
    info: sh_info; of a region the bytes that were put in front of it for its alignment
    """

    name: int = 0
    type: int = 0
    flags: int = 0
    addr: int = 0
    offset: int = 0
    size: int = 0
    link: int = 0
    info: int = 0
    align: int = 0
    entsize: int = 0

    def copy(self) -> Header:
        """Another one with the same values."""
        return Header(
            self.name, self.type, self.flags, self.addr, self.offset,
            self.size, self.link, self.info, self.align, self.entsize,
        )  # fmt: skip


class SectionTable:
    """The section headers of a file that is being loaded, read when somebody looks.

    address: of the first; count: e_shnum
    """

    __slots__ = ("_block", "_form", "_memory", "_rows", "_seen", "_watch", "address", "count")

    def __init__(self, memory: Memory, address: int, count: int, form: Struct) -> None:
        """`form` is how a header lies in bytes."""
        self._memory = memory
        self.address = address
        self.count = count
        self._form = form
        self._block: Block | None = memory.block(address)
        self._watch: Watch | None = None
        if self._block is not None:
            self._watch = self._block.watch(address, count * form.size)
        self._rows: list[Header] = []
        self._seen = -1

    def __getitem__(self, index: int) -> Header:
        rows = self._known()
        return rows[index] if index < len(rows) else self._read(index)

    def __iter__(self) -> Iterator[Header]:
        """All headers as they are now, while nobody writes."""
        rows = self._known()
        return iter(rows) if len(rows) == self.count else map(self._read, range(self.count))

    def _known(self) -> list[Header]:
        watch = self._watch
        if watch is not None and watch.changes != self._seen:
            self._rows, self._seen = self._all(), watch.changes
        return self._rows

    def _all(self) -> list[Header]:
        # every header at once, as every step looks at most of them; none where one isn't known, so
        # that it does harm only to who asks for it
        block = self._block
        if block is None:
            return []
        start, size = self.address - block.start, self.count * self._form.size
        if start + size > block.known:
            return []
        raw = block.data[start : start + size]
        return [Header(*fields) for fields in self._form.iter_unpack(raw)]

    def _read(self, index: int) -> Header:
        if index >= self.count:
            outside(f"section header {index} would be read, there are {self.count}")
        size = self._form.size
        raw = self._memory.read(self.address + index * size, size, f"section header {index}")
        return Header(*self._form.unpack(raw))


def no_sections() -> SectionTable:
    """The table of a file whose sections haven't been found."""
    return SectionTable(Memory(), 0, 0, Struct(""))
