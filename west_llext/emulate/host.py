# SPDX-License-Identifier: Apache-2.0
"""What the emulated target has of its host: a console, a clock, a heap, and its own memory."""

from __future__ import annotations

from collections.abc import Callable

from west_llext.emulate.faults import FaultKind
from west_llext.emulate.memory import PAGE, Range


class StopError(Exception):
    """Ends the running call; never leaves this room."""

    def __init__(self, kind: FaultKind, address: int | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.address = address


class ExitError(Exception):
    """The target asked to end; never leaves this room."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Host:
    """The host, as stand-ins and semihosting requests see it.

    read, store: access the target's memory; raise StopError where there is none
    microseconds: the target's clock, which only goes on while it sleeps
    """

    def __init__(
        self,
        *,
        read: Callable[[int, int], bytes],
        store: Callable[[int, bytes], None],
        heap: Range,
        output_limit: int,
    ) -> None:
        self.read = read
        self.store = store
        self.microseconds = 0
        self._heap = heap
        self._free = heap.start
        self._output_limit = output_limit
        self._output = bytearray()

    def write(self, data: bytes) -> None:
        """Print; raises StopError where it is too much."""
        room = self._output_limit - len(self._output)
        self._output += data[:room]
        if len(data) > room:
            raise StopError(FaultKind.OUTPUT_LIMIT)

    def taken_output(self) -> str:
        """What was printed since it was last asked for."""
        text = self._output.decode("utf-8", "backslashreplace")
        self._output.clear()
        return text

    def text(self, address: int, limit: int) -> bytes:
        """The zero-terminated text at an address, at most `limit` bytes of it."""
        found = bytearray()
        while len(found) < limit:
            # up to the end of the page: behind it there may be nothing
            size = min(PAGE - address % PAGE, limit - len(found))
            part = self.read(address, size)
            end = part.find(b"\0")
            if end >= 0:
                return bytes(found + part[:end])
            found += part
            address += size
        return bytes(found)

    def allocated(self, size: int) -> int:
        """The address of so many bytes, 8-aligned; 0 where the heap has no more."""
        start, end = self._free, self._free + max(size, 1)
        if end > self._heap.end:
            return 0
        self._free = -(-end // 8) * 8
        return start
