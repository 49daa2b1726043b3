# SPDX-License-Identifier: Apache-2.0
"""x86, 32 bits (EM_386), which psABIs call i386.

What is odd about this machine:

* Instructions have any length; a place is a 32-bit field anywhere in one, mostly at its end. The
  processor counts from the end of the instruction, so that the usual addend is -4.
* Every address is reached from everywhere, as addresses wrap: nothing is out of range.
* Position-independent code finds the table of addresses (GOT) from where it runs, and its own data
  from the table. Nobody minds where the table is, so it is at address 0: a distance from it is an
  address then, and the types are those that Zephyr's loader knows, R_386_32 and R_386_PC32.
* Where an instruction reads a word of the table, it is turned into one that needs no word.
* Where code reads the offset of a thread-local variable from the table (initial-exec model), the
  instruction gets the offset itself.
* Addends are in the place (REL).

Types: System V ABI, Intel386 Architecture Processor Supplement, 1.1, section 4.4 "Relocation", and
"ELF Handling For Thread-Local Storage" 0.21. Instructions: Intel 64 and IA-32 Architectures
Software Developer's Manual, volume 2.
"""

from __future__ import annotations

from west_llext.arch import x86_abi
from west_llext.arch.formula import Formula
from west_llext.arch.layout import layout
from west_llext.arch.machine import Machine
from west_llext.arch.table import BYTE, HALF, WORD, Check, Ignore, Refuse, Row, Via, table
from west_llext.arch.x86_direct import direct_32

EM_386 = 3

# fmt: off
DATA8  = layout("7:0")
DATA16 = layout("15:0")
DATA32 = layout("31:0")

_TLS = "use the local-exec model (-ftls-model=local-exec) for variables of the base image"
_DYNAMIC = "a dynamic relocation, which objects don't have"
_GD = "thread-local storage of the general-dynamic model"
_LD = "thread-local storage of the local-dynamic model"
_IE = "thread-local storage of the initial-exec model"
_IE_ELSE = f"{_IE}, at an instruction that isn't MOV, ADD or SUB"
_DESC = "thread-local storage through a descriptor"
_SUN = "thread-local storage in Sun's form, which GNU tools don't make"

ROWS = table(
    #      no   name                   formula         into    check         place
    Ignore(  0, "R_386_NONE",          "marks a dependency between sections"),
    Row(     1, "R_386_32",            Formula.ABS,    DATA32, Check.WRAP,   WORD),
    Row(     2, "R_386_PC32",          Formula.PCREL,  DATA32, Check.WRAP,   WORD),
    Row(     3, "R_386_GOT32",         Formula.ABS,    DATA32, Check.WRAP,   WORD, via=Via.GOT, left_as=1),
    Row(     4, "R_386_PLT32",         Formula.PCREL,  DATA32, Check.WRAP,   WORD, left_as=2),
    Refuse(  5, "R_386_COPY",          _DYNAMIC),
    Refuse(  6, "R_386_GLOB_DAT",      _DYNAMIC),
    Refuse(  7, "R_386_JUMP_SLOT",      _DYNAMIC),
    Refuse(  8, "R_386_RELATIVE",      _DYNAMIC),
    Row(     9, "R_386_GOTOFF",        Formula.ABS,    DATA32, Check.WRAP,   WORD, left_as=1),
    Row(    10, "R_386_GOTPC",         Formula.PCREL,  DATA32, Check.WRAP,   WORD, left_as=2),
    Refuse( 11, "R_386_32PLT",         "reserved by the psABI"),
    Refuse( 14, "R_386_TLS_TPOFF",     _DYNAMIC),
    Refuse( 15, "R_386_TLS_IE",        _IE_ELSE, _TLS),
    Refuse( 16, "R_386_TLS_GOTIE",     _IE_ELSE, _TLS),
    Row(    17, "R_386_TLS_LE",        Formula.TPREL,  DATA32, Check.WRAP,   WORD, loadable=False),
    Refuse( 18, "R_386_TLS_GD",        _GD, _TLS),
    Refuse( 19, "R_386_TLS_LDM",       _LD, _TLS),
    Row(    20, "R_386_16",            Formula.ABS,    DATA16, Check.EITHER, HALF, loadable=False),
    Row(    21, "R_386_PC16",          Formula.PCREL,  DATA16, Check.EITHER, HALF, loadable=False),  # wraps in 16-bit code
    Row(    22, "R_386_8",             Formula.ABS,    DATA8,  Check.EITHER, BYTE, loadable=False),
    Row(    23, "R_386_PC8",           Formula.PCREL,  DATA8,  Check.SIGNED, BYTE, loadable=False),
    *(Refuse(24 + number, f"R_386_TLS_{name}", _SUN, _TLS)
      for number, name in enumerate((
          "GD_32", "GD_PUSH", "GD_CALL", "GD_POP", "LDM_32", "LDM_PUSH", "LDM_CALL", "LDM_POP"))),
    Refuse( 32, "R_386_TLS_LDO_32",    _LD, _TLS),
    Refuse( 33, "R_386_TLS_IE_32",     _IE, _TLS),
    Refuse( 34, "R_386_TLS_LE_32",     "an offset that is subtracted from the thread pointer", _TLS),
    Refuse( 35, "R_386_TLS_DTPMOD32",  _DYNAMIC),
    Refuse( 36, "R_386_TLS_DTPOFF32",  _DYNAMIC),
    Refuse( 37, "R_386_TLS_TPOFF32",   _DYNAMIC),
    Refuse( 38, "R_386_SIZE32",        "the size of a symbol"),
    Refuse( 39, "R_386_TLS_GOTDESC",   _DESC, _TLS),
    Refuse( 40, "R_386_TLS_DESC_CALL", _DESC, _TLS),
    Refuse( 41, "R_386_TLS_DESC",      _DYNAMIC),
    Refuse( 42, "R_386_IRELATIVE",     "an indirect function, which the loader doesn't resolve"),
    Row(    43, "R_386_GOT32X",        Formula.ABS,    DATA32, Check.WRAP,   WORD, via=Via.GOT, left_as=1),
    Refuse(200, "R_386_USED_BY_INTEL_200", "private to a toolchain"),
    Ignore(250, "R_386_GNU_VTINHERIT", "a note for the removal of unused virtual functions"),
    Ignore(251, "R_386_GNU_VTENTRY",   "a note for the removal of unused virtual functions"),
)
# fmt: on


def thread_pointer(size: int, alignment: int) -> int:
    """The thread pointer is behind the variables (variant 2 of TLS)."""
    return -(-size // alignment) * alignment


MACHINE = Machine(
    number=EM_386,
    name="x86",
    notes=__doc__,
    rows=ROWS,
    explicit_addends=False,
    first=(4, 2),
    absolute_word=1,
    thread_pointer=thread_pointer,
    prepare=direct_32,
    mismatches=x86_abi.mismatches,
)
