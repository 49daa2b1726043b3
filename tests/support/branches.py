# SPDX-License-Identifier: Apache-2.0
"""Branches of Arm code, decoded for comparisons; written after the manual, not after our tables."""

from __future__ import annotations

import struct
from typing import NamedTuple

from .armloader import signed


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


def veneer_target(code: bytes, at: int) -> tuple[int, int] | None:
    """Where the veneer at an offset leads, with the Thumb bit, and the state it is entered in."""
    if code[at : at + 4] == bytes.fromhex("dff800f0"):
        return struct.unpack_from("<I", code, at + 4)[0], 1
    if code[at : at + 12] == bytes.fromhex("10b4024ca44610bc6047c046"):
        return struct.unpack_from("<I", code, at + 12)[0], 1
    if code[at : at + 4] == bytes.fromhex("04f01fe5"):
        return struct.unpack_from("<I", code, at + 4)[0], 0
    return None
