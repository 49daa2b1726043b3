# SPDX-License-Identifier: Apache-2.0
"""What a base image or an extension puts into a target's memory, and where its functions are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import NamedTuple

from west_llext.diagnostics import Span
from west_llext.emulate.memory import Access, Range
from west_llext.model.elf import Ident
from west_llext.record import record

#: The source line of the code at an address; None where nobody knows.
Lines = Callable[[int], Span | None]


def no_lines(_address: int) -> Span | None:
    """The source lines of an image without debug information."""
    return None


class Chunk(NamedTuple):
    """A part of memory.

    name: section, or `segment N`
    size: bytes in memory; zeros behind `content`
    """

    name: str
    address: int
    size: int
    content: bytes
    access: Access

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.size


class Function(NamedTuple):
    """A function in memory: its address (bit 0 set for Thumb), bytes (0 unknown) and name."""

    address: int
    size: int
    name: str


@record(frozen=True, slots=True, kw_only=True)
class Image:
    """A base image or an extension, as a target's memory sees it.

    name: what messages call it
    file: the file it came from, as messages call it
    chunks: in the order of the file
    exports: addresses (bit 0 set for Thumb functions) by name: of an extension those that it
        exports, of a base image all global symbols
    functions: for messages, by address
    constructors: what runs before anything else, in order; empty for a base image, which has
        start-up code for that
    destructors: what runs at the end, in order
    lent: parts of its memory that other images may be in: the heaps of the loader
    hollow: what its memory holds isn't known, so that only stand-ins can run there
    lines: where its code comes from
    """

    name: str
    file: str
    ident: Ident
    chunks: tuple[Chunk, ...]
    exports: Mapping[str, int]
    functions: tuple[Function, ...] = ()
    constructors: tuple[int, ...] = ()
    destructors: tuple[int, ...] = ()
    lent: tuple[Range, ...] = ()
    hollow: bool = False
    lines: Lines = field(default=no_lines, compare=False, repr=False)

    def lends(self, start: int, end: int) -> bool:
        """Whether an address range lies in memory that others may be in."""
        return any(each.start <= start and end <= each.end for each in self.lent)


class Overlap(NamedTuple):
    """Two chunks of different images that claim the same addresses."""

    left: Image
    left_chunk: Chunk
    right: Image
    right_chunk: Chunk

    @property
    def is_lent(self) -> bool:
        """Whether one is in memory that the other lends."""
        left, right = self.left_chunk, self.right_chunk
        return self.left.lends(right.address, right.end) or self.right.lends(left.address, left.end)


def overlaps(images: Iterable[Image]) -> Iterator[Overlap]:
    """Every chunk that begins inside a chunk of another image, by address."""
    rows = sorted(
        (
            (chunk.address, chunk.end, order, image, chunk)
            for order, image in enumerate(images)
            for chunk in image.chunks
        ),
        key=lambda row: row[:3],
    )
    reach: dict[int, tuple[Image, Chunk]] = {}  # of each image, the chunk that goes farthest
    for start, end, order, image, chunk in rows:
        for other, (other_image, other_chunk) in reach.items():
            found = Overlap(other_image, other_chunk, image, chunk)
            if other != order and start < other_chunk.end and not found.is_lent:
                yield found
        if order not in reach or end > reach[order][1].end:
            reach[order] = (image, chunk)
