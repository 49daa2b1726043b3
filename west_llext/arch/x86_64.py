# SPDX-License-Identifier: Apache-2.0
"""x86-64, 64 bits (EM_X86_64, ELFCLASS64).

What is odd about this machine:

* Instructions have any length; a place is a 32-bit field anywhere in one, mostly at its end. The
  processor counts from the end of the instruction, so that the usual addend is -4.
* Compilers assume that code and data are within 2 GiB of each other (small code model), so that 32
  bits do for most addresses. Only 64-bit data and the large code model hold whole ones.
* Code that is compiled with -fPIC reads addresses from words of a table (GOT). Where the target is
  near, the instruction is turned into one that needs no word; else a word behind the code serves it.
* The start of the table, `_GLOBAL_OFFSET_TABLE_`, is at address 0: no code needs to know where a
  table is that each word of is found by itself.
* Where code reads the offset of a thread-local variable from a table (initial-exec model), the
  instruction gets the offset itself.
* Zephyr's loader checks no range. It fills in 32 bits only, also of R_X86_64_64: the upper half of
  a pointer is left as zeros, which is right below 4 GiB, where Zephyr lives; above it is an error
  (R012).
* Addends are explicit (RELA).

Types: System V ABI, AMD64 Architecture Processor Supplement, 1.0, section 4.4 "Relocation", with
the additions for APX. Instructions: Intel 64 and IA-32 Architectures Software Developer's Manual,
volume 2.
"""

from __future__ import annotations

from west_llext.arch import x86_abi
from west_llext.arch.formula import Formula
from west_llext.arch.layout import layout
from west_llext.arch.machine import Core, Machine, Veneer
from west_llext.arch.table import (
    BYTE,
    HALF,
    LONG,
    WORD,
    Branch,
    Check,
    Ignore,
    Refuse,
    Row,
    Via,
    table,
)
from west_llext.arch.x86_direct import direct_64, prepared_64

EM_X86_64 = 62

# fmt: off
DATA8  = layout("7:0")
DATA16 = layout("15:0")
DATA32 = layout("31:0")
DATA64 = layout("63:0")

_TLS = "use the local-exec model (-ftls-model=local-exec) for variables of the base image"
_LARGE = "compile with -mcmodel=large"
_OLD = "rebuild the object with a current assembler"
_DYNAMIC = "a dynamic relocation, which objects don't have"
_GD = "thread-local storage of the general-dynamic model"
_LD = "thread-local storage of the local-dynamic model"
_IE = "thread-local storage of the initial-exec model"
_IE_ELSE = f"{_IE}, at an instruction that isn't MOV or ADD of 64 bits"
_DESC = "thread-local storage through a descriptor"

