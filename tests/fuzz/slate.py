# SPDX-License-Identifier: Apache-2.0
"""What a worker writes down before each input, so that it is known even when the worker dies."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

#: executions so far, bytes of the input
_HEAD = struct.Struct("<QQ")


class Note(NamedTuple):
    """What a slate says.

    executions: inputs so far, `data` included
    data: the input that was begun last
    """

    executions: int
    data: bytes


class Slate:
    """A file that is memory of two processes: whoever writes doesn't wait."""

    def __init__(self, path: Path, longest: int) -> None:
        """`longest`: most bytes of an input; the file is made where there is none."""
        self._longest = longest
        with path.open("a+b") as file:
            file.truncate(_HEAD.size + longest)
            self._bytes = mmap.mmap(file.fileno(), _HEAD.size + longest)

    def put(self, note: Note) -> None:
        """Write an input down."""
        data = note.data[: self._longest]
        self._bytes[_HEAD.size : _HEAD.size + len(data)] = data
        _HEAD.pack_into(self._bytes, 0, note.executions, len(data))

    def note(self) -> Note:
        """What was written last."""
        executions, size = _HEAD.unpack_from(self._bytes)
        return Note(executions, self._bytes[_HEAD.size : _HEAD.size + size])
