# SPDX-License-Identifier: Apache-2.0
"""The target's loader as a whole: what is loaded, and the functions that applications call.

Function names are those of include/zephyr/llext/llext.h, without `llext_`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from west_llext.loader.allocation import Allocation, Allocator, Lifetime
from west_llext.loader.danger import outside
from west_llext.loader.elfdata import find_tables, load_elf_data
from west_llext.loader.errnos import Errno
from west_llext.loader.extension import MAX_NAME, Llext, LoadParameters
from west_llext.loader.first import load_first
from west_llext.loader.link import link
from west_llext.loader.loading import Failed, Loading, Work
from west_llext.loader.log import Line, Log
from west_llext.loader.lts import load_lts
from west_llext.loader.machines.table import RELOCATE
from west_llext.loader.machines.veneers import prepare_veneers
from west_llext.loader.machines.xtensa import link_section
from west_llext.loader.mapping import check_names, map_sections
from west_llext.loader.memory import Memory
from west_llext.loader.regions import copy_regions, copy_strings
from west_llext.loader.storage import ElfLoader
from west_llext.loader.symbols import (
    allocate_table,
    copy_symbols,
    count_symbols,
    export_symbols,
)
from west_llext.loader.target import Target
from west_llext.loader.wording import text
from west_llext.model.slid import slid

DEFAULT_PARAMETERS = LoadParameters()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What `llext_load()` came to.

    result: 0, the use count that an extension of that name had, or an error number, negated
    ext: the extension; None where the load failed
    log: warnings and errors, in order
    work: what it cost; account: its allocations, in order
    peak: most bytes of the heap in use since it began, without headers; live: after it
    """

    result: int
    ext: Llext | None
    log: tuple[Line, ...]
    work: Work
    account: tuple[Allocation, ...]
    peak: int
    live: int


