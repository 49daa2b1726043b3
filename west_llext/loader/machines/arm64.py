# SPDX-License-Identifier: Apache-2.0
"""AArch64, as arch/arm64/core/elf.c relocates.

Instructions are written before values are checked. Releases before 4.5 choose MOVN for positive
values and MOVZ for negative ones, keep 32 bits of what they shift, and take most values that don't
fit for ones that do: only what is more than a bit too large is found. Branches are never sent
through veneers. Thread-local offsets are counted from a block of two pointers.
"""

from __future__ import annotations

from typing import NamedTuple

from west_llext.loader.errnos import Errno
from west_llext.loader.headers import Header
from west_llext.loader.loading import Loading, Rela
from west_llext.loader.machines.place import Place
from west_llext.loader.wording import alternate, signed

MOVN, MOVZ = 0b00100101, 0b10100101
#: Bytes in front of a thread's variables.
TCB = 16


class Data(NamedTuple):
    """A field of data: its bytes, `abs` or `prel`, and its least and largest value."""

    size: int
    form: str
    least: int
    most: int


class Move(NamedTuple):
    """A field of MOVZ, MOVN or MOVK.

    lsb: lowest bit of the value; form: `abs` or `prel`
    code: `signed` where the instruction hangs on the sign, or `kept`
    """

    lsb: int
    form: str
    code: str


class Immediate(NamedTuple):
    """Another field of an instruction.

    lsb: lowest bit of the value; bits: how many; shift: where they go; mask: bits that are
    cleared, 0 for the two fields of ADR; form: `abs`, `prel` or `page`
    """

    lsb: int
    bits: int
    shift: int
    mask: int
    form: str


# fmt: off
DATA: dict[int, Data] = {
    258: Data(4, "abs", 0, 0xFFFFFFFF),                 # ABS32
    259: Data(2, "abs", 0, 0xFFFF),                     # ABS16
    261: Data(4, "prel", -(1 << 31), (1 << 31) - 1),    # PREL32
    262: Data(2, "prel", -(1 << 15), (1 << 15) - 1),    # PREL16
}
MOVES: dict[int, Move] = {
    263: Move(0, "abs", "kept"), 264: Move(0, "abs", "kept"),           # UABS_G0, _NC
    265: Move(16, "abs", "kept"), 266: Move(16, "abs", "kept"),         # UABS_G1, _NC
    267: Move(32, "abs", "kept"), 268: Move(32, "abs", "kept"),         # UABS_G2, _NC
    269: Move(48, "abs", "kept"),                                       # UABS_G3
    270: Move(0, "abs", "signed"), 271: Move(16, "abs", "signed"),      # SABS_G0, SABS_G1
    272: Move(32, "abs", "signed"),                                     # SABS_G2
    287: Move(0, "prel", "signed"), 288: Move(0, "prel", "kept"),       # PREL_G0, _NC
    289: Move(16, "prel", "signed"), 290: Move(16, "prel", "kept"),     # PREL_G1, _NC
    291: Move(32, "prel", "signed"), 292: Move(32, "prel", "kept"),     # PREL_G2, _NC
    293: Move(48, "prel", "signed"),                                    # PREL_G3
}
IMMEDIATES: dict[int, Immediate] = {
    273: Immediate(2, 19, 5, 0x7FFFF, "prel"),          # LD_PREL_LO19
    274: Immediate(0, 21, 0, 0, "prel"),                # ADR_PREL_LO21
    275: Immediate(12, 21, 0, 0, "page"),               # ADR_PREL_PG_HI21
    276: Immediate(12, 21, 0, 0, "page"),               # ADR_PREL_PG_HI21_NC
    277: Immediate(0, 12, 10, 0xFFF, "abs"),            # ADD_ABS_LO12_NC
    278: Immediate(0, 12, 10, 0xFFF, "abs"),            # LDST8_ABS_LO12_NC
    279: Immediate(2, 14, 5, 0x3FFF, "prel"),           # TSTBR14
    280: Immediate(2, 19, 5, 0x7FFFF, "prel"),          # CONDBR19
    282: Immediate(2, 26, 0, 0x3FFFFFF, "prel"),        # JUMP26
    283: Immediate(2, 26, 0, 0x3FFFFFF, "prel"),        # CALL26
    284: Immediate(1, 11, 10, 0xFFF, "abs"),            # LDST16_ABS_LO12_NC
    285: Immediate(2, 10, 10, 0xFFF, "abs"),            # LDST32_ABS_LO12_NC
    286: Immediate(3, 9, 10, 0xFFF, "abs"),             # LDST64_ABS_LO12_NC
    299: Immediate(4, 8, 10, 0xFFF, "abs"),             # LDST128_ABS_LO12_NC
}
# fmt: on
#: Types whose values may be too large for the field.
UNCHECKED = {264, 266, 268, 269, 276, 277, 278, 284, 285, 286, 288, 290, 292, 293, 299}
ADR = 0x60FFFFE0
NONE, ABS64, PREL64 = (0, 256), 257, 260
DYNAMIC, TLS = (1025, 1026, 1027), (549, 551)


