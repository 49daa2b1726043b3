# SPDX-License-Identifier: Apache-2.0
"""The target's heap: where an allocation goes, and what it costs (lib/heap/heap.c).

Memory is cut into chunks of 8-byte units, each with a header of 4 bytes (8 where the heap has more
than 32,767 units, or pointers have 64 bits). Free chunks hang in circular lists, one for each power
of two of their size; a list is entered behind its last chunk and left at its first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from west_llext.loader.danger import OUTSIDE, Danger

UNIT = 8
#: Chunks of the smallest list that are tried before a larger one (CONFIG_SYS_HEAP_ALLOC_LOOPS).
LOOPS = 3


class Heap:
    """A `sys_heap`; sizes of chunks are in units, everything else in bytes.

    start, size: the memory that it was given
    live: bytes in use, without headers; peak: the most since `reset_peak`
    behind: tells the 32-bit word at an address behind the lists, None where nobody knows it
    """

    __slots__ = (
        "_clamps",
        "_end",
        "_free",
        "_header",
        "_left",
        "_lists",
        "_origin",
        "_size",
        "_smallest",
        "_used",
        "behind",
        "live",
        "peak",
        "size",
        "start",
    )

    def __init__(
        self, *, start: int, size: int, pointer: int, statistics: bool, clamps: bool
    ) -> None:
        """A fresh heap.

        pointer: bytes of a pointer; statistics: CONFIG_SYS_HEAP_RUNTIME_STATS
        clamps: whether a request beyond the heap finds no list, in place of a wrong one
        """
        self.start, self.size, self._clamps = start, size, clamps
        self._origin = -(-start // UNIT) * UNIT
        footer = _header(size // UNIT, pointer)
        self._end = ((start + size - footer) // UNIT * UNIT - self._origin) // UNIT
        self._header = _header(self._end, pointer)
        self._smallest = (self._header + UNIT) // UNIT
        lists = self._list(self._end) + 1
        own = 16 + (3 * pointer if statistics else 0) + 4 * lists
        first = -(-own // UNIT)
        self._free: list[deque[int]] = [deque() for _ in range(lists)]
        self._size = {first: self._end - first}
        self._left: dict[int, int] = {}
        self._used: set[int] = {self._end}
        self._lists = self._origin + own - 4 * lists
        self.behind: Callable[[int], int | None] = nobody_knows
        self.live = self.peak = 0
        self._enter(first)

    def reset_peak(self) -> None:
        """Start to look for the most anew."""
        self.peak = self.live

    def allocate(self, size: int, align: int = 0) -> int:
        """Address of `size` bytes, or 0 (sys_heap_aligned_alloc)."""
        rewind = align & -align
        gap = self._header
        if align != rewind:
            align -= rewind
            gap = min(rewind, self._header)
        elif align <= self._header:
            return self._plain(size)
        else:
            rewind = 0
        if size == 0 or size // UNIT >= self._end:
            return 0
        wide = self._units(size + align - gap)
        whole = self._take(wide)
        if not whole:
            return 0
        place = -(-(self._address(whole) + rewind) // align) * align - rewind
        chunk = (place - self._header - self._origin) // UNIT
        if chunk > whole:
            self._split(whole, chunk)
            self._enter(whole)
        end = (-(-(place + size) // UNIT) * UNIT - self._origin) // UNIT
        if chunk + self._size[chunk] > end:
            self._split(chunk, end)
            self._enter(end)
        self._use(chunk)
        return place

    def free(self, address: int) -> None:
        """Give back what `allocate` returned; 0 is nothing."""
        if not address:
            return
        chunk = (address - self._header - self._origin) // UNIT
        self._used.discard(chunk)
        self.live -= self._bytes(chunk)
        right = chunk + self._size[chunk]
        if right not in self._used:
            self._leave(right)
            self._merge(chunk, right)
        left = chunk - self._left.get(chunk, 0)
        if left != chunk and left not in self._used:
            self._leave(left)
            self._merge(left, chunk)
            chunk = left
        self._enter(chunk)

    def overhead(self, address: int, size: int) -> int:
        """Bytes that an allocation costs beside the `size` that were asked for."""
        chunk = (address - self._header - self._origin) // UNIT
        return self._size[chunk] * UNIT - size

    def taken(self, size: int) -> int:
        """Bytes that `live` grows by for an allocation of `size`."""
        return self._units(size) * UNIT - self._header if size else 0

    def _plain(self, size: int) -> int:
        if size == 0 or size // UNIT >= self._end:
            return 0
        units = self._units(size)
        chunk = self._take(units)
        if not chunk:
            return 0
        if self._size[chunk] > units:
            self._split(chunk, chunk + units)
            self._enter(chunk + units)
        self._use(chunk)
        return self._address(chunk)

    def _use(self, chunk: int) -> None:
        self._used.add(chunk)
        self.live += self._bytes(chunk)
        self.peak = max(self.peak, self.live)

    def _take(self, units: int) -> int:
        # A free chunk of at least so many units, out of its list; 0 for none.
        if self._clamps:
            units = min(units, self._end)
        first = self._list(units)
        if first >= len(self._free):
            if self.behind(self._lists + 4 * first) == 0:
                return 0  # taken for an empty list, and there is no larger one
            raise Danger(
                OUTSIDE,
                f"an allocation of {units * UNIT} bytes is larger than the heap's "
                f"{self._end * UNIT}, and the allocator would read behind its lists",
            )
        chunks = self._free[first]
        for _ in range(min(LOOPS, len(chunks))):
            if self._size[chunks[0]] >= units:
                return chunks.popleft()
            chunks.rotate(-1)
        for larger in self._free[first + 1 :]:
            if larger:
                return larger.popleft()
        return 0

    def _split(self, left: int, right: int) -> None:
        whole = self._size[left]
        self._size[left] = right - left
        self._size[right] = whole - (right - left)
        self._left[right] = right - left
        self._left[left + whole] = self._size[right]

    def _merge(self, left: int, right: int) -> None:
        self._size[left] += self._size.pop(right)
        self._left.pop(right, None)
        self._left[left + self._size[left]] = self._size[left]

    def _enter(self, chunk: int) -> None:
        # a chunk with room for nothing but its header hangs in no list
        above = self._size[chunk] - self._smallest
        if above >= 0:
            self._free[(above + 1).bit_length() - 1].append(chunk)

    def _leave(self, chunk: int) -> None:
        above = self._size[chunk] - self._smallest
        if above >= 0:
            chunks = self._free[(above + 1).bit_length() - 1]
            if chunks[0] != chunk:
                chunks.rotate(-chunks.index(chunk))
            chunks.popleft()

    def _list(self, units: int) -> int:
        return (units - self._smallest + 1).bit_length() - 1

    def _units(self, size: int) -> int:
        return (size + self._header + UNIT - 1) // UNIT

    def _address(self, chunk: int) -> int:
        return self._origin + chunk * UNIT + self._header

    def _bytes(self, chunk: int) -> int:
        return self._size[chunk] * UNIT - self._header


def _header(units: int, pointer: int) -> int:
    return 8 if pointer > 4 or units > 0x7FFF else 4


def nobody_knows(address: int) -> int | None:  # noqa: ARG001  # as for others
    """What lies behind the lists of a heap that is like any other."""
    return None
