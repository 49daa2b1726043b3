# SPDX-License-Identifier: Apache-2.0
"""The extension's own symbols, and those that it exports.

`llext_count_export_syms` to `llext_export_symbols` of subsys/llext/llext_load.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from west_llext.loader.allocation import Lifetime
from west_llext.loader.danger import outside
from west_llext.loader.errnos import Errno
from west_llext.loader.extension import Entry
from west_llext.loader.headers import ET_REL, SHF_ALLOC
from west_llext.loader.loading import Failed, Loading, Sym
from west_llext.loader.wording import signed

STB_GLOBAL, STT_OBJECT, STT_FUNC, SHN_UNDEF = 1, 1, 2, 0
_COUNTED = (STB_GLOBAL << 4 | STT_OBJECT, STB_GLOBAL << 4 | STT_FUNC)


def count_symbols(load: Loading) -> int:
    """How many symbols the extension's table is made for: every global function and object."""
    mem, count = load.target.mem, 0
    size = load.sects[mem.strtab].size
    for index, sym in symbols(load):
        if load.target.rules.bounded_names:
            if load.symbol_name(sym) is None:
                load.fail(
                    Errno.ENOEXEC,
                    "Out of bounds string table index for symbol name "
                    f"{signed(sym.name, 32)} in symbol {index}",
                )
        elif load.target.rules.names_checked_first and sym.name >= size:
            load.fail(
                Errno.ENOEXEC,
                f"Invalid symbol name index {signed(sym.name, 32)} in symbol {index}",
            )
        count += is_counted(sym)
    return count


def allocate_table(load: Loading, count: int) -> None:
    """Memory for them; none of 0 bytes can be had."""
    size = count * 2 * load.target.pointer
    load.ext.sym_tab_address = load.heap.plain("symbol table", size, Lifetime.LOAD)
    if not load.ext.sym_tab_address:
        raise Failed(-Errno.ENOMEM)
    load.ext.alloc_size += size
    load.work.cleared += size


def copy_symbols(load: Loading, count: int) -> None:
    """Fill the table with those that are defined; its rest has neither names nor addresses."""
    found = []
    for index, sym in symbols(load):
        if not is_counted(sym) or sym.shndx == SHN_UNDEF:
            continue
        if sym.shndx >= load.ext.sect_cnt:
            _refuse_section(load, index, sym)
        name = load.symbol_name(sym)
        if name is None:
            load.fail(
                Errno.ENOEXEC,
                f"Symbol {index} has out of bounds string table index {signed(sym.name, 32)} for "
                "symbol name",
            )
        found.append(Entry(name, _address(load, sym)))
    found += [Entry(0, 0)] * (count - len(found))
    load.ext.sym_tab = sorted_table(load, found)


def _refuse_section(load: Loading, index: int, sym: Sym) -> None:
    if load.target.rules.checks_symbols:
        load.fail(Errno.ENOEXEC, f"Symbol {index} has invalid section index {sym.shndx}")
    outside(
        f"global symbol {index} is in section {sym.shndx:#x}, there are {load.ext.sect_cnt}: "
        "the loader would read behind its section headers"
    )


def symbols(load: Loading) -> Iterator[tuple[int, Sym]]:
    """The symbol table without its first entry, each with its number."""
    table, form = load.sects[load.target.mem.symtab], load.forms.symbol
    count = table.size // form.size
    if table.offset + table.size > load.ldr.size:
        # one by one: only those that are asked for do harm
        return ((index, load.symbol(index, f"symbol {index}")) for index in range(1, count))
    raw = load.fetch(table.offset, count * form.size, "the symbol table") if count else b""
    rows = map(load.sym, form.iter_unpack(raw))
    return islice(enumerate(rows), 1, None)


def is_counted(sym: Sym) -> bool:
    """Whether a symbol is a global function or object."""
    return sym.info in _COUNTED


def _address(load: Loading, sym: Sym) -> int:
    header, parm, mask = load.headers[sym.shndx], load.parm, load.target.mask
    relocatable = load.hdr.type == ET_REL
    detached = parm.section_detached is not None and parm.section_detached(header)
    if parm.pre_located and not detached:
        return sym.value + (header.addr if relocatable else 0) & mask
    base = load.section_pointer(sym.shndx)
    if not base:
        base = load.ldr.peek(header.offset) or 0
        if not base:
            load.fail(Errno.ENOTSUP, f"No data for section {sym.shndx}")
    return base + sym.value - (0 if relocatable else header.addr) & mask


