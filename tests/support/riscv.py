# SPDX-License-Identifier: Apache-2.0
"""RISC-V objects, assembled and compiled here."""

from __future__ import annotations

from pathlib import Path

from west_llext.model.elf import Ident

from .cross import gcc
from .elfbuild import FUNC, SHN_ABS, Sym

RISCV = "riscv64-unknown-elf-"
EM_RISCV = 243
#: ISA and ABI by class.
ISA = {32: ("-march=rv32imac", "-mabi=ilp32"), 64: ("-march=rv64imac", "-mabi=lp64")}
#: What every extension is compiled with: no padding to delete, no global pointer.
PLAIN = ("-mno-relax", "-msmall-data-limit=0")


def ident(bits: int) -> Ident:
    """The header of what `ISA` makes: compressed instructions, soft floating point."""
    return Ident(machine=EM_RISCV, bits=bits, little=True, flags=1)


def function(name: str, address: int) -> Sym:
    """A function of the base image."""
    return Sym(name=name, value=address, type=FUNC, section=SHN_ABS)


def assembled(folder: Path, source: str, bits: int, *flags: str) -> bytes:
    """The object of an assembler source; code is padded for a linker that relaxes."""
    return gcc(folder, source, *ISA[bits], *flags, name="unit.s", prefix=RISCV).read_bytes()


def compiled(folder: Path, source: str, bits: int, *flags: str) -> bytes:
    """The object of a C source; `flags` may replace those that are here."""
    plain = ("-ffreestanding", "-O1", "-mcmodel=medany" if bits == 64 else "-mcmodel=medlow")
    return gcc(folder, source, *ISA[bits], *plain, *flags, prefix=RISCV).read_bytes()
