# SPDX-License-Identifier: Apache-2.0
"""The first steps of a load: the ELF header, the section headers, the tables of names and symbols.

`llext_load_elf_data` and `llext_find_tables` of subsys/llext/llext_load.c.
"""

from __future__ import annotations

from west_llext.loader.allocation import Lifetime
from west_llext.loader.danger import outside
from west_llext.loader.errnos import Errno
from west_llext.loader.headers import (
    ET_DYN,
    ET_REL,
    SHT_DYNSYM,
    SHT_STRTAB,
    SHT_SYMTAB,
    Header,
    SectionTable,
)
from west_llext.loader.loading import Failed, FileHeader, Loading
from west_llext.loader.target import Machine
from west_llext.loader.wording import dump

#: e_machine that newer releases accept; Xtensa and others accept all.
MACHINES: dict[Machine, dict[int, tuple[int, ...]]] = {
    Machine.ARM: {32: (40,)},
    Machine.ARM64: {64: (183,), 32: (183,)},
    Machine.RISCV: {32: (243,), 64: (243,)},
    Machine.X86: {32: (3,), 64: (62,)},
    Machine.ARC: {32: (93, 195, 253, 255), 64: (93, 195, 253, 255)},
}


def load_elf_data(load: Loading) -> None:
    """Read the header, check it, and find the section headers."""
    _read_header(load)
    if load.hdr.ident[:4] != b"\x7fELF":
        load.log.err("Invalid ELF, magic does not match")
        for line in dump(load.hdr.ident):
            load.log.err(line)
        raise Failed(-Errno.ENOEXEC)
    if load.target.rules.checks_machine:
        _check_machine(load)
    if load.hdr.type not in (ET_REL, ET_DYN):
        load.fail(Errno.ENOEXEC, f"Unsupported ELF file type {load.hdr.type:x}")
    if load.hdr.shentsize != load.forms.section.size:
        load.fail(Errno.ENOEXEC, f"Invalid section header size {load.hdr.shentsize}")
    _allocate_map(load)
    _find_headers(load)


def _read_header(load: Loading) -> None:
    size = 16 + load.forms.header.size
    result = load.ldr.seek(0)
    if result:
        load.log.err("Failed to seek for ELF header")
        raise Failed(result)
    raw = load.ldr.read(size)
    if isinstance(raw, int):
        load.log.err("Failed to read ELF header")
        raise Failed(raw)
    # the loader's own structure, zeroed where it is made
    raw += bytes(size - len(raw))
    load.hdr = FileHeader(raw[:16], *load.forms.header.unpack(raw[16:]))


def _check_machine(load: Loading) -> None:
    order, bits = load.hdr.ident[5], load.hdr.ident[4]
    if order != (1 if load.target.little else 2):
        load.fail(Errno.ENOEXEC, f"ELF endianness {order} does not match this build")
    if bits != load.target.bits // 32:
        load.fail(Errno.ENOEXEC, f"ELF class {bits} does not match this build")
    accepted = MACHINES.get(load.target.machine, {}).get(load.target.bits)
    if accepted is not None and load.hdr.machine not in accepted:
        load.fail(
            Errno.ENOEXEC,
            f"ELF e_machine {load.hdr.machine} is not supported on this architecture",
        )


def _allocate_map(load: Loading) -> None:
    count, ext = load.hdr.shnum, load.ext
    size = count * 2 * load.target.pointer
    keep = load.parm.keep_section_info
    ext.sect_map_address = load.heap.plain(
        "section map", size, Lifetime.CALLER if keep else Lifetime.LOAD
    )
    if not ext.sect_map_address:
        load.fail(Errno.ENOMEM, f"Failed to allocate section map, size {size}")
    ext.alloc_size += size
    ext.sect_map = [load.target.mem.count] * count
    ext.sect_offset = [0] * count


