# SPDX-License-Identifier: Apache-2.0
"""Which section goes into which region, and where in it.

`llext_validate_sections_name` and `llext_map_sections` of subsys/llext/llext_load.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from west_llext.loader.danger import outside
from west_llext.loader.errnos import Errno
from west_llext.loader.headers import (
    ET_DYN,
    SHF_ALLOC,
    SHF_BASIC_TYPE,
    SHF_EXECINSTR,
    SHF_HAS_RELOCS,
    SHF_TLS,
    SHF_WRITE,
    SHT_FINI_ARRAY,
    SHT_INIT_ARRAY,
    SHT_NOBITS,
    SHT_NULL,
    SHT_PREINIT_ARRAY,
    SHT_PROGBITS,
    SHT_REL,
    SHT_RELA,
    Header,
)
from west_llext.loader.loading import Loading
from west_llext.loader.mem import Mem
from west_llext.loader.wording import alternate, pointer, signed

EXPORTED = b".exported_sym\0"
NORELOC = b".llext.rodata.noreloc\0"
#: Sections that a linker adds and the loader leaves out.
PADDING = (b".relro_padding\0", b".heap\0", b".stack\0")
_NAME = "the name of a section"


def check_names(load: Loading) -> None:
    """The pass over all names that some releases make first."""
    size = load.sects[load.target.mem.shstrtab].size
    for index, header in enumerate(load.headers):
        name = header.name
        if name >= size:
            load.fail(
                Errno.ENOEXEC,
                f"Invalid section name index {signed(name, 32)} in section {index}",
            )


def map_sections(load: Loading) -> None:
    """Give every section that is loaded a region and an offset in it."""
    for index, header in enumerate(load.headers):
        _map(load, header, index)
    _align(load)
    _refuse_overlaps(load)
    _place(load)
    mem = load.target.mem
    if mem.noreloc >= 0 and load.sects[mem.noreloc].flags & SHF_HAS_RELOCS:
        load.fail(Errno.ENOEXEC, ".llext.rodata.noreloc has relocations")


def _map(load: Loading, header: Header, index: int) -> None:
    ext = load.ext
    name = load.section_name(header)
    if name is None:
        load.fail(
            Errno.ENOEXEC,
            f"section {index} has out of bounds string table index {signed(header.name, 32)} "
            "for section name",
        )
    if ext.sect_map[index] != load.target.mem.count:
        return
    region = _region(load, header, name)
    if region < 0 or not header.flags & SHF_ALLOC or not header.size:
        return
    _check_array(load, header, region, name, index)
    ext.sect_map[index] = region
    if load.parm.section_detached is not None and load.parm.section_detached(header):
        _check_detached(load, header, region, name)
    elif load.sects[region].type == SHT_NULL:
        load.sects[region] = header.copy()
    else:
        _merge(load, header, region, name)


def _named(load: Loading, name: int, wanted: bytes) -> bool:
    return load.memory.starts_with(name, wanted, _NAME)


def _region(load: Loading, header: Header, name: int) -> int:
    # the region that a section goes into; -1 for none
    rules, mem = load.target.rules, load.target.mem
    if rules.skips_padding and any(_named(load, name, each) for each in PADDING):
        return -1
    if rules.skips_tls and header.flags & SHF_TLS:
        return -1
    if _named(load, name, EXPORTED):
        return mem.export
    if header.type == SHT_PROGBITS:
        return _program_region(load, header, name)
    if header.type == SHT_NOBITS:
        return mem.bss
    return _array_region(mem, header)


def _array_region(mem: Mem, header: Header) -> int:
    by_type = {SHT_PREINIT_ARRAY: mem.preinit, SHT_INIT_ARRAY: mem.init, SHT_FINI_ARRAY: mem.fini}
    return by_type.get(header.type, -1)


def _program_region(load: Loading, header: Header, name: int) -> int:
    mem = load.target.mem
    if header.flags & SHF_EXECINSTR:
        return mem.text
    if header.flags & SHF_WRITE:
        return mem.data
    if mem.noreloc >= 0 and _named(load, name, NORELOC):
        return mem.noreloc
    return mem.rodata


def _check_array(load: Loading, header: Header, region: int, name: int, index: int) -> None:
    mem, entry = load.target.mem, load.target.pointer
    if region not in (mem.preinit, mem.init, mem.fini):
        return
    text = load.shown(name, _NAME) if header.entsize != entry or header.size % entry else ""
    if not load.target.rules.loose_arrays:
        if text:
            load.fail(Errno.ENOEXEC, f"Invalid {text} array in section {index}")
        return
    if header.entsize not in (0, entry):
        load.fail(
            Errno.ENOEXEC,
            f"Invalid {text} array entry size {header.entsize} in section {index}",
        )
    if header.entsize and header.size % entry:
        load.fail(
            Errno.ENOEXEC,
            f"Invalid {text} array size {header.size} not multiple of entry size {entry} "
            f"in section {index}",
        )


def _check_detached(load: Loading, header: Header, region: int, name: int) -> None:
    place = load.ldr.peek(header.offset)
    code = region == load.target.mem.text and load.target.harvard
    if load.target.rules.checks_detached and not place:
        load.fail(
            Errno.ENOTSUP,
            f"Peek of detached text section {load.shown(name, _NAME)} at ELF offset "
            f"{pointer(header.offset)} unsupported or out of bounds",
        )
    if code and load.target.rules.checks_detached:
        # the file lies in data memory, as on every such target
        first = place or 0
        load.fail(
            Errno.ENOEXEC,
            f"ELF buffer's detached text section {load.shown(name, _NAME)} not in instruction "
            f"memory: {pointer(first)}-{pointer(first + header.size)}",
        )
    if code:
        load.log.wrn(
            f"Unknown if ELF buffer's detached text section {load.shown(name, _NAME)} is in "
            "instruction memory; proceeding..."
        )


def _merge(load: Loading, header: Header, number: int, name: int) -> None:
    mem, region, mask = load.target.mem, load.sects[number], load.target.mask
    if (header.flags ^ region.flags) & SHF_BASIC_TYPE:
        flags = [alternate(each.flags & 0xFFFFFFFF) for each in (header, region)]
        load.fail(
            Errno.ENOEXEC,
            f"Unsupported section flags {flags[0]} / {flags[1]} for {load.shown(name, _NAME)} "
            f"(region {number})",
        )
    if number == mem.bss:
        load.fail(Errno.ENOTSUP, "Multiple SHT_NOBITS sections are not supported")
    if number in (mem.preinit, mem.init, mem.fini):
        load.fail(Errno.ENOEXEC, f"Region {number} redefined")
    distance = header.addr - region.addr - header.offset + region.offset
    if load.hdr.type == ET_DYN and distance & mask:
        load.fail(
            Errno.ENOEXEC,
            f"Incompatible section addresses for {load.shown(name, _NAME)} (region {number})",
        )
    top = max(region.offset + region.size & mask, header.offset + header.size & mask)
    region.addr = min(region.addr, header.addr)
    region.offset = min(region.offset, header.offset)
    region.size = top - region.offset & mask
    region.align = max(region.align, header.align)


def _align(load: Loading) -> None:
    # moves the start of a region down, so that what is aligned in the file is so in memory
    mask, is_checked = load.target.mask, load.target.rules.checks_alignment
    for number, region in enumerate(load.sects):
        if region.type == SHT_NULL or region.size == 0:
            continue
        align = region.align
        if is_checked and align & (align - 1):
            load.fail(Errno.ENOEXEC, f"Region {number} has invalid alignment {alternate(align)}")
        pad = region.offset & (align - 1) & mask
        if load.hdr.type == ET_DYN:
            if pad > region.addr:
                load.fail(Errno.ENOEXEC, f"Bad section alignment in region {number}")
            region.addr -= pad
        region.offset -= pad
        region.size = region.size + pad & mask
        # 32 bits in either class
        region.info = pad & 0xFFFFFFFF


def _refuse_overlaps(load: Loading) -> None:
    mem = load.target.mem
    names = {mem.strtab, mem.shstrtab}
    there = [
        number
        for number, each in enumerate(load.sects)
        if each.type != SHT_NULL and each.size and number != mem.export
    ]
    in_memory: dict[int, tuple[int, int]] = {}
    in_file: dict[int, tuple[int, int]] = {}
    for number in there:
        region = load.sects[number]
        if load.hdr.type == ET_DYN and region.flags & SHF_ALLOC:
            in_memory[number] = _range(load, region, region.addr)
        if number != mem.bss:
            in_file[number] = _range(load, region, region.offset)
    if _are_apart(in_memory.values()) and _are_apart(in_file.values()):
        return
    for first, second in combinations(there, 2):
        if first in in_memory and second in in_memory:
            _refuse_overlap(load, "VMA", first, second, in_memory)
        if load.target.rules.shared_strings and {first, second} == names:
            continue
        if first in in_file and second in in_file:
            _refuse_overlap(load, "ELF file", first, second, in_file)


def _are_apart(ranges: Iterable[tuple[int, int]]) -> bool:
    # whether no two overlap, found without a look at every two
    end = -1
    for low, high in sorted(ranges):
        if low <= end or high < low:
            return False
        end = high
    return True


def _range(load: Loading, region: Header, start: int) -> tuple[int, int]:
    # the padding in front of a region doesn't count, the last byte does
    mask = load.target.mask
    return start + region.info & mask, start + region.size - 1 & mask


def _refuse_overlap(
    load: Loading, what: str, first: int, second: int, ranges: Mapping[int, tuple[int, int]]
) -> None:
    (a, b), (c, d) = ranges[first], ranges[second]
    if a <= c <= b or c <= a <= d:
        load.fail(
            Errno.ENOEXEC,
            f"Region {first} {what} range ({alternate(a)}-{alternate(b)}) "
            f"overlaps with {second} ({alternate(c)}-{alternate(d)})",
        )


def _place(load: Loading) -> None:
    ext, none, mask = load.ext, load.target.mem.count, load.target.mask
    for index, (header, region) in enumerate(zip(load.headers, ext.sect_map, strict=True)):
        if header.type in (SHT_REL, SHT_RELA):
            _mark_target(load, header, index)
        if region != none:
            ext.sect_offset[index] = header.offset - load.sects[region].offset & mask


def _mark_target(load: Loading, header: Header, index: int) -> None:
    # what is relocated can't be used where it lies, unless it may be written
    if header.info >= load.ext.sect_cnt:
        if load.target.rules.checks_targets:
            load.fail(
                Errno.ENOEXEC,
                f"Relocation section {index} has invalid target section index "
                f"{signed(header.info, load.target.bits)}",
            )
        outside(
            f"relocation section {index} relocates section {header.info}, "
            f"there are {load.ext.sect_cnt}: the loader would read behind its section map"
        )
    region = load.ext.sect_map[header.info]
    if region != load.target.mem.count:
        load.sects[region].flags |= SHF_HAS_RELOCS
