# SPDX-License-Identifier: Apache-2.0
"""A place in a symbol, and how far reading it has come."""

from __future__ import annotations

from west_llext.cxx.types import Unreadable

#: Deepest nesting of types and names.
MAX_DEPTH = 40
_MAX_DIGITS = 6
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Cursor:
    """Reads letter by letter, never back."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def peek(self, count: int = 1) -> str:
        """The next letters; fewer at the end."""
        return self.text[self.at : self.at + count]

    def taken(self, word: str) -> bool:
        """Whether `word` came next; it is read then."""
        if not self.text.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def expect(self, word: str) -> None:
        """Read `word`."""
        if not self.taken(word):
            raise Unreadable

    def take(self, count: int) -> str:
        """Read so many letters."""
        found = self.peek(count)
        if len(found) < count:
            raise Unreadable
        self.at += count
        return found

    def digits(self) -> str:
        """Read decimal digits; there may be none."""
        start = self.at
        while self.peek() in _BASE36[:10] and self.peek():
            self.at += 1
        return self.text[start : self.at]

    def number(self) -> int:
        """Read a decimal number."""
        found = self.digits()
        if not 0 < len(found) <= _MAX_DIGITS:
            raise Unreadable
        return int(found)

    def ordinal(self) -> int:
        """Read `_`, `0_`, `1_`: the decimal numbers 0, 1, 2."""
        found = 0 if self.peek() == "_" else self.number() + 1
        self.expect("_")
        return found

    def sequence(self) -> int:
        """Read `_`, `0_` up to `Z_`, `10_`: likewise, to base 36."""
        start = self.at
        while self.peek() in _BASE36 and self.peek():
            self.at += 1
        found = self.text[start : self.at]
        self.expect("_")
        if len(found) > _MAX_DIGITS:
            raise Unreadable
        return int(found, 36) + 1 if found else 0

    def enter(self) -> None:
        """Go one level deeper."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable

    def leave(self) -> None:
        """Come back from a level."""
        self.depth -= 1
