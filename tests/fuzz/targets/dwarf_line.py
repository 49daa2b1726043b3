# SPDX-License-Identifier: Apache-2.0
"""Line number tables: the bytes of .debug_line alone, in an object around them.

The first byte chooses class and byte order, and whether the address is relocated; strings of
version 5 are in sections beside it.
"""

from __future__ import annotations

import struct

from tests.fuzz.mutate import mutated
from tests.fuzz.objects import Kind, debug_line
from tests.fuzz.target import Target
from tests.support.elfbuild import FUNC, SHF_ALLOC, SHF_EXECINSTR, Rel, Sec, Sym, elf
from west_llext.elf.dwarf import line_of
from west_llext.elf.read import object_file

_KINDS = tuple(Kind(40, bits, little, 0) for bits in (32, 64) for little in (True, False))
_ABS32 = 2
# where `debug_line` has its address
_ADDRESS = 54


def seeds() -> dict[str, bytes]:
    """Tables of versions 3 and 5."""
    found = {}
    for number, kind in enumerate(_KINDS):
        found[f"{kind.label} version 3"] = bytes([number]) + debug_line(kind)
        found[f"{kind.label} version 5"] = bytes([number]) + _version_5(kind)
        found[f"{kind.label} relocated"] = bytes([number + 4]) + debug_line(kind)
        found[f"{kind.label} both"] = bytes([number]) + debug_line(kind) + _version_5(kind)
    return found


def _version_5(kind: Kind) -> bytes:
    # folders and files by line_strp and udata, 32-bit DWARF
    order, size = kind.order, kind.bits // 8
    address = struct.pack(order + ("I" if size == 4 else "Q"), 0)
    program = b"\0" + bytes([size + 1, 2]) + address + bytes([4, 1, 3, 9, 1, 20, 2, 4]) + b"\0\1\1"
    folders = bytes([1, 1, 0x1F, 1]) + struct.pack(order + "I", 0)
    files = bytes([2, 1, 0x1F, 2, 0x0B, 2])
    files += struct.pack(order + "IB", 5, 0) + struct.pack(order + "IB", 11, 0)
    rest = bytes([1, 1, 1, 0xFB, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]) + folders + files
    head = struct.pack(order + "HBBI", 5, size, 0, len(rest)) + rest
    return struct.pack(order + "I", len(head) + len(program)) + head + program


def run(data: bytes) -> bool:
    """Look up lines of some places; nothing may be raised, whatever the table says."""
    kind = _KINDS[data[0] % len(_KINDS)] if data else _KINDS[0]
    content = data[1:]
    related = data[:1] >= b"\4" and len(content) > _ADDRESS + 8
    rows = [Rel(offset=_ADDRESS, type=_ABS32, symbol=1)] if related else []
    whole = elf(
        machine=kind.machine,
        bits=kind.bits,
        little=kind.little,
        sections=[
            Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, size=64),
            Sec(name=".debug_line", flags=0, content=content, align=1, relocations=rows),
            Sec(name=".debug_line_str", flags=0, content=b"/src\0one.c\0two.c\0", align=1),
            Sec(name=".debug_str", flags=0, content=b"three.c\0", align=1),
        ],
        symbols=[Sym(name="run", type=FUNC, section=".text", value=1)],
    )
    obj = object_file(whole, "unit.o")
    found = [line_of(obj, 1, offset) for offset in (0, 1, 2, 8, 63, 1 << 40)]
    for each in found:
        if each is not None:
            assert each.file.parts
            assert isinstance(each.line, int)
            assert isinstance(each.column, int)
    return any(found)


TARGET = Target(name="dwarf_line", seeds=seeds, run=run, mutate=mutated, longest=1 << 12)
