# SPDX-License-Identifier: Apache-2.0
"""Six points of every field: a small value, both limits, one step past each, a misaligned one.

Limits and words are typed from the manuals: Arm Architecture Reference Manual, Armv7-A and Armv7-R
(DDI 0406C), chapter A8, and AAELF32 2023Q3, "Static Data relocations".
"""

from __future__ import annotations

from west_llext.arch.arm import ROWS

from .fields import MIB, Field, Limits, rows_of

# fmt: off
FIELDS = (
    Field("R_ARM_THM_CALL",   "A8.8.25 BL T1: even numbers in the range -16777216 to 16777214",
          0xF000F800, (0x100, 0xF000F880), (-16 * MIB, 0xF400D000), (16 * MIB - 2, 0xF3FFD7FF), 2),
    Field("R_ARM_THM_JUMP24", "A8.8.18 B T4: even numbers in the range -16777216 to 16777214",
          0xF000B800, (0x100, 0xF000B880), (-16 * MIB, 0xF4009000), (16 * MIB - 2, 0xF3FF97FF), 2),
    Field("R_ARM_THM_JUMP19", "A8.8.18 B T3: even numbers in the range -1048576 to 1048574",
          0xF0008000, (0x100, 0xF0008080), (-1 * MIB, 0xF4008000), (1 * MIB - 2, 0xF03FAFFF), 2),
    Field("R_ARM_THM_JUMP11", "A8.8.18 B T2: even numbers in the range -2048 to 2046",
          0xE000, (0x100, 0xE080), (-2048, 0xE400), (2046, 0xE3FF), 2),
    Field("R_ARM_THM_JUMP8",  "A8.8.18 B T1: even numbers in the range -256 to 254",
          0xD000, (0x10, 0xD008), (-256, 0xD080), (254, 0xD07F), 2),
    Field("R_ARM_THM_JUMP6",  "A8.8.29 CBZ T1: even numbers in the range 0 to 126",
          0xB100, (0x10, 0xB140), (0, 0xB100), (126, 0xB3F8), 2),
    Field("R_ARM_CALL",       "A8.8.25 BL A1: multiples of 4 in the range -33554432 to 33554428",
          0xEB000000, (0x100, 0xEB000040), (-32 * MIB, 0xEB800000), (32 * MIB - 4, 0xEB7FFFFF), 4),
    Field("R_ARM_JUMP24",     "A8.8.18 B A1: multiples of 4 in the range -33554432 to 33554428",
          0x0A000000, (0x100, 0x0A000040), (-32 * MIB, 0x0A800000), (32 * MIB - 4, 0x0A7FFFFF), 4),
    Field("R_ARM_PC24",       "A8.8.18 B A1: multiples of 4 in the range -33554432 to 33554428",
          0xEA000000, (0x100, 0xEA000040), (-32 * MIB, 0xEA800000), (32 * MIB - 4, 0xEA7FFFFF), 4),
    Field("R_ARM_PLT32",      "A8.8.18 B A1: multiples of 4 in the range -33554432 to 33554428",
          0xEA000000, (0x100, 0xEA000040), (-32 * MIB, 0xEA800000), (32 * MIB - 4, 0xEA7FFFFF), 4),
    Field("R_ARM_PREL31",     "AAELF32: 31-bit 2's complement",
          0x80000000, (0x10, 0x80000010), (-0x40000000, 0xC0000000), (0x3FFFFFFF, 0xBFFFFFFF), 1),
    Field("R_ARM_ABS16",      "AAELF32: -32768 <= X <= 65535",
          0, (0x10, 0x10), (-32768, 0x8000), (65535, 0xFFFF), 1),
    Field("R_ARM_ABS8",       "AAELF32: -128 <= X <= 255",
          0, (0x10, 0x10), (-128, 0x80), (255, 0xFF), 1),
)

# AAELF32 says of these that nothing is checked: values, and the words that hold them.
# MOVW A2 (A8.8.102), MOVT A1 (A8.8.106): imm4:imm12; MOVW T3, MOVT T1: imm4:i:imm3:imm8; all of r3.
# MOVS, ADDS T2 with an 8-bit immediate, of r3: one byte of the address each.
WORDS   = ((0x12345678, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFF), (1 << 32, 0), (-1, 0xFFFFFFFF))
MOVW    = ((0x1234, 0xE3013234), (0xFFFF, 0xE30F3FFF), (0x10000, 0xE3003000), (-1, 0xE30F3FFF))
MOVT    = ((0x12345678, 0xE3413234), (-1 << 16, 0xE34F3FFF), (0xFFFF, 0xE3403000), (-1, 0xE34F3FFF))
T_MOVW  = ((0x1234, 0xF2412334), (0xFFFF, 0xF64F73FF), (0x10000, 0xF2400300), (-1, 0xF64F73FF))
T_MOVT  = ((0x12345678, 0xF2C12334), (-1 << 16, 0xF6CF73FF), (0xFFFF, 0xF2C00300), (-1, 0xF6CF73FF))
UNCHECKED = (
    ("R_ARM_ABS32",            0,          WORDS),
    ("R_ARM_REL32",            0,          WORDS),
    ("R_ARM_TARGET1",          0,          WORDS),
    ("R_ARM_TARGET2",          0,          WORDS),
    ("R_ARM_ABS32_NOI",        0,          WORDS),
    ("R_ARM_REL32_NOI",        0,          WORDS),
    ("R_ARM_TLS_LE32",         0,          WORDS),
    ("R_ARM_MOVW_ABS_NC",      0xE3003000, MOVW),
    ("R_ARM_MOVW_PREL_NC",     0xE3003000, MOVW),
    ("R_ARM_MOVT_ABS",         0xE3403000, MOVT),
    ("R_ARM_MOVT_PREL",        0xE3403000, MOVT),
    ("R_ARM_THM_MOVW_ABS_NC",  0xF2400300, T_MOVW),
    ("R_ARM_THM_MOVW_PREL_NC", 0xF2400300, T_MOVW),
    ("R_ARM_THM_MOVT_ABS",     0xF2C00300, T_MOVT),
    ("R_ARM_THM_MOVT_PREL",    0xF2C00300, T_MOVT),
    ("R_ARM_THM_ALU_ABS_G0_NC", 0x2300,
     ((0x12345678, 0x2378), (0xFF, 0x23FF), (0x100, 0x2300), (-1, 0x23FF))),
    ("R_ARM_THM_ALU_ABS_G1_NC", 0x3300,
     ((0x12345678, 0x3356), (0xFF00, 0x33FF), (0xFF, 0x3300), (-1, 0x33FF))),
    ("R_ARM_THM_ALU_ABS_G2_NC", 0x3300,
     ((0x12345678, 0x3334), (0xFF0000, 0x33FF), (0xFFFF, 0x3300), (-1, 0x33FF))),
    ("R_ARM_THM_ALU_ABS_G3", 0x3300,
     ((0x12345678, 0x3312), (0xFF000000, 0x33FF), (0xFFFFFF, 0x3300), (-1, 0x33FF))),
)
# fmt: on

LIMITS = (Limits(name="arm", rows=rows_of(ROWS), fields=FIELDS, unchecked=UNCHECKED),)
