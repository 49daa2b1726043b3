# SPDX-License-Identifier: Apache-2.0
"""Where the loader gets a file from: the interface of `struct llext_loader`, and two of them."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from west_llext.loader.danger import fault
from west_llext.loader.errnos import Errno
from west_llext.loader.memory import Block, Memory


class Storage(Enum):
    """How long the file's bytes stay where they are (`enum llext_storage_type`)."""

    #: until the load ends: everything that is needed is copied
    TEMPORARY = "temporary"
    #: as long as the extension is loaded, but they can't be changed
    PERSISTENT = "persistent"
    #: as long, and the loader may change them
    WRITABLE = "writable"


class ElfLoader(Protocol):
    """`struct llext_loader`: anything that has these can be loaded from.

    Results are 0, or an error number, negated.
    """

    @property
    def storage(self) -> Storage:
        """How long the bytes stay."""

    @property
    def size(self) -> int:
        """Bytes of the file; the loader doesn't know it, but it bounds the work of the model."""

    def prepare(self) -> int:
        """Called before everything else."""

    def seek(self, pos: int) -> int:
        """Go to a place in the file, counted from its start."""

    def read(self, size: int) -> bytes | int:
        """The next bytes; fewer where there are no more, or an error."""

    def peek(self, pos: int) -> int | None:
        """Address of a place in the file; None where it can't be had."""

    def finalize(self) -> None:
        """Called after everything else, also where the load failed."""


class BufferLoader:
    """A file in the target's memory (`struct llext_buf_loader`).

    bounded: whether peeking behind the end is refused, as newer releases do
    """

    def __init__(
        self,
        *,
        memory: Memory,
        address: int,
        data: bytes,
        storage: Storage,
        bits: int,
        bounded: bool = False,
    ) -> None:
        """Puts the bytes into the memory, where `finalize` leaves them."""
        self._block: Block = memory.add("the file", address, bytearray(data))
        self._storage = storage
        self._mask = (1 << bits) - 1
        self._bounded = bounded
        self._pos = 0

    @property
    def storage(self) -> Storage:
        """As given."""
        return self._storage

    @property
    def size(self) -> int:
        """Bytes of the buffer."""
        return len(self._block.data)

    @property
    def address(self) -> int:
        """Of the first byte."""
        return self._block.start

    def prepare(self) -> int:
        """Nothing to do."""
        return 0

    def seek(self, pos: int) -> int:
        """A place behind the end is the end (llext_buf_seek)."""
        self._pos = min(pos, len(self._block.data))
        return 0

    def read(self, size: int) -> bytes | int:
        """Ends at the end, and says nothing of it (llext_buf_read)."""
        end = min(self._pos + size & self._mask, len(self._block.data))
        if end < self._pos:
            fault(f"{size:#x} bytes would be copied from offset {self._pos:#x} of the file")
        found = bytes(self._block.data[self._pos : end])
        self._pos = end
        return found

    def peek(self, pos: int) -> int | None:
        """The address, whatever lies there."""
        if self._bounded and pos >= len(self._block.data):
            return None
        return self._block.start + pos & self._mask

    def finalize(self) -> None:
        """Nothing to do."""


class FileLoader:
    """A file of a file system (`struct llext_fs_loader`): it can only be read."""

    def __init__(self, data: bytes) -> None:
        """`data` is what the file holds."""
        self._data = data
        self._pos = 0
        self._open = False

    @property
    def storage(self) -> Storage:
        """Everything is copied."""
        return Storage.TEMPORARY

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self._data)

    def prepare(self) -> int:
        """Opens the file."""
        self._open = True
        return 0

    def seek(self, pos: int) -> int:
        """Only inside of the file."""
        if not self._open or pos > len(self._data):
            return -Errno.EINVAL
        self._pos = pos
        return 0

    def read(self, size: int) -> bytes | int:
        """All or nothing."""
        if not self._open or self._pos + size > len(self._data):
            return -Errno.EINVAL
        self._pos += size
        return self._data[self._pos - size : self._pos]

    def peek(self, pos: int) -> int | None:  # noqa: ARG002  # the interface has it
        """Files aren't in memory."""
        return None

    def finalize(self) -> None:
        """Closes the file."""
        self._open = False
