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
