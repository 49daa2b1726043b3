# SPDX-License-Identifier: Apache-2.0
"""A base image's ELF file as an image."""

from __future__ import annotations

from west_llext.emulate.image import Chunk, Function, Image
from west_llext.emulate.memory import Access
from west_llext.model.elf import STB_LOCAL, STT_FUNC, ObjectFile, Segment

#: What messages call a base image.
BASE_NAME = "base image"


def base_image(file: ObjectFile) -> Image:
    """A base image, as it is after its start-up code has copied .data and cleared .bss."""
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
