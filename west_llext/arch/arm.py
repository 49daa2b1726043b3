# SPDX-License-Identifier: Apache-2.0
"""Arm, 32 bits (EM_ARM): A32 and Thumb.

What is odd about this machine:

* Functions come in two instruction sets. Bit 0 of a Thumb function's address is set wherever the
  address is data or the target of BX; the symbol value carries it (`S` here is without it, `T` is it).
* A call can change the instruction set by turning BL into BLX, a jump can't. M-profile cores have
  Thumb only.
* A 32-bit Thumb instruction is two little-endian halfwords, the first one the more significant.
* Addends are in the place (REL) in what compilers emit; Zephyr's loader refuses RELA on Arm.

Types: ELF for the Arm Architecture (AAELF32), 2023Q3, section 5.6 "Relocation".
Drawings: Arm Architecture Reference Manual, Armv7-A and Armv7-R (DDI 0406C), chapter A8.
"""

from __future__ import annotations

from west_llext.arch import arm_abi
from west_llext.arch.formula import Formula
from west_llext.arch.layout import layout
from west_llext.arch.machine import Core, Machine, Veneer
from west_llext.arch.table import (
    BYTE,
    HALF,
    THUMB32,
    WORD,
    Branch,
    Check,
    Ignore,
    Refuse,
    Row,
    table,
)

EM_ARM = 40


def _j_bits(value: int) -> int:
    # J1 and J2 hold I1 and I2 as NOT(I EOR S) (DDI 0406C, A8.8.25 "BL, BLX (immediate)", T1)
    return value if value >> 24 & 1 else value ^ (0b11 << 22)


# fmt: off
DATA8     = layout("7:0")
DATA16    = layout("15:0")
DATA32    = layout("31:0")
PREL31    = layout("_1 30:0")
ARM_B     = layout("_8 25:2")                                   # B, BL: A1
ARM_BLX   = layout("_7 1 25:2")                                 # BLX (immediate): A2, H is bit 1
ARM_MOV   = layout("_12 15:12 _4 11:0")                         # MOVW, MOVT: imm4:imm12
THM_BL    = layout("_5 24 21:12 _2 23 _1 22 11:1", _j_bits, twisted=22)     # B.W T4, BL T1
THM_BLX   = layout("_5 24 21:12 _2 23 _1 22 11:2 _1", _j_bits, twisted=22)  # BLX T2, H is left zero
THM_BCC   = layout("_5 20 _4 17:12 _2 18 _1 19 11:1")           # B<c>.W: T3
THM_MOV   = layout("_5 11 _6 15:12 _1 10:8 _4 7:0")             # MOVW, MOVT: imm4:i:imm3:imm8
THM_B_N   = layout("_5 11:1")                                   # B: T2
THM_BCC_N = layout("_8 8:1")                                    # B<c>: T1
THM_CBZ   = layout("_6 6 _1 5:1 _3")                            # CBZ, CBNZ: T1
THM_IMM8  = layout("_8 7:0")                                    # MOVS, ADDS: imm8

_PIC = "compile without -fPIC and -fpie"
_TLS = "use the local-exec model (-ftls-model=local-exec) for variables of the base image"
_SB = "compile without -fropi, -frwpi and -msingle-pic-base"
_GROUP = "load the address with MOVW/MOVT or from a literal pool"
_OLD = "rebuild the object with a current assembler"

