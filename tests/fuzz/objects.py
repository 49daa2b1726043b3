# SPDX-License-Identifier: Apache-2.0
"""ELF files to be damaged: objects and base images of every machine, class and byte order.

Machines come from the table of all machines, so a new one is fuzzed from its first day.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from tests.support import elfbuild
from tests.support.elfbuild import (
    FUNC,
    LOCAL,
    NOBITS,
    OBJECT,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_COMMON,
    WEAK,
    Group,
    Rel,
    Sec,
    Seg,
    Sym,
)
from west_llext.arch.machine import Machine
from west_llext.arch.machines import MACHINES, machine_of
from west_llext.model.elf import Ident

_CODE, _DATA, _CONST = SHF_ALLOC | SHF_EXECINSTR, SHF_ALLOC | SHF_WRITE, SHF_ALLOC
_INIT_ARRAY, _ATTRIBUTES = 14, 0x70000003
_ARM, _RISCV, _X86 = 40, 243, (3, 62)
#: Addresses of what base images define.
TEXT, DATA, NAMES = 0x1000, 0x20000000, 0x1100
#: Functions and variables of base images, with their addresses.
BASE_SYMBOLS = {"printk": (TEXT, FUNC), "memcpy": (TEXT + 16, FUNC), "ticks": (DATA, OBJECT)}


class Kind(NamedTuple):
    """What an ELF file is for; `flags` is e_flags."""

    machine: int
    bits: int
    little: bool
    flags: int

    @property
    def order(self) -> str:
        """As the struct module spells it."""
        return "<" if self.little else ">"

    @property
    def label(self) -> str:
        """For names of seeds."""
        odd = "" if machine(self) is not None else "odd "
        return f"{odd}{self.machine} {self.bits} {'little' if self.little else 'big'}"


def kinds() -> list[Kind]:
    """Every machine that we know in the byte orders it has, and one that we don't, with 64 bits."""
    found = [
        Kind(number, bits, little, 0x05000000 if number == _ARM else 0)
        for number, bits in sorted(MACHINES)
        for little in ((True,) if number in _X86 else (True, False))
    ]
    return [*found, Kind(0xFEED, 64, little=False, flags=0), Kind(0xFEED, 64, little=True, flags=0)]


def machine(kind: Kind) -> Machine | None:
    """The machine of a kind."""
    ident = Ident(machine=kind.machine, bits=kind.bits, little=kind.little, flags=kind.flags)
    return machine_of(ident)


def whole(kind: Kind, peers: tuple[str, ...] = ("peer_run",)) -> bytes:
    """An object with something of everything, and pointers for relocations: it can be linked.

    peers: names that it needs from another extension
    """
    known = machine(kind)
    pointer = 2 if known is None else known.absolute_word
    addend = 0 if known is None or known.explicit_addends else None
    word = kind.bits // 8
    wanted = ("run", "printk", "ticks", "counter", "absent", "shared", *peers)
    rows = [
        Rel(offset=word * number, type=pointer, symbol=name, addend=addend)
        for number, name in enumerate(wanted)
    ]
    entry = [
        Rel(offset=0, type=pointer, symbol="entry_name", addend=addend),
        Rel(offset=word, type=pointer, symbol="run", addend=addend),
    ]
    first = [Rel(offset=0, type=pointer, symbol="start", addend=addend)]
    return _object(
        kind,
        [
            Sec(name=".data.rel.ro", flags=_DATA, content=bytes(word * 8), relocations=rows),
            Sec(
                name=".exported_sym",
                flags=_CONST,
                content=bytes(word * 2),
                align=word,
                relocations=entry,
            ),
            Sec(
                name=".init_array",
                type=_INIT_ARRAY,
                flags=_DATA,
                content=bytes(word),
                align=word,
                relocations=first,
            ),
        ],
    )


def every_type(kind: Kind, numbers: range) -> bytes:
    """An object with a relocation of each of some types, RELA and REL in turn, in code and data."""
    names = ("printk", "run", "ticks", "counter")
    known = machine(kind)
    explicit = known is None or known.explicit_addends
    code, data = (
        [
            Rel(
                offset=8 * place,
                type=number,
                symbol=names[(number + turn) % len(names)],
                addend=number % 5 * 4 if explicit != bool(turn) else None,
            )
            for place, number in enumerate(numbers)
        ]
        for turn in (0, 1)
    )
    size = 8 * len(numbers) + 8
    return _object(
        kind,
        [
            Sec(name=".text.more", flags=_CODE, size=size, relocations=code),
            Sec(name=".data.more", flags=_DATA, size=size, relocations=data),
        ],
    )


