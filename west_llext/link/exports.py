# SPDX-License-Identifier: Apache-2.0
"""What an extension exports, and the entries that make the loader see it.

The loader reads exports from `.exported_sym`: pairs of a name pointer and an address
(`struct llext_const_symbol`, include/zephyr/llext/symbol.h). Sources make entries with
LL_EXTENSION_SYMBOL; the names in the manifest get entries here.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from west_llext.arch.machine import Machine
from west_llext.link.arrange import Arrangement
from west_llext.link.targets import Kind, Target
from west_llext.model.elf import (
    STB_LOCAL,
    STT_FUNC,
    STT_OBJECT,
    STT_SECTION,
    ObjectFile,
    Relocation,
    SectionType,
)
from west_llext.model.link import Export
from west_llext.model.manifest import Extension
from west_llext.model.region import Region
from west_llext.model.rows import symbol_columns
from west_llext.record import record

#: Bytes that a name has at most; many names could share the bytes of a longer one.
MAX_NAME = 4096
#: Bytes that the names of all entries have at most, for the same reason.
MAX_NAMES = 8 << 20

#: What an export needs of its target: the target's index in the symbol table.
Entry = tuple[str, int]


@record(frozen=True, slots=True, kw_only=True)
class Exports:
    """Exports of one extension.

    found: by name, those that source or manifest make
    added: (name, symbol index) of those that need an entry made
    absent: names in the manifest that nothing defines
    twice: names that source entries give more than once
    broken: (section, offset) of source entries without a name or an address
    """

    found: dict[str, Target]
    added: tuple[Entry, ...]
    absent: tuple[str, ...]
    twice: tuple[str, ...]
    broken: tuple[tuple[int, int], ...] = ()


def exports(
    obj: ObjectFile,
    arranged: Arrangement,
    extension: Extension,
    own: list[Target | None],
    machine: Machine,
) -> Exports:
    """The exports of an object; `own` as `targets.own_targets` gives them."""
    found: dict[str, Target] = {}
    twice: dict[str, None] = {}
    broken: list[tuple[int, int]] = []
    known: dict[tuple[int, int], int] | None = None
    for each in source_exports(obj, arranged, machine, broken):
        target = own[each.symbol]
        if obj.symbols[each.symbol].type == STT_SECTION:
            if known is None:
                known = _by_place(obj)
            target = _inside(obj, own, each, known)
        elif each.addend:
            target = _behind(target, each.addend)
        if each.name in found:
            twice[each.name] = None
        if target is not None:
            found[each.name] = target
    names, _, _, infos, _, sections = symbol_columns(obj.symbols)
    named = {wanted.text for wanted in extension.exports}
    defined = {
        name: index
        for index, name in enumerate(names)
        if name in named and sections[index] and infos[index] >> 4 != STB_LOCAL
    }
    added: list[Entry] = []
    absent: list[str] = []
    for wanted in extension.exports:
        if wanted.text in found:
            continue
        index = defined.get(wanted.text, 0)
        target = own[index]
        if target is None or target.kind not in {Kind.OWN, Kind.ABSOLUTE}:
            absent.append(wanted.text)
            continue
        found[wanted.text] = target
        added.append((wanted.text, index))
    return Exports(
        found=found,
        added=tuple(added),
        absent=tuple(absent),
        twice=tuple(twice),
        broken=tuple(broken),
    )


def _by_place(obj: ObjectFile) -> dict[tuple[int, int], int]:
    # functions and variables by section and value
    return {
        (symbol.section, symbol.value): index
        for index, symbol in enumerate(obj.symbols)
        if symbol.type in {STT_FUNC, STT_OBJECT} and symbol.name
    }


def _inside(
    obj: ObjectFile,
    own: list[Target | None],
    entry: SourceEntry,
    known: dict[tuple[int, int], int],
) -> Target | None:
    # what is at a place of a section: assemblers put a section's symbol for that of a static
    # function, with the distance as the addend
    symbol = obj.symbols[entry.symbol]
    index = known.get((symbol.section, symbol.value + entry.addend))
    return _behind(own[entry.symbol], entry.addend) if index is None else own[index]


def _behind(target: Target | None, addend: int) -> Target | None:
    return target and target._replace(value=target.value + addend)


class SourceEntry(NamedTuple):
    """An export that the source made: bytes behind the symbol of an index."""

    name: str
    symbol: int
    addend: int


def source_exports(
    obj: ObjectFile,
    arranged: Arrangement,
    machine: Machine,
    broken: list[tuple[int, int]],
) -> list[SourceEntry]:
    """The entries that the source made, in order.

    broken: gets section and offset of what is no entry
    """
    word = obj.ident.bits // 8
    entries: list[SourceEntry] = []
    left = MAX_NAMES
    for index, place in enumerate(arranged.home):
        if place is None or place[0] is not Region.EXPORT:
            continue
        rows = _pointers(obj, index, machine.pointers)
        content = obj.content(index)
        for offset in range(0, len(content), 2 * word):
            name, address = rows.get(offset), rows.get(offset + word)
            whole = name is not None and offset + 2 * word <= len(content)
            text = _text(obj, content, name, machine) if name and whole and left > 0 else ""
            left -= len(text)
            if text and address:
                addend = _addend(obj, content, address, machine)
                entries.append(SourceEntry(text, address.symbol, addend))
            else:
                broken.append((index, offset))
    return entries


def _pointers(obj: ObjectFile, index: int, types: Container[int]) -> dict[int, Relocation | None]:
    # by offset; None for what isn't one pointer
    rows: dict[int, Relocation | None] = {}
    for row in obj.relocations.get(index, ()):
        good = row.symbol and row.type in types and row.offset not in rows
        rows[row.offset] = row if good else None
    return rows


def _addend(obj: ObjectFile, content: bytes, row: Relocation, machine: Machine) -> int:
    # of a relocated pointer, the part in the place included
    addend = row.addend or 0
    if row.addend is None or row.type in machine.partial:
        word = obj.ident.bits // 8
        order = "little" if obj.ident.little else "big"
        addend += int.from_bytes(content[row.offset : row.offset + word], order)  # type: ignore[arg-type]  # a literal
    return addend


def _text(obj: ObjectFile, content: bytes, row: Relocation, machine: Machine) -> str:
    # the string that a relocated pointer points to; empty where there is none
    symbol = obj.symbols[row.symbol]
    if not 0 < symbol.section < len(obj.sections):
        return ""
    section = obj.sections[symbol.section]
    if section.type == SectionType.NOBITS:
        return ""
    start = symbol.value + _addend(obj, content, row, machine)
    if not 0 <= start < section.size:
        return ""
    start += section.offset
    end = obj.data.find(b"\0", start, min(section.offset + section.size, start + MAX_NAME))
    return obj.data[start : max(end, start)].decode("utf-8", "surrogateescape")


def as_export(name: str, target: Target, section: int, size: int) -> Export:
    """The record of one export; `section` as in `model.link.Linked`."""
    return Export(name, section, target.value | target.thumb, size, target.function)


@record(frozen=True, slots=True, kw_only=True)
class Made:
    """Export entries that the link made.

    words: (offset in EXPORT, index of the target), each a pointer-sized address
    strings: (offset in RODATA, bytes): the names
    """

    words: tuple[tuple[int, int], ...] = ()
    strings: tuple[int, bytes] = (0, b"")


def made_entries(
    arranged: Arrangement, added: tuple[Entry, ...], targets: list[Target], *, word: int
) -> Made:
    """Entries for the manifest's exports; EXPORT, RODATA and `targets` grow by them.

    word: bytes of a pointer
    """
    if not added:
        return Made()
    rodata = arranged.output(Region.RODATA)
    names = b"".join(name.encode() + b"\0" for name, _ in added)
    start = rodata.add(source=-1, size=len(names), align=1)
    table = arranged.output(Region.EXPORT)
    words: list[tuple[int, int]] = []
    offset = start
    for name, symbol in added:
        entry = table.add(source=-1, size=2 * word, align=word)
        words += [(entry, len(targets)), (entry + word, symbol)]
        targets.append(Target(Kind.OWN, name, offset, region=Region.RODATA))
        offset += len(name.encode()) + 1
    return Made(words=tuple(words), strings=(start, names))