ROWS = table(
    #      no   name                       formula           into       check           place
    Ignore(  0, "R_ARM_NONE",              "marks a dependency between sections"),
    Row(     1, "R_ARM_PC24",              Formula.PCREL_T,  ARM_B,     Check.SIGNED,   WORD, Branch.JUMP),
    Row(     2, "R_ARM_ABS32",             Formula.ABS_T,    DATA32,    Check.WRAP,     WORD),
    Row(     3, "R_ARM_REL32",             Formula.PCREL_T,  DATA32,    Check.WRAP,     WORD),
    Refuse(  4, "R_ARM_LDR_PC_G0",         "a load from a literal in another section", _GROUP),
    Row(     5, "R_ARM_ABS16",             Formula.ABS,      DATA16,    Check.EITHER,   HALF, loadable=False),
    Refuse(  6, "R_ARM_ABS12",             "a load from one of the first 4096 addresses", _GROUP),
    Refuse(  7, "R_ARM_THM_ABS5",          "a load from one of the first 128 addresses", _GROUP),
    Row(     8, "R_ARM_ABS8",              Formula.ABS,      DATA8,     Check.EITHER,   BYTE, loadable=False),
    Refuse(  9, "R_ARM_SBREL32",           "data relative to a static base register", _SB),
    Row(    10, "R_ARM_THM_CALL",          Formula.PCREL_T,  THM_BL,    Check.SIGNED,   THUMB32, Branch.CALL),
    Refuse( 11, "R_ARM_THM_PC8",           "a load from a literal in another section", _GROUP),
    Refuse( 12, "R_ARM_BREL_ADJ",          "a dynamic relocation of a static base", _SB),
    Refuse( 13, "R_ARM_TLS_DESC",          "a dynamic relocation of thread-local storage", _TLS),
    Refuse( 14, "R_ARM_THM_SWI8",          "withdrawn by the psABI", _OLD),
    Refuse( 15, "R_ARM_XPC25",             "withdrawn by the psABI", _OLD),
    Refuse( 16, "R_ARM_THM_XPC22",         "withdrawn by the psABI", _OLD),
    Refuse( 17, "R_ARM_TLS_DTPMOD32",      "a dynamic relocation of thread-local storage", _TLS),
    Refuse( 18, "R_ARM_TLS_DTPOFF32",      "a dynamic relocation of thread-local storage", _TLS),
    Refuse( 19, "R_ARM_TLS_TPOFF32",       "a dynamic relocation of thread-local storage", _TLS),
    Refuse( 20, "R_ARM_COPY",              "a dynamic relocation of an executable"),
    Refuse( 21, "R_ARM_GLOB_DAT",          "a dynamic relocation of a global offset table", _PIC),
    Refuse( 22, "R_ARM_JUMP_SLOT",         "a dynamic relocation of a procedure linkage table", _PIC),
    Refuse( 23, "R_ARM_RELATIVE",          "a dynamic relocation of a shared object", _PIC),
    Refuse( 24, "R_ARM_GOTOFF32",          "extensions have no global offset table", _PIC),
    Refuse( 25, "R_ARM_BASE_PREL",         "extensions have no global offset table", _PIC),
    Refuse( 26, "R_ARM_GOT_BREL",          "extensions have no global offset table", _PIC),
    Row(    27, "R_ARM_PLT32",             Formula.PCREL_T,  ARM_B,     Check.SIGNED,   WORD, Branch.JUMP, loadable=False),
    Row(    28, "R_ARM_CALL",              Formula.PCREL_T,  ARM_B,     Check.SIGNED,   WORD, Branch.CALL),
    Row(    29, "R_ARM_JUMP24",            Formula.PCREL_T,  ARM_B,     Check.SIGNED,   WORD, Branch.JUMP),
    Row(    30, "R_ARM_THM_JUMP24",        Formula.PCREL_T,  THM_BL,    Check.SIGNED,   THUMB32, Branch.JUMP),
    Refuse( 31, "R_ARM_BASE_ABS",          "data relative to a static base register", _SB),
    Refuse( 32, "R_ARM_ALU_PCREL_7_0",     "withdrawn by the psABI", _OLD),
    Refuse( 33, "R_ARM_ALU_PCREL_15_8",    "withdrawn by the psABI", _OLD),
    Refuse( 34, "R_ARM_ALU_PCREL_23_15",   "withdrawn by the psABI", _OLD),
    Refuse( 35, "R_ARM_LDR_SBREL_11_0_NC", "data relative to a static base register", _SB),
    Refuse( 36, "R_ARM_ALU_SBREL_19_12_NC", "data relative to a static base register", _SB),
    Refuse( 37, "R_ARM_ALU_SBREL_27_20_CK", "data relative to a static base register", _SB),
    Row(    38, "R_ARM_TARGET1",           Formula.ABS_T,    DATA32,    Check.WRAP,     WORD),  # as ABS32 on bare metal
    Refuse( 39, "R_ARM_SBREL31",           "data relative to a static base register", _SB),
    Ignore( 40, "R_ARM_V4BX",              "every core that Zephyr runs on has BX"),
    Row(    41, "R_ARM_TARGET2",           Formula.PCREL_T,  DATA32,    Check.WRAP,     WORD, loadable=False),  # as REL32 on bare metal
    Row(    42, "R_ARM_PREL31",            Formula.PCREL_T,  PREL31,    Check.SIGNED,   WORD),
    Row(    43, "R_ARM_MOVW_ABS_NC",       Formula.ABS_T,    ARM_MOV,   Check.WRAP,     WORD),
    Row(    44, "R_ARM_MOVT_ABS",          Formula.ABS,      ARM_MOV,   Check.WRAP,     WORD, shift=16),
    Row(    45, "R_ARM_MOVW_PREL_NC",      Formula.PCREL_T,  ARM_MOV,   Check.WRAP,     WORD),
    Row(    46, "R_ARM_MOVT_PREL",         Formula.PCREL,    ARM_MOV,   Check.WRAP,     WORD, shift=16),
    Row(    47, "R_ARM_THM_MOVW_ABS_NC",   Formula.ABS_T,    THM_MOV,   Check.WRAP,     THUMB32),
    Row(    48, "R_ARM_THM_MOVT_ABS",      Formula.ABS,      THM_MOV,   Check.WRAP,     THUMB32, shift=16),
    Row(    49, "R_ARM_THM_MOVW_PREL_NC",  Formula.PCREL_T,  THM_MOV,   Check.WRAP,     THUMB32),
    Row(    50, "R_ARM_THM_MOVT_PREL",     Formula.PCREL,    THM_MOV,   Check.WRAP,     THUMB32, shift=16),
    Row(    51, "R_ARM_THM_JUMP19",        Formula.PCREL_T,  THM_BCC,   Check.SIGNED,   THUMB32, Branch.JUMP, loadable=False),
    Row(    52, "R_ARM_THM_JUMP6",         Formula.PCREL,    THM_CBZ,   Check.UNSIGNED, HALF, loadable=False, least=-4),  # ((imm + 4) & 0x7f) - 4
    Refuse( 53, "R_ARM_THM_ALU_PREL_11_0", "an address relative to another section", _GROUP),
    Refuse( 54, "R_ARM_THM_PC12",          "a load from a literal in another section", _GROUP),
    Row(    55, "R_ARM_ABS32_NOI",         Formula.ABS,      DATA32,    Check.WRAP,     WORD, loadable=False),
    Row(    56, "R_ARM_REL32_NOI",         Formula.PCREL,    DATA32,    Check.WRAP,     WORD, loadable=False),
    Refuse( 57, "R_ARM_ALU_PC_G0_NC",      "part of an address relative to the place", _GROUP),
    Refuse( 58, "R_ARM_ALU_PC_G0",         "part of an address relative to the place", _GROUP),
    Refuse( 59, "R_ARM_ALU_PC_G1_NC",      "part of an address relative to the place", _GROUP),
    Refuse( 60, "R_ARM_ALU_PC_G1",         "part of an address relative to the place", _GROUP),
    Refuse( 61, "R_ARM_ALU_PC_G2",         "part of an address relative to the place", _GROUP),
    Refuse( 62, "R_ARM_LDR_PC_G1",         "part of an address relative to the place", _GROUP),
    Refuse( 63, "R_ARM_LDR_PC_G2",         "part of an address relative to the place", _GROUP),
    Refuse( 64, "R_ARM_LDRS_PC_G0",        "part of an address relative to the place", _GROUP),
    Refuse( 65, "R_ARM_LDRS_PC_G1",        "part of an address relative to the place", _GROUP),
    Refuse( 66, "R_ARM_LDRS_PC_G2",        "part of an address relative to the place", _GROUP),
    Refuse( 67, "R_ARM_LDC_PC_G0",         "part of an address relative to the place", _GROUP),
    Refuse( 68, "R_ARM_LDC_PC_G1",         "part of an address relative to the place", _GROUP),
    Refuse( 69, "R_ARM_LDC_PC_G2",         "part of an address relative to the place", _GROUP),
    *(Refuse(number, f"R_ARM_{name}", "data relative to a static base register", _SB)
      for number, name in enumerate((
          "ALU_SB_G0_NC", "ALU_SB_G0", "ALU_SB_G1_NC", "ALU_SB_G1", "ALU_SB_G2",
          "LDR_SB_G0", "LDR_SB_G1", "LDR_SB_G2", "LDRS_SB_G0", "LDRS_SB_G1", "LDRS_SB_G2",
          "LDC_SB_G0", "LDC_SB_G1", "LDC_SB_G2", "MOVW_BREL_NC", "MOVT_BREL", "MOVW_BREL",
          "THM_MOVW_BREL_NC", "THM_MOVT_BREL", "THM_MOVW_BREL"), 70)),
    Refuse( 90, "R_ARM_TLS_GOTDESC",       "thread-local storage through a descriptor", _TLS),
    Refuse( 91, "R_ARM_TLS_CALL",          "thread-local storage through a descriptor", _TLS),
    Refuse( 92, "R_ARM_TLS_DESCSEQ",       "thread-local storage through a descriptor", _TLS),
    Refuse( 93, "R_ARM_THM_TLS_CALL",      "thread-local storage through a descriptor", _TLS),
    Refuse( 94, "R_ARM_PLT32_ABS",         "extensions have no procedure linkage table", _PIC),
    Refuse( 95, "R_ARM_GOT_ABS",           "extensions have no global offset table", _PIC),
    Refuse( 96, "R_ARM_GOT_PREL",          "extensions have no global offset table", _PIC),
    Refuse( 97, "R_ARM_GOT_BREL12",        "extensions have no global offset table", _PIC),
    Refuse( 98, "R_ARM_GOTOFF12",          "extensions have no global offset table", _PIC),
    Refuse( 99, "R_ARM_GOTRELAX",          "reserved by the psABI", _PIC),
    Ignore(100, "R_ARM_GNU_VTENTRY",       "a note for the removal of unused virtual functions"),
    Ignore(101, "R_ARM_GNU_VTINHERIT",     "a note for the removal of unused virtual functions"),
    Row(   102, "R_ARM_THM_JUMP11",        Formula.PCREL,    THM_B_N,   Check.SIGNED,   HALF, loadable=False),
    Row(   103, "R_ARM_THM_JUMP8",         Formula.PCREL,    THM_BCC_N, Check.SIGNED,   HALF, loadable=False),
    Refuse(104, "R_ARM_TLS_GD32",          "thread-local storage of the general-dynamic model", _TLS),
    Refuse(105, "R_ARM_TLS_LDM32",         "thread-local storage of the local-dynamic model", _TLS),
    Refuse(106, "R_ARM_TLS_LDO32",         "thread-local storage of the local-dynamic model", _TLS),
    Refuse(107, "R_ARM_TLS_IE32",          "thread-local storage of the initial-exec model", _TLS),
    Row(   108, "R_ARM_TLS_LE32",          Formula.TPREL,    DATA32,    Check.WRAP,     WORD),
    Refuse(109, "R_ARM_TLS_LDO12",         "thread-local storage of the local-dynamic model", _TLS),
    Refuse(110, "R_ARM_TLS_LE12",          "a thread-local offset inside an instruction", _TLS),
    Refuse(111, "R_ARM_TLS_IE12GP",        "thread-local storage of the initial-exec model", _TLS),
    *(Refuse(112 + number, f"R_ARM_PRIVATE_{number}", "private to a toolchain", _OLD) for number in range(16)),
    Refuse(128, "R_ARM_ME_TOO",            "withdrawn by the psABI", _OLD),
    Refuse(129, "R_ARM_THM_TLS_DESCSEQ16", "thread-local storage through a descriptor", _TLS),
    Refuse(130, "R_ARM_THM_TLS_DESCSEQ32", "thread-local storage through a descriptor", _TLS),
    Refuse(131, "R_ARM_THM_GOT_BREL12",    "extensions have no global offset table", _PIC),
    Row(   132, "R_ARM_THM_ALU_ABS_G0_NC", Formula.ABS_T,    THM_IMM8,  Check.WRAP,     HALF, loadable=False, least=0),
    Row(   133, "R_ARM_THM_ALU_ABS_G1_NC", Formula.ABS,      THM_IMM8,  Check.WRAP,     HALF, shift=8, loadable=False, least=0),
    Row(   134, "R_ARM_THM_ALU_ABS_G2_NC", Formula.ABS,      THM_IMM8,  Check.WRAP,     HALF, shift=16, loadable=False, least=0),
    Row(   135, "R_ARM_THM_ALU_ABS_G3",    Formula.ABS,      THM_IMM8,  Check.WRAP,     HALF, shift=24, loadable=False, least=0),
    Refuse(136, "R_ARM_THM_BF16",          "a branch future of Armv8.1-M", "compile with -mno-branch-future"),
    Refuse(137, "R_ARM_THM_BF12",          "a branch future of Armv8.1-M", "compile with -mno-branch-future"),
    Refuse(138, "R_ARM_THM_BF18",          "a branch future of Armv8.1-M", "compile with -mno-branch-future"),
    Refuse(160, "R_ARM_IRELATIVE",         "an indirect function, which the loader doesn't resolve"),
    *(Refuse(number, f"R_ARM_{name}", "a function descriptor of the FDPIC ABI", "compile without -mfdpic")
      for number, name in enumerate((
          "GOTFUNCDESC", "GOTOFFFUNCDESC", "FUNCDESC", "FUNCDESC_VALUE",
          "TLS_GD32_FDPIC", "TLS_LDM32_FDPIC", "TLS_IE32_FDPIC"), 161)),  # private to the psABI
    *(Refuse(145 + number, f"R_ARM_PRIVATE_{number}", "private to a toolchain", _OLD) for number in range(23, 32)),
)
# fmt: on


