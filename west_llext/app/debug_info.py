# SPDX-License-Identifier: Apache-2.0
"""What debug information says of code that runs: source lines, and symbols that no blob keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from west_llext.diagnostics import LlextError, Span
from west_llext.elf.dwarf import line_of
from west_llext.elf.read import file_content, object_file
from west_llext.model.elf import SHF_ALLOC, ObjectFile


class SourceLines:
    """Source lines of a file that has debug information, or of another one in its place."""

    def __init__(self, file: ObjectFile) -> None:
        """`file` is what the addresses of `of_address` belong to, where it is linked."""
        self._file = file
        self._loaded = [
            (each.addr, each.addr + each.size, index)
            for index, each in enumerate(file.sections)
            if each.flags & SHF_ALLOC and each.size
        ]
        self._numbers = {each.name: index for index, each in enumerate(file.sections)}

    def of_address(self, address: int) -> Span | None:
        """Of an address in a linked file."""
        for start, end, index in self._loaded:
            if start <= address < end:
                return line_of(self._file, index, address - start)
        return None

    def of_section(self, name: str, offset: int) -> Span | None:
        """Of a place in a section."""
        index = self._numbers.get(name)
        return None if index is None else line_of(self._file, index, offset)


def debug_file(blob: ObjectFile, path: Path) -> ObjectFile:
    """The unstripped twin beside a blob; the blob itself where there is none that belongs to it."""
    try:
        beside = path.with_suffix(".elf")
        twin = object_file(file_content(beside), beside.as_posix())
    except LlextError:
        return blob
    same = twin.ident == blob.ident and dict(_sizes(twin)) == dict(_sizes(blob))
    return twin if same else blob


def _sizes(file: ObjectFile) -> Iterator[tuple[str, int]]:
    # of the sections that both have
    for each in file.sections:
        if each.flags & SHF_ALLOC and each.size and not each.name.startswith((".note", ".dyn")):
            yield each.name, each.size
