# SPDX-License-Identifier: Apache-2.0
"""What the loader prints: warnings and errors, as the target's log has them."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One line; level: `E` for an error, `W` for a warning."""

    level: str
    text: str


class Log:
    """Lines in the order in which they are printed."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def err(self, text: str) -> None:
        """`LOG_ERR`."""
        self.lines.append(Line("E", text))

    def wrn(self, text: str) -> None:
        """`LOG_WRN`."""
        self.lines.append(Line("W", text))
