# SPDX-License-Identifier: Apache-2.0
"""Where the memory of a loaded extension goes, and what would make it less."""

from __future__ import annotations

from typing import NamedTuple

from west_llext.loader.extension import Llext
from west_llext.loader.system import System


class Advice(NamedTuple):
    """A way to save memory on the target.

    saved: bytes of the heap, at least
    """

    saved: int
    action: str


#: Less isn't worth a word.
WORTH = 16


def advice(system: System, ext: Llext) -> tuple[Advice, ...]:
    """Every way that saves something, the best first."""
    mem = system.target.mem
    tables = _on_heap(ext, (mem.symtab, mem.strtab, mem.shstrtab))
    fixed = _on_heap(ext, (mem.text, mem.rodata, mem.export))
    wasted = sum(
        part.size - ext.mem_size[number]
        for number, part in ext.parts.items()
        if ext.mem_on_heap[number]
    )
    found = [
        Advice(tables, "keep the file in memory (persistent storage): its tables aren't copied"),
        Advice(
            fixed,
            "apply relocations on the host (mode prelocated): code and constants stay in the file",
        ),
        Advice(wasted, "arrange regions for the memory protection: it rounds their sizes up"),
    ]
    return tuple(sorted((each for each in found if each.saved >= WORTH), reverse=True))


def _on_heap(ext: Llext, regions: tuple[int, ...]) -> int:
    return sum(ext.mem_size[number] for number in regions if ext.mem_on_heap[number])
