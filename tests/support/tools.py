# SPDX-License-Identifier: Apache-2.0
"""The binary utilities of each machine, as Debian packages them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from . import elfbuild
from .elfbuild import NOBITS, SHF_ALLOC, SHF_TLS, SHF_WRITE, Sec, Sym


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What links files of one machine and class.

    prefix: of the programs' names
    link: options that GNU ld needs to link as we do, that is without relaxing anything
    lld: the same for lld; empty where it doesn't know the machine
    lld_other: relocation types of which lld makes other code than GNU ld and we, or whose table it
        puts elsewhere
    reserved, lld_reserved: words that GNU ld and lld keep for themselves at the start of a table
    """

    machine: int
    bits: int
    prefix: str
    link: Sequence[str] = ()
    lld: Sequence[str] = ()
    lld_other: frozenset[int] = frozenset()
    reserved: int = 1
    lld_reserved: int = 1
    little: bool = True

    def elf(self, symbols: Sequence[Sym], flags: int) -> bytes:
        """An object with nothing but symbols; `flags` is e_flags."""
        return elfbuild.elf(
            machine=self.machine,
            bits=self.bits,
            little=self.little,
            flags=flags,
            symbols=symbols,
            sections=thread_sections(symbols),
        )


def thread_sections(symbols: Sequence[Sym]) -> tuple[Sec, ...]:
    """The section of thread-local variables, where some of the symbols are in it."""
    if not any(each.section == ".tbss" for each in symbols):
        return ()
    flags = SHF_ALLOC | SHF_WRITE | SHF_TLS
    return (Sec(name=".tbss", type=NOBITS, flags=flags, size=1024, align=16),)


#: By e_machine and class.
TOOLS = {
    (each.machine, each.bits): each
    for each in (
        Tools(
            machine=40,
            bits=32,
            prefix="arm-none-eabi-",
            lld=("-marmelf",),
        ),
        Tools(
            machine=94,
            bits=32,
            prefix="xtensa-lx106-elf-",
            link=("--no-relax", "--no-warn-rwx-segments"),
        ),
        Tools(
            machine=3,
            bits=32,
            prefix="x86_64-linux-gnu-",
            link=("-melf_i386", "-znoexecstack", "--no-warn-rwx-segments"),
            lld=("-melf_i386",),
            lld_other=frozenset({3, 9, 10, 43}),
            reserved=0,
            lld_reserved=0,
        ),
        Tools(
            machine=62,
            bits=64,
            prefix="x86_64-linux-gnu-",
            link=("-melf_x86_64", "-znoexecstack", "--no-warn-rwx-segments"),
            lld=("-melf_x86_64",),
            lld_other=frozenset({9, 25, 26, 29, 31, 41, 42}),
            reserved=0,
            lld_reserved=0,
        ),
        Tools(
            machine=183,
            bits=64,
            prefix="aarch64-linux-gnu-",
            link=("--no-warn-rwx-segments",),
            lld=("-maarch64elf", "--no-relax"),
            lld_reserved=0,
        ),
        *(
            Tools(
                machine=machine,
                bits=32,
                prefix="arc-linux-gnu-",
                link=("--no-warn-rwx-segments",),
                reserved=0,
            )
            for machine in (93, 195)
        ),
        Tools(
            machine=243,
            bits=32,
            prefix="riscv64-unknown-elf-",
            link=("-melf32lriscv", "--no-relax", "--no-warn-rwx-segments"),
            lld=("-melf32lriscv", "--no-relax"),
        ),
        Tools(
            machine=243,
            bits=64,
            prefix="riscv64-unknown-elf-",
            link=("-melf64lriscv", "--no-relax", "--no-warn-rwx-segments"),
            lld=("-melf64lriscv", "--no-relax"),
        ),
    )
}


def tools_of(data: bytes) -> Tools:
    """The tools for an ELF file."""
    order = "<" if data[5] == 1 else ">"
    machine = struct.unpack_from(order + "H", data, 18)[0]
    return TOOLS[machine, 32 * data[4]]
