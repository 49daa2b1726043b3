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


def _steps(load: Loading) -> int:
    rules = load.target.rules
    counted = 0

    def count() -> None:
        nonlocal counted
        counted = count_symbols(load)

    steps: list[tuple[str, Callable[[], None]]] = [
        ("load basic ELF data", lambda: load_elf_data(load)),
        ("find important ELF tables", lambda: find_tables(load)),
        ("copy ELF string sections", lambda: copy_strings(load)),
    ]
    if rules.names_checked_first:
        steps.append(("validate ELF section names", lambda: check_names(load)))
    steps += [
        ("map ELF sections", lambda: map_sections(load)),
        ("initialize veneer table", lambda: prepare_veneers(load)),
        ("copy regions", lambda: copy_regions(load)),
        ("count exported ELF symbols", count),
        ("allocate extension symbol table", lambda: allocate_table(load, counted)),
        ("copy symbols", lambda: copy_symbols(load, counted)),
    ]
    if load.parm.relocate_local:
        steps.append(("link", lambda: link(load, RELOCATE[load.target.machine], link_section)))
    steps.append(("export", lambda: export_symbols(load)))
    for what, step in steps:
        result = _result(step)
        if result:
            load.log.err(f"Failed to {what}, ret {result}")
            return result
    check_pages(load)
    return 0


def _result(step: Callable[[], None]) -> int:
    try:
        step()
    except Failed as err:
        return err.result
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
    for number in range(mem.count):
        size, start = ext.mem_size[number], ext.mem[number]
        if number in tables or not size or not start:
            continue
        if not load.memory.holds(start, size):
            outside(
                f"region {mem.names[number]} has {size} bytes, the file ends before: the rest "
                "would be what happens to lie in memory"
            )