def relocate(load: Loading, rel: Rela, header: Header) -> int:
    """Apply a relocation; 0 or an error."""
    at = Place(load, rel, header)
    result = at.resolve()
    if result:
        return result
    kind = rel.info & 0xFFFFFFFF
    fits = _applied(load, at, kind)
    if fits is None:
        at.error(f"unknown relocation: {kind}")
        return -Errno.ENOEXEC
    if fits:
        return 0
    at.error(
        f"sym '{at.shown()}': relocation out of range ({alternate(at.P)} -> {alternate(at.S)})"
    )
    return -Errno.ENOEXEC


def _applied(load: Loading, at: Place, kind: int) -> bool | None:
    # whether the value fits, where that is looked at; None for an unknown type
    if kind in NONE:
        return True
    if kind in (ABS64, PREL64):
        at.put(at.S + at.A - (at.P if kind == PREL64 else 0), 8)
        return True
    if kind in DATA:
        return _data(at, DATA[kind])
    if kind in MOVES:
        return _move(load, at, MOVES[kind]) or kind in UNCHECKED
    if kind in IMMEDIATES:
        return _immediate(load, at, IMMEDIATES[kind]) or kind in UNCHECKED
    return _late(load, at, kind)


def _late(load: Loading, at: Place, kind: int) -> bool | None:
    # what newer releases know
    rules = load.target.rules
    if kind in DYNAMIC and rules.one_image:
        bias = load.ext.bias if kind == 1027 else at.S
        at.put(bias + at.A, 8)
        return True
    if kind in TLS and rules.tls_arm64:
        offset = at.sym.value + at.A + TCB
        field = (offset >> 12 if kind == 549 else offset) & 0xFFF
        at.put(at.get(4) & ~(0xFFF << 10) | field << 10, 4)
        return True
    return None


def _data(at: Place, field: Data) -> bool:
    value = _value(at, field.form)
    if not field.least <= value <= field.most:
        return False
    at.put(value, field.size)
    return True


def _move(load: Loading, at: Place, field: Move) -> bool:
    exact = load.target.rules.exact_overflow
    width = 64 if exact else 32
    value = _value(at, field.form)
    code = at.get(4)
    part = value >> field.lsb & (1 << width) - 1
    if field.code == "signed":
        positive, negative = (MOVZ, MOVN) if exact else (MOVN, MOVZ)
        code = code & ~(0xFF << 23) | (positive if value >= 0 else negative) << 23
        if value < 0:
            part = ~part & (1 << width) - 1
    at.put(code & ~(0xFFFF << 5) | (part & 0xFFFF) << 5, 4)
    return part <= 0xFFFF


def _immediate(load: Loading, at: Place, field: Immediate) -> bool:
    value = _value(at, field.form) >> field.lsb
    code, part = at.get(4), value & (1 << field.bits) - 1
    if not field.mask:
        code = code & ~ADR | (part & 3) << 29 | (part >> 2 & 0x7FFFF) << 5
    else:
        code = code & ~(field.mask << field.shift) | (part & field.mask) << field.shift
    at.put(code, 4)
    over = value >> (field.bits - 1)
    return over in (0, -1) if load.target.rules.exact_overflow else over <= 1


def _value(at: Place, form: str) -> int:
    if form == "page":
        return signed((at.S + at.A & ~0xFFF) - (at.P & ~0xFFF), 64)
    return signed(at.S + at.A - (at.P if form == "prel" else 0), 64)
