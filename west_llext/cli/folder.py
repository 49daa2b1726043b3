# SPDX-License-Identifier: Apache-2.0
"""The folder that a command runs in, and what is around it."""

from __future__ import annotations

import os


def here() -> str:
    """The current folder, absolute, by the name that the user's shell has for it.

    Raises MissingError (L001) where it has been removed.
    """
    try:
        return os.getcwd()  # noqa: PTH109 (pathlib would be one more import)
    except OSError as err:
        from pathlib import PurePath  # noqa: PLC0415  # rare

        from west_llext.diagnostics import Diagnostic, MissingError, Span  # noqa: PLC0415

        message = f"can't read '.': {err.strerror}"
        raise MissingError([Diagnostic(code="L001", at=Span(PurePath()), message=message)]) from err


def prefix(folder: str) -> str:
    """A folder as seen from the top of its git repository, with forward slashes.

    Empty where it is the top, or in no repository.
    """
    top = folder
    while not os.path.lexists(os.path.join(top, ".git")):  # noqa: PTH118
        above = os.path.dirname(top)  # noqa: PTH120
        if above == top:
            return ""
        top = above
    relative = os.path.relpath(folder, top)
    return "" if relative == os.curdir else relative.replace(os.sep, "/")
