# SPDX-License-Identifier: Apache-2.0
"""ARC, 32 bits (EM_ARC_COMPACT2, EM_ARC_COMPACT): ARC EM, ARC HS and ARC 700.

What is odd about this machine:

* Little-endian instructions are middle-endian: two little-endian halfwords, the first one the more
  significant, and so are the long immediates inside them. Data words are plain; hence two types for
  one address (R_ARC_32 and R_ARC_32_ME).
* The program counter that displacements count from (PCL) has its two lowest bits cleared: code at
  an odd halfword counts from the word that it is in. For a long immediate that is the word of the
  instruction, which begins 4 bytes in front of it.
* A call is to a word, a jump to a halfword: S25W and S25H reach the same 16 MiB.
* Zephyr's loader adds the addend of a branch twice, so that a branch is left without one.
* A branch to an undefined weak symbol stays as the assembler wrote it, as GNU ld leaves it.

Types: include/elf/arc-reloc.def of GNU binutils 2.40; those of the ARCtangent, which these replaced,
have their names from elf.h of glibc 2.36.
Drawings: ARCv2 Instruction Set Programmer's Reference Manual, "32-bit Instruction Formats" and
"16-bit Instruction Formats".
What is left for the target: arch/arc/core/elf.c of Zephyr.
"""

from __future__ import annotations

from west_llext.arch import arc_abi
from west_llext.arch.formula import Formula
from west_llext.arch.layout import layout
from west_llext.arch.machine import Core, Machine, Veneer
from west_llext.arch.table import (
    BYTE,
    HALF,
    WORD,
    Branch,
    Check,
    Ignore,
    Refuse,
    Row,
    Via,
    Word,
    table,
)

EM_ARC_COMPACT = 93
EM_ARC_COMPACT2 = 195

#: An instruction of 32 bits, or a long immediate.
ME32 = Word("HH")
#: Three bytes of data.
THREE = Word("T")

# fmt: off
DATA8   = layout("7:0")
DATA16  = layout("15:0")
DATA24  = layout("23:0")
DATA32  = layout("31:0")
S13     = layout("_5 12:2")                     # BL_S
S21H    = layout("_5 10:1 _1 20:11 _6")         # Bcc
S21W    = layout("_5 10:2 _2 20:11 _6")         # BLcc
S25H    = layout("_5 10:1 _1 20:11 _2 24:21")   # B
S25W    = layout("_5 10:2 _2 20:11 _2 24:21")   # BL

_SDATA  = "compile with -mno-sdata"
_PIC    = "compile without -fPIC and -fpie"
_TLS    = "use the local-exec model (-ftls-model=local-exec) for variables of the base image"
_OLD    = "rebuild the object with a current assembler"
_JLI    = "compile without -mjli-always and the attributes jli_always and jli_fixed"
_SMALL  = "data relative to the small data base"
_START  = "an offset from the start of a section, which a blob doesn't keep"
_A4     = "a type of the ARCtangent-A4"


def _word_aligned(word: int, value: int) -> tuple[int, int]:
    return word, value & ~3


