# SPDX-License-Identifier: Apache-2.0
"""The modelled target: processor, release, and the settings that the loader hangs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from functools import partial
from typing import Literal

from west_llext.elf.headers import FORMATS, Formats
from west_llext.loader.mem import Mem, mem
from west_llext.loader.versions import DEFAULT, Rules, Version, rules
from west_llext.model.members import plain_members
from west_llext.record import record


@plain_members
class Machine(Enum):
    """Processors that have an `elf.c` of their own, and the rest."""

    ARM = "arm"
    ARM64 = "arm64"
    RISCV = "riscv"
    X86 = "x86"
    XTENSA = "xtensa"
    ARC = "arc"
    #: any other: not a single relocation can be applied
    OTHER = "other"


@plain_members
class Protection(Enum):
    """What memory protection asks of the place and size of a region."""

    NONE = "none"
    #: whole pages
    MMU = "mmu"
    #: a power of two, at a multiple of itself (Armv7-M, Armv6-M, older ARC)
    POWER_OF_TWO = "power-of-two"
    #: a multiple of the page (Armv8-M, newer ARC)
    PAGE = "page"
    #: a multiple of the granularity (RISC-V)
    PMP = "pmp"
    #: an MPU without a rule in the loader
    OTHER = "other"


@plain_members
class Veneers(Enum):
    """CONFIG_LLEXT_VENEERS, and the core's instruction set, which decides what a veneer is."""

    NONE = "none"
    #: Armv7-M and Armv8-M mainline: 8 bytes
    MAINLINE = "mainline"
    #: Armv6-M and Armv8-M baseline: 16 bytes
    BASELINE = "baseline"


@record(frozen=True, slots=True, kw_only=True)
class HeapPlan:
    """The loader's heaps.

    address: of the memory of its own heap; size: bytes of it
    statistics: CONFIG_SYS_HEAP_RUNTIME_STATS, which makes a heap's own part larger
    block: bytes of a block where regions come from `sys_mem_blocks`; 0 for `k_heap`
    data, code: address and size of the memories for regions; None for the same as above, and for
        the same as data; code has one of its own on a Harvard machine
    """

    address: int
    size: int
    statistics: bool = False
    block: int = 0
    data: tuple[int, int] | None = None
    code: tuple[int, int] | None = None


@record(frozen=True, slots=True, kw_only=True)
class Target:
    """What the loader runs on.

    bits: 32 or 64
    symbols: what the base image exports, in the order of its table
    page: LLEXT_PAGE_SIZE, or the granularity of the PMP
    userspace: CONFIG_USERSPACE
    partitions: most that one memory domain takes
    by_slid: CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID
    all_globals: CONFIG_LLEXT_IMPORT_ALL_GLOBALS
    devices: CONFIG_LLEXT_EXPORT_DEVICES
    harvard: code and data have memories of their own
    noreloc: CONFIG_LLEXT_RODATA_NO_RELOC
    dynamic_heap: CONFIG_LLEXT_HEAP_DYNAMIC: the application gives the loader its heap
    structure: bytes of `struct llext`; None to work it out
    rules: what its release does; mem: its regions
    pointer: bytes of a pointer, and of a `size_t`; mask: all of its bits
    forms: how tables of files lie in bytes, whatever a file says
    rule: what its release makes of its memory protection
    struct_size: bytes of `struct llext` (include/zephyr/llext/llext.h)
    """

    machine: Machine
    bits: int
    heap: HeapPlan
    version: Version = DEFAULT
    little: bool = True
    symbols: Mapping[bytes, int] = field(default_factory=dict)
    protection: Protection = Protection.NONE
    page: int = 32
    userspace: bool = False
    partitions: int = 16
    by_slid: bool = False
    all_globals: bool = False
    devices: bool = False
    harvard: bool = False
    veneers: Veneers = Veneers.NONE
    noreloc: bool = False
    dynamic_heap: bool = False
    structure: int | None = None
    rules: Rules = field(init=False, repr=False)
    mem: Mem = field(init=False, repr=False)
    pointer: int = field(init=False, repr=False)
    mask: int = field(init=False, repr=False)
    forms: Formats = field(init=False, repr=False)
    rule: Protection = field(init=False, repr=False)
    struct_size: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Works out what is asked for at every step."""
        put = partial(object.__setattr__, self)
        put("rules", rules(self.version))
        put("mem", mem(veneers=self.veneers is not Veneers.NONE, noreloc=self.noreloc))
        put("pointer", self.bits // 8)
        put("mask", (1 << self.bits) - 1)
        put("forms", FORMATS[self.bits, self.order])
        put("rule", _rule(self))
        put("struct_size", structure_size(self) if self.structure is None else self.structure)

    @property
    def order(self) -> str:
        """Byte order as the struct module spells it."""
        return "<" if self.little else ">"

    @property
    def endian(self) -> Literal["little", "big"]:
        """Byte order as integers spell it."""
        return "little" if self.little else "big"


def _rule(target: Target) -> Protection:
    rule = target.protection
    if rule is Protection.MMU:
        return rule
    if target.rules.exact_protection:
        return rule if target.userspace else Protection.NONE
    # before: for every Arm MPU, whatever it needs; and for no other
    arm = target.machine is Machine.ARM and rule is not Protection.NONE
    return Protection.POWER_OF_TWO if arm else Protection.NONE


def structure_size(target: Target) -> int:
    """Bytes of `struct llext`, from its members."""
    word, regions = target.pointer, target.mem.count
    size = 0
    for width, count in _members(target, word, regions):
        size = -(-size // width) * width + width * count
    return -(-size // word) * word


def _members(target: Target, word: int, regions: int) -> list[tuple[int, int]]:
    # each member as (bytes of an element, how many there are), in order
    release = target.version
    if not target.rules.by_flags:
        return [(word, 1), (1, 16), (word, 4 + 1 + 2)]
    if not target.rules.shares_exports:
        regions = 8  # no arrays of functions
    members = [(word, 1)]
    if target.userspace:
        members.append((word, 3 * (target.mem.bss + 1)))
    members += [(1, 16), (word, regions)]
    if release >= (4, 5):
        members.append((word, 1))
    members.append((1, regions))
    if target.heap.block:
        members += [(word, 1), (word, 2 * regions)]
    members += [(word, regions + 1), (word, 4), (4, 1)]
    if release >= (4, 0):
        members.append((word, 8))
    if release >= (4, 1):
        members += [(4, 1), (word, 1), (1, 2)]
    if release >= (4, 6):
        members.append((word, 4))
    return members
