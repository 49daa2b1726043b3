# SPDX-License-Identifier: Apache-2.0
"""An extension, linked: what the emitters turn into files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from west_llext.model.elf import Ident, Relocation, Symbol
from west_llext.model.manifest import Mode
from west_llext.model.region import Region
from west_llext.record import record


class Import(NamedTuple):
    """A symbol that the extension needs from outside.

    provider: name of the extension that exports it; None for the base image
    address: with bit 0 set for a Thumb function; None where only the name is known, and for a
        weak symbol that nobody defines
    weak: whether the extension can do without it
    references: relocations of the object that use it
    """

    name: str
    provider: str | None
    address: int | None
    weak: bool
    references: int


class Export(NamedTuple):
    """A symbol that the extension offers.

    section: index in `Linked.sections`
    offset: bytes from the start of that section; bit 0 set for a Thumb function
    size: bytes
    function: whether it is code
    """

    name: str
    section: int
    offset: int
    size: int
    function: bool


class Piece(NamedTuple):
    """An input section inside an output section.

    source: input section's name; `veneer for NAME` for code that the link made
    offset: bytes from the start of the output section
    size: bytes
    """

    source: str
    offset: int
    size: int


@record(frozen=True, slots=True, kw_only=True)
class OutputSection:
    """A section of the blob that the target loads; one a region.

    size: bytes in memory; `content` has as many, or none for BSS
    align: power of two
    address: where it runs in prelocated mode; None where the target decides
    relocations: what is left for the target; `symbol` is an index in `Linked.symbols`, counted
        from 1 (0 is none); `addend` is None where the content holds it
    """

    name: str
    region: Region
    align: int
    size: int
    content: bytes
    address: int | None = None
    pieces: tuple[Piece, ...] = ()
    relocations: tuple[Relocation, ...] = ()


@record(frozen=True, slots=True, kw_only=True)
class DebugSection:
    """A section that only the debugger reads; for the unstripped twin."""

    name: str
    type: int
    flags: int
    align: int
    content: bytes
    relocations: tuple[Relocation, ...] = ()


@record(frozen=True, slots=True, kw_only=True)
class Linked:
    """One extension, ready to be written.

    object_name: the relocatable object it was made of, as messages call it
    sections: in the order of the blob
    symbols: of the blob, without the null symbol; `section` is an index in `sections` plus 1, or
        one of SHN_UNDEF, SHN_ABS
    all_symbols: of the unstripped twin, in the same form
    exports: sorted by name
    imports: sorted by provider (the base first) and name
    identity: hexadecimal digest over the base's symbols it uses; None in relocatable mode
    applied, left: relocation types by name, with how many were applied here or left for the target
    debug: sections of the twin; `symbol` in their relocations counts in `all_symbols` from 1
    debug_addresses: of each section in the twin of an extension without a place, where `debug` had
        to be relocated for some; else empty
    """

    name: str
    mode: Mode
    ident: Ident
    object_name: str
    sections: tuple[OutputSection, ...]
    symbols: tuple[Symbol, ...]
    all_symbols: Sequence[Symbol]
    exports: tuple[Export, ...]
    imports: tuple[Import, ...]
    identity: str | None
    applied: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    debug: tuple[DebugSection, ...] = ()
    debug_addresses: tuple[int, ...] = ()

    def section(self, region: Region) -> OutputSection | None:
        """The section of a region, or None."""
        for each in self.sections:
            if each.region is region:
                return each
        return None

    def address(self, export: Export) -> int | None:
        """Where the target finds an export (bit 0 set for a Thumb function); None if not placed."""
        start = self.sections[export.section].address
        return None if start is None else start + export.offset
