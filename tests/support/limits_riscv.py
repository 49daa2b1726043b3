# SPDX-License-Identifier: Apache-2.0
"""Six points of every field: a small value, both limits, one step past each, a misaligned one.

Limits and words are typed from the manuals: The RISC-V Instruction Set Manual, Volume I
(Unprivileged ISA), and the RISC-V ELF psABI, "Relocations" and "Code models". All registers are a0
and a1 but for those of calls.
"""

from __future__ import annotations

from west_llext.arch.riscv import ROWS_32, ROWS_64

from .fields import MIB, Field, Limits, rows_of

GIB = 1 << 30
# fmt: off
FIELDS = (
    Field("R_RISCV_BRANCH",     "Conditional Branches: the range is ±4 KiB, in multiples of 2",
          0x00B51063, (0x100, 0x10B51063), (-4096, 0x80B51063), (4094, 0x7EB51FE3), 2),
    Field("R_RISCV_JAL",        "Unconditional Jumps: a ±1 MiB range, in multiples of 2",
          0x000000EF, (0x100, 0x100000EF), (-1 * MIB, 0x800000EF), (1 * MIB - 2, 0x7FFFF0EF), 2),
    Field("R_RISCV_RVC_BRANCH", "C.BEQZ: a ±256 B range, in multiples of 2",
          0xC101, (0x10, 0xC901), (-256, 0xD101), (254, 0xCD7D), 2),
    Field("R_RISCV_RVC_JUMP",   "C.J: a ±2 KiB range, in multiples of 2",
          0xA001, (0x100, 0xA201), (-2048, 0xB001), (2046, 0xAFFD), 2),
)

# "Medium low code model": 0xFFFFFFFF7FFFF800 to 0x7FFFF7FF, because the lower part has a sign;
# the medium any code model is the same from the place.
_LOWEST, _HIGHEST = -2 * GIB - 0x800, 2 * GIB - 0x801
# AUIPC ra, JALR ra, the first one on top
_CALL = "Procedure Calls: AUIPC and JALR, ±2 GiB without what the sign of the lower part takes"
_EMPTY_CALL = 0x00000097_000080E7
_CALL_POINTS = (
    (0x12345678, 0x12345097_678080E7),
    (_LOWEST, 0x80000097_800080E7),
    (_HIGHEST, 0x7FFFF097_7FF080E7),
)
_UPPER = "Code models: 0xFFFFFFFF7FFFF800 ~ 0x000000007FFFF7FF"
_LUI_POINTS = ((0x12345678, 0x12345537), (_LOWEST, 0x80000537), (_HIGHEST, 0x7FFFF537))
_AUIPC_POINTS = ((0x12345678, 0x12345517), (_LOWEST, 0x80000517), (_HIGHEST, 0x7FFFF517))
_WORD = "word32: 32 bits, and the places are 64-bit addresses"
_WORD_POINTS = ((0x10, 0x10), (-2 * GIB, 0x80000000), (2 * GIB - 1, 0x7FFFFFFF))
FIELDS_64 = (
    Field("R_RISCV_CALL",       _CALL,  _EMPTY_CALL, *_CALL_POINTS, 1),
    Field("R_RISCV_CALL_PLT",   _CALL,  _EMPTY_CALL, *_CALL_POINTS, 1),
    Field("R_RISCV_HI20",       _UPPER, 0x00000537, *_LUI_POINTS, 1),
    Field("R_RISCV_TPREL_HI20", _UPPER, 0x00000537, *_LUI_POINTS, 1),
    Field("R_RISCV_PCREL_HI20", _UPPER, 0x00000517, *_AUIPC_POINTS, 1),
    Field("R_RISCV_GOT_HI20",   _UPPER, 0x00000517, *_AUIPC_POINTS, 1),
    Field("R_RISCV_32",         "word32, signed or not: an address or a number",
          0, (0x10, 0x10), (-2 * GIB, 0x80000000), (4 * GIB - 1, 0xFFFFFFFF), 1),
    Field("R_RISCV_GOT32_PCREL", "word32, signed or not: a distance",
          0, (0x10, 0x10), (-2 * GIB, 0x80000000), (4 * GIB - 1, 0xFFFFFFFF), 1),
    Field("R_RISCV_32_PCREL",   _WORD,  0, *_WORD_POINTS, 1),
    Field("R_RISCV_PLT32",      _WORD,  0, *_WORD_POINTS, 1),
)

