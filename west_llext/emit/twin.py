# SPDX-License-Identifier: Apache-2.0
"""The unstripped twin of a blob, for the debugger: all symbols, debug sections, the same addresses.

For a prelocated extension it is an ET_EXEC, which a debugger takes as it is; for the others it is
an ET_REL, to be added with the addresses that the target's loader chose. Where gdb leaves debug
information of an ET_REL as it is (ARC, Xtensa), that too is an ET_EXEC, with addresses for gdb to
move.
"""

from __future__ import annotations

from west_llext.emit.blob import loaded, segments, starts
from west_llext.emit.elf_image import (
    ImageSection,
    first_global,
    image,
    relocation_section,
    symbol_table,
)
from west_llext.model.elf import FileType, SectionType
from west_llext.model.link import Linked
from west_llext.model.manifest import Mode


def twin(linked: Linked) -> bytes:
    """The bytes of an extension's twin."""
    fixed = linked.mode is Mode.PRELOCATED
    word = linked.ident.bits // 8
    sections = [loaded(each, word) for each in linked.sections]
    begins = starts(linked) if fixed else ()
    if linked.debug_addresses:
        begins = [0, *linked.debug_addresses]
        places = zip(sections, linked.debug_addresses, strict=True)
        sections = [each._replace(addr=address) for each, address in places]
    sections += [
        ImageSection(
            name=each.name, type=each.type, flags=each.flags, content=each.content, align=each.align
        )
        for each in linked.debug
    ]
    symbols = linked.all_symbols
    table, strings = symbol_table(symbols, linked.ident, begins)
    number = len(sections) + 1
    sections += [
        ImageSection(
            name=".symtab",
            type=SectionType.SYMTAB,
            content=table,
            link=number + 1,
            info=first_global(symbols),
            align=word,
            entsize=16 if linked.ident.bits == 32 else 24,
        ),
        ImageSection(name=".strtab", type=SectionType.STRTAB, content=strings),
    ]
    for index, each in enumerate(linked.debug, len(linked.sections) + 1):
        if each.relocations:
            sections.append(
                relocation_section(
                    each.relocations, linked.ident, name=each.name, symbols=number, target=index
                )
            )
    return image(
        sections,
        linked.ident,
        FileType.EXEC if begins else FileType.REL,
        segments=segments(linked.sections) if fixed else (),
    )
