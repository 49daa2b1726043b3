# SPDX-License-Identifier: Apache-2.0
"""Constructors of compilers that still write `.ctors` (Xtensa), turned into those that are run.

The loader looks into `.preinit_array`, `.init_array` and `.fini_array`. In `.ctors` and `.dtors`
the words are in the opposite order, and so are the numbers in names: `.ctors.65435` is the
`.init_array.00100` of other compilers. GNU ld turns one into the other in the same way, section by
section (SEC_ELF_REVERSE_COPY in bfd, SORT_BY_INIT_PRIORITY in linker scripts).
"""

from __future__ import annotations

from dataclasses import replace

from west_llext.model.elf import SHF_ALLOC, ObjectFile, Relocation, Section, SectionType

_ARRAYS = {
    ".ctors": (".init_array", SectionType.INIT_ARRAY),
    ".dtors": (".fini_array", SectionType.FINI_ARRAY),
}
_MOST = 65535


def with_arrays(obj: ObjectFile) -> ObjectFile:
    """The object with an array in place of each section of constructors and destructors.

    One whose size isn't that of whole pointers stays as it is.
    """
    word = obj.ident.bits // 8
    sections = list(obj.sections)
    relocations = dict(obj.relocations)
    data, end = bytearray(), len(obj.data)
    for index, section in enumerate(obj.sections):
        array = _array(section)
        if array is None or section.size % word:
            continue
        content = obj.content(index)
        words = [content[at : at + word] for at in range(0, len(content), word)]
        sections[index] = array._replace(offset=end + len(data))
        data += b"".join(reversed(words))
        if index in relocations:
            relocations[index] = [
                _turned(row, section.size, word) for row in obj.relocations[index]
            ]
    if not data:
        return obj
    return replace(
        obj, data=obj.data + bytes(data), sections=tuple(sections), relocations=relocations
    )


def _array(section: Section) -> Section | None:
    # the array that stands for a section of constructors; None for any other section
    start, _, number = section.name[1:].partition(".")
    found = _ARRAYS.get(f".{start}")
    progbits = section.type == SectionType.PROGBITS and section.flags & SHF_ALLOC
    if found is None or not progbits or not section.size:
        return None
    name, kind = found
    if number.isdecimal() and int(number[:9]) <= _MOST:
        name += f".{_MOST - int(number):05}"
    return section._replace(name=name, type=kind)


def _turned(row: Relocation, size: int, word: int) -> Relocation:
    # a word at the other end; what isn't a whole word stays, for whoever looks at it next
    whole = not row.offset % word and row.offset < size
    return row._replace(offset=size - word - row.offset) if whole else row
