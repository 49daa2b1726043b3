# SPDX-License-Identifier: Apache-2.0
"""Six points of every field: a small value, both limits, one step past each, a misaligned one.

Limits and words are typed from the Xtensa Instruction Set Architecture Reference Manual, chapter 6,
in the words of the instructions' descriptions; register numbers are 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from west_llext.arch.machine import Machine
from west_llext.arch.table import Row
from west_llext.arch.xtensa import BIG, LITTLE, MACHINE, MACHINE_BIG, Instructions

from .fields import Field, Limits, rows_of

KIB = 1 << 10

# fmt: off
# The distance is from the instruction; for CALLn from the word that it is in, for L32R from the
# word boundary behind it.
LITTLE_FIELDS = (
    Field("L32R",   "a literal at most 262141 bytes below, at least 4 bytes below",
          0x000031, (-256, 0xFFC031), (-256 * KIB, 0x000031), (-4, 0xFFFF31), 4),
    Field("CALL0",  "target range -524284 to 524288 bytes from the address of the instruction",
          0x000005, (0x100, 0x000FC5), (-524284, 0x800005), (524288, 0x7FFFC5), 4),
    Field("CALL4",  "target range -524284 to 524288 bytes from the address of the instruction",
          0x000015, (0x100, 0x000FD5), (-524284, 0x800015), (524288, 0x7FFFD5), 4),
    Field("CALL8",  "target range -524284 to 524288 bytes from the address of the instruction",
          0x000025, (0x100, 0x000FE5), (-524284, 0x800025), (524288, 0x7FFFE5), 4),
    Field("CALL12", "target range -524284 to 524288 bytes from the address of the instruction",
          0x000035, (0x100, 0x000FF5), (-524284, 0x800035), (524288, 0x7FFFF5), 4),
    Field("J",      "target range -131068 to 131075 bytes from the address of the instruction",
          0x000006, (0x100, 0x003F06), (-131068, 0x800006), (131075, 0x7FFFC6), 1),
    Field("Bcc",    "BEQ: target range -124 to 131 bytes from the address of the instruction",
          0x001347, (0x10, 0x0C1347), (-124, 0x801347), (131, 0x7F1347), 1),
    Field("BccZ",   "BEQZ: target range -2044 to 2051 bytes from the address of the instruction",
          0x000316, (0x10, 0x00C316), (-2044, 0x800316), (2051, 0x7FF316), 1),
    Field("LOOP",   "the loop's end 4 to 259 bytes from the address of the instruction",
          0x008376, (0x10, 0x0C8376), (4, 0x008376), (259, 0xFF8376), 1),
    Field("BccZ.N", "BEQZ.N: target range 4 to 67 bytes from the address of the instruction",
          0x038C, (0x10, 0xC38C), (4, 0x038C), (67, 0xF3BC), 1),
)
BIG_FIELDS = (
    Field("L32R",   "as little-endian", 0x130000,
          (-256, 0x13FFC0), (-256 * KIB, 0x130000), (-4, 0x13FFFF), 4),
    Field("CALL0",  "as little-endian", 0x500000,
          (0x100, 0x50003F), (-524284, 0x520000), (524288, 0x51FFFF), 4),
    Field("CALL4",  "as little-endian", 0x540000,
          (0x100, 0x54003F), (-524284, 0x560000), (524288, 0x55FFFF), 4),
    Field("CALL8",  "as little-endian", 0x580000,
          (0x100, 0x58003F), (-524284, 0x5A0000), (524288, 0x59FFFF), 4),
    Field("CALL12", "as little-endian", 0x5C0000,
          (0x100, 0x5C003F), (-524284, 0x5E0000), (524288, 0x5DFFFF), 4),
    Field("J",      "as little-endian", 0x600000,
          (0x100, 0x6000FC), (-131068, 0x620000), (131075, 0x61FFFF), 1),
    Field("Bcc",    "as little-endian", 0x743100,
          (0x10, 0x74310C), (-124, 0x743180), (131, 0x74317F), 1),
    Field("BccZ",   "as little-endian", 0x643000,
          (0x10, 0x64300C), (-2044, 0x643800), (2051, 0x6437FF), 1),
    Field("LOOP",   "as little-endian", 0x6D3800,
          (0x10, 0x6D380C), (4, 0x6D3800), (259, 0x6D38FF), 1),
    Field("BccZ.N", "as little-endian", 0xC830,
          (0x10, 0xC83C), (4, 0xC830), (67, 0xCB3F), 1),
)
# fmt: on
#: GNU ld adds and stores 32 bits, whatever is above.
WORDS = ((0x12345678, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFF), (1 << 32, 0), (-1, 0xFFFFFFFF))
DATA = ("32", "PLT", "32_PCREL", "32_ABS", "TLS_TPOFF")


def slots(known: Instructions) -> Iterator[Row]:
    """The rows that the opcode decides about."""
    for each in known:
        if isinstance(each, Row):
            yield each
        else:
            yield from each


def _rows(machine: Machine, known: Instructions) -> Mapping[str, Row]:
    # instructions by their own names
    found = {each.name.partition("(")[2].rstrip(")"): each for each in slots(known)}
    return rows_of(machine.rows) | found


LIMITS = tuple(
    Limits(
        name=name,
        rows=_rows(machine, known),
        fields=fields,
        unchecked=tuple((f"R_XTENSA_{each}", 0, WORDS) for each in DATA),
        # stands for all instructions
        elsewhere=frozenset({"R_XTENSA_SLOT0_OP"}),
    )
    for name, machine, known, fields in (
        ("xtensa", MACHINE, LITTLE, LITTLE_FIELDS),
        ("xtensa-big", MACHINE_BIG, BIG, BIG_FIELDS),
    )
)
