# SPDX-License-Identifier: Apache-2.0
"""The target's memory, as far as the loader and its input reach: blocks at addresses."""

from __future__ import annotations

from bisect import bisect_right, insort

from west_llext.loader.danger import WORK, Danger, fault, outside, unknown

#: Bytes of names that are looked at in one load; a load of 10,000 symbols needs a tenth of it.
EFFORT = 64 << 20
#: What a look at a name costs beside its bytes: there are empty ones, too.
_LOOK = 8


class Watch:
    """A part of a block, so that what was read of it can be kept while nobody writes there.

    start, end: half-open range of offsets in the block; changes: counts writes
    """

    __slots__ = ("changes", "end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.changes = 0


class Block:
    """Consecutive bytes.

    name: what messages call it
    start: address of the first byte; end: behind the last
    data: the bytes, as many as there are now
    known: bytes from the start that somebody has written; behind them is whatever lay there
    watches: parts of it that somebody has read
    """

    __slots__ = ("data", "end", "known", "name", "start", "watches")

    def __init__(self, name: str, start: int, data: bytearray, known: int) -> None:
        self.name = name
        self.start = start
        self.end = start + len(data)
        self.data = data
        self.known = known
        self.watches: list[Watch] = []

    def watch(self, addr: int, size: int) -> Watch:
        """The watch of some bytes."""
        found = Watch(addr - self.start, addr - self.start + size)
        self.watches.append(found)
        return found


class Memory:
    """Blocks by address; every access outside of them, or to unknown bytes, is a Danger."""

    __slots__ = ("_blocks", "_last", "_left", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._left = EFFORT
        self._blocks: dict[int, Block] = {}
        # the block that was looked at last, in which most looks are for the next thing
        self._last: Block | None = None

    def rest(self) -> None:
        """Start to count effort anew."""
        self._left = EFFORT

    def add(self, name: str, start: int, data: bytearray, known: int | None = None) -> Block:
        """A new block; the caller sees to it that none overlaps another."""
        block = Block(name, start, data, len(data) if known is None else known)
        if start in self._blocks:
            self.remove(start)
        insort(self._starts, start)
        self._blocks[start] = block
        return block

    def remove(self, start: int) -> None:
        """Forget the block that starts there, if there is one."""
        self._last = None
        if self._blocks.pop(start, None) is not None:
            del self._starts[bisect_right(self._starts, start) - 1]

    def block(self, addr: int) -> Block | None:
        """The block that holds an address."""
        last = self._last
        if last is not None and last.start <= addr < last.end:
            return last
        index = bisect_right(self._starts, addr) - 1
        if index < 0:
            return None
        block = self._blocks[self._starts[index]]
        if addr >= block.end:
            return None
        self._last = block
        return block

    def holds(self, addr: int, size: int) -> bool:
        """Whether all bytes are there and known."""
        block = self.block(addr)
        return block is not None and addr + size <= block.start + block.known

    def read(self, addr: int, size: int, what: str) -> bytes:
        """`size` bytes for `what`, such as `section header 3`."""
        block = self._whole(addr, size, what)
        at = addr - block.start
        if at + size > block.known:
            unknown(f"{what} at {addr:#x} would be taken from bytes that nobody has written")
        return bytes(block.data[at : at + size])

    def write(self, addr: int, data: bytes, what: str) -> None:
        """Replace bytes."""
        block = self._whole(addr, len(data), what)
        at = addr - block.start
        end = at + len(data)
        block.data[at:end] = data
        for each in block.watches:
            each.changes += at < each.end and each.start < end

    def string(self, addr: int, what: str) -> bytes:
        """The zero-terminated bytes at an address."""
        block = self._whole(addr, 1, what)
        end = block.data.find(0, addr - block.start, block.known)
        if end < 0:
            outside(f"{what} at {addr:#x} runs over the end of {block.name}")
        size = end - (addr - block.start)
        self._left -= size + _LOOK
        if self._left < 0:
            raise Danger(WORK, f"more than {EFFORT >> 20} MiB of names would be compared")
        return bytes(block.data[end - size : end])

    def starts_with(self, addr: int, wanted: bytes, what: str) -> bool:
        """Whether the bytes at an address are these; reads only as far as they agree."""
        block = self._whole(addr, 1, what)
        at = addr - block.start
        if at + len(wanted) > block.known and wanted.startswith(block.data[at : block.known]):
            outside(f"{what} at {addr:#x} runs over the end of {block.name}")
        return block.data.startswith(wanted, at)

    def _whole(self, addr: int, size: int, what: str) -> Block:
        block = self.block(addr)
        if block is None:
            if addr < 4096:
                fault(f"{what} would be at {addr:#x}, which is no address of the extension")
            outside(f"{what} would be at {addr:#x}, outside of the file and of what was loaded")
        if addr + size > block.end:
            outside(f"{what} at {addr:#x} has {size} bytes and ends behind {block.name}")
        return block