ROWS = table(
    #      no   name                       formula           into     check         place
    Ignore(  0, "R_ARC_NONE",              "does nothing"),
    Row(     1, "R_ARC_8",                 Formula.ABS,      DATA8,   Check.EITHER, BYTE,  loadable=False),
    Row(     2, "R_ARC_16",                Formula.ABS,      DATA16,  Check.EITHER, HALF,  loadable=False),
    Row(     3, "R_ARC_24",                Formula.ABS,      DATA24,  Check.EITHER, THREE, loadable=False),
    Row(     4, "R_ARC_32",                Formula.ABS,      DATA32,  Check.WRAP,   WORD),
    Refuse(  5, "R_ARC_B26",               _A4, _OLD),
    Refuse(  6, "R_ARC_B22_PCREL",         _A4, _OLD),
    Refuse(  7, "R_ARC_H30",               _A4, _OLD),
    Row(     8, "R_ARC_N8",                Formula.MINUS,    DATA8,   Check.EITHER, BYTE,  loadable=False),
    Row(     9, "R_ARC_N16",               Formula.MINUS,    DATA16,  Check.EITHER, HALF,  loadable=False),
    Row(    10, "R_ARC_N24",               Formula.MINUS,    DATA24,  Check.EITHER, THREE, loadable=False),
    Row(    11, "R_ARC_N32",               Formula.MINUS,    DATA32,  Check.WRAP,   WORD,  loadable=False),
    Refuse( 12, "R_ARC_SDA",               _SMALL, _SDATA),
    Refuse( 13, "R_ARC_SECTOFF",           _START),
    Row(    14, "R_ARC_S21H_PCREL",        Formula.PCREL_PA, S21H,    Check.SIGNED, ME32,  Branch.JUMP, loadable=False),
    Row(    15, "R_ARC_S21W_PCREL",        Formula.PCREL_PA, S21W,    Check.SIGNED, ME32,  Branch.CALL, loadable=False),
    Row(    16, "R_ARC_S25H_PCREL",        Formula.PCREL_PA, S25H,    Check.SIGNED, ME32,  Branch.JUMP, bare=True),
    Row(    17, "R_ARC_S25W_PCREL",        Formula.PCREL_PA, S25W,    Check.SIGNED, ME32,  Branch.CALL, bare=True),
    Refuse( 18, "R_ARC_SDA32",             _SMALL, _SDATA),
    Refuse( 19, "R_ARC_SDA_LDST",          _SMALL, _SDATA),
    Refuse( 20, "R_ARC_SDA_LDST1",         _SMALL, _SDATA),
    Refuse( 21, "R_ARC_SDA_LDST2",         _SMALL, _SDATA),
    Refuse( 22, "R_ARC_SDA16_LD",          _SMALL, _SDATA),
    Refuse( 23, "R_ARC_SDA16_LD1",         _SMALL, _SDATA),
    Refuse( 24, "R_ARC_SDA16_LD2",         _SMALL, _SDATA),
    Row(    25, "R_ARC_S13_PCREL",         Formula.PCREL_PA, S13,     Check.SIGNED, HALF,  Branch.CALL, loadable=False),
    Row(    26, "R_ARC_W",                 Formula.ABS,      DATA32,  Check.WRAP,   WORD,  loadable=False, revise=_word_aligned),
    Row(    27, "R_ARC_32_ME",             Formula.ABS,      DATA32,  Check.WRAP,   ME32),
    Row(    28, "R_ARC_N32_ME",            Formula.MINUS,    DATA32,  Check.WRAP,   ME32,  loadable=False),
    Refuse( 29, "R_ARC_SECTOFF_ME",        _START),
    Refuse( 30, "R_ARC_SDA32_ME",          _SMALL, _SDATA),
    Row(    31, "R_ARC_W_ME",              Formula.ABS,      DATA32,  Check.WRAP,   ME32,  loadable=False, revise=_word_aligned),
    Refuse( 32, "R_ARC_H30_ME",            _A4, _OLD),
    Refuse( 33, "R_ARC_SECTOFF_U8",        _START),
    Refuse( 34, "R_ARC_SECTOFF_S9",        _START),
    Refuse( 35, "R_AC_SECTOFF_U8",         _START),
    Refuse( 36, "R_AC_SECTOFF_U8_1",       _START),
    Refuse( 37, "R_AC_SECTOFF_U8_2",       _START),
    Refuse( 38, "R_AC_SECTOFF_S9",         _START),
    Refuse( 39, "R_AC_SECTOFF_S9_1",       _START),
    Refuse( 40, "R_AC_SECTOFF_S9_2",       _START),
    Refuse( 41, "R_ARC_SECTOFF_ME_1",      _START),
    Refuse( 42, "R_ARC_SECTOFF_ME_2",      _START),
    Refuse( 43, "R_ARC_SECTOFF_1",         _START),
    Refuse( 44, "R_ARC_SECTOFF_2",         _START),
    Refuse( 45, "R_ARC_SDA_12",            _SMALL, _SDATA),
    Refuse( 48, "R_ARC_SDA16_ST2",         _SMALL, _SDATA),
    Row(    49, "R_ARC_32_PCREL",          Formula.PCREL,    DATA32,  Check.WRAP,   WORD,  loadable=False),
    Row(    50, "R_ARC_PC32",              Formula.PCREL_PA, DATA32,  Check.WRAP,   ME32,  loadable=False, bias=4, remedy=_PIC),
    Row(    51, "R_ARC_GOTPC32",           Formula.PCREL_PA, DATA32,  Check.WRAP,   ME32,  loadable=False, bias=4, via=Via.GOT),
    Row(    52, "R_ARC_PLT32",             Formula.PCREL_PA, DATA32,  Check.WRAP,   ME32,  loadable=False, bias=4),  # without a PLT: as PC32
    Refuse( 53, "R_ARC_COPY",              "a dynamic relocation of an executable"),
    Refuse( 54, "R_ARC_GLOB_DAT",          "a dynamic relocation of a global offset table", _PIC),
    Refuse( 55, "R_ARC_JMP_SLOT",          "a dynamic relocation of a procedure linkage table", _PIC),
    Refuse( 56, "R_ARC_RELATIVE",          "a dynamic relocation of a shared object", _PIC),
    Refuse( 57, "R_ARC_GOTOFF",            "data relative to a global offset table", _PIC),
    Refuse( 58, "R_ARC_GOTPC",             "the address of a global offset table", _PIC),
    Refuse( 59, "R_ARC_GOT32",             "an offset in a global offset table", _PIC),
    Row(    60, "R_ARC_S21W_PCREL_PLT",    Formula.PCREL_PA, S21W,    Check.SIGNED, ME32,  Branch.CALL, loadable=False),
    Row(    61, "R_ARC_S25H_PCREL_PLT",    Formula.PCREL_PA, S25H,    Check.SIGNED, ME32,  Branch.JUMP, bare=True, left_as=16),
    Refuse( 63, "R_ARC_JLI_SECTOFF",       "a call through the table of the JLI instruction", _JLI),
    Refuse( 66, "R_ARC_TLS_DTPMOD",        "a dynamic relocation of thread-local storage", _TLS),
    Refuse( 67, "R_ARC_TLS_DTPOFF",        "thread-local storage of the local-dynamic model", _TLS),
    Refuse( 68, "R_ARC_TLS_TPOFF",         "a dynamic relocation of thread-local storage", _TLS),
    Refuse( 69, "R_ARC_TLS_GD_GOT",        "thread-local storage of the general-dynamic model", _TLS),
    Refuse( 70, "R_ARC_TLS_GD_LD",         "thread-local storage of the general-dynamic model", _TLS),
    Refuse( 71, "R_ARC_TLS_GD_CALL",       "thread-local storage of the general-dynamic model", _TLS),
    Refuse( 72, "R_ARC_TLS_IE_GOT",        "thread-local storage of the initial-exec model", _TLS),
    Refuse( 73, "R_ARC_TLS_DTPOFF_S9",     "thread-local storage of the local-dynamic model", _TLS),
    Refuse( 74, "R_ARC_TLS_LE_S9",         "a thread-local offset of 9 bits", _TLS),
    Row(    75, "R_ARC_TLS_LE_32",         Formula.TPREL,    DATA32,  Check.WRAP,   ME32,  loadable=False),
    Row(    76, "R_ARC_S25W_PCREL_PLT",    Formula.PCREL_PA, S25W,    Check.SIGNED, ME32,  Branch.CALL, bare=True, left_as=17),
    Row(    77, "R_ARC_S21H_PCREL_PLT",    Formula.PCREL_PA, S21H,    Check.SIGNED, ME32,  Branch.JUMP, loadable=False),
    Refuse( 78, "R_ARC_NPS_CMEM16",        "an address in the memory of a network processor"),
    Row(   105, "R_ARC_32_ME_S",           Formula.ABS,      DATA32,  Check.WRAP,   ME32,  left_as=27),  # behind a 16-bit instruction
)
# fmt: on


