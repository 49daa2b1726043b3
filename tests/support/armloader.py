# SPDX-License-Identifier: Apache-2.0
"""Relocations of 32-bit Arm, as Zephyr's loader applies them (arch/arm/core/elf.c of 4.5)."""

from __future__ import annotations

import struct

from .loading import LoadError, signed


def _word(memory: bytearray, at: int) -> int:
    return int(struct.unpack_from("<I", memory, at)[0])


def _put(memory: bytearray, at: int, value: int) -> None:
    struct.pack_into("<I", memory, at, value & 0xFFFFFFFF)


def _arm_branch(memory: bytearray, at: int, S: int, P: int) -> None:
    word = _word(memory, at)
    offset = signed((word & 0xFFFFFF) << 2, 26) + S - P
    if offset >= 0x2000000 or offset <= -0x2000000:
        raise LoadError(f"relocation out of range ({P:#x} -> {S:#x})")
    _put(memory, at, word & 0xFF000000 | (offset >> 2) & 0xFFFFFF)


def _thumb_branch(memory: bytearray, at: int, S: int, P: int) -> None:
    upper, lower = struct.unpack_from("<HH", memory, at)
    sign, j1, j2 = upper >> 10 & 1, lower >> 13 & 1, lower >> 11 & 1
    i1, i2 = 1 - (j1 ^ sign), 1 - (j2 ^ sign)
    value = sign << 24 | i1 << 23 | i2 << 22 | (upper & 0x3FF) << 12 | (lower & 0x7FF) << 1
    offset = signed(value, 25) + S - P
    if offset >= 0x1000000 or offset <= -0x1000000:
        raise LoadError(f"relocation out of range ({P:#x} -> {S:#x})")
    sign = offset >> 24 & 1
    j1, j2 = 1 - (sign ^ (offset >> 23 & 1)), 1 - (sign ^ (offset >> 22 & 1))
    upper = upper & 0xF800 | sign << 10 | offset >> 12 & 0x3FF
    lower = lower & 0xD000 | j1 << 13 | j2 << 11 | offset >> 1 & 0x7FF
    struct.pack_into("<HH", memory, at, upper, lower)


def _arm_move(memory: bytearray, at: int, add: int, shift: int) -> None:
    word = _word(memory, at)
    value = (signed((word & 0xF0000) >> 4 | word & 0xFFF, 16) + add) >> shift
    _put(memory, at, word & 0xFFF0F000 | (value & 0xF000) << 4 | value & 0xFFF)


def _thumb_move(memory: bytearray, at: int, add: int, shift: int) -> None:
    upper, lower = struct.unpack_from("<HH", memory, at)
    value = (upper & 0xF) << 12 | (upper & 0x400) << 1 | (lower & 0x7000) >> 4 | lower & 0xFF
    value = (signed(value, 16) + add) >> shift
    upper = upper & 0xFBF0 | (value & 0xF000) >> 12 | (value & 0x800) >> 1
    lower = lower & 0x8F00 | (value & 0x700) << 4 | value & 0xFF
    struct.pack_into("<HH", memory, at, upper, lower)


def relocate(memory: bytearray, at: int, kind: int, *, S: int, P: int, A: int | None) -> None:
    """One relocation; its addend is in the place."""
    if A is not None:
        raise LoadError("Found unsupported SHT_RELA section")
    if kind:
        _relocate(memory, at, kind, S, P)


def _relocate(memory: bytearray, at: int, kind: int, S: int, P: int) -> None:
    if kind in {2, 38, 108}:
        _put(memory, at, _word(memory, at) + S)
    elif kind == 3:
        _put(memory, at, _word(memory, at) + S - P)
    elif kind == 42:
        word = _word(memory, at)
        value = signed(word, 31) + S - P
        if not -0x40000000 <= value < 0x40000000:
            raise LoadError("relocation out of range")
        _put(memory, at, word & 0x80000000 | value & 0x7FFFFFFF)
    elif kind in {1, 28, 29}:
        _arm_branch(memory, at, S, P)
    elif kind in {10, 30}:
        _thumb_branch(memory, at, S, P)
    elif kind in {43, 44, 45, 46}:
        _arm_move(memory, at, S - (P if kind > 44 else 0), 16 if kind in {44, 46} else 0)
    elif kind in {47, 48, 49, 50}:
        _thumb_move(memory, at, S - (P if kind > 48 else 0), 16 if kind in {48, 50} else 0)
    else:
        raise LoadError(f"unknown relocation: {kind}")
