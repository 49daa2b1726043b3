# SPDX-License-Identifier: Apache-2.0
"""RISC-V, 32 and 64 bits (EM_RISCV).

What is odd about this machine:

* An address takes two instructions: the upper 20 bits and the signed lower 12 bits, so the upper
  part is rounded (`bias`). R_RISCV_PCREL_LO12_* name the place of the upper part, not the target.
* Differences of labels are pairs of relocations, because a linker that relaxes changes them.
* Code is padded for a linker that relaxes: R_RISCV_ALIGN marks more nops than are needed, and
  deleting the excess is not optional. Nothing else is relaxed here.
* On RV32 addresses wrap, so that AUIPC and LUI reach everything.

Types: RISC-V ELF psABI 1.0 with the additions up to July 2026, "Relocations".
Drawings: RISC-V Unprivileged ISA, "Base instruction formats" and "Compressed instruction formats".
"""

from __future__ import annotations

from collections.abc import Mapping

from west_llext.arch import riscv_abi
from west_llext.arch.formula import Formula
from west_llext.arch.layout import layout
from west_llext.arch.machine import Core, Machine, Veneer
from west_llext.arch.riscv_align import without_excess_nops
from west_llext.arch.table import (
    BYTE,
    HALF,
    LONG,
    WORD,
    Branch,
    Check,
    Entry,
    Ignore,
    Refuse,
    Row,
    Via,
    Word,
    table,
)

EM_RISCV = 243

#: Two instructions, the first one in the upper half.
PAIR = Word("II")
#: A number in unsigned LEB128, of any length up to 64 bits.
ULEB128 = Word("U")


def _low_half(value: int) -> int:
    # the rounding of the upper part, which the signed lower part takes back
    return value ^ 0x800


# fmt: off
DATA6  = layout("_2 5:0")
DATA8  = layout("7:0")
DATA16 = layout("15:0")
DATA32 = layout("31:0")
DATA64 = layout("63:0")
B_TYPE = layout("12 10:5 _13 4:1 11 _7")
J_TYPE = layout("20 10:1 11 19:12 _12")
U_TYPE = layout("19:0 _12")                                 # of the value without its low 12 bits
I_TYPE = layout("11:0 _20")
S_TYPE = layout("11:5 _13 4:0 _7")
CB     = layout("_3 8 4:3 _3 7:6 2:1 5 _2")
CJ     = layout("_3 11 4 9:8 10 6 7 3:1 5 _2")
AUIPC_JALR = layout("31:12 _12 11:0 _20", _low_half)

_PIC = "compile without -fPIC and -fpie"
_TLS = "use the local-exec model (-ftls-model=local-exec) for variables of the base image"
_OLD = "rebuild the object with a current assembler"
_VENDOR = "compile without the vendor's extension of the instruction set"
_ANY = "compile with -mcmodel=medany"
_TABLE = "compile with -fPIC, so that the address is in a word of the extension"


def _lui(word: int) -> int:
    # AUIPC turned into LUI (Unprivileged ISA, "Integer Register-Immediate Instructions")
    return word & ~0x7F | 0x37