def sorted_table(load: Loading, table: list[Entry]) -> list[Entry]:
    """The table as newer releases search it; in older ones as it is."""
    if not load.target.rules.sorted_tables or len(table) < 2:
        return table
    memory, work = load.memory, load.work

    def compare(first: Entry, second: Entry) -> int:
        work.compared += 1
        a = memory.string(first.name, "the name of a symbol")
        b = memory.string(second.name, "the name of a symbol")
        return (a > b) - (a < b)

    return _heap_sorted(list(table), compare)


def _heap_sorted(rows: list[Entry], compare: Callable[[Entry, Entry], int]) -> list[Entry]:
    # rows of equal names end where a heap sort puts them
    count = len(rows)
    for start in range(count // 2 - 1, -1, -1):
        _sift(rows, start, count, compare)
    for last in range(count - 1, 0, -1):
        rows[0], rows[last] = rows[last], rows[0]
        _sift(rows, 0, last, compare)
    return rows


def _sift(
    rows: list[Entry], parent: int, count: int, compare: Callable[[Entry, Entry], int]
) -> None:
    moved, child = rows[parent], 2 * parent + 1
    while child < count:
        if child + 1 < count and compare(rows[child + 1], rows[child]) > 0:
            child += 1
        if compare(rows[child], moved) <= 0:
            break
        rows[parent] = rows[child]
        parent, child = child, 2 * child + 1
    rows[parent] = moved


def export_symbols(load: Loading) -> None:
    """The table of what others can use."""
    ext, row, every = load.ext, 2 * load.target.pointer, load.target.all_globals
    known = ext.sym_tab or []
    count = len(known) if every else load.sects[load.target.mem.export].size // row
    if not count:
        return
    ext.exp_tab_address = load.heap.plain("export table", count * row, Lifetime.EXTENSION)
    if not ext.exp_tab_address:
        raise Failed(-Errno.ENOMEM)
    exported = known if every else _exported(load, count)
    ext.exp_tab = sorted_table(load, [_translated(load, each) for each in exported])


def _exported(load: Loading, count: int) -> list[Entry]:
    start, size = load.ext.mem[load.target.mem.export], count * 2 * load.target.pointer
    if not load.memory.holds(start, size):
        outside(
            f"the table of exports would be at {start:#x} with {count} rows, "
            "where the extension has no such memory"
        )
    raw = load.memory.read(start, size, "the table of exports")
    # as REL entries, a row is two words
    return [Entry(*words) for words in load.forms.rel.iter_unpack(raw)]


def _translated(load: Loading, entry: Entry) -> Entry:
    # a located file has the name's address as it was linked
    if load.parm.pre_located and load.target.rules.shares_exports:
        offset = file_offset(load, entry.name)
        if offset is not None and offset > 0:
            place = load.ldr.peek(offset)
            if place:
                return Entry(place, entry.addr)
    return entry


def lookup_vma(load: Loading, addr: int) -> int:
    """Where an address of the file's own was loaded to; 0 for nowhere (llext_lookup_vma)."""
    index = section_at(load, addr)
    if index is None:
        return 0
    return load.section_pointer(index) + addr - load.headers[index].addr & load.target.mask


def section_at(load: Loading, addr: int) -> int | None:
    """The section that was loaded and has an address of the file's own."""
    load.look(load.ext.sect_cnt)
    for index in range(load.ext.sect_cnt):
        header = load.headers[index]
        loaded = load.ext.sect_map[index] != load.target.mem.count
        if not header.size or not header.flags & SHF_ALLOC or not loaded:
            continue
        if header.addr <= addr < (header.addr + header.size & load.target.mask):
            return index
    return None


def file_offset(load: Loading, addr: int) -> int | None:
    """Offset in the file of an address, by the first region that has it (llext_file_offset)."""
    mask = load.target.mask
    for region in load.sects:
        if region.addr <= addr < (region.addr + region.size & mask):
            return signed(addr - region.addr + region.offset, load.target.bits)
    return None
