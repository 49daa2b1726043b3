# SPDX-License-Identifier: Apache-2.0
"""How long x86 instructions are, to count them.

Only what decides about the length is decoded: prefixes, the opcode, ModRM, SIB, displacement and
immediate. Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: chapter 2
"Instruction Format" and appendix A "Opcode Map".
"""

from __future__ import annotations

from west_llext.record import record

_LEGACY_PREFIXES = frozenset({0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3})
_OPERAND, _ADDRESS = 0x66, 0x67

# opcodes of one byte
_ARITHMETIC = frozenset(row + column for row in range(0, 0x40, 8) for column in range(4))
_MODRM = _ARITHMETIC | {0x62, 0x63, 0x69, 0x6B, *range(0x80, 0x90), 0xC0, 0xC1, 0xC4, 0xC5, 0xC6}
_MODRM |= {0xC7, *range(0xD0, 0xD4), *range(0xD8, 0xE0), 0xF6, 0xF7, 0xFE, 0xFF}
_BYTE = {*(row + 4 for row in range(0, 0x40, 8)), 0x6A, 0x6B, *range(0x70, 0x80), 0x80, 0x82, 0x83}
_BYTE |= {0xA8, *range(0xB0, 0xB8), 0xC0, 0xC1, 0xC6, 0xCD, 0xD4, 0xD5, *range(0xE0, 0xE8), 0xEB}
#: 2 or 4 bytes, by the operand size
_WORD = {*(row + 5 for row in range(0, 0x40, 8)), 0x68, 0x69, 0x81, 0xA9, 0xC7, 0xE8, 0xE9}
_FAR = {0x9A, 0xEA}
_FIXED = {0xC2: 2, 0xCA: 2, 0xC8: 3}
_ADDRESSES = frozenset(range(0xA0, 0xA4))
_LONG_MOVES = frozenset(range(0xB8, 0xC0))

# opcodes behind 0F
_NO_MODRM = {0x05, 0x06, 0x07, 0x08, 0x09, 0x0B, 0x0E, *range(0x30, 0x38), 0x77, *range(0x80, 0x90)}
_NO_MODRM |= {0xA0, 0xA1, 0xA2, 0xA8, 0xA9, 0xAA, *range(0xC8, 0xD0)}
_BYTE_0F = frozenset({0x0F, 0x70, 0x71, 0x72, 0x73, 0xA4, 0xAC, 0xBA, 0xC2, 0xC4, 0xC5, 0xC6})
_CONDITIONAL = frozenset(range(0x80, 0x90))


@record(slots=True)
class _Insn:
    # One instruction while it is read; reading past the end gives zeros.
    code: bytes
    start: int
    long: bool
    at: int = 0
    operand: int = 4
    address: int = 4
    wide: bool = False

    @property
    def word(self) -> int:
        # bytes of an immediate or a distance; branches of 64-bit code as AMD's processors have them
        return 2 if self.operand == 2 and not self.wide else 4

    def byte(self) -> int:
        place = self.start + self.at
        return self.code[place] if place < len(self.code) else 0

    def take(self) -> int:
        found = self.byte()
        self.at += 1
        return found


def instructions_32(code: bytes) -> int:
    """How many instructions of 32-bit code the bytes are."""
    return _count(code, long=False)


def instructions_64(code: bytes) -> int:
    """How many instructions of 64-bit code the bytes are."""
    return _count(code, long=True)


def _count(code: bytes, *, long: bool) -> int:
    count = start = 0
    while start < len(code):
        start += _length(_Insn(code=code, start=start, long=long))
        count += 1
    return count


def _length(insn: _Insn) -> int:
    insn.address = 8 if insn.long else 4
    while insn.byte() in _LEGACY_PREFIXES and insn.at < 14:
        prefix = insn.take()
        if prefix == _OPERAND:
            insn.operand = 2
        elif prefix == _ADDRESS:
            insn.address //= 2
    if insn.long and insn.byte() & 0xF0 == 0x40:
        insn.wide = bool(insn.take() & 8)
    opcode = insn.take()
    if opcode == 0x0F:
        _two_bytes(insn)
    elif opcode in {0x62, 0xC4, 0xC5} and (insn.long or insn.byte() >= 0xC0):
        _vector(insn, opcode)
    else:
        _one_byte(insn, opcode)
    return insn.at


def _one_byte(insn: _Insn, opcode: int) -> None:
    word = insn.word
    register = insn.byte() >> 3 & 7
    if opcode in _MODRM:
        _modrm(insn)
    if opcode in _ADDRESSES:
        insn.at += insn.address
    elif opcode in _LONG_MOVES:
        insn.at += 8 if insn.wide else word
    elif opcode in _FAR:
        insn.at += word + 2
    elif opcode in {0xF6, 0xF7} and register < 2:
        insn.at += 1 if opcode == 0xF6 else word
    else:
        insn.at += (opcode in _BYTE) + (word if opcode in _WORD else 0) + _FIXED.get(opcode, 0)


def _two_bytes(insn: _Insn) -> None:
    opcode = insn.take()
    if opcode in {0x38, 0x3A}:
        insn.take()
        _modrm(insn)
        insn.at += opcode == 0x3A
        return
    if opcode not in _NO_MODRM:
        _modrm(insn)
    if opcode in _CONDITIONAL:
        insn.at += insn.word
    else:
        insn.at += opcode in _BYTE_0F


def _vector(insn: _Insn, prefix: int) -> None:
    # VEX and EVEX name the opcode map that 0F, 0F 38 and 0F 3A would lead to
    table = 1 if prefix == 0xC5 else insn.byte() & (0x07 if prefix == 0x62 else 0x1F)
    insn.at += {0xC5: 1, 0xC4: 2, 0x62: 3}[prefix]
    opcode = insn.take()
    if table == 1 and opcode in _NO_MODRM:
        return
    _modrm(insn)
    insn.at += table == 3 or (table == 1 and opcode in _BYTE_0F)


def _modrm(insn: _Insn) -> None:
    # ModRM, and what it says is behind it
    modrm = insn.take()
    mode, memory = modrm >> 6, modrm & 7
    if mode == 3:
        return
    if insn.address == 2:
        insn.at += mode or 2 * (memory == 6)
        return
    base = memory
    if memory == 4:
        base = insn.take() & 7
    if mode == 0:
        insn.at += 4 * (base == 5)
    else:
        insn.at += 1 if mode == 1 else 4
