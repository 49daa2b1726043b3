# SPDX-License-Identifier: Apache-2.0
"""The loader of Zephyr 3.7: sections go into regions by their flags, relocations by their names.

Where several sections make a region, symbols and places count from the region's start, not from
their section's: what isn't first in its region is relocated wrongly, in silence. Regions are never
placed as their sections are aligned: they have whole pages (32 bytes, where there is no MMU).
"""

from __future__ import annotations

from itertools import combinations

from west_llext.loader.danger import outside
from west_llext.loader.early import (
    find_tables,
    refuse_stray,
    region_of,
    run,
    section_header,
)
from west_llext.loader.errnos import Errno
from west_llext.loader.extension import Entry
from west_llext.loader.headers import (
    ET_DYN,
    ET_REL,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHT_NOBITS,
    SHT_NULL,
    SHT_PROGBITS,
    SHT_REL,
    SHT_RELA,
    Header,
)
from west_llext.loader.link import (
    SHN_UNDEF,
    Relocate,
    relocation,
)
from west_llext.loader.loading import Failed, Loading
from west_llext.loader.mapping import EXPORTED
from west_llext.loader.storage import Storage
from west_llext.loader.symbols import (
    allocate_table,
    count_symbols,
    export_symbols,
    is_counted,
    symbols,
)
from west_llext.loader.target import Machine, Protection
from west_llext.loader.wording import signed

_NAME = "the name of a section"


def load_lts(load: Loading, relocate: Relocate) -> int:
    """Every step; 0, or the error that was logged."""
    return run(
        load,
        (
            ("find important ELF tables", find_tables),
            ("copy ELF string sections", _copy_strings),
            ("map ELF sections", _map),
            ("copy ELF sections", _copy_all),
            ("allocate extension symbol table", _count),
            ("copy symbols", _copy_symbols),
            ("link", lambda each: _link(each, relocate)),
            ("export", export_symbols),
        ),
    )


def _count(load: Loading) -> None:
    allocate_table(load, count_symbols(load))


def _copy_strings(load: Loading) -> None:
    _copy(load, load.target.mem.shstrtab)
    _copy(load, load.target.mem.strtab)


def _copy_all(load: Loading) -> None:
    for number in range(load.target.mem.count):
        if not load.ext.mem[number]:
            _copy(load, number)


