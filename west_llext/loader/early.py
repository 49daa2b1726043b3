# SPDX-License-Identifier: Apache-2.0
"""What the loaders of 3.5 and 3.7 have in common: they read every header from the file, anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from west_llext.loader.allocation import Lifetime
from west_llext.loader.danger import PLACE, Danger, outside
from west_llext.loader.elfdata import refuse_odd_entries
from west_llext.loader.errnos import Errno
from west_llext.loader.headers import (
    ET_DYN,
    ET_REL,
    SHT_DYNSYM,
    SHT_STRTAB,
    SHT_SYMTAB,
    Header,
)
from west_llext.loader.loading import Failed, FileHeader, Loading
from west_llext.loader.wording import dump

#: Bytes of an entry of the section map: an enum.
MAP_ENTRY = 4


def read_header(load: Loading) -> None:
    """Read and check the ELF header; happens before anything is allocated."""
    size = 16 + load.forms.header.size
    if load.ldr.seek(0):
        load.fail(Errno.EINVAL, "Failed to seek for ELF header")
    raw = load.ldr.read(size)
    if isinstance(raw, int):
        load.log.err("Failed to read ELF header")
        raise Failed(raw)
    if len(raw) < size:
        outside(f"the file has {len(raw)} bytes, its header {size}: the rest would be on the stack")
    load.hdr = FileHeader(raw[:16], *load.forms.header.unpack(raw[16:]))
    if load.hdr.ident[:4] != b"\x7fELF":
        load.log.err("Invalid ELF, magic does not match")
        for line in dump(load.hdr.ident):
            load.log.err(line)
        raise Failed(-Errno.EINVAL)
    if load.hdr.type not in (ET_REL, ET_DYN):
        load.fail(Errno.EINVAL, f"Unsupported elf file type {load.hdr.type:x}")


def allocate_map(load: Loading) -> None:
    """The map of sections, in which whatever isn't loaded is taken for code."""
    count, ext = load.hdr.shnum, load.ext
    size = count * MAP_ENTRY
    ext.sect_map_address = load.heap.plain("section map", size, Lifetime.LOAD)
    if not ext.sect_map_address:
        load.fail(Errno.ENOMEM, f"Failed to allocate memory for section map, size {size}")
    if load.target.rules.by_flags:
        ext.alloc_size += size
    ext.sect_map = [load.target.mem.text] * count
    ext.sect_offset = [0] * count
    load.sects = [Header() for _ in range(load.target.mem.count)]


def run(load: Loading, steps: Sequence[tuple[str, Callable[[Loading], None]]]) -> int:
    """Take the steps; 0, or the error that was logged."""
    try:
        read_header(load)
        allocate_map(load)
    except Failed as err:
        return err.result
    for what, step in steps:
        result = _result(load, step)
        if result:
            load.log.err(f"Failed to {what}, ret {result}")
            return result
    return 0


def _result(load: Loading, step: Callable[[Loading], None]) -> int:
    try:
        step(load)
    except Failed as err:
        return err.result
    return 0


def section_header(load: Loading, index: int) -> Header:
    """A header, from the file; entries may be as large as the file says."""
    form = load.forms.section
    place = load.hdr.shoff + index * load.hdr.shentsize
    return Header(*form.unpack(load.fetch(place, form.size, f"section header {index}")))


def find_tables(load: Loading) -> None:
    """The first three tables; every other string table is taken for the names of symbols."""
    mem, found = load.target.mem, 0
    for index in range(load.hdr.shnum):
        if found == 3:
            break
        header = section_header(load, index)
        if header.type in (SHT_SYMTAB, SHT_DYNSYM):
            region = mem.symtab
        elif header.type == SHT_STRTAB:
            region = mem.shstrtab if index == load.hdr.shstrndx else mem.strtab
        else:
            continue
        load.sects[region] = header
        load.ext.sect_map[index] = region
        found += 1
    if not all(load.sects[each].type for each in (mem.shstrtab, mem.strtab, mem.symtab)):
        load.fail(Errno.ENOENT, "Some sections are missing or present multiple times!")
    refuse_odd_entries(load)


def region_of(load: Loading, section: int) -> int:
    """The region of a section, as the map has it."""
    if section >= len(load.ext.sect_map):
        outside(f"the place of section {section} is needed, there are {len(load.ext.sect_map)}")
    return load.ext.sect_map[section]


def refuse_stray(load: Loading, name: str, place: int) -> NoReturn:
    """Refuse relocations that the loader would apply to a region that isn't theirs."""
    names = load.target.mem.names
    known = [each for each, addr in zip(names, load.ext.mem, strict=True) if addr == place and addr]
    where = known[0] if known else "nothing"
    raise Danger(
        PLACE,
        f"the loader doesn't know '{name}', and would apply its relocations to region {where}",
        "merge sections with 'ld -r' and a script, or use a newer Zephyr",
    )
