# SPDX-License-Identifier: Apache-2.0
"""What a target has in memory besides its images: a stack, a heap, a place to return to."""

from __future__ import annotations

from itertools import accumulate
from pathlib import PurePath
from typing import NamedTuple

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.emulate.image import Chunk, Image
from west_llext.emulate.limits import Limits
from west_llext.emulate.machine import Machine
from west_llext.emulate.memory import PAGE, Access, Pages, Range, overlaps
from west_llext.model.elf import Ident

_READ_WRITE = Access.READ | Access.WRITE
_READ_EXECUTE = Access.READ | Access.EXECUTE

#: Bytes below the stack where nothing is.
GUARD = 16 * PAGE
#: Bytes between two stand-ins.
SLOT = 16


class Scratch(NamedTuple):
    """Where things are; below the stack nothing is, so that an overflow is seen.

    returns: a page of its own: a call is over when it comes here
    slots: addresses for stand-ins of functions that no image has
    arguments: what pointers among arguments point to
    """

    stack: Range
    returns: Range
    slots: Range
    heap: Range
    arguments: Range

    def image(self, ident: Ident) -> Image:
        """It as an image, so that it is mapped and kept free as others are."""
        names = ("stack", "return", "stand-ins", "heap", "arguments")
        return Image(
            name="the emulator's stack and heap",
            file="emulator",
            ident=ident,
            chunks=tuple(
                Chunk(name, part.start, part.end - part.start, b"", part.access)
                for name, part in zip(names, self, strict=True)
            ),
            exports={},
        )


def scratch(machine: Machine, known: Pages, limits: Limits) -> Scratch:
    """The first place for it that no image uses; raises LlextError (X007) where there is none."""
    sizes = (_rounded(limits.stack), PAGE, PAGE, _rounded(limits.heap), _rounded(limits.arguments))
    for start in machine.scratch:
        edges = tuple(accumulate(sizes, initial=start))
        if not overlaps(known, start - GUARD, edges[-1]):
            return Scratch(
                stack=Range(edges[0], edges[1], _READ_WRITE),
                returns=Range(edges[1], edges[2], _READ_EXECUTE),
                slots=Range(edges[2], edges[3], _READ_EXECUTE),
                heap=Range(edges[3], edges[4], _READ_WRITE),
                arguments=Range(edges[4], edges[5], _READ_WRITE),
            )
    tried = ", ".join(f"{start:#x}" for start in machine.scratch)
    finding = Diagnostic(
        code="X007",
        at=Span(PurePath("emulator")),
        message=f"no room for a stack and a heap: the images use memory at each of {tried}",
    )
    raise LlextError([finding])


def _rounded(size: int) -> int:
    return max(1, -(-size // PAGE)) * PAGE