def shared(kind: Kind, numbers: list[int]) -> bytes:
    """A shared object with a dynamic relocation of each of some types, and of words."""
    word = kind.bits // 8
    known = machine(kind)
    plain = 2 if known is None else known.absolute_word
    symbols = ("run", "printk", "ticks", "peer_run")
    rows = [
        Rel(
            offset=0x2000 + word * place,
            type=number,
            symbol=symbols[place % len(symbols)],
            addend=0x1000 + 4 * place,
        )
        for place, number in enumerate([*numbers, plain])
    ]
    entry = [
        Rel(offset=0x3000, type=plain, symbol="name", addend=0),
        Rel(offset=0x3000 + word, type=plain, symbol="run", addend=0),
    ]
    return elfbuild.elf(
        machine=kind.machine,
        bits=kind.bits,
        little=kind.little,
        flags=kind.flags,
        file_type=elfbuild.ET_DYN,
        symbol_table=elfbuild.DYNSYM,
        sections=[
            Sec(name=".text", flags=_CODE, addr=0x1000, size=64),
            Sec(name=".text.more", flags=_CODE, addr=0x1040, size=16),
            Sec(name=".rodata", addr=0x1800, content=b"text\0"),
            Sec(name=".dynamic", type=6, flags=_DATA, addr=0x1900, size=16),
            Sec(name=".data", flags=_DATA, addr=0x2000, content=bytes(word * 8), relocations=rows),
            Sec(
                name=".exported_sym",
                addr=0x3000,
                content=bytes(word * 2),
                align=word,
                relocations=entry,
            ),
            Sec(name=".bss", type=NOBITS, flags=_DATA, addr=0x4000, size=24),
        ],
        symbols=[
            Sym(name="name", value=0x1800, type=OBJECT, section=".rodata"),
            Sym(name="run", value=0x1010, size=8, type=FUNC, section=".text"),
            Sym(name="shared", value=0x2004, size=4, type=OBJECT, section=".data"),
            *(Sym(name=name) for name in (*BASE_SYMBOLS, "peer_run")),
        ],
        segments=[Seg(sections=[".text", ".text.more"])],
    )


def _object(kind: Kind, more: list[Sec]) -> bytes:
    sections = [
        Sec(name=".text", flags=_CODE, size=32),
        Sec(name=".rodata.str1.1", flags=_CONST | 0x30, content=b"run\0text\0", align=1),
        Sec(name=".data", flags=_DATA, size=16, align=8),
        Sec(name=".bss", type=NOBITS, flags=_DATA, size=24, align=8),
        Sec(name=".text.twice", flags=_CODE | 0x200, size=8),
        Sec(name=".comment", flags=0, content=b"\0compiler\0", align=1),
        Sec(name=".debug_line", flags=0, content=debug_line(kind), align=1),
        *attribute_sections(kind),
        *more,
    ]
    return elfbuild.elf(
        machine=kind.machine,
        bits=kind.bits,
        little=kind.little,
        flags=kind.flags,
        sections=sections,
        symbols=[
            Sym(name="", type=elfbuild.SECTION, binding=LOCAL, section=".rodata.str1.1"),
            Sym(name="entry_name", binding=LOCAL, section=".rodata.str1.1"),
            Sym(name="$t", binding=LOCAL, section=".text"),
            Sym(name="start", value=8, size=8, type=FUNC, binding=LOCAL, section=".text"),
            Sym(name="run", value=16, size=8, type=FUNC, section=".text"),
            Sym(name="twice", size=8, type=FUNC, binding=WEAK, section=".text.twice"),
            Sym(name="counter", value=4, size=4, type=OBJECT, section=".data"),
            Sym(name="shared", value=4, size=12, type=OBJECT, section=SHN_COMMON),
            *(Sym(name=name) for name in (*BASE_SYMBOLS, "peer_run")),
            Sym(name="absent", binding=WEAK),
        ],
        groups=[Group(signature="twice", members=[".text.twice"])],
    )


def objects() -> Iterator[tuple[str, bytes]]:
    """Objects by name: a whole one of each kind, and every relocation type of each machine."""
    for kind in kinds():
        yield f"{kind.label} whole", whole(kind)
        known = machine(kind)
        if known is not None and known.dynamic:
            yield f"{kind.label} whole, shared", shared(kind, sorted(known.dynamic))
    for kind in kinds():
        known = machine(kind)
        numbers = sorted(known.rows) if known is not None and kind.little else []
        for start in range(0, len(numbers), 48):
            part = numbers[start : start + 48]
            yield (
                f"odd {kind.label} types from {part[0]}",
                every_type(kind, range(part[0], part[-1] + 1)),
            )


_ARM_TAGS = bytes.fromhex(
    "05 436f727465782d4d3300 060a 074d 0902 1204 1401 1501 1703 1801 1901 1a01 1e04 2201"
)
_RISCV_TAGS = b"\4\x10\5rv32i2p1_m2p0\0"


