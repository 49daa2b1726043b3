# SPDX-License-Identifier: Apache-2.0
"""What the target must not be given: the loader would use memory that it should not.

The result then hangs on what happens to lie there, so nothing can be predicted but harm.
"""

from __future__ import annotations

from typing import NoReturn

#: Codes of the dangers (docs/codes).
OUTSIDE, PLACE, UNKNOWN, FAULT, WORK = DANGERS = ("L021", "L022", "L023", "L024", "L025")


class Danger(Exception):  # noqa: N818  # what the input does, no failure
    """A load that must not be tried.

    code: one of the above
    message: what the loader would do, with the value and what was expected
    hint: one action that would mend it, or None
    """

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def outside(message: str) -> NoReturn:
    """Refuse what reads or writes behind a table or a file."""
    raise Danger(OUTSIDE, message)


def unknown(message: str) -> NoReturn:
    """Refuse what takes memory for data that nobody has written."""
    raise Danger(UNKNOWN, message)


def fault(message: str) -> NoReturn:
    """Refuse what stops the processor."""
    raise Danger(FAULT, message)
