# SPDX-License-Identifier: Apache-2.0
"""The pages of docs/codes, which say what each diagnostic code means."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

#: What a code is about, by its first letter.
FAMILIES: Mapping[str, str] = {
    "M": "manifest",
    "S": "symbols",
    "R": "relocations",
    "L": "loader and its files",
    "P": "placement",
    "B": "base image",
    "T": "toolchain",
    "I": "identity",
    "O": "outputs",
    "X": "emulator",
}


@functools.cache
def page(code: str) -> str | None:
    """The page of a code, as Markdown; None where the installation has none.

    It is beside this package in a wheel, and in the documentation of a checkout.
    """
    package = Path(__file__).parent.parent
    for folder in (package / "codes", package.parent / "docs" / "codes"):
        path = folder / f"{code}.md"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return None


def title(code: str) -> str | None:
    """What a code means, in a few words; None where the installation doesn't know."""
    text = page(code)
    if text is None:
        return None
    return text.partition("\n")[0].removeprefix("#").partition(":")[2].strip() or None


def meaning(code: str) -> str | None:
    """What a code means, in some sentences; None where the installation doesn't know."""
    text = page(code)
    if text is None:
        return None
    section = text.partition("## What it means\n")[2].partition("\n## ")[0]
    return " ".join(section.split()) or None
