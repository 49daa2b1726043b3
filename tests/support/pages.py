# SPDX-License-Identifier: Apache-2.0
"""Pages of the documentation, and what they show: files to write, and sessions of a shell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"(?://|#) (\S+\.\w+)\n")
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+(?:\.\d+)?")
#: What stands for output that a page leaves out.
REST = "…"


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str

    @property
    def name(self) -> str | None:
        """The file that it is, where the first line says so in a comment."""
        match = _NAMED.match(self.text)
        return match[1] if match else None


class Shown(NamedTuple):
    """A command that a page shows, with what it prints."""

    command: str
    output: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(*each) for each in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def session(text: str) -> Iterator[Shown]:
    """The commands of a block in the language `console`."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Shown(command, output)


def agrees(shown: str, printed: str, *, exact: bool) -> bool:
    """Whether a command printed what a page shows.

    exact: numbers and columns count as well, which depend on the compiler in some outputs
    """
    if shown.endswith(f"{REST}\n"):
        shown = shown.removesuffix(f"{REST}\n")
        printed = "".join(printed.splitlines(keepends=True)[: shown.count("\n")])
    if exact:
        return shown == printed
    return _shape(shown) == _shape(printed)


def _shape(text: str) -> list[str]:
    return [" ".join(_NUMBER.sub("N", line).split()) for line in text.splitlines()]
