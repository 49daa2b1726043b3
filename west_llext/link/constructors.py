# SPDX-License-Identifier: Apache-2.0
"""Constructors in the old form, made arrays that the loader runs.

Compilers for the AAPCS and for RISC-V put pointers to constructors into `.init_array`. Others
(Debian's gcc for Xtensa, gcc -mabi=apcs-gnu) put them into `.ctors` and `.dtors`, plain data to the
loader, so that nothing would ever call them. Such a section is run from its end to its beginning,
and a number in its name counts down: `.ctors.65435` has priority 100. A linker that is asked to
puts them into `.init_array` in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from west_llext.model.elf import SHF_ALLOC, ObjectFile, Relocation, Section, SectionType

_ARRAYS = {
    ".ctors": (".init_array", SectionType.INIT_ARRAY),
    ".dtors": (".fini_array", SectionType.FINI_ARRAY),
}
#: The priority of an array whose name has none, and the number in the old name of priority 0.
_LOWEST = 65535


def with_arrays(obj: ObjectFile) -> ObjectFile:
    """The object with its `.ctors` and `.dtors` as arrays; itself where it has none."""
    old = [index for index, section in enumerate(obj.sections) if _is_old(section)]
    if not old:
        return obj
    word = obj.ident.bits // 8
    data = bytearray(obj.data)
    sections = list(obj.sections)
    relocations = dict(obj.relocations)
    for index in old:
        section = sections[index]
        sections[index] = _renamed(section)
        if section.size % word:  # half a pointer, which is refused later
            continue
        start, end = section.offset, section.offset + section.size
        entries = [data[at : at + word] for at in range(start, end, word)]
        data[start:end] = b"".join(reversed(entries))
        if index in relocations:
            relocations[index] = _reversed(relocations[index], section.size, word)
    return replace(obj, data=bytes(data), sections=tuple(sections), relocations=relocations)


def _is_old(section: Section) -> bool:
    return (
        section.name[:6] in _ARRAYS
        and section.name[6:7] in {"", "."}
        and section.type == SectionType.PROGBITS
        and bool(section.flags & SHF_ALLOC)
    )


def _renamed(section: Section) -> Section:
    name, kind = _ARRAYS[section.name[:6]]
    number = section.name[7:]
    if number.isdecimal() and len(number) < 6 and int(number) <= _LOWEST:
        name += f".{_LOWEST - int(number):05}"
    return section._replace(name=name, type=kind)


def _reversed(rows: Sequence[Relocation], size: int, word: int) -> Sequence[Relocation]:
    # each stays with its entry; one outside of the section, which is refused later, where it is
    moved = [
        row._replace(offset=size - word - row.offset + 2 * (row.offset % word))
        if row.offset < size
        else row
        for row in rows
    ]
    return sorted(moved, key=lambda row: row.offset)
