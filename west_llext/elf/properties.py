# SPDX-License-Identifier: Apache-2.0
"""Property notes: what a compiler says of code that has no build attributes.

Linux Extensions to gABI, "Special Sections", .note.gnu.property: notes of the type
NT_GNU_PROPERTY_TYPE_0 of the owner GNU, each with properties one after another.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

NAME = ".note.gnu.property"
_NT_GNU_PROPERTY_TYPE_0 = 5
_OWNER = b"GNU\0"
#: Types from here on hold what some code needs, those below what all code has.
_OR = 0xC0008000


def properties(
    content: bytes, wanted: frozenset[int], *, bits: int, order: str
) -> Mapping[int, int]:
    """Properties of 4 bytes by type, from the bytes of the section.

    What several notes say of one type is joined as a linker does it. Raises ValueError.
    """
    found: dict[int, int] = {}
    for note in _notes(content, bits // 8, order):
        for kind, data in _entries(note, bits // 8, order):
            if kind in wanted and len(data) == 4:
                value = int(struct.unpack(order + "I", data)[0])
                before = found.get(kind, value)
                found[kind] = before | value if kind >= _OR else before & value
    return found


def _notes(content: bytes, align: int, order: str) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        if len(content) - at < 12:
            raise ValueError(f"ends inside a note at {at:#x}")
        name_size, size, kind = struct.unpack_from(order + "III", content, at)
        name = content[at + 12 : at + 12 + name_size]
        start = _aligned(at + 12 + name_size, 4)
        if start + size > len(content):
            raise ValueError(f"has a note of {size} bytes at {at:#x}, which ends behind it")
        if name == _OWNER and kind == _NT_GNU_PROPERTY_TYPE_0:
            yield content[start : start + size]
        at = _aligned(start + size, align)


def _entries(note: bytes, align: int, order: str) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(note):
        if len(note) - at < 8:
            raise ValueError(f"ends inside a property at {at:#x} of its note")
        kind, size = struct.unpack_from(order + "II", note, at)
        if at + 8 + size > len(note):
            raise ValueError(
                f"has a property of {size} bytes at {at:#x}, which ends behind its note"
            )
        yield kind, note[at + 8 : at + 8 + size]
        at = _aligned(at + 8 + size, align)


def _aligned(value: int, align: int) -> int:
    return (value + align - 1) & -align
