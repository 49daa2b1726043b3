# SPDX-License-Identifier: Apache-2.0
"""Decisions out of bytes, so that whoever changes the bytes changes the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Choices:
    """A row of decisions; behind the last byte all are the first choice."""

    def __init__(self, data: bytes) -> None:
        """`data` decides."""
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """0 to 255."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, limit: int) -> int:
        """0 to `limit` - 1, which is 65535 at most."""
        number = self.byte() if limit <= 256 else self.byte() << 8 | self.byte()
        return number % limit

    def one(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.below(len(items))]

    def once_in(self, times: int) -> bool:
        """Whether something is to happen that happens so rarely; never behind the last byte."""
        return self.below(times) == times - 1

    def rest(self) -> bytes:
        """The bytes that nothing was decided by."""
        found = self._data[self._at :]
        self._at = len(self._data)
        return found
