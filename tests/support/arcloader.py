# SPDX-License-Identifier: Apache-2.0
"""Relocations of ARC as arch/arc/core/elf.c of Zephyr applies them: branches get addends twice."""

from __future__ import annotations

import struct

from .loading import LoadError

R_32, R_S25H, R_S25W, R_32_ME = 4, 16, 17, 27


def middle(memory: bytes | bytearray, at: int) -> int:
    """A word of two little-endian halves, the first one the more significant."""
    first, second = struct.unpack_from("<HH", memory, at)
    return int(first) << 16 | int(second)


def put_middle(memory: bytearray, at: int, value: int) -> None:
    """Put such a word."""
    struct.pack_into("<HH", memory, at, value >> 16 & 0xFFFF, value & 0xFFFF)


def relocate(memory: bytearray, at: int, kind: int, *, S: int, P: int, A: int | None) -> None:
    """One relocation of an ARC file, which has addends."""
    if A is None:
        raise LoadError("a relocation without an addend")
    value = S + A
    distance = value + A - (P & ~3)
    if kind == R_32:
        struct.pack_into("<I", memory, at, value & 0xFFFFFFFF)
    elif kind == R_32_ME:
        put_middle(memory, at, value)
    elif kind == R_S25H:
        part = distance >> 1
        word = middle(memory, at) & ~0x07FEFFCF
        word |= (part & 0x3FF) << 17 | (part >> 10 & 0x3FF) << 6 | part >> 20 & 0xF
        put_middle(memory, at, word)
    elif kind == R_S25W:
        part = distance >> 2
        word = middle(memory, at) & ~0x07FCFFCF
        word |= (part & 0x1FF) << 18 | (part >> 9 & 0x3FF) << 6 | part >> 19 & 0xF
        put_middle(memory, at, word)
    else:
        raise LoadError(f"unknown relocation: {kind}")
