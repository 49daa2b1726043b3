# SPDX-License-Identifier: Apache-2.0
"""Arm and Thumb, as arch/arm/core/elf.c relocates.

Addends are in the places. No bit of a symbol's address is masked, branches never change the
instruction set, and the reach of a branch is one short at its lower end.
"""

from __future__ import annotations

from collections.abc import Callable

from west_llext.loader.errnos import Errno
from west_llext.loader.headers import Header
from west_llext.loader.loading import Loading, Rela
from west_llext.loader.machines.place import Place
from west_llext.loader.machines.veneers import through_veneer
from west_llext.loader.symbols import lookup_vma
from west_llext.loader.target import Veneers
from west_llext.loader.wording import alternate, signed

PREL31_REACH, JUMP_REACH, THUMB_REACH = 0x40000000, 0x2000000, 0x1000000
_MOVT, _PREL = (44, 46, 48, 50), (45, 46, 49, 50)


def relocate(load: Loading, rel: Rela, header: Header) -> int:
    """Apply a relocation; 0 or an error."""
    at = Place(load, rel, header)
    result = at.resolve()
    if result:
        return result
    kind = at.kind
    if kind == 108 and not load.target.rules.tls_offsets:
        return _unknown(at)
    if kind == 23:
        return _relative(load, at)
    if kind in (10, 30):
        return _thumb_jump(load, at)
    step = _STEPS.get(kind)
    return _unknown(at) if step is None else step(at)


def _unknown(at: Place) -> int:
    at.error(f"unknown relocation: {at.kind}")
    return -Errno.ENOEXEC


def _out_of_range(at: Place) -> int:
    at.error(
        f"sym '{at.shown()}': relocation out of range ({alternate(at.P)} -> {alternate(at.S)})"
    )
    return -Errno.ENOEXEC


def _nothing(at: Place) -> int:  # noqa: ARG001  # a step
    return 0


def _absolute(at: Place) -> int:
    at.put(at.get(4) + at.S, 4)
    return 0


def _word(at: Place) -> int:
    at.put(at.S, 4)
    return 0


def _difference(at: Place) -> int:
    at.put(at.get(4) + at.S - at.P, 4)
    return 0


def _exchange(at: Place) -> int:
    # `bx rM` becomes `mov pc, rM`, whatever the processor is
    at.put(at.get(4) & 0xF000000F | 0x01A0F000, 4)
    return 0


def _prel31(at: Place) -> int:
    word = at.get(4)
    offset = signed(signed(word, 31) + at.S - at.P, 32)
    if not -PREL31_REACH <= offset < PREL31_REACH:
        return _out_of_range(at)
    at.put(word & 0x80000000 | offset & 0x7FFFFFFF, 4)
    return 0


def _jump(at: Place) -> int:
    word = at.get(4)
    offset = signed(signed((word & 0xFFFFFF) << 2, 26) + at.S - at.P, 32)
    if not -JUMP_REACH < offset < JUMP_REACH:
        return _out_of_range(at)
    at.put(word & 0xFF000000 | offset >> 2 & 0xFFFFFF, 4)
    return 0


def _moved(at: Place, value: int) -> int:
    offset = signed(signed(value, 16) + at.S, 32)
    if at.kind in _PREL:
        offset = signed(offset - at.P, 32)
    return offset >> 16 if at.kind in _MOVT else offset


def _move(at: Place) -> int:
    word = at.get(4)
    offset = _moved(at, (word & 0xF0000) >> 4 | word & 0xFFF)
    at.put(word & 0xFFE0F000 | (offset & 0xF000) << 4 | offset & 0xFFF, 4)
    return 0


def _thumb_move(at: Place) -> int:
    upper, lower = at.get(2), at.get(2, 2)
    value = (upper & 0xF) << 12 | (upper & 0x400) << 1 | (lower & 0x7000) >> 4 | lower & 0xFF
    offset = _moved(at, value)
    at.put(upper & 0xFBF0 | offset >> 12 & 0xF | offset >> 1 & 0x400, 2)
    at.put(lower & 0x8F00 | (offset & 0x700) << 4 | offset & 0xFF, 2, 2)
    return 0


def _thumb_jump(load: Loading, at: Place) -> int:
    offset = _thumb_offset(at, at.S)
    if offset is None and load.target.veneers is not Veneers.NONE:
        veneer = through_veneer(load, at.S)
        offset = None if veneer is None else _thumb_offset(at, veneer | 1)
    if offset is None:
        return _out_of_range(at)
    sign = offset >> 24 & 1
    first, second = sign ^ ~offset >> 23 & 1, sign ^ ~offset >> 22 & 1
    at.put(at.get(2) & 0xF800 | sign << 10 | offset >> 12 & 0x3FF, 2)
    at.put(at.get(2, 2) & 0xD000 | first << 13 | second << 11 | offset >> 1 & 0x7FF, 2, 2)
    return 0


def _thumb_offset(at: Place, target: int) -> int | None:
    # the offset with the addend that the place holds; None out of reach
    upper, lower = at.get(2), at.get(2, 2)
    sign = upper >> 10 & 1
    value = sign << 24 | (upper & 0x3FF) << 12 | (lower & 0x7FF) << 1
    value |= (~(lower >> 13 ^ sign) & 1) << 23 | (~(lower >> 11 ^ sign) & 1) << 22
    offset = signed(signed(value, 25) + target - at.P, 32)
    return offset if -THUMB_REACH < offset < THUMB_REACH else None


def _relative(load: Loading, at: Place) -> int:
    value = at.get(4)
    if not load.target.rules.one_image:
        at.put(value + load.ext.mem[load.target.mem.text], 4)
        return 0
    if value:
        address = lookup_vma(load, value)
        if not address:
            at.error(f"R_ARM_RELATIVE VMA {alternate(value)} is not in a loaded section")
            return -Errno.ENOEXEC
        at.put(address, 4)
    return 0


# fmt: off
_STEPS: dict[int, Callable[[Place], int]] = {
    0: _nothing,                                    # NONE
    2: _absolute, 38: _absolute, 108: _absolute,    # ABS32, TARGET1, TLS_LE32
    1: _jump, 28: _jump, 29: _jump,                 # PC24, CALL, JUMP24
    40: _exchange,                                  # V4BX
    42: _prel31,                                    # PREL31
    3: _difference,                                 # REL32
    43: _move, 44: _move, 45: _move, 46: _move,     # MOVW_ABS_NC … MOVT_PREL
    47: _thumb_move, 48: _thumb_move, 49: _thumb_move, 50: _thumb_move,
    21: _word, 22: _word,                           # GLOB_DAT, JUMP_SLOT
}
# fmt: on