ROWS = table(
    #      no   name                        formula         into    check           place
    Ignore(  0, "R_X86_64_NONE",            "marks a dependency between sections"),
    Row(     1, "R_X86_64_64",              Formula.ABS,    DATA64, Check.WRAP,     LONG, filled=32),
    Row(     2, "R_X86_64_PC32",            Formula.PCREL,  DATA32, Check.SIGNED,   WORD, remedy=_LARGE),
    Row(     3, "R_X86_64_GOT32",           Formula.ABS,    DATA32, Check.SIGNED,   WORD, via=Via.GOT, left_as=11),
    Row(     4, "R_X86_64_PLT32",           Formula.PCREL,  DATA32, Check.SIGNED,   WORD, Branch.CALL, remedy=_LARGE),
    Refuse(  5, "R_X86_64_COPY",            _DYNAMIC),
    Refuse(  6, "R_X86_64_GLOB_DAT",        _DYNAMIC),
    Refuse(  7, "R_X86_64_JUMP_SLOT",       _DYNAMIC),
    Refuse(  8, "R_X86_64_RELATIVE",        _DYNAMIC),
    Row(     9, "R_X86_64_GOTPCREL",        Formula.PCREL,  DATA32, Check.SIGNED,   WORD, via=Via.GOT, left_as=2),
    Row(    10, "R_X86_64_32",              Formula.ABS,    DATA32, Check.UNSIGNED, WORD, remedy=_LARGE),
    Row(    11, "R_X86_64_32S",             Formula.ABS,    DATA32, Check.SIGNED,   WORD, remedy=_LARGE),
    Row(    12, "R_X86_64_16",              Formula.ABS,    DATA16, Check.EITHER,   HALF, loadable=False),
    Row(    13, "R_X86_64_PC16",            Formula.PCREL,  DATA16, Check.EITHER,   HALF, loadable=False),  # wraps in 16-bit code
    Row(    14, "R_X86_64_8",               Formula.ABS,    DATA8,  Check.EITHER,   BYTE, loadable=False),
    Row(    15, "R_X86_64_PC8",             Formula.PCREL,  DATA8,  Check.SIGNED,   BYTE, loadable=False),
    Refuse( 16, "R_X86_64_DTPMOD64",        _DYNAMIC),
    Refuse( 17, "R_X86_64_DTPOFF64",        _LD, _TLS),
    Row(    18, "R_X86_64_TPOFF64",         Formula.TPREL,  DATA64, Check.WRAP,     LONG, loadable=False),
    Refuse( 19, "R_X86_64_TLSGD",           _GD, _TLS),
    Refuse( 20, "R_X86_64_TLSLD",           _LD, _TLS),
    Refuse( 21, "R_X86_64_DTPOFF32",        _LD, _TLS),
    Refuse( 22, "R_X86_64_GOTTPOFF",        _IE_ELSE, _TLS),
    Row(    23, "R_X86_64_TPOFF32",         Formula.TPREL,  DATA32, Check.SIGNED,   WORD, loadable=False),
    Row(    24, "R_X86_64_PC64",            Formula.PCREL,  DATA64, Check.WRAP,     LONG, loadable=False),
    Row(    25, "R_X86_64_GOTOFF64",        Formula.ABS,    DATA64, Check.WRAP,     LONG, left_as=1),
    Row(    26, "R_X86_64_GOTPC32",         Formula.PCREL,  DATA32, Check.SIGNED,   WORD, left_as=2),
    Row(    27, "R_X86_64_GOT64",           Formula.ABS,    DATA64, Check.WRAP,     LONG, via=Via.GOT, left_as=1),
    Row(    28, "R_X86_64_GOTPCREL64",      Formula.PCREL,  DATA64, Check.WRAP,     LONG, via=Via.GOT, loadable=False),
    Row(    29, "R_X86_64_GOTPC64",         Formula.PCREL,  DATA64, Check.WRAP,     LONG, loadable=False),
    Refuse( 30, "R_X86_64_GOTPLT64",        "withdrawn by the psABI", _OLD),
    Row(    31, "R_X86_64_PLTOFF64",        Formula.ABS,    DATA64, Check.WRAP,     LONG, left_as=1),
    Refuse( 32, "R_X86_64_SIZE32",          "the size of a symbol"),
    Refuse( 33, "R_X86_64_SIZE64",          "the size of a symbol"),
    Refuse( 34, "R_X86_64_GOTPC32_TLSDESC", _DESC, _TLS),
    Refuse( 35, "R_X86_64_TLSDESC_CALL",    _DESC, _TLS),
    Refuse( 36, "R_X86_64_TLSDESC",         _DYNAMIC),
    Refuse( 37, "R_X86_64_IRELATIVE",       "an indirect function, which the loader doesn't resolve"),
    Refuse( 38, "R_X86_64_RELATIVE64",      _DYNAMIC),
    Refuse( 39, "R_X86_64_PC32_BND",        "withdrawn by the psABI", "compile without -fcheck-pointer-bounds"),
    Refuse( 40, "R_X86_64_PLT32_BND",       "withdrawn by the psABI", "compile without -fcheck-pointer-bounds"),
    Row(    41, "R_X86_64_GOTPCRELX",       Formula.PCREL,  DATA32, Check.SIGNED,   WORD, via=Via.GOT, left_as=2),
    Row(    42, "R_X86_64_REX_GOTPCRELX",   Formula.PCREL,  DATA32, Check.SIGNED,   WORD, via=Via.GOT, left_as=2),
    Row(    43, "R_X86_64_CODE_4_GOTPCRELX", Formula.PCREL, DATA32, Check.SIGNED,   WORD, via=Via.GOT, left_as=2),
    Refuse( 44, "R_X86_64_CODE_4_GOTTPOFF", _IE, _TLS),
    Refuse( 45, "R_X86_64_CODE_4_GOTPC32_TLSDESC", _DESC, _TLS),
    Row(    46, "R_X86_64_CODE_5_GOTPCRELX", Formula.PCREL, DATA32, Check.SIGNED,   WORD, via=Via.GOT, left_as=2),
    Refuse( 47, "R_X86_64_CODE_5_GOTTPOFF", _IE, _TLS),
    Refuse( 48, "R_X86_64_CODE_5_GOTPC32_TLSDESC", _DESC, _TLS),
    Row(    49, "R_X86_64_CODE_6_GOTPCRELX", Formula.PCREL, DATA32, Check.SIGNED,   WORD, via=Via.GOT, left_as=2),
    Refuse( 50, "R_X86_64_CODE_6_GOTTPOFF", _IE, _TLS),
    Refuse( 51, "R_X86_64_CODE_6_GOTPC32_TLSDESC", _DESC, _TLS),
    Ignore(250, "R_X86_64_GNU_VTINHERIT",   "a note for the removal of unused virtual functions"),
    Ignore(251, "R_X86_64_GNU_VTENTRY",     "a note for the removal of unused virtual functions"),
)
# fmt: on


JMP_WORD = Veneer(
    name="x86-64",
    code=bytes.fromhex("ff25 00000000 0000000000000000"),  # jmp *0(%rip); address
    target_offset=6,
    relocation=1,
    alignment=2,
)


def veneer(row: Row, core: Core) -> Veneer:
    """A jump through the word behind it, which changes no register."""
    del row, core
    return JMP_WORD


def pc_offset(row: Row) -> int:
    """CALL, JMP and Jcc count from behind their last field, which is the distance."""
    del row
    return 4


def thread_pointer(size: int, alignment: int) -> int:
    """The thread pointer is behind the variables (variant 2 of TLS, psABI, "Thread Local Storage")."""
    return -(-size // alignment) * alignment


MACHINE = Machine(
    number=EM_X86_64,
    bits=64,
    name="x86-64",
    notes=__doc__,
    rows=ROWS,
    veneer=veneer,
    pc_offset=pc_offset,
    explicit_addends=True,
    first=(4, 2),
    absolute_word=1,
    thread_pointer=thread_pointer,
    prepare=prepared_64,
    without_table=direct_64,
    mismatches=x86_abi.mismatches,
)
