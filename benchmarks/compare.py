# SPDX-License-Identifier: Apache-2.0
"""Whether both sides did the same work: the bytes that they linked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import elf32


class DifferentError(Exception):
    """Both sides made different bytes; the text says where."""


def compared(names: Sequence[str], blobs: Path, linked: Path) -> str:
    """What was compared and found equal, as a sentence; raises DifferentError.

    A blob may have more at the end of .rodata: the names of its exports.

    blobs: our output folder; linked: the one of GNU ld, NAME.elf for each extension
    """
    count = sections = size = 0
    for name in names:
        ours = elf32.loaded((blobs / f"{name}.llext").read_bytes())
        for label, theirs in elf32.loaded((linked / f"{name}.elf").read_bytes()).items():
            own = ours[label]
            equal = own.content[: len(theirs.content)] == theirs.content
            if (
                own.addr != theirs.addr
                or not equal
                or (own.size != theirs.size and label[1] != "r")
            ):
                raise DifferentError(f"section '{label}' of '{name}' isn't what GNU ld makes of it")
            sections += 1
            size += theirs.size
        count += 1
    return f"equal bytes at equal addresses: {count} extensions, {sections} sections, {size} bytes"
