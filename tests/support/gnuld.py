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
from collections.abc import Mapping, Sequence
from pathlib import Path

from west_llext.model.region import Region

from . import elfbuild
from .cross import tool
from .elfbuild import Sym

SHF_ALLOC, SHF_MERGE, SHF_STRINGS = 0x2, 0x10, 0x20
SHT_NOBITS = 8

#: (input section, offset in the region) of what is loaded, by region.
Layout = Mapping[Region, Sequence[tuple[int, int]]]


def _table(data: bytes) -> tuple[int, int, int]:
    # place of the section headers, their number, index of the section name table
    shoff = struct.unpack_from("<I", data, 32)[0]
    count, names = struct.unpack_from("<HH", data, 48)
    return shoff, count, names


def unmerged(data: bytes) -> bytes:
    """The object (32 bits, little-endian) without SHF_MERGE and SHF_STRINGS."""
    found = bytearray(data)
    shoff, count, _ = _table(data)
    for index in range(count):
        at = shoff + index * 40 + 8
        flags = struct.unpack_from("<I", found, at)[0]
        struct.pack_into("<I", found, at, flags & ~(SHF_MERGE | SHF_STRINGS))
    return bytes(found)


def renamed(data: bytes) -> bytes:
    """The object with its loaded sections called `s1`, `s2` and so on, by a new table of names."""
    found = bytearray(unmerged(data))
    shoff, count, names = _table(data)
    offset, size = struct.unpack_from("<II", data, shoff + names * 40 + 16)
    table = data[offset : offset + size]
    for index in range(1, count):
        if struct.unpack_from("<I", data, shoff + index * 40 + 8)[0] & SHF_ALLOC:
            struct.pack_into("<I", found, shoff + index * 40, len(table))
            table += b"s%d\0" % index
    struct.pack_into("<II", found, shoff + names * 40 + 16, len(found), len(table))
    return bytes(found) + table


def script(layout: Layout, addresses: Mapping[Region, int], assignments: str = "") -> str:
    """A linker script that puts each input section where it is told."""
    lines = [assignments, "SECTIONS {"]
    for region, sections in layout.items():
        lines.append(f"  region_{region.label} {addresses[region]:#x} : {{")
        lines += [f"    . = {offset:#x}; *(s{index})" for index, offset in sections]
        lines.append("  }")
    lines += ["  /DISCARD/ : { *(*) }", "}", ""]
    return "\n".join(lines)


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
) -> dict[Region, tuple[int, int, bytes]]:
    """Address, size and bytes of each region, as GNU ld makes them.

    symbols: definitions of what the object lacks, with SHN_ABS
    assignments: lines for the start of the linker script
    """
    unit, names, made, control = (folder / name for name in ("u.o", "d.o", "out.elf", "u.ld"))
    unit.write_bytes(renamed(data))
    names.write_bytes(elfbuild.elf(symbols=symbols))
    control.write_text(script(layout, addresses, assignments), encoding="utf-8")
    command = [tool("ld"), "-nostdlib", "--nmagic", "-e", "0", "--no-warn-mismatch", *options]
    command += ["-T", control.name, unit.name, names.name, "-o", made.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        raise LinkerError(done.stderr.strip())
    return contents(made.read_bytes())


def contents(data: bytes) -> dict[Region, tuple[int, int, bytes]]:
    """Address, size and bytes of the sections that are named after regions."""
    shoff, count, names = _table(data)
    strings = struct.unpack_from("<I", data, shoff + names * 40 + 16)[0]
    labels = {f"region_{region.label}": region for region in Region}
    found = {}
    for index in range(count):
        name, kind, _, addr, offset, size = struct.unpack_from("<6I", data, shoff + index * 40)
        start = strings + name
        region = labels.get(data[start : data.index(b"\0", start)].decode())
        if region is not None:
            content = b"" if kind == SHT_NOBITS else data[offset : offset + size]
            found[region] = addr, size, content
    return found
