# SPDX-License-Identifier: Apache-2.0
"""The loader of Zephyr 3.5, the first: it knows sections by their names, and one relocation.

`.text`, `.data`, `.rodata` and `.bss` are loaded, the last of each name; nothing else is, not even
what is exported: global functions are. Only R_ARM_ABS32 is applied, and only against undefined
symbols and sections; all others are passed over in silence. Extensions have no use count.
"""

from __future__ import annotations

from west_llext.loader.allocation import Lifetime
from west_llext.loader.early import (
    find_tables,
    refuse_stray,
    region_of,
    run,
    section_header,
)
from west_llext.loader.errnos import Errno
from west_llext.loader.extension import Entry
from west_llext.loader.headers import SHT_REL, SHT_RELA, Header
from west_llext.loader.link import relocation
from west_llext.loader.loading import Failed, Loading, Rela, Sym
from west_llext.loader.machines.place import Place
from west_llext.loader.wording import signed, text

#: Bytes of a name that the loader reads; the last becomes its end.
NAME = 32
ABS32 = 2
STB_GLOBAL, STT_FUNC, STT_SECTION, SHN_UNDEF = 1, 2, 3, 0


def load_first(load: Loading) -> int:
    """Every step; 0, or the error that was logged."""
    return run(
        load,
        (
            ("find important ELF tables", find_tables),
            ("map ELF sections", _map),
            ("map memory for ELF sections", _allocate),
            ("copy ELF sections", _copy),
            ("allocate extension symbol table", _count_and_allocate),
            ("copy symbols", _copy_symbols),
            ("link", _link),
        ),
    )


def _name(load: Loading, region: int, offset: int) -> bytes:
    # what the loader keeps of a name
    place = load.sects[region].offset + offset
    load.seek(place)
    raw = load.ldr.read(NAME)
    if isinstance(raw, int):
        raise Failed(raw)
    return raw[: NAME - 1].split(b"\0")[0]


def _map(load: Loading) -> None:
    mem = load.target.mem
    known = {b".text": mem.text, b".data": mem.data, b".rodata": mem.rodata, b".bss": mem.bss}
    for index in range(load.hdr.shnum):
        header = section_header(load, index)
        load.early.append(header)
        region = known.get(_name(load, mem.shstrtab, header.name))
        if region is not None:
            load.sects[region] = header
            load.ext.sect_map[index] = region


def _loaded(load: Loading) -> list[int]:
    mem = load.target.mem
    return [each for each in (mem.text, mem.data, mem.rodata, mem.bss) if load.sects[each].size > 0]


def _allocate(load: Loading) -> None:
    for region in _loaded(load):
        size = load.sects[region].size
        name = load.target.mem.names[region]
        place = load.heap.region(name, size, size, load.target.pointer, code=False)
        load.ext.mem[region] = place
        if not place:
            raise Failed(-Errno.ENOMEM)
        load.ext.mem_size[region] = size
        load.ext.mem_on_heap[region] = True
        load.memory.add(f"region {name}", place, bytearray(size), known=0)


def _copy(load: Loading) -> None:
    # also `.bss`, whose bytes are whatever comes next in the file
    for region in _loaded(load):
        header = load.sects[region]
        what = f"region {load.target.mem.names[region]}"
        raw = load.fetch(header.offset, header.size, what)
        load.work.copied += len(raw)
        load.memory.add(what, load.ext.mem[region], bytearray(raw))


def _symbols(load: Loading) -> list[Sym]:
    table = load.sects[load.target.mem.symtab]
    count = table.size // load.forms.symbol.size
    return [load.symbol(index, f"symbol {index}") for index in range(count)]


def _is_function(sym: Sym) -> bool:
    return sym.type == STT_FUNC and sym.bind == STB_GLOBAL


def _count_and_allocate(load: Loading) -> None:
    count = sum(_is_function(sym) for sym in _symbols(load))
    size = count * 2 * load.target.pointer
    place = load.heap.plain("symbol table", size, Lifetime.EXTENSION)
    if size and not place:
        raise Failed(-Errno.ENOMEM)
    load.ext.exp_tab_address = place


def _copy_symbols(load: Loading) -> None:
    mem, found = load.target.mem, []
    for sym in _symbols(load):
        if not _is_function(sym) or sym.shndx == SHN_UNDEF:
            continue
        place = load.heap.plain("name of a symbol", NAME, Lifetime.EXTENSION)
        if not place:
            raise Failed(-Errno.ENOMEM)
        name = _name(load, mem.strtab, sym.name)
        load.memory.add("a name", place, bytearray(name.ljust(NAME, b"\0")))
        load.ext.names.append(place)
        base = load.ext.mem[region_of(load, sym.shndx)]
        found.append(Entry(place, base + sym.value & load.target.mask))
    load.ext.exp_tab = found


def _link(load: Loading) -> None:
    mem, place = load.target.mem, 0
    known = {
        b".rel.text": mem.text,
        b".rela.text": mem.text,
        b".rel.bss": mem.bss,
        b".rel.rodata": mem.rodata,
        b".rel.data": mem.data,
    }
    # the last section is never looked at
    for index in range(load.hdr.shnum - 1):
        header = section_header(load, index)
        if header.type not in (SHT_REL, SHT_RELA):
            continue
        name = _name(load, mem.shstrtab, header.name)
        if name in known:
            place = load.ext.mem[known[name]]
        elif header.size >= load.forms.rel.size:
            refuse_stray(load, text(name), place)
        else:
            continue
        load.region = known[name]
        load.reserve(header.size // load.forms.rel.size)
        for number in range(header.size // load.forms.rel.size):
            _relocate(load, header, number)


def _relocate(load: Loading, header: Header, number: int) -> None:
    rel = relocation(load, header, number)
    index = rel.info >> 8
    sym = load.symbol(index, f"symbol {index}")
    at = Place(load, rel, header)
    if sym.shndx == SHN_UNDEF:
        value = _undefined(load, rel, sym, header)
    elif sym.type == STT_SECTION:
        value = load.ext.mem[region_of(load, sym.shndx)] + sym.value + at.get(4)
    else:
        return
    load.work.relocated += 1
    if rel.info & 0xFF == ABS32:
        at.put(value, 4)


def _undefined(load: Loading, rel: Rela, sym: Sym, header: Header) -> int:
    name = _name(load, load.target.mem.strtab, sym.name)
    address = load.target.symbols.get(name, 0)
    if not address:
        load.fail(
            Errno.ENODATA,
            f"Undefined symbol with no entry in symbol table {text(name)}, "
            f"offset {signed(rel.offset, 32)}, link section {signed(header.link, 32)}",
        )
    return address
