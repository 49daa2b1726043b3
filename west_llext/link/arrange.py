# SPDX-License-Identifier: Apache-2.0
"""Which input section goes where: one output section a region, in the loader's order.

Zephyr's loader classifies sections by type and flags, wants every region in one piece, takes one
NOBITS section only and refuses relocations against sections that it doesn't load (.ARM.exidx). It
is spared all of that here: sections are merged by region and the rest is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field

from west_llext.arch.machine import Machine
from west_llext.diagnostics import Diagnostic
from west_llext.link.places import place_of
from west_llext.model.elf import (
    GRP_COMDAT,
    SHF_ALLOC,
    SHF_EXCLUDE,
    SHF_EXECINSTR,
    SHF_TLS,
    SHF_WRITE,
    SHN_COMMON,
    FileType,
    ObjectFile,
    Section,
    SectionType,
)
from west_llext.model.region import Region
from west_llext.model.rows import symbol_columns
from west_llext.record import record

EXPORT_SECTION = ".exported_sym"
MAX_ALIGNMENT = 1 << 16
#: Bytes that alignment may add to a region: sections of a byte each would make gigabytes of a file
#: of megabytes.
MAX_PADDING = 16 << 20

SECTION_NAMES = {
    Region.TEXT: ".text",
    Region.DATA: ".data",
    Region.RODATA: ".rodata",
    Region.BSS: ".bss",
    Region.EXPORT: EXPORT_SECTION,
    Region.PREINIT: ".preinit_array",
    Region.INIT: ".init_array",
    Region.FINI: ".fini_array",
}

_BY_TYPE: Mapping[int, Region] = {
    SectionType.NOBITS: Region.BSS,
    SectionType.PREINIT_ARRAY: Region.PREINIT,
    SectionType.INIT_ARRAY: Region.INIT,
    SectionType.FINI_ARRAY: Region.FINI,
}

#: What has no bytes in the file can't be read, whatever its name promises.
_WITHOUT_BYTES = frozenset({SectionType.NULL, SectionType.NOBITS})

_ARRAYS = frozenset({Region.PREINIT, Region.INIT, Region.FINI})
#: Regions without gaps: the target takes all of their words for entries.
_LISTS = _ARRAYS | {Region.EXPORT}

#: Unwind tables (.eh_frame is PROGBITS, so the loader would copy it); nothing unwinds extensions.
_UNWIND = (".eh_frame", ".gcc_except_table", ".ARM.extab")


@record(slots=True)
class Output:
    """An output section while it grows.

    pieces: (input section index, or -1 for what the link makes; offset; size)
    """

    region: Region
    align: int = 1
    size: int = 0
    pieces: list[tuple[int, int, int]] = field(default_factory=list)

    def put(self, *, source: int, size: int, align: int, offset: int) -> int:
        """Add a piece where it has to be, behind all others; returns its offset."""
        self.pieces.append((source, offset, size))
        self.size = offset + size
        self.align = max(self.align, align)
        return offset

    def add(self, *, source: int, size: int, align: int) -> int:
        """Append a piece; returns its offset."""
        align = max(align, 1)
        offset = (self.size + align - 1) & -align
        return self.put(source=source, size=size, align=align, offset=offset)


@record(slots=True)
class Arrangement:
    """Where everything of one object lies.

    outputs: by region, those that have something in them
    home: for each input section its region and offset there; None where it isn't loaded
    commons: for each COMMON symbol (by index) its offset in BSS
    """

    outputs: dict[Region, Output]
    home: list[tuple[Region, int] | None]
    commons: dict[int, int]

    def output(self, region: Region) -> Output:
        """The output of a region, made if there is none yet."""
        return self.outputs.setdefault(region, Output(region=region))


def region_of(section: Section) -> Region | None:
    """The region that the loader puts a section in; None where it isn't loaded."""
    if not section.flags & SHF_ALLOC or section.flags & (SHF_TLS | SHF_EXCLUDE):
        return None
    if section.name == EXPORT_SECTION and section.type not in _WITHOUT_BYTES:
        return Region.EXPORT
    if section.type != SectionType.PROGBITS:
        return _BY_TYPE.get(section.type)
    if section.name.startswith(_UNWIND):
        return None
    if section.flags & SHF_EXECINSTR:
        return Region.TEXT
    return Region.DATA if section.flags & SHF_WRITE else Region.RODATA


