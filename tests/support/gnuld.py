# SPDX-License-Identifier: Apache-2.0
"""The oracle: GNU ld links the same object at the same addresses.

The linker gets the object with two changes, neither of which touches a byte of any section: every
loaded section has a name of its own, so that a linker script can say where it goes, and SHF_MERGE
is cleared, because a final link would merge equal strings of one object and a blob keeps them apart
(`unmerged` is for the other side of the comparison).
"""

from __future__ import annotations

import struct
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from west_llext.model.region import Region

from .cross import tool
from .elfbuild import Sym
from .tools import thread_sections, tools_of

SHF_ALLOC, SHF_MERGE, SHF_STRINGS = 0x2, 0x10, 0x20
SHT_NOBITS = 8
TABLE = "table"
#: The file that a link makes.
MADE = "out.elf"

#: (input section, offset in the region) of what is loaded, by region.
Layout = Mapping[Region, Sequence[tuple[int, int]]]


class SectionTable:
    """The section headers of a file of either class and byte order, which can be changed in place.

    start: offset of the first; count: how many; names: index of the section of their names
    """

    def __init__(self, data: bytes) -> None:
        """Of a whole file."""
        order = "<" if data[5] == 1 else ">"
        wide = data[4] == 2
        self.header = struct.Struct(order + ("IIQQQQIIQQ" if wide else "10I"))
        (self.start,) = struct.unpack_from(order + ("Q" if wide else "I"), data, 40 if wide else 32)
        self.count, self.names = struct.unpack_from(order + "HH", data, 60 if wide else 48)

    def row(self, data: bytes | bytearray, index: int) -> list[int]:
        """Name, type, flags, addr, offset, size, link, info, addralign, entsize."""
        return list(self.header.unpack_from(data, self.start + index * self.header.size))

    def put(self, data: bytearray, index: int, row: Sequence[int]) -> None:
        """Change one."""
        self.header.pack_into(data, self.start + index * self.header.size, *row)


def _flags(data: bytes) -> int:
    # e_flags
    order = "<" if data[5] == 1 else ">"
    flags: int = struct.unpack_from(order + "I", data, 48 if data[4] == 2 else 36)[0]
    return flags


def unmerged(data: bytes) -> bytes:
    """The object without SHF_MERGE and SHF_STRINGS."""
    found, table = bytearray(data), SectionTable(data)
    for index in range(table.count):
        row = table.row(found, index)
        row[2] &= ~(SHF_MERGE | SHF_STRINGS)
        table.put(found, index, row)
    return bytes(found)


def renamed(data: bytes) -> bytes:
    """The object with its loaded sections called `s1`, `s2` and so on, by a new table of names."""
    found, table = bytearray(unmerged(data)), SectionTable(data)
    names = table.row(found, table.names)
    text = data[names[4] : names[4] + names[5]]
    for index in range(1, table.count):
        row = table.row(found, index)
        if row[2] & SHF_ALLOC:
            row[0] = len(text)
            text += b"s%d\0" % index
            table.put(found, index, row)
    row = table.row(found, table.names)
    row[4], row[5] = len(found), len(text)
    table.put(found, table.names, row)
    return bytes(found) + text


def script(
    layout: Layout,
    addresses: Mapping[Region, int],
    assignments: str = "",
    table: int | None = None,
    *,
    thread: bool = False,
    discard: bool = True,
    bounded: Mapping[int, str] | None = None,
) -> str:
    """A linker script that puts each input section where it is told.

    table: offset in TEXT of a global offset table; it may lie over the end of the code with words
        that the linker keeps for itself
    thread: whether there are thread-local variables
    discard: whether everything else is left out; lld would leave out its own tables
    bounded: what a linker would call input sections that no script had moved into others
    """
    names = {} if bounded is None else bounded
    lines = [assignments]
    # lld lays a segment out in the file as in memory, in order; a table may lie over the code
    apart = table is not None and not discard
    if apart:
        lines.append("PHDRS { of_regions PT_LOAD; of_table PT_LOAD; of_threads PT_TLS; }")
    lines.append("SECTIONS {")
    if discard:
        # where our table begins, of which nothing else is needed (x86)
        lines.append("  table_of_linkage 0 : { *(.got.plt) }")
    for region, sections in sorted(layout.items(), key=lambda each: addresses[each[0]]):
        name = f"region_{region.label}"
        lines.append(f"  {name} {addresses[region]:#x} : {{")
        # inside a section, GNU ld counts from its start, lld from 0; where nops are deleted,
        # sections are placed twice, before and after
        start = "" if discard else f"ADDR({name}) + "
        lines += [
            f"    . = MAX(., {start}{offset:#x}); {_inputs(index, names.get(index))}"
            for index, offset in sections
        ]
        lines.append("  } :of_regions =0" if apart else "  } =0")
    if table is not None:
        segment = " :of_table" if apart else ""
        lines.append(f"  {TABLE} {addresses[Region.TEXT] + table:#x} : {{ *(.got) }}{segment}")
    if thread:
        lines.append("  .tbss : { *(.tbss) }" + (" :of_threads" if apart else ""))
    lines += [f"  /DISCARD/ : {{ {'*(*)' if discard else '*(s*) *(.debug*) *(.comment)'} }}"]
    lines += ["}", ""]
    return "\n".join(lines)


