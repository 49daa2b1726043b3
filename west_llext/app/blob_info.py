# SPDX-License-Identifier: Apache-2.0
"""What a blob is, as its file says it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field

from west_llext.arch.machines import machine_of
from west_llext.base.abi import abi_of
from west_llext.elf.exported import SECTION as EXPORT_SECTION
from west_llext.elf.exported import Exported, exported
from west_llext.elf.note import Note, note
from west_llext.model.base import Abi
from west_llext.model.elf import (
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_TLS,
    SHF_WRITE,
    STB_WEAK,
    FileType,
    ObjectFile,
    Section,
    SectionType,
)
from west_llext.model.manifest import Mode
from west_llext.model.region import Region
from west_llext.record import record

_BY_TYPE = {
    SectionType.NOBITS: Region.BSS,
    SectionType.PREINIT_ARRAY: Region.PREINIT,
    SectionType.INIT_ARRAY: Region.INIT,
    SectionType.FINI_ARRAY: Region.FINI,
}
# what isn't allocated, but read by the loader
_TABLES = {
    ".symtab": Region.SYMTAB,
    ".dynsym": Region.SYMTAB,
    ".strtab": Region.STRTAB,
    ".dynstr": Region.STRTAB,
    ".shstrtab": Region.SHSTRTAB,
}


@record(frozen=True, slots=True, kw_only=True)
class SectionInfo:
    """A section that the target gets.

    region: None where the loader leaves it in the file
    size: bytes in memory
    address: None where the target decides
    relocations: how many are left for the target
    """

    name: str
    region: Region | None
    size: int
    align: int
    address: int | None
    relocations: int


@record(frozen=True, slots=True, kw_only=True)
class ExportInfo:
    """Something that the blob offers.

    name: None where the file has none that can be read
    section: where it is; None for an address
    value: byte offset in the section, or the address; bit 0 set for a Thumb function
    """

    name: str | None
    section: str | None
    value: int


@record(frozen=True, slots=True, kw_only=True)
class ImportInfo:
    """Something that the blob needs.

    address: where a bound or prelocated blob takes it to be; None where the target looks it up
    """

    name: str
    address: int | None
    weak: bool


@record(frozen=True, slots=True, kw_only=True)
class BlobInfo:
    """A blob.

    file: as messages call it; size: its bytes; digest: its SHA-256, hexadecimal
    mode: None for a blob that another tool has linked at addresses
    identity: hexadecimal; None for one that isn't made for one base image
    left: relocations for the target, by the name of their type
    """

    file: str
    size: int
    digest: str
    abi: Abi
    mode: Mode | None
    sections: tuple[SectionInfo, ...]
    exports: tuple[ExportInfo, ...]
    imports: tuple[ImportInfo, ...]
    identity: str | None
    left: Mapping[str, int] = field(default_factory=dict)

    def regions(self) -> dict[Region, int]:
        """Bytes of each region that isn't empty, in the loader's order."""
        sizes = Counter[Region]()
        for each in self.sections:
            if each.region is not None:
                sizes[each.region] += each.size
        return {region: sizes[region] for region in sorted(sizes) if sizes[region]}


def blob_info(file: ObjectFile, data: bytes) -> BlobInfo:
    """What the blob in `data` is.

    Raises LlextError (I003, I004) where its note can't be read.
    """
    found = note(file)
    return BlobInfo(
        file=file.name,
        size=len(data),
        digest=hashlib.sha256(data).hexdigest(),
        abi=abi_of(file),
        mode=_mode(file, found),
        sections=tuple(_sections(file)),
        exports=tuple(_export(file, each) for each in exported(file)),
        imports=_imports(file, found),
        identity=None if found is None else found.identity,
        left=_left(file),
    )


def _mode(file: ObjectFile, found: Note | None) -> Mode | None:
    if found is not None:
        return found.mode
    return Mode.RELOCATABLE if file.file_type == FileType.REL else None


def _sections(file: ObjectFile) -> Iterator[SectionInfo]:
    placed = file.file_type != FileType.REL
    for index, section in enumerate(file.sections):
        region = region_of(section)
        loaded = bool(section.flags & SHF_ALLOC and section.size)
        if not loaded and region is None:
            continue
        yield SectionInfo(
            name=section.name,
            region=region,
            size=section.size,
            align=section.align,
            address=section.addr if placed and loaded else None,
            relocations=len(file.relocations.get(index, ())),
        )


def region_of(section: Section) -> Region | None:
    """The region that the loader puts a section into (llext_load.c, llext_map_sections)."""
    if section.name in _TABLES:
        return _TABLES[section.name]
    if not section.flags & SHF_ALLOC or not section.size or section.flags & SHF_TLS:
        return None
    if section.name == EXPORT_SECTION:
        return Region.EXPORT
    if section.type != SectionType.PROGBITS:
        return _BY_TYPE.get(SectionType(section.type)) if section.type in _BY_TYPE else None
    if section.flags & SHF_EXECINSTR:
        return Region.TEXT
    return Region.DATA if section.flags & SHF_WRITE else Region.RODATA


def _export(file: ObjectFile, row: Exported) -> ExportInfo:
    section = None if row.section is None else file.sections[row.section].name
    return ExportInfo(name=row.name, section=section, value=row.value)


def _imports(file: ObjectFile, found: Note | None) -> tuple[ImportInfo, ...]:
    bound = () if found is None else found.symbols
    known = {name for name, _ in bound}
    open_ends = {
        each.name: each.binding == STB_WEAK
        for each in file.symbols
        if not each.section and each.name and each.name not in known
    }
    return (
        *(ImportInfo(name=name, address=address, weak=False) for name, address in bound),
        *(
            ImportInfo(name=name, address=None, weak=weak)
            for name, weak in sorted(open_ends.items())
        ),
    )


def _left(file: ObjectFile) -> dict[str, int]:
    machine = machine_of(file.ident)
    rows = {} if machine is None else machine.rows
    counts = Counter[int]()
    for index, relocations in file.relocations.items():
        if file.sections[index].flags & SHF_ALLOC or not index:
            counts.update(each.type for each in relocations)
    names = {number: rows[number].name if number in rows else f"type {number}" for number in counts}
    return {names[number]: counts[number] for number in sorted(counts)}