def _copy(load: Loading, number: int) -> None:
    region, ext, target = load.sects[number], load.ext, load.target
    if not region.size:
        return
    ext.mem_size[number] = region.size
    if region.type != SHT_NOBITS and load.ldr.storage is Storage.WRITABLE:
        ext.mem[number] = load.ldr.peek(region.offset) or 0
        if ext.mem[number]:
            return
    page = target.page
    if target.machine is Machine.ARM and target.protection is not Protection.NONE:
        size = align = max(page, 1 << (region.size - 1).bit_length())
    else:
        size, align = -(-region.size // page) * page, page
    name = target.mem.names[number]
    ext.mem[number] = load.heap.region(name, size, region.size, align, code=False)
    if not ext.mem[number]:
        raise Failed(-Errno.ENOMEM)
    ext.alloc_size += size
    load.note_partition(number, ext.mem[number], size)
    what = f"region {name}"
    if region.type == SHT_NOBITS:
        load.memory.add(what, ext.mem[number], bytearray(region.size))
        load.work.cleared += region.size
    else:
        load.seek(region.offset)
        raw = load.ldr.read(region.size)
        if isinstance(raw, int):
            raise Failed(raw)
        load.work.copied += len(raw)
        content = bytearray(raw.ljust(region.size, b"\0"))
        load.memory.add(what, ext.mem[number], content, len(raw))
    ext.mem_on_heap[number] = True


def _map(load: Loading) -> None:
    mem = load.target.mem
    for index in range(load.hdr.shnum):
        header = section_header(load, index)
        load.early.append(header)
        if header.type not in (SHT_PROGBITS, SHT_NOBITS):
            continue
        if not header.flags & SHF_ALLOC or not header.size:
            continue
        name = load.ext.mem[mem.shstrtab] + header.name
        number = _region(load, header, name)
        load.ext.sect_map[index] = number
        if load.sects[number].type == SHT_NULL:
            load.sects[number] = header
        else:
            _merge(load, header, number, name)
    _refuse_overlaps(load)


def _region(load: Loading, header: Header, name: int) -> int:
    mem = load.target.mem
    if load.memory.starts_with(name, EXPORTED, _NAME):
        return mem.export
    if header.type == SHT_NOBITS:
        return mem.bss
    if header.flags & SHF_EXECINSTR:
        return mem.text
    return mem.data if header.flags & SHF_WRITE else mem.rodata


def _merge(load: Loading, header: Header, number: int, name: int) -> None:
    region, mask = load.sects[number], load.target.mask
    if header.flags != region.flags:
        shown = load.shown(name, _NAME)
        load.fail(Errno.ENOEXEC, f"Unsupported section flags for {shown} (mem {number})")
    if number == load.target.mem.bss:
        load.fail(Errno.ENOEXEC, "Multiple SHT_NOBITS sections are not supported")
    distance = header.addr - region.addr - header.offset + region.offset
    if load.hdr.type == ET_DYN and distance & mask:
        shown = load.shown(name, _NAME)
        load.fail(Errno.ENOEXEC, f"Incompatible section addresses for {shown} (mem {number})")
    top = max(region.offset + region.size, header.offset + header.size)
    region.addr = min(region.addr, header.addr)
    region.offset = min(region.offset, header.offset)
    region.size = top - region.offset & mask


def _refuse_overlaps(load: Loading) -> None:
    mem, bits = load.target.mem, load.target.bits
    for first, second in combinations(range(mem.count), 2):
        x, y = load.sects[first], load.sects[second]
        if not all(each.type != SHT_NULL and each.size for each in (x, y)):
            continue
        shared = load.hdr.type == ET_DYN
        for what, a, b, counts in (
            ("VMA range", x.addr, y.addr, shared),
            ("ELF file range", x.offset, y.offset, mem.bss not in (first, second)),
        ):
            if counts and ((a <= b < a + x.size) or (b <= a < b + y.size)):
                load.fail(
                    Errno.ENOEXEC,
                    f"{what} {first} (0x{a:x} +{signed(x.size, bits)}) overlaps with {second} "
                    f"(0x{b:x} +{signed(y.size, bits)})",
                )


def _copy_symbols(load: Loading) -> None:
    found = []
    for _, sym in symbols(load):
        if not is_counted(sym) or sym.shndx == SHN_UNDEF:
            continue
        header = section_header(load, sym.shndx) if sym.shndx < load.hdr.shnum else None
        if header is None:
            outside(
                f"a global symbol is in section {sym.shndx:#x}, there are {load.hdr.shnum}: the "
                "loader would read behind its section headers"
            )
        if sym.shndx < load.target.mem.bss:
            number = region_of(load, sym.shndx)
            base, start = load.ext.mem[number], load.sects[number].addr
        else:
            base, start = load.ldr.peek(header.offset) or 0, header.addr
            if not base:
                load.fail(Errno.ENOTSUP, "cannot handle arbitrary sections without .peek")
        relocatable = load.hdr.type == ET_REL
        if load.parm.pre_located:
            address = sym.value + (start if relocatable else 0)
        else:
            address = base + sym.value - (0 if relocatable else start)
        name = load.ext.mem[load.target.mem.strtab] + sym.name
        found.append(Entry(name, address & load.target.mask))
    load.ext.sym_tab = found


def _link(load: Loading, relocate: Relocate) -> None:
    mem, place = load.target.mem, 0
    known = {
        ".text": mem.text,
        ".bss": mem.bss,
        ".rodata": mem.rodata,
        ".data": mem.data,
        ".exported_sym": mem.export,
    }
    # the last section is never looked at
    for index in range(load.hdr.shnum - 1):
        header = section_header(load, index)
        if header.type not in (SHT_REL, SHT_RELA) or not header.size:
            continue
        if not header.entsize:
            outside(f"relocation section {index} has entries of 0 bytes")
        name = load.shown(load.ext.mem[mem.shstrtab] + header.name, _NAME)
        prefix = ".rela" if name.startswith(".rela") else ".rel"
        number = known.get(name.removeprefix(prefix))
        if number is None:
            refuse_stray(load, name, place)
        place, load.region = load.ext.mem[number], number
        load.reserve(header.size // header.entsize)
        for row in range(header.size // header.entsize):
            load.entry = index, row
            result = relocate(load, relocation(load, header, row), header)
            load.work.relocated += 1
            if result:
                raise Failed(result)