def _inputs(index: int, name: str | None) -> str:
    # with the symbols that linkers define for a section of that name
    if name is None:
        return f"*(s{index})"
    return f"PROVIDE(__start_{name} = .); *(s{index}) PROVIDE(__stop_{name} = .);"


def bounded_sections(data: bytes) -> dict[int, str]:
    """Loaded sections with names of C, by index, but for those of which there are several."""
    table = SectionTable(data)
    strings = table.row(data, table.names)[4]
    found: dict[int, str] = {}
    for index in range(1, table.count):
        name, _, flags, *_ = table.row(data, index)
        text = data[strings + name : data.index(b"\0", strings + name)].decode("latin-1")
        if flags & SHF_ALLOC and text.isascii() and text.isidentifier():
            found[index] = text
    times = Counter(found.values())
    return {index: text for index, text in found.items() if times[text] == 1}


class LinkerError(Exception):
    """The linker refused; the text is what it printed."""


def linked(
    folder: Path,
    data: bytes,
    *,
    layout: Layout,
    addresses: Mapping[Region, int],
    symbols: Sequence[Sym] = (),
    assignments: str = "",
    options: Sequence[str] = (),
    table: int | None = None,
    linker: Sequence[str] = (),
) -> dict[Region, tuple[int, int, bytes]]:
    """Address, size and bytes of each region, as GNU ld makes them.

    symbols: definitions of what the object lacks, with SHN_ABS
    assignments: lines for the start of the linker script
    table: offset in TEXT at which the words of a global offset table begin
    linker: command of another linker
    """
    command = prepared(
        folder,
        data,
        layout=layout,
        addresses=addresses,
        symbols=symbols,
        assignments=assignments,
        options=options,
        table=table,
        linker=linker,
    )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        raise LinkerError(done.stderr.strip() or f"it ended with {done.returncode}")
    found = (folder / MADE).read_bytes()
    regions = contents(found)
    if table is not None:
        address, size, code = regions[Region.TEXT]
        reserved = _reserved(data, linker)
        code += bytes(table - size) + _table_words(found)[reserved:]
        regions[Region.TEXT] = address, len(code), code
    return regions


def prepared(
    folder: Path,
    data: bytes,
    *,
    layout: Layout,
    addresses: Mapping[Region, int],
    symbols: Sequence[Sym] = (),
    assignments: str = "",
    options: Sequence[str] = (),
    table: int | None = None,
    linker: Sequence[str] = (),
) -> list[str]:
    """The command that links in a folder, as `linked` does; everything else is written."""
    unit, names, control = (folder / name for name in ("u.o", "d.o", "u.ld"))
    unit.write_bytes(renamed(data))
    tools = tools_of(data)
    names.write_bytes(tools.elf(symbols, flags=_flags(data)))
    thread = bool(thread_sections(symbols))
    start = None if table is None else table - _reserved(data, linker)
    text = script(
        layout,
        addresses,
        assignments,
        start,
        thread=thread,
        discard=not linker,
        bounded=bounded_sections(data),
    )
    control.write_text(text, encoding="utf-8")
    command = [*linker] if linker else [tool("ld", tools.prefix), *tools.link]
    command += ["-nostdlib", "--nmagic", "-e", "0", "--no-warn-mismatch", "--no-check-sections"]
    command += options
    return [*command, "-T", control.name, unit.name, names.name, "-o", MADE]


def _reserved(data: bytes, linker: Sequence[str]) -> int:
    # bytes that a linker keeps for itself at the start of a table
    tools = tools_of(data)
    return (tools.lld_reserved if linker else tools.reserved) * tools.bits // 8


def _table_words(data: bytes) -> bytes:
    table = SectionTable(data)
    strings = table.row(data, table.names)[4]
    for index in range(table.count):
        row = table.row(data, index)
        start = strings + row[0]
        if data[start : data.index(b"\0", start)] == TABLE.encode():
            return data[row[4] : row[4] + row[5]]
    return b""


def contents(data: bytes) -> dict[Region, tuple[int, int, bytes]]:
    """Address, size and bytes of the sections that are named after regions."""
    table = SectionTable(data)
    strings = table.row(data, table.names)[4]
    labels = {f"region_{region.label}": region for region in Region}
    found = {}
    for index in range(table.count):
        name, kind, _, addr, offset, size, *_ = table.row(data, index)
        start = strings + name
        region = labels.get(data[start : data.index(b"\0", start)].decode())
        if region is not None:
            content = b"" if kind == SHT_NOBITS else data[offset : offset + size]
            found[region] = addr, size, content
    return found
