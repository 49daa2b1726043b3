# SPDX-License-Identifier: Apache-2.0
"""What the debugger reads: every symbol, and the debug sections with their addresses put in.

None of it is loaded; it goes into the unstripped twin of a blob.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import NamedTuple

from west_llext.arch.formula import evaluate
from west_llext.arch.table import RangeError, Row
from west_llext.link.job import Job
from west_llext.link.pairs import joined, open_spaces, put_sum
from west_llext.link.targets import Kind
from west_llext.model.elf import (
    SHF_ALLOC,
    SHF_COMPRESSED,
    SHF_GROUP,
    SHN_ABS,
    SHN_UNDEF,
    STB_LOCAL,
    STT_FILE,
    STT_FUNC,
    STT_NOTYPE,
    STT_SECTION,
    ObjectFile,
    Relocation,
    Section,
    SectionType,
    Symbol,
)
from west_llext.model.link import DebugSection, OutputSection
from west_llext.model.region import Region
from west_llext.model.rows import in_columns, symbol_columns
from west_llext.record import record

#: Compressed sections are left out from the one on with which all of them unpack to more, or to so
#: many times the bytes of the object: those of a compiler have shrunk to a third.
MAX_UNPACKED = 1 << 28
_MAX_RATIO = 64

#: Address of the first section in a twin whose sections have none.
_FIRST = 1 << 16
_NAMELESS = frozenset({STT_SECTION, STT_FILE})
_ALIGNMENTS = frozenset({1, 2, 4, 8, 16})
_COMPRESSION_HEADER = {32: 12, 64: 24}  # bytes of Elf32_Chdr and Elf64_Chdr (gABI chapter 4)


def twin_symbols(job: Job, numbers: dict[Region, int]) -> Sequence[Symbol]:
    """Symbols for the twin: one for each section, then the object's own, locals first.

    numbers: index of each region's section
    """
    places = [numbers.get(region, -1) + 1 for region in Region]
    absolute = Kind.ABSOLUTE
    local = [
        ("", 0, 0, STB_LOCAL << 4 | STT_SECTION, 0, number + 1)
        for number in sorted(numbers.values())
    ]
    named: list[tuple[str, int, int, int, int, int]] = []
    names, _, sizes, infos, others, _ = symbol_columns(job.obj.symbols)
    rows = zip(names, sizes, infos, others, job.targets, strict=False)  # some targets have no name
    for name, size, info, other, (kind, _, value, thumb, _, region, provider) in rows:
        if not name or info & 15 in _NAMELESS:
            continue
        address, section = value | thumb, SHN_ABS
        if region is not None:
            section = places[region]
        elif kind is Kind.PEER:
            address = job.peer_address(provider or "", name)
        elif kind is not absolute:
            address, section = 0, SHN_UNDEF
        (named if info >> 4 else local).append((name, address, size, info, other, section))
    for stub in job.stubs.all:
        form, section = stub.form, numbers[Region.TEXT] + 1
        name = f"__veneer_{job.targets[stub.target].name}"
        local.append((name, stub.offset | form.thumb, len(form.code), STT_FUNC, 0, section))
        for mark, offset in zip(form.marks, (form.entry, form.target_offset), strict=False):
            local.append((mark, stub.offset + offset, 0, STT_NOTYPE, 0, section))
    return in_columns(Symbol, local + named)


def debug_addresses(sections: Sequence[OutputSection], bits: int) -> tuple[int, ...]:
    """Addresses for sections that have none, in the twin that gdb can't relocate itself.

    None is 0, which gdb takes for that of code that a linker has dropped. Empty where addresses of
    so many bits don't suffice.
    """
    found: list[int] = []
    end = _FIRST
    for section in sections:
        start = -(-end // section.align) * section.align
        found.append(start)
        end = start + section.size
    return () if end >> bits else tuple(found)


def debug_sections(
    job: Job, numbers: dict[Region, int], addresses: Mapping[Region, int]
) -> tuple[DebugSection, ...]:
    """The object's debug sections and build attributes, relocated as far as addresses are known.

    numbers: index of each region's section; addresses: of each region, or empty

    Those of one name become one section, as a linker would do it: what refers to another debug
    section does so by an offset from the start of its name.
    """
    return _Debug(job, numbers, addresses).sections()


@record(slots=True)
class _Merged:
    # Sections of one name, one behind the other.
    first: Section
    align: int = 1
    content: bytearray = field(default_factory=bytearray)
    left: list[Relocation] = field(default_factory=list)

    def add(self, section: Section, content: bytes) -> int:
        align = section.align if section.align in _ALIGNMENTS else 1
        self.align = max(self.align, align)
        self.content += bytes(-len(self.content) % align)
        start = len(self.content)
        self.content += content
        return start


class _Place(NamedTuple):
    # Where a symbol is: S, T, and the section of the twin that S counts from, 0 for an address.
    S: int
    T: int
    number: int


#: What was left out has no address.
_NOWHERE = _Place(0, 0, 0)


class _Debug:
    # What is read by debuggers alone; a class because each step needs the same tables.

    def __init__(
        self, job: Job, numbers: dict[Region, int], addresses: Mapping[Region, int]
    ) -> None:
        self.job = job
        self.numbers = numbers
        self.addresses = addresses
        self.merged: dict[str, _Merged] = {}
        # by input section: its offset in the merged one, and its size
        self.parts: dict[int, tuple[int, int]] = {}

    def sections(self) -> tuple[DebugSection, ...]:
        for index, section, content in _contents(self.job.obj):
            whole = self.merged.setdefault(section.name, _Merged(section))
            self.parts[index] = whole.add(section, content), len(content)
        for index, part in self.parts.items():
            whole = self.merged[self.job.obj.sections[index].name]
            self.section(whole, part, self.job.obj.relocations.get(index, ()))
        return tuple(
            DebugSection(
                name=name,
                type=whole.first.type,
                flags=whole.first.flags & ~(SHF_COMPRESSED | SHF_GROUP),
                align=whole.align,
                content=bytes(whole.content),
                relocations=tuple(whole.left),
            )
            for name, whole in self.merged.items()
        )

    def section(self, whole: _Merged, part: tuple[int, int], rows: Sequence[Relocation]) -> None:
        # Applies what it can; the rest is against the region's section symbol. What can't be
        # expressed (damaged debug information) stays as it is: it costs a line number at most.
        joins = self.job.machine.joins
        for index, relocation in enumerate(rows):
            row = self.row(whole, part, relocation)
            if row is None:
                continue
            if relocation.type in joins:
                self.difference(whole, part, joined(rows, index, joins))
            else:
                self.single(whole, part[0] + relocation.offset, row, relocation)

    def row(self, whole: _Merged, part: tuple[int, int], relocation: Relocation) -> Row | None:
        # what to do, where that is known and its place is inside
        row = self.job.machine.rows.get(relocation.type)
        if not isinstance(row, Row):
            return None
        size = self.job.codec.extent(row, whole.content, part[0] + relocation.offset)
        return row if relocation.offset + size <= part[1] else None

    def single(self, whole: _Merged, P: int, row: Row, relocation: Relocation) -> None:
        job = self.job
        word = job.codec.load(row.word, whole.content, P)
        S, T, number = place = self.place(relocation.symbol)
        A = 0 if place is _NOWHERE else relocation.addend or 0
        if number and job.machine.explicit_addends:
            whole.left.append(Relocation(P, number, relocation.type, S + A))
            return
        if place is not _NOWHERE and (relocation.addend is None or row.partial):
            A += row.addend(word)
        try:
            word = row.encode(word, evaluate(row.formula, S=S, A=A, P=P, T=T))
        except RangeError:
            return
        job.codec.dump(row.word, whole.content, P, word)
        if number:
            whole.left.append(Relocation(P, number, relocation.type, None))

    def difference(
        self, whole: _Merged, part: tuple[int, int], group: Sequence[Relocation]
    ) -> None:
        # of labels of one region, so that no address is needed; empty where it was done before
        if not group:
            return
        rows = [self.row(whole, part, each) for each in group]
        sides = [
            (row, self.place(each.symbol), each) for row, each in zip(rows, group, strict=True)
        ]
        known = [(row, place, each.addend or 0) for row, place, each in sides if row is not None]
        spaces = open_spaces((row, place.number) for row, place, _ in known)
        if len(known) < len(group) or spaces - {0}:
            return
        parts = [(row, place.S, 0 if place is _NOWHERE else A) for row, place, A in known]
        with suppress(RangeError):
            put_sum(self.job.codec, whole.content, part[0] + group[0].offset, parts)

    def place(self, index: int) -> _Place:
        # of a symbol
        target, symbol = self.job.targets[index], self.job.obj.symbols[index]
        if target.kind is Kind.OWN and target.region is not None:
            if self.addresses:
                return _Place(target.value + self.addresses[target.region], target.thumb, 0)
            return _Place(target.value, target.thumb, self.numbers[target.region] + 1)
        if target.kind is Kind.UNLOADED and symbol.section in self.parts:
            return _Place(symbol.value + self.parts[symbol.section][0], 0, 0)
        if target.kind is Kind.ABSOLUTE:
            return _Place(target.value, target.thumb, 0)
        return _NOWHERE


def _contents(obj: ObjectFile) -> Iterator[tuple[int, Section, bytes]]:
    left = min(MAX_UNPACKED, _MAX_RATIO * len(obj.data))
    for index, section in enumerate(obj.sections):
        if section.flags & SHF_ALLOC or not section.size:
            continue
        if section.type == SectionType.ARM_ATTRIBUTES:
            yield index, section, obj.content(index)
        if section.type != SectionType.PROGBITS or not section.name.startswith(".debug_"):
            continue
        content: bytes | None = obj.content(index)
        if section.flags & SHF_COMPRESSED:
            content = _unpacked(obj.content(index), obj.ident.bits, left)
            left -= len(content or b"")
        if content is not None:
            yield index, section, content


def _unpacked(content: bytes, bits: int, limit: int) -> bytes | None:
    # None where it is damaged or larger
    stream = zlib.decompressobj()
    try:
        # a limit of 0 would be none
        unpacked = stream.decompress(content[_COMPRESSION_HEADER[bits] :], limit + 1)
    except zlib.error:
        return None
    return unpacked if stream.eof and len(unpacked) <= limit else None
