# SPDX-License-Identifier: Apache-2.0
"""Six points of every field of AArch64.

Limits and words are typed from the manuals: ELF for the Arm 64-bit Architecture (AAELF64, 2025Q4),
"Relocation", and Arm Architecture Reference Manual for A-profile (DDI 0487), chapter C6.
"""

from __future__ import annotations

from west_llext.arch.aarch64 import ROWS

from .fields import MIB, Field, Limits, rows_of

KIB, GIB, PAGE = 1 << 10, 1 << 30, 1 << 12
NEAR, HIGH = 128 * MIB, 4 * GIB
# fmt: off
_G0, _G1, _G2 = (0x1234, 0x12345678, 0x123456789ABC)
FIELDS = (
    Field("R_AARCH64_ABS32",          "AAELF64: -2^31 <= X < 2^32",
          0, (0x10, 0x10), (-2 * GIB, 0x80000000), (4 * GIB - 1, 0xFFFFFFFF), 1),
    Field("R_AARCH64_ABS16",          "AAELF64: -2^15 <= X < 2^16",
          0, (0x10, 0x10), (-32768, 0x8000), (65535, 0xFFFF), 1),
    Field("R_AARCH64_PREL32",         "AAELF64: -2^31 <= X < 2^31",
          0, (0x10, 0x10), (-2 * GIB, 0x80000000), (2 * GIB - 1, 0x7FFFFFFF), 1),
    Field("R_AARCH64_PREL16",         "AAELF64: -2^15 <= X < 2^15",
          0, (0x10, 0x10), (-32768, 0x8000), (32767, 0x7FFF), 1),
    Field("R_AARCH64_PLT32",          "AAELF64: -2^31 <= X < 2^31",
          0, (0x10, 0x10), (-2 * GIB, 0x80000000), (2 * GIB - 1, 0x7FFFFFFF), 1),
    Field("R_AARCH64_GOTPCREL32",     "AAELF64: -2^31 <= X < 2^31",
          0, (0x10, 0x10), (-2 * GIB, 0x80000000), (2 * GIB - 1, 0x7FFFFFFF), 1),
    Field("R_AARCH64_MOVW_UABS_G0",   "AAELF64: 0 <= X < 2^16; MOVZ",
          0xD2800000, (_G0, 0xD2824680), (0, 0xD2800000), ((1 << 16) - 1, 0xD29FFFE0), 1),
    Field("R_AARCH64_MOVW_UABS_G1",   "AAELF64: 0 <= X < 2^32; MOVZ, LSL #16",
          0xD2A00000, (_G1, 0xD2A24680), (0, 0xD2A00000), ((1 << 32) - 1, 0xD2BFFFE0), 1),
    Field("R_AARCH64_MOVW_UABS_G2",   "AAELF64: 0 <= X < 2^48; MOVZ, LSL #32",
          0xD2C00000, (_G2, 0xD2C24680), (0, 0xD2C00000), ((1 << 48) - 1, 0xD2DFFFE0), 1),
    *(Field(f"R_AARCH64_{name}_G0",   "AAELF64: -2^16 <= X < 2^16; MOVN where X < 0",
            0xD2800000, (_G0, 0xD2824680), (-1 << 16, 0x929FFFE0), ((1 << 16) - 1, 0xD29FFFE0), 1)
      for name in ("MOVW_SABS", "MOVW_PREL", "MOVW_GOTOFF", "TLSLE_MOVW_TPREL")),
    *(Field(f"R_AARCH64_{name}_G1",   "AAELF64: -2^32 <= X < 2^32; MOVN where X < 0",
            0xD2A00000, (_G1, 0xD2A24680), (-1 << 32, 0x92BFFFE0), ((1 << 32) - 1, 0xD2BFFFE0), 1)
      for name in ("MOVW_SABS", "MOVW_PREL", "MOVW_GOTOFF", "TLSLE_MOVW_TPREL")),
    *(Field(f"R_AARCH64_{name}_G2",   "AAELF64: -2^48 <= X < 2^48; MOVN where X < 0",
            0xD2C00000, (_G2, 0xD2C24680), (-1 << 48, 0x92DFFFE0), ((1 << 48) - 1, 0xD2DFFFE0), 1)
      for name in ("MOVW_SABS", "MOVW_PREL", "MOVW_GOTOFF", "TLSLE_MOVW_TPREL")),
    *(Field(f"R_AARCH64_{name}",      "C6.2 LDR (literal): +/-1MB, a multiple of 4",
            0x58000000, (0x100, 0x58000800), (-1 * MIB, 0x58800000), (1 * MIB - 4, 0x587FFFE0), 4)
      for name in ("LD_PREL_LO19", "GOT_LD_PREL19")),
    Field("R_AARCH64_ADR_PREL_LO21",  "C6.2 ADR: +/-1MB",
          0x10000000, (0x101, 0x30000800), (-1 * MIB, 0x10800000), (1 * MIB - 1, 0x707FFFE0), 1),
    *(Field(f"R_AARCH64_{name}",      "C6.2 ADRP: +/-4GB, a multiple of 4096",
            0x90000000, (0x5000, 0xB0000020), (-HIGH, 0x90800000), (HIGH - PAGE, 0xF07FFFE0), PAGE)
      for name in ("ADR_PREL_PG_HI21", "ADR_GOT_PAGE")),
    Field("R_AARCH64_TSTBR14",        "C6.2 TBZ: +/-32KB, a multiple of 4",
          0x36000000, (0x100, 0x36000800), (-32 * KIB, 0x36040000), (32 * KIB - 4, 0x3603FFE0), 4),
    Field("R_AARCH64_CONDBR19",       "C6.2 B.cond: +/-1MB, a multiple of 4",
          0x54000000, (0x100, 0x54000800), (-1 * MIB, 0x54800000), (1 * MIB - 4, 0x547FFFE0), 4),
    Field("R_AARCH64_JUMP26",         "C6.2 B: +/-128MB, a multiple of 4",
          0x14000000, (0x100, 0x14000040), (-NEAR, 0x16000000), (NEAR - 4, 0x15FFFFFF), 4),
    Field("R_AARCH64_CALL26",         "C6.2 BL: +/-128MB, a multiple of 4",
          0x94000000, (0x100, 0x94000040), (-NEAR, 0x96000000), (NEAR - 4, 0x95FFFFFF), 4),
    *(Field(f"R_AARCH64_LD64_{name}_LO15", "AAELF64: 0 <= X < 2^15, X&7 = 0; LDR x",
            0xF9400000, (0x1128, 0xF9489400), (0, 0xF9400000), (32 * KIB - 8, 0xF97FFC00), 8)
      for name in ("GOTOFF", "GOTPAGE")),
    # as moves of the offset itself, as they are in the local-exec model
    Field("R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21", "ADRP becomes MOVZ, LSL #16: 0 <= X < 2^32",
          0x90000003, (_G1, 0xD2A24683), (0, 0xD2A00003), ((1 << 32) - 1, 0xD2BFFFE3), 1),
    Field("R_AARCH64_TLSIE_LD_GOTTPREL_PREL19", "LDR becomes MOVZ: 0 <= X < 2^16",
          0x58000003, (_G0, 0xD2824683), (0, 0xD2800003), ((1 << 16) - 1, 0xD29FFFE3), 1),
    Field("R_AARCH64_TLSLE_ADD_TPREL_HI12", "AAELF64: 0 <= X < 2^24; ADD, LSL #12",
          0x91400000, (0x12345, 0x91404800), (0, 0x91400000), ((1 << 24) - 1, 0x917FFC00), 1),
    Field("R_AARCH64_TLSLE_ADD_TPREL_LO12", "AAELF64: 0 <= X < 2^12; ADD",
          0x91000000, (0x123, 0x91048C00), (0, 0x91000000), (4095, 0x913FFC00), 1),
    Field("R_AARCH64_TLSLE_LDST8_TPREL_LO12", "AAELF64: 0 <= X < 2^12; LDRB",
          0x39400000, (0x123, 0x39448C00), (0, 0x39400000), (4095, 0x397FFC00), 1),
    Field("R_AARCH64_TLSLE_LDST16_TPREL_LO12", "AAELF64: 0 <= X < 2^12; LDRH, a multiple of 2",
          0x79400000, (0x124, 0x79424800), (0, 0x79400000), (4094, 0x795FFC00), 2),
    Field("R_AARCH64_TLSLE_LDST32_TPREL_LO12", "AAELF64: 0 <= X < 2^12; LDR w, a multiple of 4",
          0xB9400000, (0x124, 0xB9412400), (0, 0xB9400000), (4092, 0xB94FFC00), 4),
    Field("R_AARCH64_TLSLE_LDST64_TPREL_LO12", "AAELF64: 0 <= X < 2^12; LDR x, a multiple of 8",
          0xF9400000, (0x128, 0xF9409400), (0, 0xF9400000), (4088, 0xF947FC00), 8),
    Field("R_AARCH64_TLSLE_LDST128_TPREL_LO12", "AAELF64: 0 <= X < 2^12; LDR q, a multiple of 16",
          0x3DC00000, (0x120, 0x3DC04800), (0, 0x3DC00000), (4080, 0x3DC3FC00), 16),
)

