# SPDX-License-Identifier: Apache-2.0
"""The symbol table of a blob: just what the target's loader reads.

It stays on the target's heap for as long as the extension is loaded, so each symbol has to be
needed by a relocation that is left.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from west_llext.arch.formula import Formula
from west_llext.arch.table import Row, Via
from west_llext.link.targets import Kind, Target
from west_llext.model.elf import (
    SHN_ABS,
    SHN_UNDEF,
    STB_GLOBAL,
    STB_LOCAL,
    STT_FUNC,
    STT_NOTYPE,
    STT_OBJECT,
    STT_SECTION,
    Symbol,
)
from west_llext.model.link import Export
from west_llext.model.members import plain_members
from west_llext.model.region import Region


@plain_members
class Sort(Enum):
    """What kinds of symbols a blob has."""

    #: the start of a region
    SECTION = "section"
    #: a place in a region
    OWN = "own"
    #: looked up by name
    NAMED = "named"
    #: a known address
    ABSOLUTE = "absolute"


class ExportForm(Enum):
    """Where the loader finds what an extension exports."""

    #: in .exported_sym
    TABLE = "table"
    #: among the global symbols (Zephyr 3.5)
    SYMBOLS = "symbols"


#: What makes a symbol: its sort, region (SECTION, OWN), name (NAMED) and value (SLID of a name).
Key = tuple[Sort, "Region | None", str, int]


class SymbolTable:
    """Symbols in the order in which they were first needed.

    Indices are those of this table, counted from 0; the blob's own order (locals first) is made
    when it is written.
    """

    def __init__(self, identifier: Callable[[str], int]) -> None:
        """An empty table; `identifier` gives the SLID of a name, or 0 where names are looked up."""
        self.keys: dict[Key, int] = {}
        self.identifier = identifier

    def index(self, key: Key) -> int:
        """The index of a symbol, added if it is new."""
        return self.keys.setdefault(key, len(self.keys))

    def reference(
        self, target: Target, addend: int, row: Row, *, explicit: bool
    ) -> tuple[int, int]:
        """Index and addend by which a relocation refers to a target.

        Own targets are their region's start and an addend, so that one symbol serves all; where
        the field can't hold that addend they get a symbol of their own. An addend that the field
        can't hold at all (RELA input) becomes part of the symbol. A low part needs the symbol of
        the place that has the high part.

        explicit: whether the relocation has room for every addend (RELA)
        """
        value, thumb = target.value, target.thumb
        match target.kind:
            case Kind.OWN:
                return self._own(target, addend, row, explicit=explicit)
            case Kind.NAMED:
                identifier = self.identifier(target.name)
                return self.index((Sort.NAMED, None, target.name, identifier)), addend
            case Kind.ABSOLUTE | Kind.PEER | Kind.ZERO:
                if explicit or row.holds(addend):
                    return self.index((Sort.ABSOLUTE, None, "", value | thumb)), addend
                return self.index((Sort.ABSOLUTE, None, "", value + addend | thumb)), 0
            case Kind.UNLOADED | Kind.MISSING | Kind.TLS | Kind.THREAD:
                raise AssertionError(target)

    def _own(self, target: Target, addend: int, row: Row, *, explicit: bool) -> tuple[int, int]:
        value, thumb = target.value, target.thumb
        # a branch has no room for the Thumb bit, and doesn't change the instruction set
        reach = value + addend | (0 if row.branch else thumb)
        subtracted = row.formula is Formula.SUB  # GNU ld adds the addend, the psABI subtracts it
        symbol_only = subtracted or row.via is Via.HIGH_PART
        if not symbol_only and (explicit or row.holds(reach)):
            return self.index((Sort.SECTION, target.region, "", 0)), reach
        if not subtracted and (explicit or row.holds(addend)):
            return self.index((Sort.OWN, target.region, "", value | thumb)), addend
        return self.index((Sort.OWN, target.region, "", value + addend | thumb)), 0


def blob_symbols(
    keys: dict[Key, int],
    exports: tuple[Export, ...],
    numbers: dict[Region, int],
    form: ExportForm,
) -> tuple[tuple[Symbol, ...], list[int]]:
    """The blob's symbols, locals first, and where each index of the keys went.

    The loader wants at least one global function or object that is defined (it allocates a table of
    them, and an empty allocation fails), so one export is among them, or a nameless object where
    nothing is exported.
    numbers: index of each region's section
    """
    made = [(_symbol(key, numbers), index) for key, index in keys.items()]
    local = [each for each in made if each[0].binding == STB_LOCAL]
    named = [each for each in made if each[0].binding != STB_LOCAL]
    order = [0] * len(made)
    for place, (_, index) in enumerate(local + named):
        order[index] = place
    symbols = [symbol for symbol, _ in local + named]
    for export in exports[:1] if form is ExportForm.TABLE else exports:
        kind = STT_FUNC if export.function else STT_OBJECT
        info = STB_GLOBAL << 4 | kind
        symbols.append(Symbol(export.name, export.offset, 0, info, 0, export.section + 1))
    if numbers and not exports:
        symbols.append(Symbol("", 0, 0, STB_GLOBAL << 4 | STT_OBJECT, 0, 1))
    return tuple(symbols), order


def _symbol(key: Key, numbers: dict[Region, int]) -> Symbol:
    sort, region, name, value = key
    section = SHN_UNDEF if region is None else numbers[region] + 1
    match sort:
        case Sort.SECTION:
            return Symbol("", 0, 0, STB_LOCAL << 4 | STT_SECTION, 0, section)
        case Sort.OWN:
            return Symbol("", value, 0, STB_LOCAL << 4 | STT_NOTYPE, 0, section)
        case Sort.ABSOLUTE:
            # neither global nor typed: for a global function the loader would index its section
            # table with SHN_ABS
            return Symbol("", value, 0, STB_LOCAL << 4 | STT_NOTYPE, 0, SHN_ABS)
        case Sort.NAMED:
            return Symbol(name, value, 0, STB_GLOBAL << 4 | STT_NOTYPE, 0, SHN_UNDEF)