_THUMB_ROWS = frozenset({10, 30, 51})
_ALWAYS = 0xE0000000  # condition AL (A8.3)
_ARM_NOP = 0x0320F000  # NOP (A8.8.119, A1)
_ARM_MOV_R0_R0 = 0x01A00000  # for cores without it
_THM_NOP_W = 0xF3AF8000  # NOP.W (A8.8.119, T2)
_THM_B_NEXT_NOP = 0xE000BF00  # B over the next halfword, NOP: for cores without NOP.W
_ARM_BL = 0xEB000000  # BL, always (A8.8.25, A1)
_ARM_BLX = 0xFA000000  # BLX (A8.8.25, A2)
_BLX_ROW = Row(28, "R_ARM_CALL", Formula.PCREL_T, ARM_BLX, Check.SIGNED, WORD)
_THM_BLX_ROW = Row(10, "R_ARM_THM_CALL", Formula.PCREL_T, THM_BLX, Check.SIGNED, THUMB32)


def changes_state(row: Row, T: int) -> bool:
    """Whether the branch starts in one instruction set and ends in the other."""
    return (row.number in _THUMB_ROWS) != bool(T)


def direct(row: Row, word: int, T: int, core: Core) -> bool:
    """Whether `branch` can encode it, were it in range: BLX changes the state, a jump can't."""
    if not changes_state(row, T):
        return True
    always = row.number == 10 or word >> 28 >= 0xE
    return core.blx and row.branch is Branch.CALL and always