# AAELF64 says of these that nothing is checked: values, and the words that hold them.
ALL = (1 << 64) - 1
LONGS  = ((0x123456789ABCDEF0, 0x123456789ABCDEF0), (-1, ALL), (1 << 64, 0), (-1 << 63, 1 << 63))
MOV_0  = ((0x1234, 0xF2824680), (0xFFFF, 0xF29FFFE0), (0x10000, 0xF2800000), (-1, 0xF29FFFE0))
MOV_16 = ((0x12345678, 0xF2A24680), (-1, 0xF2BFFFE0), (1 << 32, 0xF2A00000), (0xFFFF, 0xF2A00000))
MOV_32 = ((0x123456789ABC, 0xF2C24680), (-1, 0xF2DFFFE0), (1 << 48, 0xF2C00000))
MOV_48 = ((0x123456789ABCDEF0, 0xF2E24680), (-1, 0xF2FFFFE0), (1 << 64, 0xF2E00000))
MOVNZ  = ((0x123456789ABCDEF0, 0xD2E24680), (-1, 0x92E00000), (-1 << 63, 0x92EFFFE0))
ADD    = ((0x123, 0x91048C00), (0x12345FFF, 0x913FFC00), (0x1000, 0x91000000), (-1, 0x913FFC00))
PAGES  = ((0x5000, 0xB0000020), (4 << 30, 0x90800000), (8 << 30, 0x90000000), (-4096, 0xF0FFFFE0))
LDRB   = ((0x123, 0x39448C00), (0x12345FFF, 0x397FFC00), (0x1000, 0x39400000), (-1, 0x397FFC00))
LDRH   = ((0x124, 0x79424800), (0x12345FFE, 0x795FFC00), (0x1000, 0x79400000), (-2, 0x795FFC00))
LDR_W  = ((0x124, 0xB9412400), (0x12345FFC, 0xB94FFC00), (0x1000, 0xB9400000), (-4, 0xB94FFC00))
LDR_X  = ((0x128, 0xF9409400), (0x12345FF8, 0xF947FC00), (0x1000, 0xF9400000), (-8, 0xF947FC00))
LDR_Q  = ((0x120, 0x3DC04800), (0x12345FF0, 0x3DC3FC00), (0x1000, 0x3DC00000), (-16, 0x3DC3FC00))
UNCHECKED = (
    ("R_AARCH64_ABS64",                     0,          LONGS),
    ("R_AARCH64_PREL64",                    0,          LONGS),
    ("R_AARCH64_MOVW_UABS_G0_NC",           0xF2800000, MOV_0),
    ("R_AARCH64_MOVW_PREL_G0_NC",           0xF2800000, MOV_0),
    ("R_AARCH64_TLSLE_MOVW_TPREL_G0_NC",    0xF2800000, MOV_0),
    ("R_AARCH64_MOVW_UABS_G1_NC",           0xF2A00000, MOV_16),
    ("R_AARCH64_MOVW_PREL_G1_NC",           0xF2A00000, MOV_16),
    ("R_AARCH64_TLSLE_MOVW_TPREL_G1_NC",    0xF2A00000, MOV_16),
    ("R_AARCH64_MOVW_UABS_G2_NC",           0xF2C00000, MOV_32),
    ("R_AARCH64_MOVW_PREL_G2_NC",           0xF2C00000, MOV_32),
    ("R_AARCH64_MOVW_UABS_G3",              0xF2E00000, MOV_48),
    ("R_AARCH64_MOVW_PREL_G3",              0xD2E00000, MOVNZ),
    ("R_AARCH64_MOVW_GOTOFF_G0_NC",         0xF2800000, MOV_0),
    ("R_AARCH64_MOVW_GOTOFF_G1_NC",         0xF2A00000, MOV_16),
    ("R_AARCH64_MOVW_GOTOFF_G2_NC",         0xF2C00000, MOV_32),
    ("R_AARCH64_MOVW_GOTOFF_G3",            0xD2E00000, MOVNZ),
    ("R_AARCH64_ADR_PREL_PG_HI21_NC",       0x90000000, PAGES),
    ("R_AARCH64_ADD_ABS_LO12_NC",           0x91000000, ADD),
    ("R_AARCH64_TLSLE_ADD_TPREL_LO12_NC",   0x91000000, ADD),
    ("R_AARCH64_LDST8_ABS_LO12_NC",         0x39400000, LDRB),
    ("R_AARCH64_TLSLE_LDST8_TPREL_LO12_NC", 0x39400000, LDRB),
)

