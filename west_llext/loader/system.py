# SPDX-License-Identifier: Apache-2.0
"""The target's loader as a whole: what is loaded, and the functions that applications call.

Function names are those of include/zephyr/llext/llext.h, without `llext_`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise

from west_llext.loader.allocation import Allocation, Allocator, Lifetime
from west_llext.loader.danger import outside
from west_llext.loader.domain import MemDomain, add_domain
from west_llext.loader.errnos import Errno
from west_llext.loader.extension import MAX_NAME, Entry, Llext, LoadParameters, word_of
from west_llext.loader.functions import Run, call_table, fn_table
from west_llext.loader.heap import nobody_knows
from west_llext.loader.inspection import Inspection
from west_llext.loader.loading import Loading, Work
from west_llext.loader.log import Line, Log
from west_llext.loader.memory import Memory
from west_llext.loader.steps import free_map, free_regions, run_load
from west_llext.loader.storage import ElfLoader
from west_llext.loader.target import Target
from west_llext.loader.wording import text
from west_llext.model.slid import slid
from west_llext.record import record

DEFAULT_PARAMETERS = LoadParameters()


@record(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What `llext_load()` came to.

    result: 0, the use count that an extension of that name had, or an error number, negated
    ext: the extension; None where the load failed
    log: warnings and errors, in order
    work: what it cost; account: its allocations, in order
    inspection: looks into the file; None where the load failed
    peak: most bytes of the heap in use since it began, without headers; before, live: in front of
        it, and after it
    """

    result: int
    ext: Llext | None
    log: tuple[Line, ...]
    work: Work
    account: tuple[Allocation, ...]
    peak: int
    before: int
    live: int
    inspection: Inspection | None = None