def branch(row: Row, word: int, S: int, A: int, P: int, T: int) -> int:  # noqa: PLR0917 (called for each branch, and keywords take time)
    """The branch instruction, encoded for its target; a call turns into BLX or back into BL.

    The caller has asked `direct` first. Raises RangeError.
    """
    value = ((S + A) | T) - P & ~1  # PCREL_T, as all branches have
    if row.number == 10:
        if T:
            return row.encode(word | 1 << 12, value)  # BL
        # BLX counts from Align(PC, 4) (A8.8.25)
        return _THM_BLX_ROW.encode(word & ~(1 << 12 | 1), value + (P & 2))
    if row.number == 28:
        if T:
            return _BLX_ROW.encode(_ARM_BLX, value)
        return row.encode(_ARM_BL if word >> 28 == 0xF else word, value)
    return row.encode(word, value)


def undefined_branch(row: Row, word: int, core: Core) -> int:
    """A branch to an undefined weak symbol goes to the next instruction.

    AAELF32, "Static Arm relocations", Call and Jump relocations.
    """
    if row.number in _THUMB_ROWS:
        return _THM_NOP_W if core.thumb2 else _THM_B_NEXT_NOP
    condition = word & 0xF0000000 if word >> 28 < 0xE else _ALWAYS
    return condition | (_ARM_NOP if core.thumb2 else _ARM_MOV_R0_R0)


