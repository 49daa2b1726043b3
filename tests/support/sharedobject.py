# SPDX-License-Identifier: Apache-2.0
"""A shared object for Xtensa in memory: moved apart by regions, its dynamic relocations applied.

Written after what dynamic linkers of Linux do for this machine (ldso/xtensa of uClibc-ng): RELATIVE
adds the load bias, here that of the section pointed to; GLOB_DAT and JMP_SLOT are S + A, whatever
the place holds; 32 is S + A added to it; RTLD serves binding on the first call, NONE nothing. Files
are read with pyelftools.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from elftools.elf.elffile import ELFFile

from .hostloader import Header, region_label
from .loading import LoadError

R_NONE, R_32, R_RTLD, R_GLOB_DAT, R_JMP_SLOT, R_RELATIVE = range(6)


class SharedObject:
    """A file; little-endian, 32 bits.

    starts: the address in the file at which each region begins
    """

    def __init__(self, data: bytes) -> None:
        """Of a whole file."""
        self.file = ELFFile(io.BytesIO(data))
        self.sections: list[tuple[str, Any]] = []
        for each in self.file.iter_sections():
            label = region_label(_header(each))
            if label is not None:
                self.sections.append((label, each))
        self.starts: dict[str, int] = {}
        for label in {label for label, _ in self.sections}:
            mine = [each for name, each in self.sections if name == label]
            align = max(4, *(each["sh_addralign"] for each in mine))
            self.starts[label] = min(each["sh_addr"] for each in mine) & -align

    def loaded(
        self, where: Mapping[str, int], find: Callable[[str], int | None]
    ) -> dict[str, bytes]:
        """Memory by region with each region at its address; `find` looks up what isn't defined."""
        memory = {}
        for label, start in self.starts.items():
            mine = [each for name, each in self.sections if name == label]
            content = bytearray(max(each["sh_addr"] + each["sh_size"] for each in mine) - start)
            for each in mine:
                if each["sh_type"] != "SHT_NOBITS":
                    at = each["sh_addr"] - start
                    content[at : at + each["sh_size"]] = each.data()
            memory[label] = content
        for row in self._relocations():
            if row["r_info_type"] in {R_NONE, R_RTLD}:
                continue
            label, offset = self._place(row["r_offset"])
            self._apply(memory[label], offset, row, where, find)
        return {label: bytes(content) for label, content in memory.items()}

    def _relocations(self) -> Iterator[Any]:
        for name in (".rela.dyn", ".rela.plt"):
            section: Any = self.file.get_section_by_name(name)
            if section is not None:
                yield from section.iter_relocations()

    def _place(self, address: int) -> tuple[str, int]:
        for label, each in self.sections:
            if each["sh_addr"] <= address < each["sh_addr"] + each["sh_size"]:
                return label, address - self.starts[label]
        raise LoadError(f"{address:#x} not found in any of the sections")

    def _moved(self, address: int, where: Mapping[str, int]) -> int:
        label, offset = self._place(address)
        return where[label] + offset

    def _apply(
        self,
        content: bytearray,
        at: int,
        row: Any,
        where: Mapping[str, int],
        find: Callable[[str], int | None],
    ) -> None:
        kind, addend = row["r_info_type"], row["r_addend"]
        held = int.from_bytes(content[at : at + 4], "little")
        if kind == R_RELATIVE:
            value = self._moved(held + addend, where)
        elif kind in {R_GLOB_DAT, R_JMP_SLOT, R_32}:
            value = self._symbol(row["r_info_sym"], where, find) + addend
            value += held if kind == R_32 else 0
        else:
            raise LoadError(f"type {kind} isn't applied")
        content[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")

    def _symbol(
        self, index: int, where: Mapping[str, int], find: Callable[[str], int | None]
    ) -> int:
        table: Any = self.file.get_section_by_name(".dynsym")
        symbol = table.get_symbol(index)
        if symbol["st_shndx"] != "SHN_UNDEF":
            return self._moved(symbol["st_value"], where)
        found = find(symbol.name)
        if found is None and symbol["st_info"]["bind"] != "STB_WEAK":
            raise LoadError(f"cannot find name {symbol.name}")
        return found or 0


def _header(section: Any) -> Header:
    kinds = {"SHT_PROGBITS": 1, "SHT_NOBITS": 8, "SHT_INIT_ARRAY": 14, "SHT_FINI_ARRAY": 15}
    return Header(
        section.name,
        kinds.get(section["sh_type"], 0),
        section["sh_flags"],
        section["sh_addr"],
        section["sh_offset"],
        section["sh_size"],
        section["sh_link"],
        section["sh_info"],
        section["sh_addralign"],
        section["sh_entsize"],
    )
