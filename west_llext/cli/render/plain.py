# SPDX-License-Identifier: Apache-2.0
"""Text of strangers (names in files, messages of tools) made safe to show."""

from __future__ import annotations

import os
from pathlib import PurePath

from west_llext.diagnostics import NOWHERE, Span


def printable(text: str) -> str:
    """The text with everything spelled out that a terminal would obey or not show.

    Line ends and tabs stay: compilers write messages of several lines.
    """
    if text.isprintable():
        return text
    return "".join(map(_safe, text))


def one_line(text: str) -> str:
    """The same, with line ends and tabs spelled out as well."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _safe(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def relative_file(file: PurePath, here: str) -> str:
    """A file as somebody in the absolute folder `here` would type it, with forward slashes."""
    if file.is_absolute() and here:
        try:
            relative = os.path.relpath(file, here)
        except ValueError:  # another drive
            return file.as_posix()
        # somewhere else altogether: the way there would say less than the place
        if not relative.startswith(os.pardir + os.sep + os.pardir):
            return relative.replace(os.sep, "/")
    return file.as_posix()


def place(at: Span, here: str) -> str:
    """`file:line:column`, as far as it is known, on one line."""
    if at == NOWHERE:
        return str(at)
    span = Span(PurePath(relative_file(at.file, here)), at.line, at.column)
    return one_line(str(span))
