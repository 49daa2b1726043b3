# SPDX-License-Identifier: Apache-2.0
"""Relocations of x86 and x86-64, as Zephyr's loader applies them (arch/x86/core/elf.c of 4.5).

It checks nothing: what it would cut off without a word is refused here instead.
"""

from __future__ import annotations

import struct

from .loading import LoadError, signed

_MASK = 0xFFFFFFFF


def relocate_32(memory: bytearray, at: int, kind: int, *, S: int, P: int, A: int | None) -> None:
    """One relocation of i386: R_386_32 or R_386_PC32, with its addend in the place."""
    if A is not None:
        raise LoadError("relocations with addends aren't expected")
    (word,) = struct.unpack_from("<I", memory, at)
    if kind == 1:
        struct.pack_into("<I", memory, at, word + S & _MASK)
    elif kind == 2:
        struct.pack_into("<I", memory, at, word + S - P & _MASK)
    else:
        raise LoadError(f"unknown relocation: {kind}")


def relocate_64(memory: bytearray, at: int, kind: int, *, S: int, P: int, A: int | None) -> None:
    """One relocation of x86-64; each of them writes 32 bits."""
    if A is None:
        raise LoadError("relocations without addends aren't expected")
    value = S + A
    if kind in {2, 4}:
        value -= P
        fits = signed(value, 32) == value
    elif kind == 1:
        # only the latest loader writes all 64 bits
        fits = 0 <= value <= _MASK and memory[at + 4 : at + 8] == bytes(4)
    elif kind in {10, 11}:
        fits = 0 <= value <= _MASK if kind == 10 else signed(value, 32) == value
    else:
        raise LoadError(f"unknown relocation: {kind}")
    if not fits:
        raise LoadError(f"relocation {kind} at {P:#x} cuts off {value:#x}")
    struct.pack_into("<I", memory, at, value & _MASK)
