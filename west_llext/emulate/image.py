# SPDX-License-Identifier: Apache-2.0
"""What a base image or an extension puts into a target's memory, and where its functions are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from west_llext.emulate.memory import Access
from west_llext.model.elf import Ident


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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """

    name: str
    file: str
    ident: Ident
    chunks: tuple[Chunk, ...]
    exports: Mapping[str, int]
    functions: tuple[Function, ...] = ()
    constructors: tuple[int, ...] = ()


class Overlap(NamedTuple):
    """Two chunks of different images that claim the same addresses."""

    left: Image
    left_chunk: Chunk
    right: Image
    right_chunk: Chunk


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
            if other != order and start < other_chunk.end:
                yield Overlap(other_image, other_chunk, image, chunk)
        if order not in reach or end > reach[order][1].end:
            reach[order] = (image, chunk)
