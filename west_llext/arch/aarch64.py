# SPDX-License-Identifier: Apache-2.0
"""AArch64, 64 bits (EM_AARCH64, ELFCLASS64): the instruction set A64.

What is odd about this machine:

* An address takes two instructions: ADRP has the distance between 4 KiB pages, its partner the
  twelve low bits. Loads and stores count these in units of what they access, so that a target
  that isn't aligned can't be encoded.
* A group of MOVZ, MOVN and MOVK makes a value in pieces of 16 bits. Where the value is signed, its
  sign picks MOVN or MOVZ.
* A branch reaches 128 MiB. Veneers may change x16 and x17.
* Relative to a place, the address of an undefined weak symbol is the place; a call of one is no
  instruction at all.
* Instructions are little-endian even where data isn't; Zephyr runs on little-endian cores only.
* Addends are explicit (RELA).

* Code that is compiled with -fPIC reads addresses from words of a table (GOT). Zephyr's loader knows
  none of these types; a word behind the code serves them, and what remains are ordinary pages. With
  -fpic it counts from the page where the table begins, so that the code then begins a page.
* Where code reads the offset of a thread-local variable from the table (initial-exec model), the
  instructions get the offset itself.

Types: ELF for the Arm 64-bit Architecture (AAELF64), 2025Q4, section "Relocation".
Drawings: Arm Architecture Reference Manual for A-profile (DDI 0487), chapter C6.
"""

from __future__ import annotations

import struct

