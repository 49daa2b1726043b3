# SPDX-License-Identifier: Apache-2.0
"""Xtensa, which has a way of its own through the linker: `llext_link_plt`, arch/xtensa/core/elf.c.

A global symbol is looked for in the base image first, then in the extension itself, then in others.
Before 4.5 one that nobody has is a warning, and the load succeeds; only writable files are linked.
Types that aren't known are passed over in silence, and no value is checked.
"""

from __future__ import annotations

from typing import NamedTuple

from west_llext.loader.danger import PLACE, Danger, fault
from west_llext.loader.errnos import Errno
from west_llext.loader.headers import Header
from west_llext.loader.link import SHN_UNDEF, add_dependency, find_extension_symbol, relocation
from west_llext.loader.link import symbol_index as index_of
from west_llext.loader.loading import Loading, Rela, Sym
from west_llext.loader.storage import Storage
from west_llext.loader.symbols import file_offset
from west_llext.loader.wording import alternate, signed, text

STB_LOCAL, STB_GLOBAL = 0, 1
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_SECTION = range(4)
WORD, GLOB_DAT, JMP_SLOT, RELATIVE, ASM_EXPAND, SLOT0_OP = 1, 3, 4, 5, 11, 20


class Slot(NamedTuple):
    """A relocation that is being applied: its entry, its symbol, and the place's address."""

    rel: Rela
    number: int
    sym: Sym
    name: int
    addr: int
    #: bytes from the place to the end of what it lies in
    room: int