# The lower part is cut out of a value that the upper part has checked; differences wrap.
# ADDI a0, a0: imm[11:0] on top; SW a1, 0(a0): imm[11:5] on top and imm[4:0] above the opcode.
LOW_I = ((0x12345678, 0x67850513), (0x800, 0x80050513), (-1, 0xFFF50513), (0x1000, 0x00050513))
LOW_S = ((0x12345678, 0x66B52C23), (0x800, 0x80B52023), (-1, 0xFEB52FA3), (0x1000, 0x00B52023))
BYTES = ((0x78, 0x78), (0xFF, 0xFF), (0x100, 0), (-1, 0xFF))
HALVES = ((0x5678, 0x5678), (0xFFFF, 0xFFFF), (0x10000, 0), (-1, 0xFFFF))
WORDS = ((0x12345678, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFF), (1 << 32, 0), (-1, 0xFFFFFFFF))
LONGS = ((0x1234, 0x1234), (1 << 63, 1 << 63), (1 << 64, 0), (-1, (1 << 64) - 1))
SIXES = ((0x15, 0xD5), (0x3F, 0xFF), (0x40, 0xC0), (-1, 0xFF))  # the upper two bits stay
UNCHECKED = (
    ("R_RISCV_64",           0,          LONGS),
    ("R_RISCV_PCREL_LO12_I", 0x00050513, LOW_I),
    ("R_RISCV_PCREL_LO12_S", 0x00B52023, LOW_S),
    ("R_RISCV_LO12_I",       0x00050513, LOW_I),
    ("R_RISCV_LO12_S",       0x00B52023, LOW_S),
    ("R_RISCV_TPREL_LO12_I", 0x00050513, LOW_I),
    ("R_RISCV_TPREL_LO12_S", 0x00B52023, LOW_S),
    ("R_RISCV_ADD8",         0,          BYTES),
    ("R_RISCV_ADD16",        0,          HALVES),
    ("R_RISCV_ADD32",        0,          WORDS),
    ("R_RISCV_ADD64",        0,          LONGS),
    ("R_RISCV_SUB8",         0,          BYTES),
    ("R_RISCV_SUB16",        0,          HALVES),
    ("R_RISCV_SUB32",        0,          WORDS),
    ("R_RISCV_SUB64",        0,          LONGS),
    ("R_RISCV_SUB6",         0xC0,       SIXES),
    ("R_RISCV_SET6",         0xC0,       SIXES),
    ("R_RISCV_SET8",         0,          BYTES),
    ("R_RISCV_SET16",        0,          HALVES),
    ("R_RISCV_SET32",        0,          WORDS),
    ("R_RISCV_SET_ULEB128",  0,          LONGS),
    ("R_RISCV_SUB_ULEB128",  0,          LONGS),
)

# On RV32 addresses wrap at 2^32: LUI and AUIPC reach all of them, a word holds all of them.
LUI = (*_LUI_POINTS, (2 * GIB, 0x80000537), (4 * GIB - 0x801, 0xFFFFF537), (4 * GIB - 1, 0x0537))
AUIPC = tuple((value, word & ~0x7F | 0x17) for value, word in LUI)
CALL = (*_CALL_POINTS, (2 * GIB, 0x80000097_000080E7), (4 * GIB - 0x800, 0x00000097_800080E7))
UNCHECKED_32 = (
    ("R_RISCV_CALL",        _EMPTY_CALL, CALL),
    ("R_RISCV_CALL_PLT",    _EMPTY_CALL, CALL),
    ("R_RISCV_HI20",        0x00000537,  LUI),
    ("R_RISCV_TPREL_HI20",  0x00000537,  LUI),
    ("R_RISCV_PCREL_HI20",  0x00000517,  AUIPC),
    ("R_RISCV_GOT_HI20",    0x00000517,  AUIPC),
    ("R_RISCV_32",          0,           WORDS),
    ("R_RISCV_GOT32_PCREL", 0,           WORDS),
    ("R_RISCV_32_PCREL",    0,           WORDS),
    ("R_RISCV_PLT32",       0,           WORDS),
)
# fmt: on

LIMITS = (
    Limits(
        name="rv32",
        rows=rows_of(ROWS_32),
        fields=FIELDS,
        unchecked=(*UNCHECKED, *UNCHECKED_32),
    ),
    Limits(
        name="rv64",
        rows=rows_of(ROWS_64),
        fields=(*FIELDS, *FIELDS_64),
        unchecked=UNCHECKED,
    ),
)
