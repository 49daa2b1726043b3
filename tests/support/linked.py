# SPDX-License-Identifier: Apache-2.0
"""Linked extensions for tests of what is made of them, spelled out field by field."""

from __future__ import annotations

from dataclasses import replace

from west_llext.model.elf import STT_FUNC, STT_OBJECT, Ident, Symbol
from west_llext.model.link import Export, Import, Linked, OutputSection, Piece
from west_llext.model.manifest import Memory, Mode
from west_llext.model.region import Region

ARM = Ident(machine=40, bits=32, little=True, flags=0x05000000)
ROM = Memory(name="ext_rom", address=0x21000000, size=256 << 10, access="rx")
RAM = Memory(name="ext_ram", address=0x21040000, size=64 << 10, access="rw")
MEMORIES = (ROM, RAM)

TEXT = bytes(range(0x40))
RODATA = b"constant"
DATA = b"\x01\x00\x00\x00"
BSS_SIZE = 12

FILES = {"blob": "filters.llext", "elf": "filters.elf", "map": "filters.map"}


def prelocated(name: str = "filters", *, rom: int = 0x21000100, ram: int = 0x21040020) -> Linked:
    """An extension at fixed addresses: two functions, a constant, variable, buffer, veneer."""
    return Linked(
        name=name,
        mode=Mode.PRELOCATED,
        ident=ARM,
        object_name=f"obj/{name}.o",
        sections=(
            OutputSection(
                name=".text",
                region=Region.TEXT,
                align=4,
                size=len(TEXT),
                content=TEXT,
                address=rom,
                pieces=(
                    Piece(".text.run", 0, 0x20),
                    Piece(".text.step", 0x20, 0x18),
                    Piece("veneer for printk", 0x38, 8),
                ),
            ),
            OutputSection(
                name=".data",
                region=Region.DATA,
                align=4,
                size=len(DATA),
                content=DATA,
                address=ram,
                pieces=(Piece(".data.state", 0, 4),),
            ),
            OutputSection(
                name=".rodata",
                region=Region.RODATA,
                align=8,
                size=len(RODATA),
                content=RODATA,
                address=rom + len(TEXT),
            ),
            OutputSection(
                name=".bss",
                region=Region.BSS,
                align=4,
                size=BSS_SIZE,
                content=b"",
                address=ram + len(DATA),
            ),
        ),
        symbols=(Symbol("run", 1, 0x20, 0x10 | STT_FUNC, 0, 1),),
        all_symbols=(
            Symbol("", 0, 0, 3, 0, 1),
            Symbol("$t", 0, 0, 0, 0, 1),
            Symbol("step", 0x21, 0x18, STT_FUNC, 0, 1),
            Symbol("printk", 0x1001, 0, 0x10 | STT_FUNC, 0, 0xFFF1),
            Symbol("run", 1, 0x20, 0x10 | STT_FUNC, 0, 1),
            Symbol("state", 0, 4, 0x10 | STT_OBJECT, 0, 2),
        ),
        exports=(
            Export("run", 0, 1, 0x20, function=True),
            Export("state", 1, 0, 4, function=False),
        ),
        imports=(
            Import("memcpy", None, 0x1235, weak=False, references=2),
            Import("printk", None, 0x1001, weak=False, references=3),
            Import("trace", None, None, weak=True, references=1),
            Import("mean", "mathlib", 0x21000801, weak=False, references=1),
        ),
        identity="5d" * 32,
        applied={"R_ARM_THM_CALL": 5, "R_ARM_ABS32": 2},
        left={},
    )


def relocatable(name: str = "hello") -> Linked:
    """The same extension, linked as little as can be: no addresses, names to look up."""
    fixed = prelocated(name)
    return replace(
        fixed,
        mode=Mode.RELOCATABLE,
        sections=tuple(replace(each, address=None) for each in fixed.sections),
        imports=tuple(each._replace(address=None) for each in fixed.imports),
        identity=None,
        applied={"R_ARM_THM_CALL": 1},
        left={"R_ARM_THM_CALL": 4, "R_ARM_ABS32": 2},
    )