from west_llext.arch import aarch64_abi
from west_llext.arch.formula import Formula
from west_llext.arch.got import with_table
from west_llext.arch.layout import layout
from west_llext.arch.machine import Core, Machine, Veneer
from west_llext.arch.table import (
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

EM_AARCH64 = 183


def _signed_move(value: int) -> int:
    # bit 30 is set in MOVZ and clear in MOVN, which holds the inverted bits (C6.2 "MOVN", "MOVZ")
    return ~value & 0xFFFF if value >> 16 & 1 else value & 0xFFFF | 1 << 16


def _moved(stored: int) -> int:
    return stored & 0xFFFF if stored >> 16 else 1 << 16 | ~stored & 0xFFFF


# A load of the offset of a thread-local variable from a table becomes a move of the offset, as the
# link knows it: AAELF64, "Relocation optimization". Rd and Rt are the five low bits.
_MOVZ, _MOVZ_16, _MOVK = 0xD2800000, 0xD2A00000, 0xF2800000


def _upper_half(word: int, value: int) -> tuple[int, int]:
    # ADRP to MOVZ with the upper 16 bits
    return _MOVZ_16 | word & 0x1F, value


def _whole(word: int, value: int) -> tuple[int, int]:
    # LDR to MOVZ with all 16 bits that there may be
    return _MOVZ | word & 0x1F, value


def _added(word: int, value: int) -> tuple[int, int]:
    # LDR to MOVK, where its register has the upper 16 bits
    return _MOVK | word & 0x1F, value


def _lower_half(content: bytes | bytearray, offset: int) -> Row | None:
    # LDR: whether it reads from the register that it loads; nothing else has the upper bits there
    if len(content) - offset < 4:
        return None
    (word,) = struct.unpack_from("<I", content, offset)
    return _TLSIE_ADDED if word >> 5 & 0x1F == word & 0x1F else _TLSIE_WHOLE


# fmt: off
DATA16  = layout("15:0")
DATA32  = layout("31:0")
DATA64  = layout("63:0")
MOV     = layout("_11 15:0 _5")                             # MOVZ, MOVK: imm16
MOV_NZ  = layout("_1 16 _9 15:0 _5", _signed_move, _moved)  # MOVN or MOVZ, by the sign
ADR     = layout("_1 1:0 _5 20:2 _5")                       # ADR: immlo, immhi
ADRP    = layout("_1 13:12 _5 32:14 _5")                    # ADRP, which counts in pages
IMM19   = layout("_8 20:2 _5")                              # B.cond, CBZ, CBNZ, LDR (literal)
IMM14   = layout("_13 15:2 _5")                             # TBZ, TBNZ
IMM26   = layout("_6 27:2")                                 # B, BL
IMM12   = layout("_10 11:0 _10")                            # ADD; loads and stores of a byte
LDST16  = layout("_11 11:1 _10")                            # loads and stores, scaled: imm12
LDST32  = layout("_12 11:2 _10")
LDST64  = layout("_13 11:3 _10")
LDST128 = layout("_14 11:4 _10")
LO15    = layout("_10 14:3 _10")

_STRUCTURE = "compile without structure protection"
_TLS = "use the local-exec model (-ftls-model=local-exec) for variables of the base image"
_LARGE = "compile with -mcmodel=large"
_AUTH = "compile without -mbranch-protection=pauthabi and -mabi=pauthtest"

_GD = "thread-local storage of the general-dynamic model"
_LD = "thread-local storage of the local-dynamic model"
_IE = "thread-local storage of the initial-exec model"
_DESC = "thread-local storage through a descriptor"
_SIGNED = "a signed pointer, which the loader can't make"
_DYNAMIC = "a dynamic relocation, which objects don't have"

ROWS = table(
    #      no   name                             formula         into      check           place
    Ignore(  0, "R_AARCH64_NONE",                "marks a dependency between sections"),
    Ignore(256, "R_AARCH64_NULL",                "withdrawn by the psABI: to be treated as R_AARCH64_NONE"),
    Row(   257, "R_AARCH64_ABS64",               Formula.ABS,    DATA64,  Check.WRAP,     LONG),
    Row(   258, "R_AARCH64_ABS32",               Formula.ABS,    DATA32,  Check.EITHER,   WORD),
    Row(   259, "R_AARCH64_ABS16",               Formula.ABS,    DATA16,  Check.EITHER,   HALF),
    Row(   260, "R_AARCH64_PREL64",              Formula.PCREL,  DATA64,  Check.WRAP,     LONG),
    Row(   261, "R_AARCH64_PREL32",              Formula.PCREL,  DATA32,  Check.SIGNED,   WORD),
    Row(   262, "R_AARCH64_PREL16",              Formula.PCREL,  DATA16,  Check.SIGNED,   HALF),
    Row(   263, "R_AARCH64_MOVW_UABS_G0",        Formula.ABS,    MOV,     Check.UNSIGNED, WORD),
    Row(   264, "R_AARCH64_MOVW_UABS_G0_NC",     Formula.ABS,    MOV,     Check.WRAP,     WORD),
    Row(   265, "R_AARCH64_MOVW_UABS_G1",        Formula.ABS,    MOV,     Check.UNSIGNED, WORD, shift=16),
    Row(   266, "R_AARCH64_MOVW_UABS_G1_NC",     Formula.ABS,    MOV,     Check.WRAP,     WORD, shift=16),
    Row(   267, "R_AARCH64_MOVW_UABS_G2",        Formula.ABS,    MOV,     Check.UNSIGNED, WORD, shift=32),
    Row(   268, "R_AARCH64_MOVW_UABS_G2_NC",     Formula.ABS,    MOV,     Check.WRAP,     WORD, shift=32),
    Row(   269, "R_AARCH64_MOVW_UABS_G3",        Formula.ABS,    MOV,     Check.WRAP,     WORD, shift=48),
    Row(   270, "R_AARCH64_MOVW_SABS_G0",        Formula.ABS,    MOV_NZ,  Check.SIGNED,   WORD),
    Row(   271, "R_AARCH64_MOVW_SABS_G1",        Formula.ABS,    MOV_NZ,  Check.SIGNED,   WORD, shift=16),
    Row(   272, "R_AARCH64_MOVW_SABS_G2",        Formula.ABS,    MOV_NZ,  Check.SIGNED,   WORD, shift=32),
    Row(   273, "R_AARCH64_LD_PREL_LO19",        Formula.PCREL,  IMM19,   Check.SIGNED,   WORD),
    Row(   274, "R_AARCH64_ADR_PREL_LO21",       Formula.PCREL,  ADR,     Check.SIGNED,   WORD),
    Row(   275, "R_AARCH64_ADR_PREL_PG_HI21",    Formula.PAGE,   ADRP,    Check.SIGNED,   WORD, remedy=_LARGE),
    Row(   276, "R_AARCH64_ADR_PREL_PG_HI21_NC", Formula.PAGE,   ADRP,    Check.WRAP,     WORD),
    Row(   277, "R_AARCH64_ADD_ABS_LO12_NC",     Formula.ABS,    IMM12,   Check.WRAP,     WORD),
    Row(   278, "R_AARCH64_LDST8_ABS_LO12_NC",   Formula.ABS,    IMM12,   Check.WRAP,     WORD),
    Row(   279, "R_AARCH64_TSTBR14",             Formula.PCREL,  IMM14,   Check.SIGNED,   WORD),  # no veneers for these two:
    Row(   280, "R_AARCH64_CONDBR19",            Formula.PCREL,  IMM19,   Check.SIGNED,   WORD),  # "Call and Jump relocations"
    Row(   282, "R_AARCH64_JUMP26",              Formula.PCREL,  IMM26,   Check.SIGNED,   WORD, Branch.JUMP),
    Row(   283, "R_AARCH64_CALL26",              Formula.PCREL,  IMM26,   Check.SIGNED,   WORD, Branch.CALL),
    Row(   284, "R_AARCH64_LDST16_ABS_LO12_NC",  Formula.ABS,    LDST16,  Check.UNSIGNED, WORD, low_bits=12),
    Row(   285, "R_AARCH64_LDST32_ABS_LO12_NC",  Formula.ABS,    LDST32,  Check.UNSIGNED, WORD, low_bits=12),
    Row(   286, "R_AARCH64_LDST64_ABS_LO12_NC",  Formula.ABS,    LDST64,  Check.UNSIGNED, WORD, low_bits=12),
    Row(   287, "R_AARCH64_MOVW_PREL_G0",        Formula.PCREL,  MOV_NZ,  Check.SIGNED,   WORD),
    Row(   288, "R_AARCH64_MOVW_PREL_G0_NC",     Formula.PCREL,  MOV,     Check.WRAP,     WORD),
    Row(   289, "R_AARCH64_MOVW_PREL_G1",        Formula.PCREL,  MOV_NZ,  Check.SIGNED,   WORD, shift=16),
    Row(   290, "R_AARCH64_MOVW_PREL_G1_NC",     Formula.PCREL,  MOV,     Check.WRAP,     WORD, shift=16),
    Row(   291, "R_AARCH64_MOVW_PREL_G2",        Formula.PCREL,  MOV_NZ,  Check.SIGNED,   WORD, shift=32),
    Row(   292, "R_AARCH64_MOVW_PREL_G2_NC",     Formula.PCREL,  MOV,     Check.WRAP,     WORD, shift=32),
    Row(   293, "R_AARCH64_MOVW_PREL_G3",        Formula.PCREL,  MOV_NZ,  Check.WRAP,     WORD, shift=48),
    Row(   299, "R_AARCH64_LDST128_ABS_LO12_NC", Formula.ABS,    LDST128, Check.UNSIGNED, WORD, low_bits=12),
    Row(   300, "R_AARCH64_MOVW_GOTOFF_G0",      Formula.TABLE,  MOV_NZ,  Check.SIGNED,   WORD, via=Via.GOT, loadable=False),
    Row(   301, "R_AARCH64_MOVW_GOTOFF_G0_NC",   Formula.TABLE,  MOV,     Check.WRAP,     WORD, via=Via.GOT, loadable=False),
    Row(   302, "R_AARCH64_MOVW_GOTOFF_G1",      Formula.TABLE,  MOV_NZ,  Check.SIGNED,   WORD, via=Via.GOT, shift=16, loadable=False),
    Row(   303, "R_AARCH64_MOVW_GOTOFF_G1_NC",   Formula.TABLE,  MOV,     Check.WRAP,     WORD, via=Via.GOT, shift=16, loadable=False),
    Row(   304, "R_AARCH64_MOVW_GOTOFF_G2",      Formula.TABLE,  MOV_NZ,  Check.SIGNED,   WORD, via=Via.GOT, shift=32, loadable=False),
    Row(   305, "R_AARCH64_MOVW_GOTOFF_G2_NC",   Formula.TABLE,  MOV,     Check.WRAP,     WORD, via=Via.GOT, shift=32, loadable=False),
    Row(   306, "R_AARCH64_MOVW_GOTOFF_G3",      Formula.TABLE,  MOV_NZ,  Check.WRAP,     WORD, via=Via.GOT, shift=48, loadable=False),
    Refuse(307, "R_AARCH64_GOTREL64",            "the distance of a variable from a table, which are apart on the target", "compile for the small code model"),
    Refuse(308, "R_AARCH64_GOTREL32",            "the distance of a variable from a table, which are apart on the target", "compile for the small code model"),
    Row(   309, "R_AARCH64_GOT_LD_PREL19",       Formula.PCREL,  IMM19,   Check.SIGNED,   WORD, via=Via.GOT, left_as=273),
    Row(   310, "R_AARCH64_LD64_GOTOFF_LO15",    Formula.TABLE,  LO15,    Check.UNSIGNED, WORD, via=Via.GOT, loadable=False),
    Row(   311, "R_AARCH64_ADR_GOT_PAGE",        Formula.PAGE,   ADRP,    Check.SIGNED,   WORD, via=Via.GOT, left_as=275),
    Row(   312, "R_AARCH64_LD64_GOT_LO12_NC",    Formula.ABS,    LDST64,  Check.UNSIGNED, WORD, low_bits=12, via=Via.GOT, left_as=286),
    Row(   313, "R_AARCH64_LD64_GOTPAGE_LO15",   Formula.TABLE_PAGE, LO15, Check.UNSIGNED, WORD, via=Via.GOT, loadable=False),
    Row(   314, "R_AARCH64_PLT32",               Formula.PCREL,  DATA32,  Check.SIGNED,   WORD, left_as=261),
    Row(   315, "R_AARCH64_GOTPCREL32",          Formula.PCREL,  DATA32,  Check.SIGNED,   WORD, via=Via.GOT, left_as=261),
    Refuse(316, "R_AARCH64_PATCHINST",           "an instruction that another file may replace", _STRUCTURE),
    Refuse(317, "R_AARCH64_FUNCINIT64",          "a pointer that a function makes while the extension is loaded", _STRUCTURE),
    *(Refuse(number, f"R_AARCH64_TLSGD_{name}", _GD, _TLS)
      for number, name in enumerate((
          "ADR_PREL21", "ADR_PAGE21", "ADD_LO12_NC", "MOVW_G1", "MOVW_G0_NC"), 512)),
    *(Refuse(number, f"R_AARCH64_TLSLD_{name}", _LD, _TLS)
      for number, name in enumerate((
          "ADR_PREL21", "ADR_PAGE21", "ADD_LO12_NC", "MOVW_G1", "MOVW_G0_NC", "LD_PREL19",
          "MOVW_DTPREL_G2", "MOVW_DTPREL_G1", "MOVW_DTPREL_G1_NC", "MOVW_DTPREL_G0",
          "MOVW_DTPREL_G0_NC", "ADD_DTPREL_HI12", "ADD_DTPREL_LO12", "ADD_DTPREL_LO12_NC",
          "LDST8_DTPREL_LO12", "LDST8_DTPREL_LO12_NC", "LDST16_DTPREL_LO12",
          "LDST16_DTPREL_LO12_NC", "LDST32_DTPREL_LO12", "LDST32_DTPREL_LO12_NC",
          "LDST64_DTPREL_LO12", "LDST64_DTPREL_LO12_NC"), 517)),
    Refuse(539, "R_AARCH64_TLSIE_MOVW_GOTTPREL_G1",    f"{_IE} with a table anywhere", _TLS),
    Refuse(540, "R_AARCH64_TLSIE_MOVW_GOTTPREL_G0_NC", f"{_IE} with a table anywhere", _TLS),
    Row(   541, "R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21",   Formula.TPREL, MOV, Check.UNSIGNED, WORD, shift=16, revise=_upper_half, loadable=False),
    Row(   542, "R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC", Formula.TPREL, MOV, Check.WRAP,     WORD, pick=_lower_half, loadable=False),
    Row(   543, "R_AARCH64_TLSIE_LD_GOTTPREL_PREL19",    Formula.TPREL, MOV, Check.UNSIGNED, WORD, revise=_whole, loadable=False),
    Row(   544, "R_AARCH64_TLSLE_MOVW_TPREL_G2",    Formula.TPREL, MOV_NZ, Check.SIGNED,   WORD, shift=32, loadable=False),
    Row(   545, "R_AARCH64_TLSLE_MOVW_TPREL_G1",    Formula.TPREL, MOV_NZ, Check.SIGNED,   WORD, shift=16, loadable=False),
    Row(   546, "R_AARCH64_TLSLE_MOVW_TPREL_G1_NC", Formula.TPREL, MOV,    Check.WRAP,     WORD, shift=16, loadable=False),
    Row(   547, "R_AARCH64_TLSLE_MOVW_TPREL_G0",    Formula.TPREL, MOV_NZ, Check.SIGNED,   WORD, loadable=False),
    Row(   548, "R_AARCH64_TLSLE_MOVW_TPREL_G0_NC", Formula.TPREL, MOV,    Check.WRAP,     WORD, loadable=False),
    Row(   549, "R_AARCH64_TLSLE_ADD_TPREL_HI12",   Formula.TPREL, IMM12,  Check.UNSIGNED, WORD, shift=12),
    Row(   550, "R_AARCH64_TLSLE_ADD_TPREL_LO12",   Formula.TPREL, IMM12,  Check.UNSIGNED, WORD, loadable=False),
    Row(   551, "R_AARCH64_TLSLE_ADD_TPREL_LO12_NC", Formula.TPREL, IMM12, Check.WRAP,     WORD),
    Row(   552, "R_AARCH64_TLSLE_LDST8_TPREL_LO12", Formula.TPREL, IMM12,  Check.UNSIGNED, WORD, loadable=False),
    Row(   553, "R_AARCH64_TLSLE_LDST8_TPREL_LO12_NC", Formula.TPREL, IMM12, Check.WRAP,   WORD, loadable=False),
    Row(   554, "R_AARCH64_TLSLE_LDST16_TPREL_LO12", Formula.TPREL, LDST16, Check.UNSIGNED, WORD, loadable=False),
    Row(   555, "R_AARCH64_TLSLE_LDST16_TPREL_LO12_NC", Formula.TPREL, LDST16, Check.UNSIGNED, WORD, low_bits=12, loadable=False),
    Row(   556, "R_AARCH64_TLSLE_LDST32_TPREL_LO12", Formula.TPREL, LDST32, Check.UNSIGNED, WORD, loadable=False),
    Row(   557, "R_AARCH64_TLSLE_LDST32_TPREL_LO12_NC", Formula.TPREL, LDST32, Check.UNSIGNED, WORD, low_bits=12, loadable=False),
    Row(   558, "R_AARCH64_TLSLE_LDST64_TPREL_LO12", Formula.TPREL, LDST64, Check.UNSIGNED, WORD, loadable=False),
    Row(   559, "R_AARCH64_TLSLE_LDST64_TPREL_LO12_NC", Formula.TPREL, LDST64, Check.UNSIGNED, WORD, low_bits=12, loadable=False),
    *(Refuse(number, f"R_AARCH64_TLSDESC_{name}", _DESC, _TLS)
      for number, name in enumerate((
          "LD_PREL19", "ADR_PREL21", "ADR_PAGE21", "LD64_LO12", "ADD_LO12", "OFF_G1", "OFF_G0_NC",
          "LDR", "ADD", "CALL"), 560)),
    Row(   570, "R_AARCH64_TLSLE_LDST128_TPREL_LO12", Formula.TPREL, LDST128, Check.UNSIGNED, WORD, loadable=False),
    Row(   571, "R_AARCH64_TLSLE_LDST128_TPREL_LO12_NC", Formula.TPREL, LDST128, Check.UNSIGNED, WORD, low_bits=12, loadable=False),
    Refuse(572, "R_AARCH64_TLSLD_LDST128_DTPREL_LO12", _LD, _TLS),
    Refuse(573, "R_AARCH64_TLSLD_LDST128_DTPREL_LO12_NC", _LD, _TLS),
    *(Refuse(number, f"R_AARCH64_AUTH_{name}", _SIGNED, _AUTH)
      for number, name in enumerate((
          "ABS64", "MOVW_GOTOFF_G0", "MOVW_GOTOFF_G0_NC", "MOVW_GOTOFF_G1", "MOVW_GOTOFF_G1_NC",
          "MOVW_GOTOFF_G2", "MOVW_GOTOFF_G2_NC", "MOVW_GOTOFF_G3", "GOT_LD_PREL19",
          "LD64_GOTOFF_LO15", "ADR_GOT_PAGE", "LD64_GOT_LO12_NC", "LD64_GOTPAGE_LO15",
          "GOT_ADD_LO12_NC", "GOT_ADR_PREL_LO21", "TLSDESC_ADR_PAGE21", "TLSDESC_LD64_LO12",
          "TLSDESC_ADD_LO12"), 580)),
    *(Refuse(number, f"R_AARCH64_{name}", _DYNAMIC)
      for number, name in enumerate((
          "COPY", "GLOB_DAT", "JUMP_SLOT", "RELATIVE", "TLS_IMPDEF1", "TLS_IMPDEF2", "TLS_TPREL",
          "TLSDESC", "IRELATIVE"), 1024)),
    *(Refuse(number, f"R_AARCH64_AUTH_{name}", _DYNAMIC)
      for number, name in enumerate(("RELATIVE", "GLOB_DAT", "TLSDESC", "IRELATIVE"), 1041)),
)
_TLSIE = 542, "R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC", Formula.TPREL, MOV
_TLSIE_ADDED = Row(*_TLSIE, Check.WRAP,     WORD, revise=_added, loadable=False)
_TLSIE_WHOLE = Row(*_TLSIE, Check.UNSIGNED, WORD, revise=_whole, loadable=False)
# fmt: on

_NOP = 0xD503201F  # NOP (C6.2)


def undefined_branch(row: Row, word: int, core: Core) -> int:
    """A branch to an undefined weak symbol goes to the next instruction.

    AAELF64, "Call and Jump relocations", says so of calls and leaves jumps open; GNU ld treats both
    alike.
    """
    del row, word, core
    return _NOP


LDR_BR = Veneer(
    name="aarch64",
    code=bytes.fromhex("50000058 00021fd6 00000000 00000000"),  # ldr x16, . + 8; br x16; address
    target_offset=8,
    relocation=257,
    alignment=8,
    marks=("$x", "$d"),
)


def veneer(row: Row, core: Core) -> Veneer:
    """A jump through x16, which a callee may not rely on (AAPCS64, "General-purpose registers").

    BR x16 may end at a BTI c, as calls do.
    """
    del row, core
    return LDR_BR


_TCB_SIZE = 16  # bytes


def thread_pointer(size: int, alignment: int) -> int:
    """The thread control block comes first, then the variables, aligned (variant 1 of TLS)."""
    del size
    return -_TCB_SIZE // alignment * alignment


# until 4.5 the loader took MOVN for MOVZ and the other way about where the sign decides, cut most
# distances that didn't fit without a word, and knew no thread-local variables
_SINCE = {
    (4, 5): frozenset({270, 271, 272, 273, 274, 279, 280, 287, 289, 291, 293, 549, 551}),
}

MACHINE = Machine(
    number=EM_AARCH64,
    bits=64,
    name="aarch64",
    notes=__doc__,
    rows=ROWS,
    undefined_branch=undefined_branch,
    undefined_at_place=True,
    veneer=veneer,
    explicit_addends=True,
    first=(3, 7),
    absolute_word=257,
    thread_pointer=thread_pointer,
    table_of_sums=True,
    own_table=True,
    prepare=with_table,
    since=_SINCE,
    mismatches=aarch64_abi.mismatches,
)
