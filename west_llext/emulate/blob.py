# SPDX-License-Identifier: Apache-2.0
"""A prelocated extension as an image: from its blob, or straight from the link.

Of a blob it reads what the target's loader reads: section headers, `.exported_sym` (rows of two
words, the address of a name and the address that it names) and the arrays of constructors.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import PurePath

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.emulate.image import Chunk, Function, Image
from west_llext.emulate.memory import Access
from west_llext.model.elf import (
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    STT_FUNC,
    STT_OBJECT,
    FileType,
    Ident,
    ObjectFile,
    Section,
    SectionType,
)
from west_llext.model.link import Linked, OutputSection
from west_llext.model.region import Region

#: Longest name of an exported symbol that is read, in bytes.
MAX_NAME = 4096
#: Most exported symbols that are read; no blob is near it.
MAX_EXPORTS = 1 << 16

EXPORT_SECTION = ".exported_sym"

_READ_WRITE = Access.READ | Access.WRITE
_REGION_ACCESS = {
    Region.TEXT: Access.READ | Access.EXECUTE,
    Region.DATA: _READ_WRITE,
    Region.BSS: _READ_WRITE,
}


def blob_image(file: ObjectFile, name: str) -> Image:
    """The blob of extension `name`.

    Raises LlextError where it isn't prelocated (X003) or a row of its exports is broken (X004).
    """
    _refuse_unplaced(file, name)
    loaded = [
        (index, section)
        for index, section in enumerate(file.sections)
        if section.flags & SHF_ALLOC and section.size
    ]
    chunks = tuple(
        Chunk(each.name, each.addr, each.size, file.content(index), _access(each))
        for index, each in loaded
    )
    exports = _exports(file, chunks, name)
    return Image(
        name=name,
        file=file.name,
        ident=file.ident,
        chunks=chunks,
        exports=exports,
        functions=_functions(file, exports),
        constructors=_array(file, SectionType.PREINIT_ARRAY) + _array(file, SectionType.INIT_ARRAY),
        destructors=_array(file, SectionType.FINI_ARRAY),
    )


def linked_image(linked: Linked) -> Image:
    """An extension that was just linked; raises LlextError (X003) where it isn't prelocated."""
    chunks = []
    for section in linked.sections:
        if section.address is None:
            raise _unplaced(linked.name, linked.name, f"section '{section.name}' has no address")
        if section.relocations:
            why = _relocated(section.name, len(section.relocations))
            raise _unplaced(linked.name, linked.name, why)
        access = _REGION_ACCESS.get(section.region, Access.READ)
        if section.size:
            chunks.append(
                Chunk(section.name, section.address, section.size, section.content, access)
            )
    exports = {each.name: linked.address(each) or 0 for each in linked.exports}
    functions = [
        Function(exports[each.name], each.size, each.name)
        for each in linked.exports
        if each.function
    ]
    return Image(
        name=linked.name,
        file=linked.name,
        ident=linked.ident,
        chunks=tuple(chunks),
        exports=exports,
        functions=tuple(sorted(functions)),
        constructors=tuple(
            address
            for region in (Region.PREINIT, Region.INIT)
            for address in _region_words(linked.section(region), linked.ident)
        ),
        destructors=_region_words(linked.section(Region.FINI), linked.ident),
    )


def _array(file: ObjectFile, kind: SectionType) -> tuple[int, ...]:
    return tuple(
        address
        for index, each in enumerate(file.sections)
        if each.type == kind and each.flags & SHF_ALLOC
        for address in _words(file.content(index), file.ident)
    )


def _refuse_unplaced(file: ObjectFile, name: str) -> None:
    # only what the target doesn't have to relocate can run where it is
    if file.file_type != FileType.DYN:
        raise _unplaced(file.name, name, f"the file is of ELF type {file.file_type}")
    for index, relocations in sorted(file.relocations.items()):
        section = file.sections[index]
        if (section.flags & SHF_ALLOC or not index) and relocations:
            raise _unplaced(file.name, name, _relocated(section.name, len(relocations)))


def _relocated(section: str, count: int) -> str:
    where = f"section '{section}'" if section else "the file"
    return f"{where} has {count} relocations for the target"


def _unplaced(file: str, name: str, why: str) -> LlextError:
    finding = Diagnostic(
        code="X003",
        at=Span(PurePath(file)),
        message=f"extension '{name}' can't run as it is: {why}, "
        "expected a prelocated blob (ELF type 3, without relocations)",
        hint="build the blob again",
    )
    return LlextError([finding])


def _access(section: Section) -> Access:
    access = Access.READ
    if section.flags & SHF_WRITE:
        access |= Access.WRITE
    if section.flags & SHF_EXECINSTR:
        access |= Access.EXECUTE
    return access


def _words(content: bytes, ident: Ident) -> tuple[int, ...]:
    size = ident.bits // 8
    count = len(content) // size
    letter = "I" if size == 4 else "Q"
    return struct.unpack(f"{ident.order}{count}{letter}", content[: count * size])


def _region_words(section: OutputSection | None, ident: Ident) -> tuple[int, ...]:
    return () if section is None else _words(section.content, ident)


def _exports(file: ObjectFile, chunks: tuple[Chunk, ...], name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    findings = []
    texts = _Texts(chunks)
    for index, section in enumerate(file.sections):
        if section.name != EXPORT_SECTION:
            continue
        words = _words(file.content(index)[: MAX_EXPORTS * 16], file.ident)
        for pointer, address in zip(words[::2], words[1::2], strict=False):
            text = texts.at(pointer)
            if text is None:
                findings.append(_nameless(file.name, name, pointer))
            else:
                found[text] = address
    if findings:
        raise LlextError(findings)
    return found


def _nameless(file: str, name: str, pointer: int) -> Diagnostic:
    return Diagnostic(
        code="X004",
        at=Span(PurePath(file)),
        message=f"'{EXPORT_SECTION}' of extension '{name}' has a row whose name is at "
        f"{pointer:#x}, expected the address of a text in the blob",
        hint="build the blob again",
    )


class _Texts:
    # Zero-terminated texts by address; a class to sort the chunks once.

    def __init__(self, chunks: tuple[Chunk, ...]) -> None:
        self.chunks = sorted(
            (chunk for chunk in chunks if chunk.content), key=lambda chunk: chunk.address
        )
        self.starts = [chunk.address for chunk in self.chunks]

    def at(self, address: int) -> str | None:
        index = bisect_right(self.starts, address) - 1
        if index < 0:
            return None
        chunk = self.chunks[index]
        start = address - chunk.address
        end = chunk.content.find(b"\0", start, start + MAX_NAME)
        if end <= start:
            return None
        return chunk.content[start:end].decode("utf-8", "backslashreplace")


def _functions(file: ObjectFile, exports: Mapping[str, int]) -> tuple[Function, ...]:
    # symbols where the blob has them; else the exports, whose size nobody knows then
    named = [
        Function(each.value, each.size, each.name)
        for each in file.symbols
        if each.section and each.type == STT_FUNC and each.name
    ]
    known = {each.name for each in file.symbols if each.type in {STT_FUNC, STT_OBJECT}}
    named += [Function(address, 0, each) for each, address in exports.items() if each not in known]
    return tuple(sorted(named))