def _rows(bits: int) -> Mapping[int, Entry]:
    # on RV64 an upper part can fail to reach, on RV32 it wraps
    upper = Check.SIGNED if bits == 64 else Check.WRAP
    word = Check.EITHER if bits == 64 else Check.WRAP
    wide = bits == 64
    hi20 = Row(26, "R_RISCV_HI20", Formula.ABS, U_TYPE, upper, WORD, shift=12, bias=0x800, remedy=_ANY)
    zero = (hi20, _lui) if wide else None
    return table(
        #      no   name                      formula        into     check         place
        Ignore(  0, "R_RISCV_NONE",           "marks nothing"),
        Row(     1, "R_RISCV_32",             Formula.ABS,   DATA32,  word,         WORD),
        Row(     2, "R_RISCV_64",             Formula.ABS,   DATA64,  Check.WRAP,   LONG),
        Refuse(  3, "R_RISCV_RELATIVE",       "a dynamic relocation of a shared object", _PIC),
        Refuse(  4, "R_RISCV_COPY",           "a dynamic relocation of an executable"),
        Refuse(  5, "R_RISCV_JUMP_SLOT",      "a dynamic relocation of a procedure linkage table", _PIC),
        Refuse(  6, "R_RISCV_TLS_DTPMOD32",   "a dynamic relocation of thread-local storage", _TLS),
        Refuse(  7, "R_RISCV_TLS_DTPMOD64",   "a dynamic relocation of thread-local storage", _TLS),
        Refuse(  8, "R_RISCV_TLS_DTPREL32",   "a dynamic relocation of thread-local storage", _TLS),
        Refuse(  9, "R_RISCV_TLS_DTPREL64",   "a dynamic relocation of thread-local storage", _TLS),
        Refuse( 10, "R_RISCV_TLS_TPREL32",    "a dynamic relocation of thread-local storage", _TLS),
        Refuse( 11, "R_RISCV_TLS_TPREL64",    "a dynamic relocation of thread-local storage", _TLS),
        Refuse( 12, "R_RISCV_TLSDESC",        "a dynamic relocation of thread-local storage", _TLS),
        Row(    16, "R_RISCV_BRANCH",         Formula.PCREL, B_TYPE,  Check.SIGNED, WORD),
        Row(    17, "R_RISCV_JAL",            Formula.PCREL, J_TYPE,  Check.SIGNED, WORD, Branch.CALL),
        Row(    18, "R_RISCV_CALL",           Formula.PCREL, AUIPC_JALR, upper,     PAIR, Branch.CALL, bias=0x800),
        Row(    19, "R_RISCV_CALL_PLT",       Formula.PCREL, AUIPC_JALR, upper,     PAIR, Branch.CALL, bias=0x800),
        Row(    20, "R_RISCV_GOT_HI20",       Formula.PCREL, U_TYPE,  upper,        WORD, shift=12, bias=0x800, via=Via.GOT, left_as=23),
        Refuse( 21, "R_RISCV_TLS_GOT_HI20",   "thread-local storage of the initial-exec model", _TLS),
        Refuse( 22, "R_RISCV_TLS_GD_HI20",    "thread-local storage of the general-dynamic model", _TLS),
        Row(    23, "R_RISCV_PCREL_HI20",     Formula.PCREL, U_TYPE,  upper,        WORD, shift=12, bias=0x800, from_zero=zero, remedy=_TABLE),
        Row(    24, "R_RISCV_PCREL_LO12_I",   Formula.PCREL, I_TYPE,  Check.WRAP,   WORD, via=Via.HIGH_PART),
        Row(    25, "R_RISCV_PCREL_LO12_S",   Formula.PCREL, S_TYPE,  Check.WRAP,   WORD, via=Via.HIGH_PART),
        hi20,
        Row(    27, "R_RISCV_LO12_I",         Formula.ABS,   I_TYPE,  Check.WRAP,   WORD),
        Row(    28, "R_RISCV_LO12_S",         Formula.ABS,   S_TYPE,  Check.WRAP,   WORD),
        Row(    29, "R_RISCV_TPREL_HI20",     Formula.TPREL, U_TYPE,  upper,        WORD, shift=12, bias=0x800, loadable=False),
        Row(    30, "R_RISCV_TPREL_LO12_I",   Formula.TPREL, I_TYPE,  Check.WRAP,   WORD, loadable=False),
        Row(    31, "R_RISCV_TPREL_LO12_S",   Formula.TPREL, S_TYPE,  Check.WRAP,   WORD, loadable=False),
        Ignore( 32, "R_RISCV_TPREL_ADD",      "a hint for a linker that relaxes"),
        Row(    33, "R_RISCV_ADD8",           Formula.ADD,   DATA8,   Check.WRAP,   BYTE, joins=True),
        Row(    34, "R_RISCV_ADD16",          Formula.ADD,   DATA16,  Check.WRAP,   HALF, joins=True),
        Row(    35, "R_RISCV_ADD32",          Formula.ADD,   DATA32,  Check.WRAP,   WORD, joins=True),
        Row(    36, "R_RISCV_ADD64",          Formula.ADD,   DATA64,  Check.WRAP,   LONG, joins=True),
        Row(    37, "R_RISCV_SUB8",           Formula.SUB,   DATA8,   Check.WRAP,   BYTE, joins=True),
        Row(    38, "R_RISCV_SUB16",          Formula.SUB,   DATA16,  Check.WRAP,   HALF, joins=True),
        Row(    39, "R_RISCV_SUB32",          Formula.SUB,   DATA32,  Check.WRAP,   WORD, joins=True),
        Row(    40, "R_RISCV_SUB64",          Formula.SUB,   DATA64,  Check.WRAP,   LONG, joins=True),
        Row(    41, "R_RISCV_GOT32_PCREL",    Formula.PCREL, DATA32,  word,         WORD, via=Via.GOT, left_as=57),
        Refuse( 43, "R_RISCV_ALIGN",          "padding of a section that can't be shortened", "compile with -mno-relax"),
        Row(    44, "R_RISCV_RVC_BRANCH",     Formula.PCREL, CB,      Check.SIGNED, HALF),
        Row(    45, "R_RISCV_RVC_JUMP",       Formula.PCREL, CJ,      Check.SIGNED, HALF),
        Refuse( 46, "R_RISCV_RVC_LUI",        "withdrawn by the psABI", _OLD),
        Refuse( 47, "R_RISCV_GPREL_I",        "withdrawn by the psABI", _OLD),
        Refuse( 48, "R_RISCV_GPREL_S",        "withdrawn by the psABI", _OLD),
        Refuse( 49, "R_RISCV_TPREL_I",        "withdrawn by the psABI", _OLD),
        Refuse( 50, "R_RISCV_TPREL_S",        "withdrawn by the psABI", _OLD),
        Ignore( 51, "R_RISCV_RELAX",          "a hint for a linker that relaxes"),
        Row(    52, "R_RISCV_SUB6",           Formula.SUB,   DATA6,   Check.WRAP,   BYTE, joins=True, loadable=False),  # the loader keeps 5 bits
        Row(    53, "R_RISCV_SET6",           Formula.ABS,   DATA6,   Check.WRAP,   BYTE, joins=True, loadable=False),  # the same
        Row(    54, "R_RISCV_SET8",           Formula.ABS,   DATA8,   Check.WRAP,   BYTE, joins=True),
        Row(    55, "R_RISCV_SET16",          Formula.ABS,   DATA16,  Check.WRAP,   HALF, joins=True),
        Row(    56, "R_RISCV_SET32",          Formula.ABS,   DATA32,  Check.WRAP,   WORD, joins=True),
        Row(    57, "R_RISCV_32_PCREL",       Formula.PCREL, DATA32,  upper,        WORD),
        Refuse( 58, "R_RISCV_IRELATIVE",      "an indirect function, which the loader doesn't resolve"),
        Row(    59, "R_RISCV_PLT32",          Formula.PCREL, DATA32,  upper,        WORD),
        Row(    60, "R_RISCV_SET_ULEB128",    Formula.ABS,   DATA64,  Check.WRAP,   ULEB128, joins=True, loadable=False),
        Row(    61, "R_RISCV_SUB_ULEB128",    Formula.SUB,   DATA64,  Check.WRAP,   ULEB128, joins=True, loadable=False),
        Refuse( 62, "R_RISCV_TLSDESC_HI20",   "thread-local storage through a descriptor", _TLS),
        Refuse( 63, "R_RISCV_TLSDESC_LOAD_LO12", "thread-local storage through a descriptor", _TLS),
        Refuse( 64, "R_RISCV_TLSDESC_ADD_LO12", "thread-local storage through a descriptor", _TLS),
        Refuse( 65, "R_RISCV_TLSDESC_CALL",   "thread-local storage through a descriptor", _TLS),
        Refuse(191, "R_RISCV_VENDOR",         "says whose the next relocation is", _VENDOR),
        *(Refuse(number, f"R_RISCV_CUSTOM{number}", "private to a vendor", _VENDOR) for number in range(192, 256)),
    )