def _find_headers(load: Loading) -> None:
    ext, form, count = load.ext, load.forms.section, load.hdr.shnum
    place = load.ldr.peek(load.hdr.shoff)
    if place:
        ext.sect_hdrs = SectionTable(load.memory, place, count, form)
        return
    size = count * form.size
    ext.sect_hdrs_on_heap = True
    place = load.heap.plain("section headers", size, Lifetime.EXTENSION)
    if not place:
        load.fail(Errno.ENOMEM, f"Failed to allocate section headers, size {size}")
    result = load.ldr.seek(load.hdr.shoff)
    if result:
        load.log.err("Failed to seek for section headers")
        raise Failed(result)
    raw = load.ldr.read(size)
    if isinstance(raw, int):
        load.log.err("Failed to read section headers")
        raise Failed(raw)
    load.work.copied += len(raw)
    load.memory.add("the section headers", place, bytearray(raw.ljust(size, b"\0")), len(raw))
    ext.sect_hdrs = SectionTable(load.memory, place, count, form)


def find_tables(load: Loading) -> None:
    """Find the symbol table, its strings, and the names of sections."""
    load.sects = [Header() for _ in range(load.target.mem.count)]
    if load.target.rules.any_table_order:
        _find_in_any_order(load)
    else:
        _find_in_order(load)
    mem, sects = load.target.mem, load.sects
    if not all(sects[each].type for each in (mem.shstrtab, mem.strtab, mem.symtab)):
        load.fail(Errno.ENOEXEC, "Some sections are missing or present multiple times!")
    if not load.target.rules.checks_table:
        refuse_odd_entries(load)
    elif sects[mem.symtab].entsize != load.forms.symbol.size or sects[mem.symtab].size % (
        load.forms.symbol.size
    ):
        load.fail(Errno.ENOEXEC, "Invalid symbol table")


def refuse_odd_entries(load: Loading) -> None:
    """Refuse symbols that releases without a check would read into too small a variable."""
    size, form = load.sects[load.target.mem.symtab].entsize, load.forms.symbol
    if size != form.size:
        outside(
            f"the symbol table has entries of {size} bytes, and the loader would read them into "
            f"{form.size}"
        )


def _symbol_table(load: Loading) -> int:
    # type of the table that counts
    return SHT_SYMTAB if load.hdr.type == ET_REL else SHT_DYNSYM


def _take(load: Loading, region: int, index: int) -> None:
    load.sects[region] = load.headers[index].copy()
    load.ext.sect_map[index] = region


def _find_in_order(load: Loading) -> None:
    # stops at the third; strings count only behind the symbol table that names them
    mem, strings, found = load.target.mem, -1, 0
    symbols = _symbol_table(load)
    for index, header in enumerate(load.headers):
        if found >= 3:
            break
        if header.type == symbols:
            _take(load, mem.symtab, index)
            strings = header.link
        elif header.type == SHT_STRTAB and index == load.hdr.shstrndx:
            _take(load, mem.shstrtab, index)
        elif header.type == SHT_STRTAB and index == strings:
            _take(load, mem.strtab, index)
        else:
            continue
        found += 1


def _find_in_any_order(load: Loading) -> None:
    mem, symbols, strings, wanted = load.target.mem, -1, -1, _symbol_table(load)
    for index, header in enumerate(load.headers):
        if header.type == wanted:
            symbols, strings = index, header.link
        elif header.type == SHT_STRTAB and index == load.hdr.shstrndx:
            _take(load, mem.shstrtab, index)
    if symbols < 0:
        load.log.wrn("ELF has no symbol table, it may have been stripped")
        return
    _take(load, mem.symtab, symbols)
    # an int, compared with the count as one: above 31 bits it is taken for "none"
    if strings >> 31:
        return
    if strings >= load.ext.sect_cnt:
        load.fail(
            Errno.ENOEXEC,
            f"String table index {strings} out of bounds, section count {load.ext.sect_cnt}",
        )
    if load.headers[strings].type == SHT_STRTAB:
        _take(load, mem.strtab, strings)
