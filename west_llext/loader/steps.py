# SPDX-License-Identifier: Apache-2.0
"""The steps of a load in their order, and what is freed behind them (do_llext_load)."""

from __future__ import annotations

from collections.abc import Callable

from west_llext.loader.allocation import Allocator
from west_llext.loader.danger import outside
from west_llext.loader.elfdata import find_tables, load_elf_data
from west_llext.loader.extension import Llext
from west_llext.loader.first import load_first
from west_llext.loader.image import check_pages
from west_llext.loader.link import link
from west_llext.loader.loading import Failed, Loading
from west_llext.loader.lts import load_lts
from west_llext.loader.machines.table import RELOCATE
from west_llext.loader.machines.veneers import prepare_veneers
from west_llext.loader.machines.xtensa import link_section
from west_llext.loader.mapping import check_names, map_sections
from west_llext.loader.regions import copy_regions, copy_strings
from west_llext.loader.symbols import allocate_table, copy_symbols, count_symbols, export_symbols


def run_load(load: Loading) -> int:
    """Do the load, and free what it leaves (do_llext_load); 0 or an error."""
    result = load.ldr.prepare()
    rules = load.target.rules
    if result:
        load.log.err(f"Failed to prepare the loader, ret {result}")
    elif not rules.by_flags:
        result = load_first(load)
    elif not rules.shares_exports:
        result = load_lts(load, RELOCATE[load.target.machine])
    else:
        result = _steps(load)
    pointer, heap, ext = load.target.pointer, load.heap, load.ext
    if result or not load.parm.keep_section_info or not rules.shares_exports:
        free_map(heap, ext, pointer, counted=rules.shares_exports)
    heap.free(ext.sym_tab_address)
    ext.sym_tab, ext.sym_tab_address = None, 0
    if result:
        free_regions(heap, ext)
        heap.free(ext.exp_tab_address)
    else:
        _refuse_unknown_bytes(load)
    load.ldr.finalize()
    return result


def _count(load: Loading) -> None:
    load.counted = count_symbols(load)


def _allocate(load: Loading) -> None:
    allocate_table(load, load.counted)


def _copy(load: Loading) -> None:
    copy_symbols(load, load.counted)


def _link(load: Loading) -> None:
    link(load, RELOCATE[load.target.machine], link_section)


_STEPS: tuple[tuple[str, Callable[[Loading], None]], ...] = (
    ("load basic ELF data", load_elf_data),
    ("find important ELF tables", find_tables),
    ("copy ELF string sections", copy_strings),
    ("validate ELF section names", check_names),
    ("map ELF sections", map_sections),
    ("initialize veneer table", prepare_veneers),
    ("copy regions", copy_regions),
    ("count exported ELF symbols", _count),
    ("allocate extension symbol table", _allocate),
    ("copy symbols", _copy),
    ("link", _link),
    ("export", export_symbols),
)


def _steps(load: Loading) -> int:
    left_out: dict[Callable[[Loading], None], bool] = {
        check_names: not load.target.rules.names_checked_first,
        _link: not load.parm.relocate_local,
    }
    for what, step in _STEPS:
        if left_out.get(step):
            continue
        try:
            step(load)
        except Failed as err:
            load.log.err(f"Failed to {what}, ret {err.result}")
            return err.result
    check_pages(load)
    return 0


def free_map(heap: Allocator, ext: Llext, pointer: int, *, counted: bool = True) -> None:
    """Free the map of sections, where there is one."""
    if ext.sect_map_address:
        # older releases count it for good
        if counted:
            ext.alloc_size -= len(ext.sect_map) * 2 * pointer
        heap.free(ext.sect_map_address)
        ext.sect_map_address = 0


def free_regions(heap: Allocator, ext: Llext) -> None:
    """Free what an extension has on the heap for its regions."""
    for number, on_heap in enumerate(ext.mem_on_heap):
        if on_heap:
            heap.free(ext.mem[number])
            ext.mem[number] = 0
    for each in (ext.image, *ext.names):
        heap.free(each)
    ext.image, ext.names = 0, []


def _refuse_unknown_bytes(load: Loading) -> None:
    # what runs must come from the file, also where the loader doesn't look at it
    mem, ext = load.target.mem, load.ext
    tables = (mem.symtab, mem.strtab, mem.shstrtab)
    for number, (size, start) in enumerate(zip(ext.mem_size, ext.mem, strict=True)):
        if size and start and number not in tables and not load.memory.holds(start, size):
            outside(
                f"region {mem.names[number]} has {size} bytes, the file ends before: the rest "
                "would be what happens to lie in memory"
            )