# fmt: on


_CALLS = frozenset({18, 19})
_JALR_RS1 = 0x1F << 15


def undefined_branch(row: Row, word: int, core: Core) -> int | None:
    """A call of an undefined weak function goes to address 0.

    psABI, "Procedure Calls": JALR gets x0 as its base register.
    """
    del core
    if row.number not in _CALLS:
        return None
    return row.layout.insert(word, 0x800) & ~_JALR_RS1


VENEER_32 = Veneer(
    name="riscv32",
    # auipc t1, 0; lw t1, 12(t1); jr t1; word
    code=bytes.fromhex("17030000 0323c300 67000300 00000000"),
    target_offset=12,
    relocation=1,
    marks=("$x", "$d"),
)
VENEER_64 = Veneer(
    name="riscv64",
    # auipc t1, 0; ld t1, 16(t1); jr t1; nop; doubleword
    code=bytes.fromhex("17030000 03330301 67000300 13000000 0000000000000000"),
    target_offset=16,
    relocation=2,
    alignment=8,
    marks=("$x", "$d"),
)


def _veneer_32(row: Row, core: Core) -> Veneer | None:
    del row, core
    return VENEER_32


def _veneer_64(row: Row, core: Core) -> Veneer | None:
    del row, core
    return VENEER_64


def _thread_pointer(size: int, alignment: int) -> int:
    # tp is at the first byte of the block (psABI, "Thread Local Storage")
    del size, alignment
    return 0


# until 4.1 a low part had to follow its high part at once, which compilers don't ensure
_SINCE = {(4, 1): frozenset({24, 25})}

# those that are refused among them: what is said of one isn't said again of its low part
_HIGH_PARTS = frozenset({20, 21, 22, 23})

ROWS_32 = _rows(32)
ROWS_64 = _rows(64)

MACHINE_32 = Machine(
    number=EM_RISCV,
    name="riscv",
    notes=__doc__,
    bits=32,
    rows=ROWS_32,
    explicit_addends=True,
    absolute_word=1,
    high_parts=_HIGH_PARTS,
    undefined_branch=undefined_branch,
    veneer=_veneer_32,
    thread_pointer=_thread_pointer,
    first=(4, 0),
    since=_SINCE,
    prepare=without_excess_nops,
    mismatches=riscv_abi.mismatches,
)
MACHINE_64 = Machine(
    number=EM_RISCV,
    name="riscv",
    notes=__doc__,
    bits=64,
    rows=ROWS_64,
    explicit_addends=True,
    absolute_word=2,
    high_parts=_HIGH_PARTS,
    undefined_branch=undefined_branch,
    veneer=_veneer_64,
    thread_pointer=_thread_pointer,
    first=(4, 0),
    since=_SINCE,
    prepare=without_excess_nops,
    mismatches=riscv_abi.mismatches,
)