def attributes(kind: Kind) -> bytes:
    """Build attributes as GCC writes them, for a Cortex-M3 or an RV32IM; empty for others."""
    known = {_ARM: (b"aeabi\0", _ARM_TAGS), _RISCV: (b"riscv\0", _RISCV_TAGS)}
    if kind.machine not in known:
        return b""
    vendor, tags = known[kind.machine]
    size = struct.Struct(kind.order + "I")
    tags = b"\1" + size.pack(len(tags) + 5) + tags
    return b"A" + size.pack(len(vendor) + len(tags) + 4) + vendor + tags


def attribute_sections(kind: Kind) -> list[Sec]:
    """The section with the attributes, where the kind has any."""
    content = attributes(kind)
    name = ".ARM.attributes" if kind.machine == _ARM else ".riscv.attributes"
    return [Sec(name=name, type=_ATTRIBUTES, flags=0, content=content, align=1)] if content else []


def base(kind: Kind, table: str = "zephyr") -> bytes:
    """A base image; `table` is the form of its exports: `zephyr`, `slid`, `standalone`, `single`.

    Every other word for none.
    """
    word = struct.Struct(kind.order + ("I" if kind.bits == 32 else "Q"))
    names = b"".join(name.encode() + b"\0" for name in BASE_SYMBOLS)
    rows, offset = b"", 0
    for name, (address, _) in BASE_SYMBOLS.items():
        first = NAMES + offset if table != "slid" else slid(name, word.size)
        rows += word.pack(first) + word.pack(address)
        offset += len(name) + 1
    count = word.pack(len(BASE_SYMBOLS))
    area = "llext_const_symbol_area" if table in {"zephyr", "slid"} else ".table"
    start, flags = NAMES + 0x100, SHF_ALLOC | (0x08000000 if table == "slid" else 0)
    marks = {
        "zephyr": [
            Sym(name="_llext_const_symbol_list_start", value=start, section=area),
            Sym(name="_llext_const_symbol_list_end", value=start + len(rows), section=area),
        ],
        "standalone": [
            Sym(name="west_llext_exports", value=start, type=OBJECT, section=area),
            Sym(name="west_llext_export_count", value=start + len(rows), section=area),
        ],
        "single": [
            Sym(
                name=f"__llext_sym_{name}",
                value=start + 2 * word.size * number,
                size=2 * word.size,
                type=OBJECT,
                section=area,
                binding=LOCAL,
            )
            for number, name in enumerate(BASE_SYMBOLS)
        ],
    }
    where = {FUNC: ".text", OBJECT: ".data"}
    sections = [
        Sec(name=".text", flags=_CODE, addr=TEXT, size=64),
        Sec(name="llext_exports_strtab", flags=_CONST, addr=NAMES, content=names, align=1),
        Sec(name=area, flags=flags, addr=start, content=rows + count, align=word.size),
        Sec(name=".data", flags=_DATA, addr=DATA, size=16),
        Sec(name=".noinit", type=NOBITS, flags=_DATA, addr=DATA + 16, size=4096),
        *attribute_sections(kind),
    ]
    return elfbuild.elf(
        machine=kind.machine,
        bits=kind.bits,
        little=kind.little,
        flags=kind.flags,
        file_type=elfbuild.ET_EXEC,
        entry=TEXT,
        sections=sections,
        symbols=[
            *(
                Sym(name=name, value=address | (kind.machine == _ARM and sort == FUNC), size=4,
                    type=sort, section=where[sort])
                for name, (address, sort) in BASE_SYMBOLS.items()
            ),
            Sym(name="hidden", value=TEXT + 32, type=FUNC, other=2, binding=LOCAL, section=".text"),
            Sym(name="kheap_llext_heap", value=DATA + 16, size=4096, section=".noinit"),
            *marks.get("zephyr" if table == "slid" else table, []),
        ],
        segments=[
            Seg(sections=[".text", "llext_exports_strtab", area]),
            Seg(sections=[".data", ".noinit"], paddr=NAMES + 0x400),
        ],
    )  # fmt: skip


def slid(name: str, size: int) -> int:
    """The SLID of a name, written down once more."""
    import hashlib

    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:size], "big")


def debug_line(kind: Kind) -> bytes:
    """A line number table of version 3 that says of addresses 0 to 16 which lines they are of."""
    order, size = kind.order, kind.bits // 8
    address = struct.pack(order + ("I" if size == 4 else "Q"), 0)
    program = b"\0" + bytes([size + 1, 2]) + address  # set_address
    program += bytes([3, 9, 1, 2, 8, 20, 30, 2, 4]) + b"\0\1\1"  # lines, ends the sequence
    lengths = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
    tables = b"include\0\0" + b"unit.c\0\1\0\0" + b"other.h\0\0\0\0\0"
    rest = bytes([1, 1, 0xFB, 14, 13]) + lengths + tables
    head = struct.pack(order + "HI", 3, len(rest)) + rest
    return struct.pack(order + "I", len(head) + len(program)) + head + program