class System:
    """A target with the loader in it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.memory = Memory()
        #: where the last search for a RISC-V PCREL_HI20 ended
        self.last_pair = 0
        self.heap = Allocator(target, self.memory)
        self._loaded: list[Llext] = []
        self._positions = {name: place for place, name in enumerate(target.symbols, 1)}
        self._slids = _slids(target) if target.by_slid else {}

    def load(
        self,
        loader: ElfLoader,
        name: str,
        parameters: LoadParameters | None = None,
        places: Mapping[str, int] | None = None,
    ) -> Loaded:
        """Load and link an extension (llext_load).

        places: addresses of regions by name, where the heap isn't to say
        Raises Danger where the target must not be given the file.
        """
        wanted = name.encode("utf-8", "surrogateescape")
        # the first release doesn't look for a name that is known
        known = self.by_name(name) if self.target.rules.by_flags else None
        for each in self.heap.pools():
            each.reset_peak()
        self.memory.rest()
        log, work = Log(), Work()
        if known is not None:
            count = known.use_count
            known.use_count = count + 1 & 0xFFFFFFFF
            return self._outcome(count, known, log, work)
        self.heap.account = []
        self.heap.places = places or {}
        address = self.heap.plain("struct llext", self.target.struct_size, Lifetime.EXTENSION)
        if not address:
            log.err("Not enough memory for extension metadata")
            return self._outcome(-Errno.ENOMEM, None, log, work)
        ext = Llext(address, self.target.mem.count)
        load = Loading(
            target=self.target,
            world=self,
            memory=self.memory,
            heap=self.heap,
            ldr=loader,
            ext=ext,
            parm=parameters or DEFAULT_PARAMETERS,
            log=log,
            work=work,
        )
        result = _load(load)
        if result < 0:
            if self.target.rules.by_flags:
                self.heap.free(address)
            return self._outcome(result, None, log, work)
        ext.name = wanted[:MAX_NAME]
        ext.use_count = 1
        self._loaded.append(ext)
        return self._outcome(result, ext, log, work)

    def unload(self, ext: Llext) -> int:
        """Unload an extension, or note that it is used less; the uses left (llext_unload)."""
        if ext not in self._loaded:
            outside(f"extension '{text(ext.name)}' isn't loaded any more, and would be freed twice")
        ext.use_count = ext.use_count - 1 & 0xFFFFFFFF
        if ext.use_count:
            return ext.use_count - (1 << 32) if ext.use_count >> 31 else ext.use_count
        self._loaded.remove(ext)
        for each in ext.dependency:
            each.use_count = each.use_count - 1 & 0xFFFFFFFF
        if ext.sect_hdrs_on_heap:
            self.heap.free(ext.sect_hdrs.address)
        _free_regions(self.heap, ext)
        self.heap.free(ext.exp_tab_address)
        self.heap.free(ext.address)
        return 0

    def free_inspection_data(self, ext: Llext) -> int:
        """Free what `keep_section_info` kept (llext_free_inspection_data)."""
        _free_map(self.heap, ext, self.target.pointer)
        return 0

    def by_name(self, name: str) -> Llext | None:
        """The extension of that name; only its first 15 bytes count (llext_by_name)."""
        wanted = name.encode("utf-8", "surrogateescape")[:MAX_NAME]
        return next((each for each in self._loaded if each.name == wanted), None)

    def iterate(self, function: Callable[[Llext], int]) -> int:
        """Call a function for each extension, until one returns something else than 0."""
        result = 0
        for each in list(self._loaded):
            result = function(each)
            if result:
                break
        return result

    def extensions(self) -> Iterator[Llext]:
        """Those that are loaded, the first first."""
        return iter(self._loaded)

    def base_symbol(self, name: int, value: int, work: Work) -> int:
        """Address of a symbol of the base image; 0 for none, or for one without an address."""
        count = len(self._positions)
        if self.target.by_slid:
            work.compared += count.bit_length() if self.target.rules.sorted_tables else count
            return self._slids.get(value, 0)
        wanted = self.memory.string(name, "the name of a symbol")
        position = self._positions.get(wanted)
        if self.target.rules.sorted_tables:
            work.compared += count.bit_length()
        else:
            work.compared += count if position is None else position
        return self.target.symbols.get(wanted, 0)

    def same_text(self, first: int, second: int, work: Work) -> bool:
        """Whether two names are equal."""
        work.compared += 1
        what = "the name of a symbol"
        return self.memory.string(first, what) == self.memory.string(second, what)

    def fn_table(self, ext: Llext, *, setup: bool) -> tuple[int, tuple[int, ...]]:
        """Bytes of the table of functions that set up or clean up, and what is in it."""
        mem, word = self.target.mem, self.target.pointer
        regions = (mem.preinit, mem.init) if setup else (mem.fini,)
        sizes = [ext.mem_size[number] for number in regions]
        raw = b"".join(
            self.memory.read(ext.mem[number], size, "the table of functions")
            for number, size in zip(regions, sizes, strict=True)
            if size
        )
        entries = tuple(
            int.from_bytes(raw[at : at + word], self.target.endian)
            for at in range(0, len(raw) // word * word, word)
        )
        return sum(sizes), entries

    def _outcome(self, result: int, ext: Llext | None, log: Log, work: Work) -> Loaded:
        return Loaded(
            result=result,
            ext=ext,
            log=tuple(log.lines),
            work=work,
            account=tuple(self.heap.account),
            peak=self.heap.peak,
            live=self.heap.live,
        )


def _slids(target: Target) -> dict[int, int]:
    return {
        slid(name.decode("utf-8", "surrogateescape"), target.pointer): address
        for name, address in target.symbols.items()
    }


def _load(load: Loading) -> int:
    # do_llext_load: the steps, and what is freed behind them
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
        _free_map(heap, ext, pointer, counted=rules.shares_exports)
    heap.free(ext.sym_tab_address)
    ext.sym_tab, ext.sym_tab_address = None, 0
    if result:
        _free_regions(heap, ext)
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
        ("copy symbols", lambda: copy_symbols(load)),
    ]
    if load.parm.relocate_local:
        steps.append(("link", lambda: link(load, RELOCATE[load.target.machine], link_section)))
    steps.append(("export", lambda: export_symbols(load)))
    for what, step in steps:
        result = _result(step)
        if result:
            load.log.err(f"Failed to {what}, ret {result}")
            return result
    return 0


def _result(step: Callable[[], None]) -> int:
    try:
        step()
    except Failed as err:
        return err.result
    return 0


def _free_map(heap: Allocator, ext: Llext, pointer: int, *, counted: bool = True) -> None:
    if ext.sect_map_address:
        # older releases count it for good
        if counted:
            ext.alloc_size -= len(ext.sect_map) * 2 * pointer
        heap.free(ext.sect_map_address)
        ext.sect_map_address = 0


def _free_regions(heap: Allocator, ext: Llext) -> None:
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
