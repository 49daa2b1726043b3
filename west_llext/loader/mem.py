# SPDX-License-Identifier: Apache-2.0
"""Numbers of the memory regions, which depend on the target's configuration."""

from __future__ import annotations

from functools import cache

from west_llext.record import record

#: All regions in their order, also the optional ones.
ORDER = (
    *("text", "data", "rodata", "veneer", "bss", "export", "symtab", "strtab", "shstrtab"),
    *("preinit", "init", "fini", "noreloc"),
)


@record(frozen=True, slots=True)
class Mem:
    """`enum llext_mem` of one configuration (include/zephyr/llext/llext.h).

    veneer, noreloc: -1 where the configuration has no such region
    names: by number
    count: how many there are; in a section map it stands for "not loaded"
    """

    text: int
    data: int
    rodata: int
    veneer: int
    bss: int
    export: int
    symtab: int
    strtab: int
    shstrtab: int
    preinit: int
    init: int
    fini: int
    noreloc: int
    names: tuple[str, ...]
    count: int


@cache
def mem(*, veneers: bool = False, noreloc: bool = False) -> Mem:
    """The regions with CONFIG_LLEXT_VENEERS and CONFIG_LLEXT_RODATA_NO_RELOC, or without."""
    left_out = {name for name, used in (("veneer", veneers), ("noreloc", noreloc)) if not used}
    names = tuple(name for name in ORDER if name not in left_out)
    numbers = {name: names.index(name) if name in names else -1 for name in ORDER}
    return Mem(names=names, count=len(names), **numbers)
