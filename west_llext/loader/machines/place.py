# SPDX-License-Identifier: Apache-2.0
"""Where a relocation is applied, and to which symbol: what all machines start with."""

from __future__ import annotations

from west_llext.loader.danger import PLACE, Danger
from west_llext.loader.headers import Header
from west_llext.loader.link import addend, lookup, place, read_symbol
from west_llext.loader.loading import Failed, Loading, Rela, Sym
from west_llext.loader.symbols import section_at
from west_llext.loader.wording import text


class Place:
    """A relocation that is being applied.

    P: address of the place; S: of the symbol; sym: its entry; name: pointer to its name
    """

    __slots__ = ("P", "S", "_header", "_load", "_rel", "_size", "_start", "mask", "name", "sym")

    def __init__(self, load: Loading, rel: Rela, header: Header) -> None:
        self._load, self._rel, self._header = load, rel, header
        self.mask = load.target.mask
        self._start, self._size = rel.offset, 0
        if load.by_address:
            self._by_address()
        elif load.region is not None:
            self.P = load.ext.mem[load.region] + rel.offset & self.mask
            self._size = load.ext.mem_size[load.region]
        else:
            self.P = place(load, rel, header)
            self._size = load.headers[header.info].size
        self.S = 0
        self.name: int | None = None
        self.sym = Sym(0, 0, 0, 0, 0, 0)

    @property
    def A(self) -> int:  # noqa: N802  # the ABI's letter
        """The explicit addend."""
        return addend(self._rel)

    @property
    def kind(self) -> int:
        """ELF32_R_TYPE, which most machines use in either class: the low 8 bits."""
        return self._rel.info & 0xFF

    def _by_address(self) -> None:
        # a dynamic relocation names its place by the address that it was linked for
        load, address = self._load, self._rel.offset
        index = section_at(load, address)
        if index is None:
            raise Danger(PLACE, f"a dynamic relocation is for {address:#x}, which isn't loaded")
        section = load.headers[index]
        self._start, self._size = address - section.addr, section.size
        self.P = load.section_pointer(index) + self._start & self.mask

    def resolve(self) -> int:
        """Look the symbol up; 0, or the error that was logged."""
        try:
            self.sym = read_symbol(self._load, self._rel)
        except Failed as err:
            self._load.log.err("Could not read symbol from binary!")
            return err.result
        self.name = self._load.symbol_name(self.sym)
        result, self.S = lookup(self._load, self._rel, self.sym, self.name, self._header)
        if result and self._load.target.rules.in_arch:
            self._load.log.err(f"Could not find symbol {self.shown()}!")
        return result

    def shown(self) -> str:
        """The symbol's name as the log prints it."""
        if self.name is None:
            return "(null)"
        return text(self._load.memory.string(self.name, "the name of a symbol"))

    def get(self, size: int, at: int = 0) -> int:
        """The integer of `size` bytes at the place."""
        self._inside(at + size)
        raw = self._load.memory.read(self.P + at & self.mask, size, self._what())
        return int.from_bytes(raw, self._load.target.endian)

    def put(self, value: int, size: int, at: int = 0) -> None:
        """Write the low bytes of an integer there."""
        self._inside(at + size)
        raw = (value & (1 << 8 * size) - 1).to_bytes(size, self._load.target.endian)
        self._load.memory.write(self.P + at & self.mask, raw, self._what())

    def error(self, line: str) -> None:
        """`LOG_ERR`."""
        self._load.log.err(line)

    def _inside(self, end: int) -> None:
        if self._start + end > self._size:
            raise Danger(
                PLACE,
                f"a relocation of type {self.kind} at offset {self._start:#x} changes "
                f"{end} bytes of section {self._header.info}, which has {self._size}",
            )

    def _what(self) -> str:
        return f"the place of a relocation (offset {self._rel.offset:#x})"
