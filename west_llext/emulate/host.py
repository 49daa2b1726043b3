# SPDX-License-Identifier: Apache-2.0
"""What the emulated target has of its host: a console, a clock, a heap, and its own memory."""

from __future__ import annotations

from collections.abc import Callable

from west_llext.emulate.faults import FaultKind
from west_llext.emulate.heap import Heap
from west_llext.emulate.memory import PAGE, Range

#: Most bytes that a stand-in reads or writes at a time.
MAX_PIECE = 64 << 20
#: Bytes of the target's memory that are printed at a time.
_PRINTED = 1 << 16


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

    microseconds: the target's clock, which only goes on while it sleeps
    ticks: of the kernel's clock, in a second
    output_limit: bytes that may be printed before somebody takes them
    heap: what k_malloc() and its kin give out
    """

    def __init__(
        self,
        *,
        read: Callable[[int, int], bytes],
        store: Callable[[int, bytes], None],
        heap: Range,
        output_limit: int,
        ticks: int = 1000,
    ) -> None:
        """`read` and `store` access the target's memory; StopError says that there is none."""
        self._read = read
        self._store = store
        self.microseconds = 0
        self.ticks = ticks
        self.heap = Heap(heap)
        self.output_limit = output_limit
        self._output = bytearray()

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the target's memory; raises StopError where there is none."""
        if size > MAX_PIECE:
            raise StopError(FaultKind.STAND_IN, address)
        return self._read(address, size)

    def store(self, address: int, data: bytes) -> None:
        """Change the target's memory; raises StopError where there is none."""
        self._store(address, data)

    def fill(self, address: int, value: int, size: int) -> None:
        """The same with one byte over and over."""
        if size > MAX_PIECE:
            raise StopError(FaultKind.STAND_IN, address)
        self._store(address, bytes([value]) * size)

    def write(self, data: bytes) -> None:
        """Print; raises StopError where it is too much."""
        room = max(self.output_limit - len(self._output), 0)
        self._output += data[:room]
        if len(data) > room:
            raise StopError(FaultKind.OUTPUT_LIMIT)

    def write_from(self, address: int, size: int) -> None:
        """Print memory, piece by piece; raises StopError where it is too much or isn't there."""
        while size:
            part = min(size, _PRINTED)
            self.write(self.read(address, part))
            address, size = address + part, size - part

    @property
    def printed(self) -> int:
        """How many bytes were printed since somebody has taken them."""
        return len(self._output)

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
