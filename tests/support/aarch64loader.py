# SPDX-License-Identifier: Apache-2.0
"""Relocations of AArch64, as Zephyr's loader applies them (arch/arm64/core/elf.c of 4.5)."""

from __future__ import annotations

import struct

from .loading import LoadError, signed

_ABS64, _ABS32, _ABS16, _PREL64, _PREL32, _PREL16 = range(257, 263)
_DATA = {_ABS64: "Q", _ABS32: "I", _ABS16: "H", _PREL64: "q", _PREL32: "i", _PREL16: "h"}
#: Bit of the value that goes into the 16 bits of a move, and whether more may be lost.
_MOVES = {
    263: (0, False), 264: (0, True), 265: (16, False), 266: (16, True),
    267: (32, False), 268: (32, True), 269: (48, True),
    288: (0, True), 290: (16, True), 292: (32, True),
}  # fmt: skip
#: The same of moves whose sign picks MOVN or MOVZ.
_SIGNED_MOVES = {270: 0, 271: 16, 272: 32, 287: 0, 289: 16, 291: 32, 293: 48}
#: Lowest bit and number of bits of the value, bit of the instruction, kind of the value.
_FIELDS = {
    273: (2, 19, 5, "prel"), 279: (2, 14, 5, "prel"), 280: (2, 19, 5, "prel"),
    282: (2, 26, 0, "prel"), 283: (2, 26, 0, "prel"),
    277: (0, 12, 10, "abs"), 278: (0, 12, 10, "abs"), 284: (1, 11, 10, "abs"),
    285: (2, 10, 10, "abs"), 286: (3, 9, 10, "abs"), 299: (4, 8, 10, "abs"),
    549: (12, 12, 10, "tls"), 551: (0, 12, 10, "tls"),
}  # fmt: skip
#: ADR and ADRP: lowest bit of the value; whether it is checked.
_ADR = {274: (0, True), 275: (12, True), 276: (12, False)}
_TCB_SIZE = 16


def relocate(memory: bytearray, at: int, kind: int, *, S: int, P: int, A: int | None) -> None:
    """One relocation with an explicit addend."""
    if A is None:
        raise LoadError("relocations without addends aren't expected")
    if kind in {0, 256}:
        return
    if kind in _DATA:
        _data(memory, at, kind, S + A - (P if kind >= _PREL64 else 0))
    elif kind in _MOVES or kind in _SIGNED_MOVES:
        _move(memory, at, kind, S + A, P)
    elif kind in _FIELDS:
        low, bits, shift, what = _FIELDS[kind]
        value = S + A - (P if what == "prel" else -_TCB_SIZE if what == "tls" else 0)
        # the target would drop these bits without a word, which is never what was meant
        _check(value & (1 << low) - 1 == 0 or low == 12, value, P)
        _check(what != "prel" or signed(value >> low, bits) == value >> low, value, P)
        _field(memory, at, (1 << bits) - 1, shift, value >> low)
    elif kind in _ADR:
        low, checked = _ADR[kind]
        value = (S + A >> low) - (P >> low)
        _check(not checked or signed(value, 21) == value, value, P)
        _field(memory, at, 0x3, 29, value)
        _field(memory, at, 0x7FFFF, 5, value >> 2)
    else:
        raise LoadError(f"unknown relocation: {kind}")


def _move(memory: bytearray, at: int, kind: int, target: int, P: int) -> None:
    value = target - (P if kind >= 287 else 0)
    if kind in _SIGNED_MOVES:
        bit = _SIGNED_MOVES[kind]
        part = value >> bit
        _check(bit == 48 or -1 << 16 <= part < 1 << 16, value, P)
        _field(memory, at, 0b11, 29, 0b00 if part < 0 else 0b10)
        _field(memory, at, 0xFFFF, 5, ~part if part < 0 else part)
        return
    bit, lost = _MOVES[kind]
    _check(lost or 0 <= value >> bit < 1 << 16, value, P)
    _field(memory, at, 0xFFFF, 5, value >> bit)


def _data(memory: bytearray, at: int, kind: int, value: int) -> None:
    letter = _DATA[kind]
    size = struct.calcsize(letter)
    if size == 8:
        memory[at : at + 8] = (value & (1 << 64) - 1).to_bytes(8, "little")
        return
    try:
        struct.pack_into("<" + letter, memory, at, value)
    except struct.error as err:
        raise LoadError(f"relocation out of range: {value:#x}") from err


def _field(memory: bytearray, at: int, mask: int, shift: int, value: int) -> None:
    (word,) = struct.unpack_from("<I", memory, at)
    struct.pack_into("<I", memory, at, word & ~(mask << shift) | (value & mask) << shift)


def _check(fits: bool, value: int, P: int) -> None:  # noqa: FBT001 (an assertion of the loader)
    if not fits:
        raise LoadError(f"relocation out of range ({P:#x}: {value:#x})")
