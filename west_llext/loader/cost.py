# SPDX-License-Identifier: Apache-2.0
"""What a load costs the target: what it copies, compares and relocates, and how long that takes.

Instructions are estimated: prices were fitted to those that were counted in recorded loads
(docs/loader.md says how well). They stand for one build of the loader, without its log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from west_llext.arch.formula import Space
from west_llext.arch.machines import MACHINES
from west_llext.arch.table import Row
from west_llext.loader.headers import SHT_REL, SHT_RELA
from west_llext.loader.system import Loaded, System
from west_llext.loader.target import Machine, Target
from west_llext.record import record


class Prices(NamedTuple):
    """Instructions: of every load, then of each byte, name, relocation, row and allocation."""

    start: int
    copied: float
    cleared: float
    compared: float
    relocated: float
    section: float
    symbol: float
    allocation: float


#: By processor and width of a pointer; nobody has counted on others.
PRICES: Mapping[tuple[Machine, int], Prices] = {
    (Machine.ARM, 32): Prices(5400, 4.8, 4, 14, 380, 220, 363, 355),
    (Machine.RISCV, 32): Prices(4100, 6.9, 4, 14, 568, 267, 375, 788),
    (Machine.RISCV, 64): Prices(6400, 6.2, 4, 14, 631, 256, 653, 566),
}


@record(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one load.

    copied, cleared: bytes that are read into memory of their own, and that are zeroed
    compared: names that are compared; searched: those of them that are in the base image's table
    relocated: relocations that are applied
    settled: those of them that addresses of the base image alone decide
    spared: symbols that only those refer to, and bytes of their entries that are on the heap
    sections, symbols: rows of the file's tables; fixups: sections with relocations among them
    exports: rows of the table of exports; allocations: times that memory is asked for
    peak, kept: bytes of the heap that the load takes at most, and that it keeps
    """

    copied: int
    cleared: int
    compared: int
    searched: int
    relocated: int
    settled: int
    spared: tuple[int, int]
    sections: int
    fixups: int
    symbols: int
    exports: int
    allocations: int
    peak: int
    kept: int

    def instructions(self, target: Target) -> int | None:
        """About how many the load takes; None where nobody has counted."""
        prices = PRICES.get((target.machine, target.bits))
        if prices is None or not target.rules.shares_exports:
            return None
        return round(
            prices.start
            + prices.copied * self.copied
            + prices.cleared * self.cleared
            + prices.compared * self.compared
            + prices.relocated * self.relocated
            + prices.section * self.sections
            + prices.symbol * self.symbols
            + prices.allocation * self.allocations
        )


def cost(target: Target, loaded: Loaded) -> Cost | None:
    """What a load has cost; None for one that failed, or found the extension loaded already."""
    ext, work = loaded.ext, loaded.work
    if ext is None or loaded.inspection is None:
        return None
    kinds = [each.type for each in loaded.inspection.headers]
    entry, table = target.forms.symbol.size, target.mem.symtab
    settled, spared = _settled(work.imports, loaded.inspection.machine, target.bits)
    return Cost(
        copied=work.copied,
        cleared=work.cleared,
        compared=work.compared,
        searched=work.searched,
        relocated=work.relocated,
        settled=settled,
        spared=(spared, spared * entry * ext.mem_on_heap[table]),
        sections=len(kinds),  # which releases before 4.0 keep no count of
        fixups=kinds.count(SHT_REL) + kinds.count(SHT_RELA),
        symbols=ext.mem_size[table] // entry,
        exports=len(ext.exp_tab),
        allocations=len(loaded.account),
        peak=loaded.peak - loaded.before,
        kept=loaded.live - loaded.before,
    )


def bound(known: Cost) -> Cost:
    """What the same extension costs in mode bound; less by the names that nobody needs then.

    No name of the base image is looked for, and what its addresses alone decide is applied.
    """
    symbols, size = known.spared
    return replace(
        known,
        copied=known.copied - size,
        compared=known.compared - known.searched,
        searched=0,
        relocated=known.relocated - known.settled,
        settled=0,
        spared=(0, 0),
        # one more says which base image it is for
        sections=known.sections + (known.searched > 0),
        symbols=known.symbols - symbols,
        peak=known.peak - size,
        kept=known.kept - size,
    )


def prelocated(system: System, known: Cost) -> Cost:
    """What the same extension costs in mode prelocated: one symbol, nothing to copy or apply."""
    target, heap = system.target, system.heap.own
    row = 2 * target.pointer
    sections = known.sections - known.fixups + (known.searched > 0)
    kept = heap.taken(target.struct_size) + heap.taken(known.exports * row)
    return Cost(
        copied=0,
        cleared=row,
        compared=0,
        searched=0,
        relocated=0,
        settled=0,
        spared=(0, 0),
        sections=sections,
        fixups=0,
        symbols=2,
        exports=known.exports,
        allocations=3 + (known.exports > 0),
        peak=kept + heap.taken(sections * row) + heap.taken(row),
        kept=kept,
    )


def _settled(imports: Mapping[tuple[int, int], int], machine: int, bits: int) -> tuple[int, int]:
    # relocations of the base image's symbols that don't count from their places, and how many
    # symbols have no others
    found = MACHINES.get((machine, bits))
    if not imports or found is None:
        return 0, 0
    count, others, symbols = 0, set(), set()
    for (symbol, kind), times in imports.items():
        row = found.rows.get(kind)
        if isinstance(row, Row) and row.space is Space.ABSOLUTE:
            count += times
            symbols.add(symbol)
        else:
            others.add(symbol)
    return count, len(symbols - others)
