# SPDX-License-Identifier: Apache-2.0
"""The heap that stand-ins give memory out of: first fit, with nothing of it in the target's memory.

What it keeps is out of the target's reach, so that an overflow damages data and not the heap.
"""

from __future__ import annotations

from west_llext.emulate.memory import Range

#: Alignment of what is given out, in bytes: enough for every type of C on these machines.
ALIGNMENT = 16


class Heap:
    """Pieces of an address range; sizes are in bytes.

    live: given out and not given back; peak: the most of it at a time
    """

    def __init__(self, area: Range) -> None:
        """Everything of the area is free."""
        self.live = self.peak = 0
        self._free: list[tuple[int, int]] = [(area.start, area.end)]
        self._used: dict[int, tuple[int, int]] = {}

    def allocate(self, size: int, align: int = ALIGNMENT) -> int:
        """Address of so many bytes; 0 where there are none."""
        align = max(align, ALIGNMENT)
        for number, (start, end) in enumerate(self._free):
            place = -(-start // align) * align
            stop = place + -(-max(size, 1) // ALIGNMENT) * ALIGNMENT
            if stop > end:
                continue
            left = [(start, place)] if start < place else []
            self._free[number : number + 1] = left + ([(stop, end)] if stop < end else [])
            self._used[place] = (stop, size)
            self.live += size
            self.peak = max(self.peak, self.live)
            return place
        return 0

    def size(self, address: int) -> int | None:
        """Bytes that were asked for there; None where nothing was given out."""
        found = self._used.get(address)
        return None if found is None else found[1]

    def free(self, address: int) -> bool:
        """Take memory back; False where it wasn't given out."""
        found = self._used.pop(address, None)
        if found is None:
            return False
        end, size = found
        self.live -= size
        merged: list[tuple[int, int]] = []
        for start, stop in sorted([*self._free, (address, end)]):
            if merged and merged[-1][1] == start:
                merged[-1] = (merged[-1][0], stop)
            else:
                merged.append((start, stop))
        self._free = merged
        return True