#: j limm: any address, no register, and whatever was in BLINK stays there.
JUMP = Veneer(
    name="j",
    code=bytes.fromhex("2020800f 00000000"),
    target_offset=4,
    relocation=27,
)
#: The same for big-endian code, which is plain.
JUMP_BIG = Veneer(
    name="j",
    code=bytes.fromhex("20200f80 00000000"),
    target_offset=4,
    relocation=27,
)


def veneer(row: Row, core: Core) -> Veneer | None:
    """The form for every branch of little-endian code."""
    del row, core
    return JUMP


def _veneer_big(row: Row, core: Core) -> Veneer | None:
    del row, core
    return JUMP_BIG


def undefined_branch(row: Row, word: int, core: Core) -> None:
    """A branch to an undefined weak symbol stays as it is; code that is right never gets there."""
    del row, word, core


def _thread_pointer(size: int, alignment: int) -> int:
    # at two words in front of the variables (TCB_SIZE in bfd/elf32-arc.c), which begin at a
    # multiple of their alignment
    del size
    return -max(8, alignment)


def _machine(number: int, *, big: bool) -> Machine:
    return Machine(
        number=number,
        name="arc",
        notes=__doc__ or "",
        rows=ROWS,
        undefined_branch=undefined_branch,
        veneer=_veneer_big if big else veneer,
        explicit_addends=True,
        first=(4, 1),
        absolute_word=4,
        alignment=4,
        debugger_links=False,
        thread_pointer=_thread_pointer,
        # the loader came with 4.1; S25H was added to it later
        since={(4, 2): frozenset({16, 61})},
        core=arc_abi.core,
        mismatches=arc_abi.mismatches,
    )


MACHINE = _machine(EM_ARC_COMPACT2, big=False)
MACHINE_BIG = _machine(EM_ARC_COMPACT2, big=True)
MACHINE_700 = _machine(EM_ARC_COMPACT, big=False)
MACHINE_700_BIG = _machine(EM_ARC_COMPACT, big=True)
