# SPDX-License-Identifier: Apache-2.0
"""The images in a target's memory, and the pages that they take in the emulator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from west_llext.diagnostics import LlextError
from west_llext.emulate import findings, memory
from west_llext.emulate.engine import Engine
from west_llext.emulate.faults import Place
from west_llext.emulate.image import Image, overlaps
from west_llext.emulate.machine import Machine
from west_llext.emulate.memory import Access, Pages, Range
from west_llext.emulate.places import place
from west_llext.emulate.qemu import QemuEngine
from west_llext.model.elf import Ident

#: Most parts of memory with nothing, or with other access, between them: for each one more the
#: emulator looks through all of them, over and over.
MAX_PARTS = 1024


class Mapping(NamedTuple):
    """A part of memory: whose it is, what it is called there, and where it is."""

    image: str
    chunk: str
    range: Range


def data_at(regions: Iterable[Mapping], address: int) -> str | None:
    """The part of memory around an address, where nothing can be executed; None for any other.

    regions: as `Mapped.regions` has them, so that the last is the innermost
    """
    around = [each for each in regions if each.range.start <= address < each.range.end]
    if not around or around[-1].range.access & Access.EXECUTE:
        return None
    return around[-1].chunk


class Mapped:
    """Images that were put into an emulator's memory; `pages` are those that they take."""

    def __init__(
        self, *, engine: Engine | QemuEngine, machine: Machine, ident: Ident, limit: int
    ) -> None:
        """`limit` bytes of memory are allowed for all images."""
        self._engine = engine
        self._machine = machine
        self._ident = ident
        self._limit = limit
        self._images: list[Image] = []
        self.pages: Pages = {}

    def __iter__(self) -> Iterator[Image]:
        """The images, the first first."""
        return iter(self._images)

    def refuse(self, image: Image) -> None:
        """Raise LlextError where an image can't be put there (X005, X006, X007)."""
        ours, theirs = self._ident, image.ident
        if (theirs.machine, theirs.bits, theirs.little) != (ours.machine, ours.bits, ours.little):
            raise LlextError([findings.other_machine(image, ours)])
        size = sum(chunk.size for chunk in image.chunks)
        grown = {} if size > self._limit else self._grown(image)
        if size > self._limit or len(grown) * memory.PAGE > self._limit:
            raise LlextError([findings.too_large(image, self._limit)])
        if sum(1 for _ in memory.runs(grown)) > MAX_PARTS:
            raise LlextError([findings.too_scattered(image, MAX_PARTS)])
        found = [findings.overlap(each) for each in overlaps([*self._images, image])]
        found += [
            findings.behind_memory(image, chunk, self._machine.mask)
            for chunk in image.chunks
            if chunk.end > self._machine.mask + 1
        ]
        if found:
            raise LlextError(found)

    def add(self, image: Image) -> None:
        """Put an image there."""
        grown = self._grown(image)
        new = {number: access for number, access in grown.items() if number not in self.pages}
        changed = {
            number: access
            for number, access in grown.items()
            if self.pages.get(number, access) != access
        }
        for each in memory.runs(new):
            self._engine.map(each)
        for each in memory.runs(changed):
            self._engine.protect(each)
        for chunk in image.chunks:
            lent = any(other.lends(chunk.address, chunk.end) for other in self._images)
            # memory that another image lends isn't empty
            content = chunk.content.ljust(chunk.size, b"\0") if lent else chunk.content
            self._engine.write(chunk.address, content)
        self._engine.written_code()
        self.pages = grown
        self._images.append(image)

    def place(self, address: int) -> Place | None:
        """Where in the images an address is; bits that say how to execute it don't count."""
        mask = self._machine.state_mask
        return place(self._images, address & ~mask, mask)

    def call_place(self, back: int) -> Place | None:
        """The same of a return address, with the source line of the call in front of it."""
        found, call = self.place(back), self.place((back & ~self._machine.state_mask) - 1)
        return found if found is None or call is None else replace(found, line=call.line)

    def regions(self) -> tuple[Mapping, ...]:
        """What is where, by address."""
        found = [
            Mapping(image.name, chunk.name, Range(chunk.address, chunk.end, chunk.access))
            for image in self._images
            for chunk in image.chunks
        ]
        return tuple(sorted(found, key=lambda each: (each.range.start, -each.range.end)))

    def is_hollow(self, address: int) -> bool:
        """Whether an address is in an image whose memory nobody knows."""
        return any(
            chunk.address <= address < chunk.end
            for image in self._images
            if image.hollow
            for chunk in image.chunks
        )

    def _grown(self, image: Image) -> dict[int, Access]:
        ranges = (Range(each.address, each.end, each.access) for each in image.chunks)
        return memory.pages(ranges, self.pages)
