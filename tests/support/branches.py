# SPDX-License-Identifier: Apache-2.0
"""Branches, decoded for comparisons; written after the manuals, not after our tables."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from .loading import signed


class Jump(NamedTuple):
    """Where a branch goes.

    target: address, without the Thumb bit
    thumb: 1 where it arrives in Thumb state
    size: bytes of the instruction
    link: whether it stores a return address
    """

    target: int
    thumb: int
    size: int
    link: bool


#: Of the second halfword: whether a return address is stored, and the state of the target.
_THUMB_KINDS = {0x9000: (False, 1), 0xD000: (True, 1), 0xC000: (True, 0)}


def thumb_jump(code: bytes, at: int, address: int) -> Jump | None:
    """The B.W, B<c>.W, BL or BLX at an offset of Thumb code that begins at `address`; or None."""
    if at + 4 > len(code):
        return None
    upper, lower = struct.unpack_from("<HH", code, at)
    kind = _THUMB_KINDS.get(lower & 0xD000)
    if upper & 0xF800 != 0xF000:
        return None
    sign, j1, j2 = upper >> 10 & 1, lower >> 13 & 1, lower >> 11 & 1
    here = address + at + 4
    if lower & 0xD000 == 0x8000 and (upper >> 6) & 0xE != 0xE:
        value = sign << 20 | j2 << 19 | j1 << 18 | (upper & 0x3F) << 12 | (lower & 0x7FF) << 1
        return Jump(here + signed(value, 21), 1, 4, link=False)
    if kind is None:
        return None
    value = sign << 24 | (1 - (j1 ^ sign)) << 23 | (1 - (j2 ^ sign)) << 22
    offset = signed(value | (upper & 0x3FF) << 12 | (lower & 0x7FF) << 1, 25)
    link, thumb = kind
    return Jump((here if thumb else here & ~3) + offset, thumb, 4, link=link)


def arm_jump(code: bytes, at: int, address: int) -> Jump | None:
    """The B, BL or BLX at an offset of Arm code that begins at `address`; or None."""
    word = struct.unpack_from("<I", code, at)[0]
    if word >> 25 & 7 != 5:
        return None
    target = address + at + 8 + signed((word & 0xFFFFFF) << 2, 26)
    if word >> 28 == 0xF:
        return Jump(target | (word >> 24 & 1) << 1, 1, 4, link=True)
    return Jump(target, 0, 4, link=bool(word >> 24 & 1))


def a64_jump(code: bytes, at: int, address: int) -> Jump | None:
    """The B or BL at an offset of AArch64 code that begins at `address`; or None."""
    word = struct.unpack_from("<I", code, at)[0]
    if word >> 26 & 0x1F != 0b00101:
        return None
    target = address + at + signed((word & 0x3FFFFFF) << 2, 28)
    return Jump(target, 0, 4, link=bool(word >> 31))


def x86_jump(code: bytes, at: int, address: int) -> Jump | None:
    """The CALL or JMP whose 32-bit distance is at an offset of the code; or None."""
    if not at or code[at - 1] not in {0xE8, 0xE9} or at + 4 > len(code):
        return None
    target = address + at + 4 + struct.unpack_from("<i", code, at)[0]
    return Jump(target, 0, 4, link=code[at - 1] == 0xE8)


def riscv_jump(code: bytes, at: int, address: int) -> Jump | None:
    """The JAL at an offset of RISC-V code that begins at `address`; or None."""
    if at + 4 > len(code):
        return None
    word = struct.unpack_from("<I", code, at)[0]
    if word & 0x7F != 0b1101111:
        return None
    value = word >> 31 << 20 | (word >> 12 & 0xFF) << 12 | (word >> 20 & 1) << 11
    target = address + at + signed(value | (word >> 21 & 0x3FF) << 1, 21)
    return Jump(target, 0, 4, link=bool(word >> 7 & 0x1F))


def arc_jump(code: bytes, at: int, address: int) -> Jump | None:
    """The B, Bcc, BL or BLcc at an offset of little-endian ARC code; or None."""
    if at + 4 > len(code):
        return None
    first, second = struct.unpack_from("<HH", code, at)
    link, kind = bool(first >> 11), first & 3
    if first >> 11 > 1 or (link and kind & 1):
        return None
    # bits 10 to 1, to 2 for a call; then 20 to 11; in the long forms 24 to 21 as well
    value = (first & 0x7FC if link else first & 0x7FE) | (second >> 6) << 11
    bits = 21
    if kind & (2 if link else 1):
        value, bits = value | (second & 15) << 21, 25
    return Jump((address + at & ~3) + signed(value, bits), 0, 4, link=link)


#: By e_machine: what decodes a branch, and the multiple of bytes at which there can be one.
JUMPS: Mapping[int, tuple[tuple[Callable[[bytes, int, int], Jump | None], int], ...]] = {
    40: ((thumb_jump, 2), (arm_jump, 4)),
    62: ((x86_jump, 1),),
    183: ((a64_jump, 4),),
    93: ((arc_jump, 2),),
    195: ((arc_jump, 2),),
    243: ((riscv_jump, 2),),
}


#: Code of a veneer, where its address is, how that is read, and the state it is entered in.
_VENEERS = (
    ("dff800f0", 4, "<I", 1),  # ldr.w pc, [pc]
    ("10b4024ca44610bc6047c046", 12, "<I", 1),  # Thumb without it
    ("04f01fe5", 4, "<I", 0),  # ldr pc, [pc, #-4]
    ("5000005800021fd6", 8, "<Q", 0),  # ldr x16, . + 8; br x16
    ("ff2500000000", 6, "<Q", 0),  # jmp [rip]
    ("170300000323c30067000300", 12, "<I", 0),  # auipc t1, 0; lw t1, 12(t1); jr t1
    ("170300000333030167000300", 16, "<Q", 0),  # auipc t1, 0; ld t1, 16(t1); jr t1; nop
    ("2020800f", 4, "<HH", 0),  # j limm, the more significant half first
)


def veneer_target(code: bytes, at: int) -> tuple[int, int] | None:
    """Where the veneer at an offset leads, with the Thumb bit, and the state it is entered in."""
    for text, where, form, state in _VENEERS:
        start = bytes.fromhex(text)
        if code[at : at + len(start)] == start:
            parts = struct.unpack_from(form, code, at + where)
            return parts[0] if len(parts) == 1 else parts[0] << 16 | parts[1], state
    return None