def link_section(load: Loading, header: Header, target: Header | None) -> int:
    """Apply a relocation section; the first error, or 0.

    target: the section that it relocates; None where offsets are addresses
    """
    first = 0
    table = load.sects[load.target.mem.symtab]
    count = table.size // table.entsize
    for number in range(header.size // header.entsize):
        slot = _slot(load, header, target, number, count)
        if isinstance(slot, int):
            first = first or slot
            continue
        result = _apply(load, slot) if slot is not None else 0
        first = first or result
    return first if load.target.rules.plt_errors else 0


def _complain(load: Loading, line: str) -> None:
    # what newer releases call a warning was an error that nobody acted on
    if load.target.rules.plt_errors:
        load.log.wrn(line)
    else:
        load.log.err(line)


def _slot(
    load: Loading, header: Header, target: Header | None, number: int, count: int
) -> Slot | int | None:
    # a relocation to apply; an error; or None for one that is passed over
    rel = relocation(load, header, number)
    index = index_of(load, rel)
    if index >= count:
        load.log.wrn(f"PLT: idx {index} >= {count}")
        return None
    sym = load.symbol(index, f"symbol {index}")
    known = sym.type in (STT_FUNC, STT_SECTION, STT_OBJECT)
    if not known and (sym.type != STT_NOTYPE or sym.shndx != SHN_UNDEF):
        return None
    name = load.symbol_name(sym)
    if name is None:
        load.log.err(f"PLT: out of bounds string table index {sym.name} for symbol name")
        return -Errno.ENOEXEC
    if not load.target.rules.plt_errors and load.ldr.storage is not Storage.WRITABLE:
        load.log.err("PLT: cannot link read-only ELF file")
        return None
    place = _place(load, header, target, rel)
    return None if place is None else Slot(rel, index, sym, name, *place)


def _place(
    load: Loading, header: Header, target: Header | None, rel: Rela
) -> tuple[int, int] | None:
    if target is None:
        return _shared_place(load, rel)
    if not load.target.rules.plt_errors:
        text_region = load.target.mem.text
        start = load.ext.mem[text_region] - load.sects[text_region].offset
        return start + target.offset + rel.offset & load.target.mask, target.size - rel.offset
    if rel.offset >= target.size:
        load.log.wrn(
            f"PLT: r_offset {alternate(rel.offset)} out of target section "
            f"(size {alternate(target.size)}), skipping"
        )
        return None
    start = load.section_pointer(header.info)
    if not start:
        load.log.wrn(f"PLT: section {header.info} not loaded, skipping")
        return None
    return start + rel.offset & load.target.mask, target.size - rel.offset


def _shared_place(load: Loading, rel: Rela) -> tuple[int, int] | None:
    offset = file_offset(load, rel.offset)
    if offset is None or offset < 0:
        _complain(load, f"Offset {alternate(rel.offset)} not found in ELF, trying to continue")
        return None
    mem, ext = load.target.mem, load.ext
    if not load.target.rules.plt_errors:
        start = ext.mem[mem.text] - load.sects[mem.text].offset
        return start + offset & load.target.mask, 4
    load.look(ext.sect_cnt)
    for index in range(ext.sect_cnt):
        header = load.headers[index]
        loaded = ext.sect_map[index] != mem.count
        if header.type == 8 or not header.flags & 2 or not loaded:
            continue
        if 0 <= offset - header.offset < header.size:
            start = load.section_pointer(index) + offset - header.offset
            return start & load.target.mask, header.size - (offset - header.offset)
    load.log.wrn(f"PLT: offset {alternate(offset)} not mapped to any loaded section, skipping")
    return None


def _apply(load: Loading, slot: Slot) -> int:
    load.work.relocated += 1
    if slot.sym.bind == STB_LOCAL:
        return _patch(load, slot, _local(load, slot.sym), located=load.parm.pre_located)
    if slot.sym.bind != STB_GLOBAL:
        return 0
    address = _global(load, slot)
    if not address:
        shown = text(load.memory.string(slot.name, "the name of a symbol"))
        load.log.wrn(f"PLT: cannot find idx {slot.number} name {shown}")
        return -Errno.ENOENT
    if slot.rel.info & 0xFF == RELATIVE:
        value = _word(load, slot)
        if value:
            load.log.wrn(f"global: non-zero relative value {alternate(value)}")
        fault("a global symbol has R_XTENSA_RELATIVE, which the loader takes no parameters for")
    return _patch(load, slot, address, located=False)


def _global(load: Loading, slot: Slot) -> int:
    address = load.world.base_symbol(slot.name, slot.sym.value, load.work)
    if address:
        return address
    for entry in load.ext.sym_tab or ():
        if load.world.same_text(entry.name, slot.name, load.work):
            if entry.addr:
                return entry.addr
            break
    address, provider = find_extension_symbol(load, slot.name)
    if provider is not None:
        add_dependency(load.ext, provider)
    return address


def _local(load: Loading, sym: Sym) -> int:
    if sym.type != STT_SECTION:
        return load.sects[load.target.mem.text].addr
    header = load.headers[sym.shndx]
    detached = load.parm.section_detached
    if header.addr and not (detached is not None and detached(header)):
        return header.addr
    return load.section_pointer(sym.shndx)


def _word(load: Loading, slot: Slot) -> int:
    _inside(slot, 4)
    return int.from_bytes(load.memory.read(slot.addr, 4, "a slot"), load.target.endian)


def _put(load: Loading, slot: Slot, value: int) -> None:
    _inside(slot, 4)
    raw = (value & 0xFFFFFFFF).to_bytes(4, load.target.endian)
    load.memory.write(slot.addr, raw, "a slot")


def _inside(slot: Slot, size: int) -> None:
    if slot.room < size:
        raise Danger(
            PLACE,
            f"a relocation at {slot.rel.offset:#x} changes {size} bytes, and its section ends "
            f"after {max(slot.room, 0)}",
        )


def _patch(load: Loading, slot: Slot, address: int, *, located: bool) -> int:
    kind = slot.rel.info & 0xFF
    if kind == RELATIVE and not located:
        return _rebase(load, slot)
    if kind in (GLOB_DAT, JMP_SLOT):
        if slot.sym.bind != STB_LOCAL:
            _put(load, slot, address + (slot.rel.addend or 0))
    elif kind == WORD:
        _put(load, slot, _word(load, slot) + address)
    elif kind == SLOT0_OP:
        _instruction(load, slot)
    return 0


def _rebase(load: Loading, slot: Slot) -> int:
    value = _word(load, slot)
    load.look(load.ext.sect_cnt)
    for index in range(load.ext.sect_cnt):
        header = load.headers[index]
        if header.addr <= value < (header.addr + header.size & load.target.mask):
            _put(load, slot, value + load.section_pointer(index) - header.addr)
            return 0
    load.log.err(f"{alternate(value)} not found in any of the sections")
    return -Errno.ENOENT


def _instruction(load: Loading, slot: Slot) -> None:
    # only L32R and CALLn whose field is still 0
    _inside(slot, 3)
    code = bytearray(load.memory.read(slot.addr, 3, "an instruction"))
    target = load.section_pointer(slot.sym.shndx) + slot.sym.value + (slot.rel.addend or 0)
    distance = signed(target - (slot.addr + 3 & ~3 & load.target.mask), 32) >> 2
    if code[1] or code[2]:
        return
    if code[0] & 0xF == 1:
        code[1:3] = (distance & 0xFFFF).to_bytes(2, "little")
    elif code[0] & 0xCF == 5:
        code[0] = code[0] & 0x3F | distance << 6 & 0xC0
        code[1:3] = (distance >> 2 & 0xFFFF).to_bytes(2, "little")
    load.memory.write(slot.addr, bytes(code), "an instruction")
