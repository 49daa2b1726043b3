# SPDX-License-Identifier: Apache-2.0
"""A loaded extension: `struct llext`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from west_llext.loader.headers import Header, no_sections
from west_llext.loader.target import Target
from west_llext.record import record

#: Characters of a name that count (LLEXT_MAX_NAME_LEN).
MAX_NAME = 15
#: Other extensions that one can depend on (LLEXT_MAX_DEPENDENCIES).
MAX_DEPENDENCIES = 8


class Entry(NamedTuple):
    """A row of a symbol table (`struct llext_symbol`): addresses of a name and what it names."""

    name: int
    addr: int


#: What user threads may do with a region, and the kernel.
ATTRIBUTES = {
    "text": "P_RX_U_RX",
    "veneer": "P_RX_U_RX",
    "data": "P_RW_U_RW",
    "bss": "P_RW_U_RW",
    "rodata": "P_RO_U_RO",
}


class Partition(NamedTuple):
    """A part of memory as user threads may see it (`struct k_mem_partition`).

    attributes: of the kernel and of user threads, such as `P_RX_U_RX`
    """

    region: str
    start: int
    size: int
    attributes: str


@record(frozen=True, slots=True, kw_only=True)
class LoadParameters:
    """`struct llext_load_param`.

    relocate_local: apply relocations; without, nothing is linked at all, imports neither
    pre_located: the file is linked for the place where it lies
    section_detached: whether a section stays out of the regions
    keep_section_info: keep the section map, for those who look at sections later
    """

    relocate_local: bool = True
    pre_located: bool = False
    section_detached: Callable[[Header], bool] | None = None
    keep_section_info: bool = False


class Llext:
    """`struct llext`.

    address: of the structure itself, on the heap
    mem, mem_size, mem_on_heap: by region: address (0 for none), bytes, whether allocated
    alloc_size: bytes that were allocated, as the loader counts them
    sym_tab: global symbols, None behind a load; exp_tab: exported ones
    use_count: times that it is in use; 32 bits
    dependency: those whose symbols it uses
    names: memories for names, of the first release
    image: of a shared object that was loaded in one piece; bias: what its addresses lack
    sect_map, sect_offset: by section: region (the number of regions for none), and offset in it
    """

    __slots__ = (
        "address",
        "alloc_size",
        "bias",
        "dependency",
        "exp_tab",
        "exp_tab_address",
        "image",
        "mem",
        "mem_on_heap",
        "mem_size",
        "name",
        "names",
        "parts",
        "sect_hdrs",
        "sect_hdrs_on_heap",
        "sect_map",
        "sect_map_address",
        "sect_offset",
        "sym_tab",
        "sym_tab_address",
        "use_count",
    )

    def __init__(self, address: int, regions: int) -> None:
        """An extension that nothing has been loaded of; `regions` is how many there are."""
        self.address = address
        self.name = b""
        self.mem = [0] * regions
        self.mem_size = [0] * regions
        self.mem_on_heap = [False] * regions
        self.alloc_size = 0
        self.sym_tab: list[Entry] | None = None
        self.sym_tab_address = 0
        self.exp_tab: list[Entry] = []
        self.exp_tab_address = 0
        self.use_count = 0
        self.dependency: list[Llext] = []
        self.sect_hdrs = no_sections()
        self.sect_hdrs_on_heap = False
        self.sect_map: list[int] = []
        self.sect_offset: list[int] = []
        self.sect_map_address = 0
        self.parts: dict[int, Partition] = {}
        self.image = 0
        self.names: list[int] = []
        self.bias = 0

    @property
    def sect_cnt(self) -> int:
        """How many sections the file has."""
        return self.sect_hdrs.count


def word_of(target: Target, ext: Llext, address: int) -> int | None:
    """The 32-bit word at an address in `struct llext` while it is being loaded; None elsewhere.

    A list node and the name come first, which are zeroed until the end of the load, then `mem`.
    """
    offset, regions = address - ext.address, target.pointer + MAX_NAME + 1
    if offset < 0 or target.userspace or not target.rules.shares_exports:
        return None
    if offset < regions:
        return 0
    index, rest = divmod(offset - regions, target.pointer)
    if index >= len(ext.mem):
        return None
    raw = ext.mem[index].to_bytes(target.pointer, target.endian)
    return int.from_bytes(raw[rest : rest + 4], target.endian)