# "Although overflow must not be checked, a linker should check that the value of X is aligned":
# as above, with the size of what is accessed.
ALIGNED = (
    ("R_AARCH64_LDST16_ABS_LO12_NC",          0x79400000, LDRH,  2),
    ("R_AARCH64_TLSLE_LDST16_TPREL_LO12_NC",  0x79400000, LDRH,  2),
    ("R_AARCH64_LDST32_ABS_LO12_NC",          0xB9400000, LDR_W, 4),
    ("R_AARCH64_TLSLE_LDST32_TPREL_LO12_NC",  0xB9400000, LDR_W, 4),
    ("R_AARCH64_LDST64_ABS_LO12_NC",          0xF9400000, LDR_X, 8),
    ("R_AARCH64_LD64_GOT_LO12_NC",            0xF9400000, LDR_X, 8),
    ("R_AARCH64_TLSLE_LDST64_TPREL_LO12_NC",  0xF9400000, LDR_X, 8),
    ("R_AARCH64_LDST128_ABS_LO12_NC",         0x3DC00000, LDR_Q, 16),
    ("R_AARCH64_TLSLE_LDST128_TPREL_LO12_NC", 0x3DC00000, LDR_Q, 16),
)
# fmt: on

LIMITS = (
    Limits(
        name="aarch64",
        rows=rows_of(ROWS),
        fields=FIELDS,
        unchecked=UNCHECKED,
        aligned=ALIGNED,
        # its row depends on the instruction
        elsewhere=frozenset({"R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC"}),
    ),
)
