# SPDX-License-Identifier: Apache-2.0
"""What a linked image puts into the target's memory, by address."""

from __future__ import annotations

from bisect import bisect_right

from west_llext.elf.headers import Headers
from west_llext.model.elf import SHF_ALLOC, SectionType

#: Longest text that is read; names of symbols are shorter.
MAX_TEXT = 4096


class Memory:
    """Bytes of an image by the address at which the target sees them.

    Only what is stored in the file: zero-initialised memory has no bytes. Any address may be asked
    for, also one that an image of a stranger made up.
    """

    __slots__ = ("_data", "_ranges", "_starts")

    def __init__(self, head: Headers) -> None:
        """Program headers say where bytes go; section headers where there are none."""
        self._data = head.data
        ranges = [(s.vaddr, s.filesz, s.offset) for s in head.segments] or [
            (s.addr, s.size, s.offset)
            for s in head.sections
            if s.flags & SHF_ALLOC and s.type != SectionType.NOBITS
        ]
        self._ranges = sorted(each for each in ranges if each[1])
        self._starts = [each[0] for each in self._ranges]

    def place(self, addr: int, size: int) -> int | None:
        """Offset in the file of `size` bytes at an address; None where they aren't all there."""
        index = bisect_right(self._starts, addr) - 1
        if index < 0 or size < 0:
            return None
        start, length, offset = self._ranges[index]
        if addr + size > start + length:
            return None
        return offset + addr - start

    def content(self, addr: int, size: int) -> bytes | None:
        """`size` bytes at an address, or None."""
        place = self.place(addr, size)
        return None if place is None else self._data[place : place + size]

    def text(self, addr: int) -> str | None:
        """The zero-terminated text at an address; None where there is none, or a very long one."""
        place = self.place(addr, 1)
        if place is None:
            return None
        _, length, offset = self._ranges[bisect_right(self._starts, addr) - 1]
        last = min(place + MAX_TEXT, offset + length)
        end = self._data.find(b"\0", place, last)
        if end < 0:
            return None
        return self._data[place:end].decode("utf-8", "surrogateescape")
