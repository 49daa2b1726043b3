# SPDX-License-Identifier: Apache-2.0
"""Memory in blocks of one size: the first run that is long enough (lib/os/mem_blocks.c)."""

from __future__ import annotations


class Blocks:
    """A `sys_mem_blocks`.

    start: address of the first block; block: bytes of each
    live: bytes in use; peak: the most since `reset_peak`
    """

    __slots__ = ("_runs", "_used", "block", "live", "peak", "start")

    def __init__(self, *, start: int, size: int, block: int) -> None:
        """`size` bytes of memory, of which whole blocks count."""
        self.start = start
        self.block = block
        self.live = self.peak = 0
        self._used = bytearray(size // block)
        self._runs: dict[int, int] = {}

    def reset_peak(self) -> None:
        """Start to look for the most anew."""
        self.peak = self.live

    def allocate(self, size: int, align: int = 0) -> int:
        """Address of whole blocks for `size` bytes, or 0; blocks are aligned enough, or nothing."""
        count = -(-size // self.block)
        if not count or not align or self.block % align:
            return 0
        first = self._used.find(bytes(count))
        if first < 0:
            return 0
        self._used[first : first + count] = b"\1" * count
        address = self.start + first * self.block
        self._runs[address] = count
        self.live += count * self.block
        self.peak = max(self.peak, self.live)
        return address

    def free(self, address: int) -> None:
        """Give back what `allocate` returned."""
        count = self._runs.pop(address)
        first = (address - self.start) // self.block
        self._used[first : first + count] = bytes(count)
        self.live -= count * self.block

    def overhead(self, address: int, size: int) -> int:
        """Bytes that an allocation costs beside the `size` that were asked for."""
        return self._runs[address] * self.block - size
