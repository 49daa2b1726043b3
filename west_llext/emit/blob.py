# SPDX-License-Identifier: Apache-2.0
"""A blob: the file that the target's loader gets, with nothing in it that it doesn't read.

relocatable and bound blobs are ET_REL, prelocated ones ET_DYN with final addresses (for ET_REL the
loader computes export names wrongly where a region isn't aligned in the file). Sections are in the
loader's order of regions, each at a file offset that its alignment divides, because the loader
would otherwise pad the region in memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from west_llext.emit.elf_image import (
    ImageSection,
    first_global,
    image,
    relocation_section,
    symbol_table,
)
from west_llext.emit.note import NOTE_SECTION, note
from west_llext.model.elf import (
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    FileType,
    SectionType,
    Segment,
)
from west_llext.model.link import Linked, OutputSection
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

#: Type, flags and entry size of each region's section. Arrays and exports are read-only: all that
#: is written to them is relocations, and writable regions can't stay in PERSISTENT storage.
_SHAPES = {
    Region.TEXT: (SectionType.PROGBITS, SHF_ALLOC | SHF_EXECINSTR),
    Region.DATA: (SectionType.PROGBITS, SHF_ALLOC | SHF_WRITE),
    Region.RODATA: (SectionType.PROGBITS, SHF_ALLOC),
    Region.BSS: (SectionType.NOBITS, SHF_ALLOC | SHF_WRITE),
    Region.EXPORT: (SectionType.PROGBITS, SHF_ALLOC),
    Region.PREINIT: (SectionType.PREINIT_ARRAY, SHF_ALLOC),
    Region.INIT: (SectionType.INIT_ARRAY, SHF_ALLOC),
    Region.FINI: (SectionType.FINI_ARRAY, SHF_ALLOC),
}
_ARRAYS = frozenset({Region.PREINIT, Region.INIT, Region.FINI})


def blob(linked: Linked) -> bytes:
    """The bytes of an extension's blob."""
    fixed = linked.mode is Mode.PRELOCATED
    sections = [loaded(each, linked.ident.bits // 8) for each in linked.sections]
    symbols = linked.symbols
    tables = _table_addresses(linked) if fixed else (0, 0, 0)
    table, strings = symbol_table(symbols, linked.ident, starts(linked) if fixed else ())
    number = len(sections) + 1
    sections.append(
        ImageSection(
            name=".dynsym" if fixed else ".symtab",
            type=SectionType.DYNSYM if fixed else SectionType.SYMTAB,
            addr=tables[0],
            content=table,
            link=number + 1,
            info=first_global(symbols),
            align=linked.ident.bits // 8,
            entsize=16 if linked.ident.bits == 32 else 24,
        )
    )
    sections.append(
        ImageSection(
            name=".dynstr" if fixed else ".strtab",
            type=SectionType.STRTAB,
            addr=tables[1],
            content=strings,
        )
    )
    for index, each in enumerate(linked.sections):
        if each.relocations:
            sections.append(
                relocation_section(
                    each.relocations,
                    linked.ident,
                    name=each.name,
                    symbols=number,
                    target=index + 1,
                )
            )
    if linked.mode is not Mode.RELOCATABLE:
        sections.append(
            ImageSection(name=NOTE_SECTION, type=SectionType.NOTE, content=note(linked), align=4)
        )
    return image(
        sections,
        linked.ident,
        FileType.DYN if fixed else FileType.REL,
        names_addr=tables[2],
        segments=segments(linked.sections) if fixed else (),
    )


def _table_addresses(linked: Linked) -> tuple[int, int, int]:
    # Zephyr 3.7 takes sections of an ET_DYN file for overlapping by their addresses, also those
    # that aren't loaded: the tables get addresses behind everything else, or in front of it where
    # nothing is behind. Nobody goes there.
    room = 1 << 20
    end = max(((each.address or 0) + each.size for each in linked.sections), default=0)
    start = (end + room - 1) & -room
    if start + 3 * room > 1 << linked.ident.bits:
        start = 0
    return start, start + room, start + 2 * room


def starts(linked: Linked) -> list[int]:
    """Addresses of the sections as symbols count them, from 1."""
    return [0, *(each.address or 0 for each in linked.sections)]


def loaded(section: OutputSection, word: int) -> ImageSection:
    """A section that the target loads; `word` is the size of a pointer in bytes."""
    kind, flags = _SHAPES[section.region]
    return ImageSection(
        name=section.name,
        type=kind,
        flags=flags,
        addr=section.address or 0,
        content=section.content,
        size=section.size,
        align=section.align,
        entsize=word if section.region in _ARRAYS else 0,
    )


def segments(sections: Sequence[OutputSection]) -> list[tuple[int, Segment]]:
    """PT_LOAD headers, for those who place blobs without the loader (debuggers, boot loaders)."""
    found = []
    for index, each in enumerate(sections):
        address = each.address or 0
        flags = 4 | (1 if each.region is Region.TEXT else 0)
        flags |= 2 if each.region in {Region.DATA, Region.BSS} else 0
        segment = Segment(address, address, 0, len(each.content), each.size, flags)
        found.append((index, segment))
    return found
