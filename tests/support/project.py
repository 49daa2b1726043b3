# SPDX-License-Identifier: Apache-2.0
"""A small project for commands to work on: a base image, an object and a manifest; no compiler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import elfbuild
from .elfbuild import (
    ET_EXEC,
    FUNC,
    OBJECT,
    SHF_ALLOC,
    Rel,
    Sec,
    Seg,
    Sym,
)

SHF_WRITE, SHF_EXECINSTR = 0x1, 0x4
#: R_ARM_ABS32 and R_ARM_THM_CALL of AAELF32.
ABS32, THM_CALL = 2, 10

#: Functions of the base image with their addresses; bit 0 is the Thumb bit.
SYMBOLS: Mapping[str, int] = {"printk": 0x1001, "k_uptime_get": 0x1011, "memcpy": 0x1021}

MANIFEST = """\
version: 1
base:
  image: base.elf
  exports:
    - symbols: [printk, k_uptime_get]
    - group: libc
      symbols: [memcpy]
  memory:
    - {{name: ext_ram, address: 0x00100000, size: 64K, access: rwx}}
extensions:
  - name: demo
    objects: [demo.o]
    mode: {mode}
    exports: [demo_run]
"""
PLACE = "    place: {text: ext_ram, rodata: ext_ram, data: ext_ram, bss: ext_ram}\n"


def base_elf(symbols: Mapping[str, int] = SYMBOLS) -> bytes:
    """A base image that defines these functions."""
    return elfbuild.elf(
        file_type=ET_EXEC,
        sections=[
            Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, addr=0x1000, size=0x100),
            Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, addr=0x20000000, size=0x10),
        ],
        symbols=[
            *(
                Sym(name=name, value=address, size=16, type=FUNC, section=".text")
                for name, address in symbols.items()
            ),
            Sym(name="board", value=0x20000000, size=4, type=OBJECT, section=".data"),
        ],
        segments=[Seg(sections=[".text"], flags=5), Seg(sections=[".data"], flags=6)],
    )


def demo_object(*, wants: str = "printk") -> bytes:
    """An object with `demo_run`, which calls `wants`, and a variable with its address."""
    return elfbuild.elf(
        sections=[
            Sec(
                name=".text",
                flags=SHF_ALLOC | SHF_EXECINSTR,
                # bl wants; bx lr; nop
                content=bytes.fromhex("fff7feff 7047 00bf"),
                relocations=[Rel(offset=0, type=THM_CALL, symbol=wants)],
            ),
            Sec(
                name=".data",
                flags=SHF_ALLOC | SHF_WRITE,
                content=bytes(4),
                relocations=[Rel(offset=0, type=ABS32, symbol=wants)],
            ),
        ],
        symbols=[
            Sym(name="demo_run", value=1, size=6, type=FUNC, section=".text"),
            Sym(name=wants),
        ],
    )


def project(folder: Path, *, mode: str = "bound") -> Path:
    """Put a project into a folder; the manifest."""
    (folder / "base.elf").write_bytes(base_elf())
    (folder / "demo.o").write_bytes(demo_object())
    manifest = folder / "llext.yml"
    place = PLACE if mode == "prelocated" else ""
    manifest.write_text(MANIFEST.format(mode=mode) + place, encoding="utf-8")
    return manifest


RUNNABLE = """\
version: 1
base:
  image: base.elf
  exports: [sensor_read, memcpy]
  memory:
    - {{name: ext_ram, address: 0x00100000, size: 64K, access: rwx}}
extensions:
  - name: demo
    objects: [demo.o]
    mode: {mode}
    exports: [demo_run, demo_add, demo_count, demo_first, demo_fill]
"""


def runnable_object() -> bytes:
    """An object with five functions (Armv6-M ARM, chapter A6.7), and a counter that is 5."""
    code = (
        "00b5 fff7feff 00bd"  # demo_run: push {lr}; bl sensor_read; pop {pc}
        "4018 7047"  # demo_add: adds r0, r0, r1; bx lr
        "0249 0868 0130 0860 7047 00bf"  # demo_count: ldr r1, [pc, #8]; ldr r0, [r1]; adds r0, #1
        "00000000"  #   str r0, [r1]; bx lr; nop; .word counter
        "0078 7047"  # demo_first: ldrb r0, [r0]; bx lr
        "2a22 0270 7047 00bf"  # demo_fill: movs r2, #42; strb r2, [r0]; bx lr; nop
    )
    starts = {"run": (0, 8), "add": (8, 4), "count": (12, 16), "first": (28, 4), "fill": (32, 8)}
    return elfbuild.elf(
        sections=[
            Sec(
                name=".text",
                flags=SHF_ALLOC | SHF_EXECINSTR,
                content=bytes.fromhex(code),
                align=4,
                relocations=[
                    Rel(offset=2, type=THM_CALL, symbol="sensor_read"),
                    Rel(offset=24, type=ABS32, symbol="counter"),
                ],
            ),
            Sec(
                name=".data",
                flags=SHF_ALLOC | SHF_WRITE,
                content=(5).to_bytes(4, "little"),
                align=4,
            ),
        ],
        symbols=[
            *(
                Sym(name=f"demo_{name}", value=at | 1, size=size, type=FUNC, section=".text")
                for name, (at, size) in starts.items()
            ),
            Sym(name="counter", value=0, size=4, type=OBJECT, section=".data"),
            Sym(name="sensor_read"),
        ],
    )


def runnable(folder: Path, *, mode: str = "bound") -> Path:
    """Put a project into a folder whose functions can be called; the manifest.

    The base image's functions are no code: they need stand-ins.
    """
    symbols = {"sensor_read": 0x1001, "memcpy": 0x1021}
    (folder / "base.elf").write_bytes(base_elf(symbols))
    (folder / "demo.o").write_bytes(runnable_object())
    manifest = folder / "llext.yml"
    place = PLACE if mode == "prelocated" else ""
    manifest.write_text(RUNNABLE.format(mode=mode) + place, encoding="utf-8")
    return manifest
