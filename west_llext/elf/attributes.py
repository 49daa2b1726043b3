# SPDX-License-Identifier: Apache-2.0
"""Build attributes: what a compiler says of the processor and the ABI that it built for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from west_llext.arch.attributes import (
    ATTRIBUTE_FORMATS,
    PROPERTY_BITS,
    TEXT_NOTES,
    AttributeFormat,
    TextNote,
)
from west_llext.elf import properties
from west_llext.elf.headers import Headers, refuse
from west_llext.elf.text_note import text_note
from west_llext.model.base import Abi
from west_llext.model.elf import ObjectFile

#: Attributes take about 50 bytes; nobody needs more than this.
MAX_SIZE = 1 << 16

_TAG_FILE = 1


def abi(file: ObjectFile | Headers) -> Abi:
    """What decides whether code of the file can be linked with other code.

    A file without attributes has none; raises LlextError (L002) where they can't be read.
    """
    form = ATTRIBUTE_FORMATS.get(file.ident.machine)
    if form is not None:
        for index, section in enumerate(file.sections):
            if section.type == form.section_type:
                return Abi(ident=file.ident, attributes=_section(file, index, form))
    bits, lines = PROPERTY_BITS.get(file.ident.machine), TEXT_NOTES.get(file.ident.machine)
    for index, section in enumerate(file.sections if bits or lines else ()):
        if bits and section.name == properties.NAME and section.size:
            return Abi(ident=file.ident, attributes=_note(file, index, bits))
        if lines and section.name == lines.section and section.size:
            return Abi(ident=file.ident, attributes=_lines(file, index, lines))
    return Abi(ident=file.ident, attributes={})


def _section(
    file: ObjectFile | Headers, index: int, form: AttributeFormat
) -> Mapping[int, int | str]:
    try:
        return attributes(_content(file, index), form, file.ident.order)
    except ValueError as err:
        refuse(file.name, f"'{file.sections[index].name}' {err}")


def _note(file: ObjectFile | Headers, index: int, wanted: frozenset[int]) -> Mapping[int, int]:
    ident = file.ident
    try:
        return properties.properties(
            _content(file, index), wanted, bits=ident.bits, order=ident.order
        )
    except ValueError as err:
        refuse(file.name, f"'{file.sections[index].name}' {err}")


def _content(file: ObjectFile | Headers, index: int) -> bytes:
    section = file.sections[index]
    if section.size > MAX_SIZE:
        refuse(file.name, f"'{section.name}' has {section.size} bytes, at most {MAX_SIZE} are read")
    return file.content(index)


def _lines(file: ObjectFile | Headers, index: int, form: TextNote) -> Mapping[int, int]:
    section = file.sections[index]
    if section.size > MAX_SIZE:
        refuse(file.name, f"'{section.name}' has {section.size} bytes, at most {MAX_SIZE} are read")
    try:
        return text_note(file.content(index), form, file.ident.order)
    except ValueError as err:
        refuse(file.name, f"'{section.name}' {err}")


@lru_cache(maxsize=64)
def attributes(content: bytes, form: AttributeFormat, order: str) -> Mapping[int, int | str]:
    """Tag to value of the whole file, from the bytes of the section.

    Values for single sections or symbols are deprecated and left out; of a pair the number counts.
    Objects of one compiler have equal bytes, so that results are kept. Raises ValueError.
    """
    if content[:1] != b"A":
        raise ValueError(f"is in format {content[:1].hex() or 'nothing'}, expected 41 ('A')")
    found: dict[int, int | str] = {}
    whole = _Cursor(content, 1, len(content), order)
    while whole.at < whole.end:
        public = whole.part(whole.at)
        if public.text() != form.vendor:
            continue
        while public.at < public.end:
            start = public.at
            tag = public.number()
            scope = public.part(start)
            if tag == _TAG_FILE:
                found.update(_values(scope, form))
    return found


class _Cursor:
    # A place in the section, up to the end of a part of it.

    __slots__ = ("at", "content", "end", "order")

    def __init__(self, content: bytes, at: int, end: int, order: str) -> None:
        self.content = content
        self.at = at
        self.end = end
        self.order = order

    def number(self) -> int:
        # unsigned LEB128; larger values than 64 bits mean nothing
        value = 0
        for shift in range(0, 70, 7):
            if self.at >= self.end:
                raise ValueError(f"ends inside a number at {self.at:#x}")
            byte = self.content[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError(f"has a number of more than 64 bits before {self.at:#x}")

    def part(self, start: int) -> _Cursor:
        # what follows here up to its end; its length counts from `start` and is the next 4 bytes
        raw = self.content[self.at : min(self.at + 4, self.end)]
        size = int.from_bytes(raw, "little" if self.order == "<" else "big")
        first = self.at + 4
        if len(raw) < 4 or not first - start <= size <= self.end - start:
            raise ValueError(
                f"has a part of {size} bytes at {start:#x}, where {self.end - start} are left"
            )
        self.at = start + size
        return _Cursor(self.content, first, self.at, self.order)

    def text(self) -> str:
        end = self.content.find(b"\0", self.at, self.end)
        if end < 0:
            raise ValueError(f"ends inside a string at {self.at:#x}")
        value = self.content[self.at : end].decode("utf-8", "replace")
        self.at = end + 1
        return value


def _values(cursor: _Cursor, form: AttributeFormat) -> Iterator[tuple[int, int | str]]:
    while cursor.at < cursor.end:
        tag = cursor.number()
        if tag in form.pairs:
            yield tag, cursor.number()
            cursor.text()
        elif tag in form.texts or (tag >= form.parity_from and tag % 2):
            yield tag, cursor.text()
        else:
            yield tag, cursor.number()