class System:
    """A target with the loader in it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.memory = Memory()
        #: where the last search for a RISC-V PCREL_HI20 ended
        self.last_pair = 0
        self.heap = Allocator(target, self.memory)
        self._has_heap = not target.dynamic_heap
        self._before = 0
        self._loaded: list[Llext] = []
        self._positions = {name: place for place, name in enumerate(target.symbols, 1)}
        self._slids = _slids(target) if target.by_slid else {}
        # a table in another order is searched from its start (llext_sym_is_ordered)
        self._halves = target.rules.sorted_tables and (
            target.by_slid or all(low < high for low, high in pairwise(target.symbols))
        )

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
        for each in self.heap.pools:
            each.reset_peak()
        self.memory.rest()
        log, work = Log(), Work()
        self._before = self.heap.live
        if known is not None:
            count = known.use_count
            known.use_count = count + 1 & 0xFFFFFFFF
            return self._outcome(count, known, log, work)
        self.heap.account = []
        self.heap.places = places or {}
        address = 0
        if self._has_heap:
            size = self.target.struct_size
            address = self.heap.plain("struct llext", size, Lifetime.EXTENSION)
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
        self.heap.own.behind = partial(word_of, self.target, ext)
        result = run_load(load)
        self.heap.own.behind = nobody_knows
        if result < 0:
            if self.target.rules.by_flags:
                self.heap.free(address)
            return self._outcome(result, None, log, work)
        ext.name = wanted[:MAX_NAME]
        ext.use_count = 1
        self._loaded.append(ext)
        return self._outcome(result, ext, log, work, Inspection(load))

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
        free_regions(self.heap, ext)
        self.heap.free(ext.exp_tab_address)
        self.heap.free(ext.address)
        return 0

    def free_inspection_data(self, ext: Llext) -> int:
        """Free what `keep_section_info` kept (llext_free_inspection_data)."""
        free_map(self.heap, ext, self.target.pointer)
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
            address, steps = self._slids.get(value, 0), count
        else:
            wanted = self.memory.string(name, "the name of a symbol")
            address, steps = self.target.symbols.get(wanted, 0), self._positions.get(wanted, count)
        if self._halves:
            steps = count.bit_length()
        work.compared += steps
        work.searched += steps
        return address

    def same_text(self, first: int, second: int, work: Work) -> bool:
        """Whether two names are equal."""
        work.compared += 1
        what = "the name of a symbol"
        return self.memory.string(first, what) == self.memory.string(second, what)

    def find_sym(self, table: Sequence[Entry] | None, name: str) -> int:
        """Address of a symbol in a table, or in the base image's; 0 for none (llext_find_sym).

        A base image by SLID is asked by the SLID, in decimal.
        """
        wanted = name.encode("utf-8", "surrogateescape")
        if table is None:
            if self.target.by_slid:
                return self._slids.get(int(name), 0) if name.isdecimal() else 0
            return self.target.symbols.get(wanted, 0)
        for entry in table:
            if self.memory.string(entry.name, "the name of a symbol") == wanted:
                return entry.addr
        return 0

    def call_fn(self, ext: Llext, name: str, run: Run) -> int:
        """Call a function that is exported; -ENOENT, or -EINVAL before 4.0, where it isn't."""
        address = self.find_sym(ext.exp_tab, name)
        if not address:
            return -(Errno.ENOENT if self.target.rules.shares_exports else Errno.EINVAL)
        run(address)
        return 0

    def fn_table(self, ext: Llext, *, setup: bool) -> tuple[int, tuple[int, ...]]:
        """Bytes of the table of functions that set up or clean up, and what is in it."""
        return fn_table(self.target, self.memory, ext, setup=setup)

    def bringup(self, ext: Llext, run: Run, log: Log) -> int:
        """Run what sets an extension up; -EFAULT for a function outside of its code."""
        return call_table(self.target, self.memory, ext, log, run, setup=True)

    def teardown(self, ext: Llext, run: Run, log: Log) -> int:
        """Run what cleans up behind it."""
        return call_table(self.target, self.memory, ext, log, run, setup=False)

    def bootstrap(self, ext: Llext, entry: Callable[[], None], run: Run, log: Log) -> None:
        """Set up, run, clean up (llext_bootstrap)."""
        result = self.bringup(ext, run, log)
        if result < 0:
            log.err(f"Failed to call init functions: {result}")
            return
        entry()
        result = self.teardown(ext, run, log)
        if result < 0:
            log.err(f"Failed to call de-init functions: {result}")

    def add_domain(self, ext: Llext, domain: MemDomain, log: Log) -> int:
        """Add an extension's partitions to a domain (llext_add_domain)."""
        return add_domain(self.target, ext, domain, log)

    def heap_init(self, address: int, size: int) -> int:
        """Give the loader its heap; -ENOSYS where it has one, -EEXIST the second time."""
        if not self.target.dynamic_heap:
            return -Errno.ENOSYS
        if self._has_heap:
            return -Errno.EEXIST
        self.heap = Allocator(self.target, self.memory, (address, size))
        self._has_heap = True
        return 0

    def heap_uninit(self) -> int:
        """Take it back; -EBUSY while something is loaded."""
        if not self.target.dynamic_heap:
            return -Errno.ENOSYS
        if not self._has_heap:
            return -Errno.EEXIST
        if self._loaded:
            return -Errno.EBUSY
        self._has_heap = False
        return 0

    def _outcome(
        self,
        result: int,
        ext: Llext | None,
        log: Log,
        work: Work,
        inspection: Inspection | None = None,
    ) -> Loaded:
        return Loaded(
            result=result,
            ext=ext,
            log=tuple(log.lines),
            work=work,
            account=tuple(self.heap.account),
            peak=self.heap.peak,
            before=self._before,
            live=self.heap.live,
            inspection=inspection,
        )


def _slids(target: Target) -> dict[int, int]:
    return {
        slid(name.decode("utf-8", "surrogateescape"), target.pointer): address
        for name, address in target.symbols.items()
    }
