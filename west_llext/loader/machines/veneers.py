# SPDX-License-Identifier: Apache-2.0
"""Veneers that the loader makes for Thumb branches which don't reach (CONFIG_LLEXT_VENEERS)."""

from __future__ import annotations

import struct

from west_llext.loader.headers import SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS, SHT_REL, Header
from west_llext.loader.link import SHN_UNDEF, relocation, symbol_index
from west_llext.loader.loading import Failed, Loading
from west_llext.loader.target import Veneers

#: Code in front of the target's address, by what the core can do.
STUBS = {
    Veneers.MAINLINE: struct.pack("<2H", 0xF8DF, 0xF000),
    Veneers.BASELINE: struct.pack("<6H", 0xB410, 0x4C02, 0x46A4, 0xBC10, 0x4760, 0xBF00),
}
THM_CALL, THM_JUMP24 = 10, 30


def prepare_veneers(load: Loading) -> None:
    """Make room for one veneer a branch to an undefined symbol (arch_elf_veneer_init)."""
    if load.target.veneers is Veneers.NONE:
        return
    count = 0
    for index in range(load.ext.sect_cnt):
        header = load.headers[index]
        if header.type == SHT_REL and load.headers[header.info].flags & SHF_ALLOC:
            count += _branches(load, header)
    if count:
        size = count * (len(STUBS[load.target.veneers]) + 4)
        flags = SHF_ALLOC | SHF_EXECINSTR
        load.sects[load.target.mem.veneer] = Header(
            type=SHT_NOBITS, flags=flags, size=size, align=4
        )


def _branches(load: Loading, header: Header) -> int:
    entries = header.size // header.entsize if header.entsize else 0
    load.reserve(entries)
    return sum(_needs_veneer(load, header, index) for index in range(entries))


def _needs_veneer(load: Loading, header: Header, index: int) -> bool:
    try:
        rel = relocation(load, header, index)
        if rel.info & 0xFF not in (THM_CALL, THM_JUMP24):
            return False
        return load.symbol(symbol_index(load, rel), "the symbol of a branch").shndx == SHN_UNDEF
    except Failed:
        return False


def through_veneer(load: Loading, target: int) -> int | None:
    """Address of a veneer to a target: one that is there, or a new one; None for no room."""
    stub = STUBS[load.target.veneers]
    number = load.target.mem.veneer
    start, size = load.ext.mem[number], len(stub) + 4
    made = load.veneers
    if target in made:
        return made[target]
    # the loader takes the first one that leads nowhere; nothing else writes there
    place = start + len(made) * size
    if place + size > start + load.ext.mem_size[number]:
        return None
    if target:  # one that leads to 0 still leads nowhere
        made[target] = place
        load.memory.write(place, stub + target.to_bytes(4, "little"), "a veneer")
    return place