LDR_PC = Veneer(
    name="thumb2",
    code=bytes.fromhex("dff800f0 00000000"),  # ldr.w pc, [pc]; word
    target_offset=4,
    relocation=2,
    thumb=1,
    marks=("$t", "$d"),
)
PUSH_POP = Veneer(
    name="thumb1",
    # push {r4}; ldr r4, [pc, #8]; mov ip, r4; pop {r4}; bx ip; nop; word
    code=bytes.fromhex("10b4 024c a446 10bc 6047 c046 00000000"),
    target_offset=12,
    relocation=2,
    thumb=1,
    marks=("$t", "$d"),
)
ARM_LDR_PC = Veneer(
    name="arm",
    code=bytes.fromhex("04f01fe5 00000000"),  # ldr pc, [pc, #-4]; word
    target_offset=4,
    relocation=2,
    marks=("$a", "$d"),
)


def veneer(row: Row, core: Core) -> Veneer | None:
    """The form that suits the instruction set of the branch and the core."""
    if row.number not in _THUMB_ROWS:
        return ARM_LDR_PC
    return LDR_PC if core.thumb2 else PUSH_POP


def pc_offset(row: Row) -> int:
    """The program counter reads 4 bytes ahead in Thumb state, 8 in Arm state (A2.3)."""
    return 4 if row.number in _THUMB_ROWS else 8


def _thread_pointer(size: int, alignment: int) -> int:
    # at a block of two words in front of the variables, which begin at a multiple of their
    # alignment (Addenda to the ABI, "Thread Local Storage")
    del size
    return -max(8, alignment)


MACHINE = Machine(
    number=EM_ARM,
    name="arm",
    notes=__doc__,
    rows=ROWS,
    branch=branch,
    changes_state=changes_state,
    direct=direct,
    undefined_branch=undefined_branch,
    veneer=veneer,
    explicit_addends=False,
    absolute_word=2,
    pc_offset=pc_offset,
    entry_is_odd=True,
    thread_pointer=_thread_pointer,
    since={
        (3, 7): frozenset({1, 3, 10, 28, 29, 30, 38, 42, *range(43, 51)}),
        (4, 4): frozenset({108}),
    },
    core=arm_abi.core,
    mismatches=arm_abi.mismatches,
)
