# SPDX-License-Identifier: Apache-2.0
"""Memories that hold a part of the base image, which their raw images would overwrite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from west_llext.app.surroundings import occupied
from west_llext.diagnostics import Diagnostic, Severity
from west_llext.link.place import Block, Placement
from west_llext.model.base import BaseImage
from west_llext.model.manifest import Memory


def overlaid(
    placed: Placement, memories: Sequence[Memory], base: BaseImage | None
) -> Iterator[Diagnostic]:
    """A warning (P004) for each memory whose .bin reaches over a part of the base image.

    It begins at the first address of its memory, and ends behind the last extension there.
    """
    taken = occupied(base)
    blocks: dict[str, list[Block]] = {}
    for block in placed.blocks:
        blocks.setdefault(block.memory, []).append(block)
    for memory in memories:
        own = blocks.get(memory.name, ())
        end = max((each.address + each.size for each in own), default=0)
        parts = [
            (max(low, memory.address), min(high, end))
            for low, high in taken
            if low < end and memory.address < high
        ]
        if parts:
            yield _overwritten(memory, parts, min(each.address for each in own))


def _overwritten(memory: Memory, parts: Sequence[tuple[int, int]], first: int) -> Diagnostic:
    low, high = min(low for low, _ in parts), max(high for _, high in parts)
    return Diagnostic(
        code="P004",
        at=memory.at,
        message=f"'{memory.name}.bin' begins at {memory.address:#x} and has filler where the base "
        f"image is, in [{low:#x}, {high:#x}): written there, it would overwrite the base image",
        hint=f"let the memory begin at {high:#x} or above, or write '{memory.name}.hex' instead"
        if high <= first
        else f"divide the memory around that range, or write '{memory.name}.hex' instead",
        severity=Severity.WARNING,
    )
