# SPDX-License-Identifier: Apache-2.0
"""Six points of every field: a small value, both limits, one step past each, a misaligned one.

Limits are typed from the ARCv2 Instruction Set Programmer's Reference Manual, in the words of the
instructions' descriptions; words are drawn by hand, most significant half first.
"""

from __future__ import annotations

from west_llext.arch.arc import ROWS

from .fields import MIB, Field, Limits, rows_of

# fmt: off
FIELDS = (
    Field("R_ARC_S25W_PCREL",     "BL s25: 16 MB in both directions, to a word",
          0x08020000, (0x100, 0x09020000), (-16 * MIB, 0x08020008), (16 * MIB - 4, 0x0FFEFFC7), 4),
    Field("R_ARC_S25W_PCREL_PLT", "as R_ARC_S25W_PCREL",
          0x08020000, (0x100, 0x09020000), (-16 * MIB, 0x08020008), (16 * MIB - 4, 0x0FFEFFC7), 4),
    Field("R_ARC_S25H_PCREL",     "B s25: 16 MB in both directions, to a halfword",
          0x00010000, (0x102, 0x01030000), (-16 * MIB, 0x00010008), (16 * MIB - 2, 0x07FFFFC7), 2),
    Field("R_ARC_S25H_PCREL_PLT", "as R_ARC_S25H_PCREL",
          0x00010000, (0x102, 0x01030000), (-16 * MIB, 0x00010008), (16 * MIB - 2, 0x07FFFFC7), 2),
    Field("R_ARC_S21W_PCREL",     "BLcc s21: 1 MB in both directions, to a word",
          0x08000002, (0x804, 0x08040042), (-MIB, 0x08008002), (MIB - 4, 0x0FFC7FC2), 4),
    Field("R_ARC_S21W_PCREL_PLT", "as R_ARC_S21W_PCREL",
          0x08000002, (0x804, 0x08040042), (-MIB, 0x08008002), (MIB - 4, 0x0FFC7FC2), 4),
    Field("R_ARC_S21H_PCREL",     "Bcc s21: 1 MB in both directions, to a halfword",
          0x00000001, (0x802, 0x00020041), (-MIB, 0x00008001), (MIB - 2, 0x07FE7FC1), 2),
    Field("R_ARC_S21H_PCREL_PLT", "as R_ARC_S21H_PCREL",
          0x00000001, (0x802, 0x00020041), (-MIB, 0x00008001), (MIB - 2, 0x07FE7FC1), 2),
    Field("R_ARC_S13_PCREL",      "BL_S s13: 4 KB in both directions, to a word",
          0xF800, (0x100, 0xF840), (-4096, 0xFC00), (4092, 0xFBFF), 4),
    Field("R_ARC_8",   "a byte, with or without sign",
          0, (16, 0x10), (-128, 0x80), (255, 0xFF), 1),
    Field("R_ARC_16",  "a halfword, with or without sign",
          0, (16, 0x10), (-32768, 0x8000), (65535, 0xFFFF), 1),
    Field("R_ARC_24",  "three bytes, with or without sign",
          0, (16, 0x10), (-0x800000, 0x800000), (0xFFFFFF, 0xFFFFFF), 1),
    Field("R_ARC_N8",  "as R_ARC_8",  0, (16, 0x10), (-128, 0x80), (255, 0xFF), 1),
    Field("R_ARC_N16", "as R_ARC_16", 0, (16, 0x10), (-32768, 0x8000), (65535, 0xFFFF), 1),
    Field("R_ARC_N24", "as R_ARC_24",
          0, (16, 0x10), (-0x800000, 0x800000), (0xFFFFFF, 0xFFFFFF), 1),
)
WORDS = ((0x12345678, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFF), (1 << 32, 0), (-1, 0xFFFFFFFF))
ALIGNED = ((0x1234567B, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFC), (1 << 32, 0), (-1, 0xFFFFFFFC))
#: PC32 and its kin count from the instruction, 4 bytes in front of the place.
COUNTED = ((0x12345674, 0x12345678), (0xFFFFFFFB, 0xFFFFFFFF), (-4, 0), (-5, 0xFFFFFFFF))
UNCHECKED = (
    ("R_ARC_32", 0, WORDS),
    ("R_ARC_32_ME", 0, WORDS),
    ("R_ARC_32_ME_S", 0, WORDS),
    ("R_ARC_N32", 0, WORDS),
    ("R_ARC_N32_ME", 0, WORDS),
    ("R_ARC_32_PCREL", 0, WORDS),
    ("R_ARC_TLS_LE_32", 0, WORDS),
    ("R_ARC_W", 0, ALIGNED),
    ("R_ARC_W_ME", 0, ALIGNED),
    ("R_ARC_PC32", 0, COUNTED),
    ("R_ARC_PLT32", 0, COUNTED),
    ("R_ARC_GOTPC32", 0, COUNTED),
)
# fmt: on

LIMITS = (Limits(name="arc", rows=rows_of(ROWS), fields=FIELDS, unchecked=UNCHECKED),)