def arrangement(obj: ObjectFile, machine: Machine) -> tuple[Arrangement, list[Diagnostic]]:
    """Every loaded section and COMMON symbol of an object in its place."""
    findings: list[Diagnostic] = []
    dropped = _duplicates(obj)
    members: dict[Region, list[int]] = {region: [] for region in SECTION_NAMES}
    for index, section in enumerate(obj.sections):
        if section.flags & SHF_TLS and section.size:
            findings.append(_tls(obj, section))
        region = region_of(section)
        if region is None or index in dropped:
            continue
        if section.align and not _is_alignment(section.align):
            findings.append(_alignment(obj, f"section '{section.name}'", section.align))
            continue
        if region in _ARRAYS and section.size % (obj.ident.bits // 8):
            findings.append(_array(obj, section))
        if section.size:
            members[region].append(index)
    home: list[tuple[Region, int] | None] = [None] * len(obj.sections)
    outputs: dict[Region, Output] = {}
    for region, indices in members.items():
        output = Output(region=region, align=machine.alignment)
        outputs[region] = output
        if obj.file_type == FileType.DYN and region not in _LISTS:
            findings += _as_linked(obj, output, indices, home)
            continue
        findings += _in_order(obj, output, _ordered(obj, region, indices, machine), home)
    _keep_empty(obj, home, outputs, dropped)
    commons = _commons(obj, outputs[Region.BSS], findings)
    used = {region: output for region, output in outputs.items() if output.size}
    limit = 1 << obj.ident.bits
    findings += [_size(obj, output, limit) for output in used.values() if output.size >= limit]
    return Arrangement(outputs=used, home=home, commons=commons), findings


def _in_order(
    obj: ObjectFile,
    output: Output,
    order: Sequence[int],
    home: list[tuple[Region, int] | None],
) -> Iterator[Diagnostic]:
    # the sections of one region, one behind the other
    sections, region = obj.sections, output.region
    for index in order:
        section = sections[index]
        home[index] = region, output.add(source=index, size=section.size, align=section.align)
    if region is not Region.BSS and output.size > len(obj.data) + MAX_PADDING:
        yield _padded(obj, region)
        # padding takes no memory then while the rest of the object is looked at
        output.size = 0
        output.pieces.clear()
        for index in order:
            home[index] = region, output.add(source=index, size=sections[index].size, align=1)


def _as_linked(
    obj: ObjectFile,
    output: Output,
    indices: Sequence[int],
    home: list[tuple[Region, int] | None],
) -> Iterator[Diagnostic]:
    # the sections of a linked file in one region, at the distances that they have in memory
    sections = obj.sections
    order = sorted(indices, key=lambda index: sections[index].addr)
    align = max([output.align, *(sections[index].align for index in indices)])
    start = sections[order[0]].addr & -align if order else 0
    for number, index in enumerate(order):
        section = sections[index]
        before = sections[order[number - 1]] if number else section
        if number and not _as_in_the_file(before, section):
            yield _apart(obj, before, section)
            continue
        offset = section.addr - start
        home[index] = (
            output.region,
            output.put(source=index, size=section.size, align=section.align, offset=offset),
        )


def _as_in_the_file(before: Section, section: Section) -> bool:
    # the loader's own condition; of sections without bytes: one begins where the other ends
    gap = section.addr - before.addr - before.size
    if section.type == SectionType.NOBITS:
        return 0 <= gap < max(section.align, 1)
    return gap >= 0 and section.addr - before.addr == section.offset - before.offset


def _duplicates(obj: ObjectFile) -> set[int]:
    # members of COMDAT groups whose signature an earlier group had (gABI chapter 4, section groups)
    seen: set[str] = set()
    dropped: set[int] = set()
    for signature, flags, members in obj.groups:
        if not flags & GRP_COMDAT:
            continue
        if signature in seen:
            dropped.update(members)
        seen.add(signature)
    return dropped


def _ordered(obj: ObjectFile, region: Region, indices: list[int], machine: Machine) -> list[int]:
    if region in _ARRAYS:
        return _by_priority(obj, indices)
    if region is Region.TEXT and machine.literals is not None:
        return _literals_first(obj, indices, machine.literals)
    return indices


def _literals_first(
    obj: ObjectFile, indices: list[int], literals: Callable[[str], str]
) -> list[int]:
    # each section of literals right in front of its code, those without any where they are; those
    # of code in a group have the name of the group's signature, whatever the code's section has
    groups = {
        member: f".literal.{signature}"
        for signature, _, members in obj.groups
        for member in members
    }
    pools: dict[str, list[int]] = {}
    for index in indices:
        pools.setdefault(obj.sections[index].name, []).append(index)
    wanted: dict[int, list[str]] = {}
    for index in indices:
        name = obj.sections[index].name
        names = {literals(name): None, groups.get(index, name): None}
        wanted[index] = [each for each in names if each != name and each in pools]
    taken = {each for names in wanted.values() for name in names for each in pools[name]}
    order: list[int] = []
    for index in indices:
        if index not in taken:
            for name in wanted[index]:
                order += pools.pop(name, ())
            order.append(index)
    return order


def _by_priority(obj: ObjectFile, indices: list[int]) -> list[int]:
    # .init_array.00100 before .init_array.00200 before .init_array, else input order
    def key(index: int) -> tuple[int, int]:
        suffix = obj.sections[index].name.rpartition(".")[2]
        return (int(suffix) if suffix.isdecimal() and len(suffix) < 10 else 1 << 30), index

    return sorted(indices, key=key)


def _keep_empty(
    obj: ObjectFile,
    home: list[tuple[Region, int] | None],
    outputs: dict[Region, Output],
    dropped: set[int],
) -> None:
    # symbols may live in empty sections (labels); these lie at the end of their region, and
    # nowhere where the region is empty, because the loader skips it then
    for index, section in enumerate(obj.sections):
        if section.size == 0 and home[index] is None and index not in dropped:
            region = region_of(section)
            if region is not None and outputs[region].size:
                home[index] = region, outputs[region].size


def _commons(obj: ObjectFile, bss: Output, findings: list[Diagnostic]) -> dict[int, int]:
    # in order of alignment, the largest first, so that there are no gaps; those without a size are
    # nowhere where the region is empty, as labels are (`_keep_empty`)
    found = []
    for index, section in enumerate(symbol_columns(obj.symbols).sections):
        if section != SHN_COMMON:
            continue
        symbol = obj.symbols[index]
        if _is_alignment(symbol.value):
            found.append((-symbol.value, index))
        else:
            findings.append(_alignment(obj, f"COMMON symbol '{symbol.name}'", symbol.value))
    places = {
        index: bss.add(source=-1, size=obj.symbols[index].size, align=-minus_align)
        for minus_align, index in sorted(found)
    }
    return places if bss.size else {}


def _tls(obj: ObjectFile, section: Section) -> Diagnostic:
    return Diagnostic(
        code="L010",
        at=place_of(obj),
        message=f"section '{section.name}' defines thread-local variables ({section.size} bytes), "
        "the loader gives an extension none",
        hint="make them ordinary variables, or define them in the base image",
    )


def _apart(obj: ObjectFile, before: Section, section: Section) -> Diagnostic:
    return Diagnostic(
        code="L014",
        at=place_of(obj),
        message=f"section '{section.name}' is at {section.addr:#x} and '{before.name}' at "
        f"{before.addr:#x}, which isn't how far they are apart in the file",
        hint="link the shared object with the linker's own script",
    )


def _is_alignment(value: int) -> bool:
    return 0 < value <= MAX_ALIGNMENT and not value & (value - 1)


def _alignment(obj: ObjectFile, what: str, value: int) -> Diagnostic:
    return Diagnostic(
        code="L011",
        at=place_of(obj),
        message=f"{what} has alignment {value:#x}, expected a power of two up to "
        f"{MAX_ALIGNMENT:#x}",
    )


def _array(obj: ObjectFile, section: Section) -> Diagnostic:
    return Diagnostic(
        code="L013",
        at=place_of(obj),
        message=f"section '{section.name}' has {section.size} bytes, expected pointers of "
        f"{obj.ident.bits // 8}",
    )


def _size(obj: ObjectFile, output: Output, limit: int) -> Diagnostic:
    return Diagnostic(
        code="L012",
        at=place_of(obj),
        message=f"{output.region.label} has {output.size:#x} bytes, expected fewer than {limit:#x}",
    )


def _padded(obj: ObjectFile, region: Region) -> Diagnostic:
    return Diagnostic(
        code="L012",
        at=place_of(obj),
        message=f"the alignment of its sections adds more than {MAX_PADDING >> 20} MiB to "
        f"{region.label}",
        hint="align fewer of them to so much",
    )
