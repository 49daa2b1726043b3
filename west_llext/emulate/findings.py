# SPDX-License-Identifier: Apache-2.0
"""Why an image can't be put into a target's memory."""

from __future__ import annotations

from pathlib import PurePath

from west_llext.diagnostics import Diagnostic, Related, Span
from west_llext.emulate.image import Chunk, Image, Overlap
from west_llext.model.elf import Ident


def other_machine(image: Image, expected: Ident) -> Diagnostic:
    """It is for another machine than what is there already."""
    return Diagnostic(
        code="X005",
        at=Span(PurePath(image.file)),
        message=f"'{image.name}' is for {described(image.ident)}, expected {described(expected)} "
        "as the base image is",
    )


def too_large(image: Image, limit: int) -> Diagnostic:
    """With it, more memory would be needed than is allowed."""
    size = sum(chunk.size for chunk in image.chunks)
    return Diagnostic(
        code="X006",
        at=Span(PurePath(image.file)),
        message=f"'{image.name}' takes {size} bytes, with what is there already more than "
        f"{limit} bytes of memory",
    )


def too_scattered(image: Image, most: int) -> Diagnostic:
    """With it, memory would be in more parts than the emulator can do with."""
    return Diagnostic(
        code="X006",
        at=Span(PurePath(image.file)),
        message=f"'{image.name}' and what is there already lie in more than {most} parts of memory "
        "that are apart, or differ in what may be done there",
        hint="place its sections beside each other",
    )


def overlap(found: Overlap) -> Diagnostic:
    """It wants addresses that another image has."""
    left, right = found.left_chunk, found.right_chunk
    return Diagnostic(
        code="X007",
        at=Span(PurePath(found.right.file)),
        message=f"'{right.name}' of '{found.right.name}' at [{right.address:#x}, {right.end:#x}) "
        f"overlaps '{left.name}' of '{found.left.name}' at [{left.address:#x}, {left.end:#x})",
        related=(
            Related(at=Span(PurePath(found.left.file)), message=f"'{left.name}' is in this file"),
        ),
    )


def behind_memory(image: Image, chunk: Chunk, last: int) -> Diagnostic:
    """It wants addresses that the machine doesn't have."""
    return Diagnostic(
        code="X007",
        at=Span(PurePath(image.file)),
        message=f"'{chunk.name}' of '{image.name}' at [{chunk.address:#x}, {chunk.end:#x}) "
        f"goes beyond the machine's last address {last:#x}",
    )


def described(ident: Ident) -> str:
    """A machine, as messages call it."""
    order = "little" if ident.little else "big"
    return f"machine {ident.machine} ({ident.bits} bits, {order} endian)"
