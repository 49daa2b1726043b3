# SPDX-License-Identifier: Apache-2.0
"""A base image as an image: from its ELF file, or of what is known of it without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from west_llext.emulate.image import Chunk, Function, Image, Lines, no_lines
from west_llext.emulate.memory import Access, Range
from west_llext.model.elf import STB_LOCAL, STT_FUNC, Ident, ObjectFile, Segment

#: What messages call a base image.
BASE_NAME = "base image"


def base_image(file: ObjectFile, lent: tuple[Range, ...] = (), lines: Lines = no_lines) -> Image:
    """A base image, as it is after its start-up code has copied .data and cleared .bss.

    lent, lines: as `Image` has them
    """
    defined = [each for each in file.symbols if each.section and each.name]
    functions = [
        Function(each.value, each.size, each.name) for each in defined if each.type == STT_FUNC
    ]
    return Image(
        name=BASE_NAME,
        file=file.name,
        ident=file.ident,
        chunks=tuple(
            _chunk(file, number, segment)
            for number, segment in enumerate(file.segments)
            if segment.memsz
        ),
        exports={each.name: each.value for each in defined if each.binding != STB_LOCAL},
        functions=tuple(sorted(functions)),
        lent=lent,
        lines=lines,
    )


def hollow_base(
    *,
    name: str,
    ident: Ident,
    segments: Iterable[Segment],
    exports: Mapping[str, int],
    lent: tuple[Range, ...] = (),
) -> Image:
    """A base image of which nobody has the code: addresses, and memory that holds zeros.

    name: as messages call what says so
    """
    return Image(
        name=BASE_NAME,
        file=name,
        ident=ident,
        chunks=tuple(
            Chunk(f"segment {number}", each.vaddr, each.memsz, b"", Access(each.flags & 7))
            for number, each in enumerate(segments)
            if each.memsz
        ),
        exports=exports,
        functions=tuple(sorted(Function(address, 0, each) for each, address in exports.items())),
        lent=lent,
        hollow=True,
    )


def _chunk(file: ObjectFile, number: int, segment: Segment) -> Chunk:
    size = min(segment.filesz, segment.memsz)
    return Chunk(
        name=f"segment {number}",
        address=segment.vaddr,
        size=segment.memsz,
        content=file.data[segment.offset : segment.offset + size],
        access=Access(segment.flags & 7),
    )
