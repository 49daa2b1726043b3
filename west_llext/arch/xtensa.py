# SPDX-License-Identifier: Apache-2.0
"""Xtensa, 32 bits (EM_XTENSA), little- and big-endian.

What is odd about this machine:

* One relocation type serves every instruction: the opcode at the place decides about the field, so
  that the row of R_XTENSA_SLOT0_OP picks another row.
* An instruction has 24 bits, or 16 where the core has the code density option. Big-endian code has
  the fields in the opposite order, each as it is; hence two sets of layouts.
* The address of a variable or of a far function is a literal, a word that L32R reads. L32R reaches
  backwards only, by 256 KiB: literals have to be in front of the code that uses them.
* There are two calling conventions. With the windowed one a call moves the register window by 4, 8
  or 12 registers and puts that number into the two upper bits of the return address, which RETW
  takes from the program counter again: caller and callee have to be in the same 1 GiB.
* Relocations have addends (RELA), but R_XTENSA_32 adds what is in the place as well, and that is all
  that Zephyr's loader adds.
* Code that is linked to a shared object, as Zephyr's build does by default, reaches all data and
  functions of others through literals, so that its sections can be moved apart like those of a
  relocatable object. Its dynamic relocations (GLOB_DAT, JMP_SLOT, RELATIVE) are words.
* Linkers of this machine shorten code. The marks for it (ASM_EXPAND, DIFF) mean nothing where code
  keeps its length.

Types: include/elf/xtensa.h of GNU binutils 2.40; LLVM has two more. There is no psABI document.
Drawings: Xtensa Instruction Set Architecture Reference Manual, chapter 6 "Instruction
Descriptions" and chapter 7 "Instruction Formats and Opcodes"; calls: section 8.1 "The Windowed
Register and CALL0 ABIs".
What is left for the target: arch/xtensa/core/elf.c of Zephyr.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from west_llext.arch import xtensa_abi
from west_llext.arch.formula import Formula
from west_llext.arch.layout import Layout, layout
from west_llext.arch.machine import Core, Machine, Veneer
from west_llext.arch.table import (
    HALF,
    WORD,
    Branch,
    Check,
    Dynamic,
    Entry,
    Ignore,
    RangeError,
    Refuse,
    Row,
    Word,
    table,
)

EM_XTENSA = 94

#: An instruction of 24 bits.
INSN = Word("T")

# fmt: off
DATA32    = layout("31:0")
ANY16     = layout("15:0")            # an instruction whose opcode was not read yet
RI16      = layout("17:2 _8")         # L32R
CALL      = layout("19:2 _6")         # CALL0, CALL4, CALL8, CALL12
JUMP      = layout("17:0 _6")         # J
RRI8      = layout("7:0 _16")         # BEQ, BEQI, LOOP and their kin
BRI12     = layout("11:0 _12")        # BEQZ, BNEZ, BLTZ, BGEZ
RI6       = layout("3:0 _6 5:4 _4")   # BEQZ.N, BNEZ.N
RI16_BIG  = layout("_8 17:2")
CALL_BIG  = layout("_6 19:2")
JUMP_BIG  = layout("_6 17:0")
RRI8_BIG  = layout("_16 7:0")
BRI12_BIG = layout("_12 11:0")
RI6_BIG   = layout("_6 5:4 _4 3:0")

_JUMP   = "write it as j.l with a free register, such as 'j.l there, a9'"
_LONG   = "compile with -mlongcalls"
_POOLS  = "compile with -mtext-section-literals"
_RELINK = "link the object again, with -shared or with ld -r"
_TLS    = "use the local-exec model (-ftls-model=local-exec) for variables of the base image"
_SLOTS  = "compile with -Wa,--no-allow-flix"
_LITERALS = "compile with -Wa,--no-absolute-literals"
_NO_SLOT = "an instruction in a bundle, which depends on the core's own formats"


class Instructions(NamedTuple):
    """The rows of instructions that have a field for an address, in one byte order.

    Limits are those of the manual: distances from the instruction, but for L32R from the word
    boundary that follows it or is at it.
    """

    l32r: Row
    calls: tuple[Row, Row, Row, Row]
    jump: Row
    compare: Row
    zero: Row
    loop: Row
    narrow: Row


def _instructions(  # one layout a format
    *, ri16: Layout, call: Layout, jump: Layout, rri8: Layout, bri12: Layout, ri6: Layout
) -> Instructions:
    def row(name: str, formula: Formula, into: Layout, check: Check, bias: int, *,
            branch: Branch | None = None, remedy: str = "") -> Row:
        word = HALF if into.bits == 16 else INSN
        return Row(20, f"R_XTENSA_SLOT0_OP ({name})", formula, into, check, word, branch,
                   loadable=False, bias=bias, remedy=remedy)

    return Instructions(
        # the 14 upper bits of the distance are ones
        l32r    = row("L32R", Formula.PCREL_PN, ri16, Check.UNSIGNED, 1 << 18, remedy=_POOLS),
        calls   = (
            row("CALL0",  Formula.PCREL_PA, call, Check.SIGNED, -4, branch=Branch.CALL, remedy=_LONG),
            row("CALL4",  Formula.PCREL_PA, call, Check.SIGNED, -4, branch=Branch.CALL, remedy=_LONG),
            row("CALL8",  Formula.PCREL_PA, call, Check.SIGNED, -4, branch=Branch.CALL, remedy=_LONG),
            row("CALL12", Formula.PCREL_PA, call, Check.SIGNED, -4, branch=Branch.CALL, remedy=_LONG),
        ),
        jump    = row("J",     Formula.PCREL, jump,  Check.SIGNED,   -4, branch=Branch.JUMP, remedy=_JUMP),
        compare = row("Bcc",   Formula.PCREL, rri8,  Check.SIGNED,   -4),
        zero    = row("BccZ",  Formula.PCREL, bri12, Check.SIGNED,   -4),
        loop    = row("LOOP",  Formula.PCREL, rri8,  Check.UNSIGNED, -4),
        narrow  = row("BccZ.N", Formula.PCREL, ri6,  Check.UNSIGNED, -4),
    )


LITTLE = _instructions(ri16=RI16, call=CALL, jump=JUMP, rri8=RRI8, bri12=BRI12, ri6=RI6)
BIG    = _instructions(ri16=RI16_BIG, call=CALL_BIG, jump=JUMP_BIG, rri8=RRI8_BIG, bri12=BRI12_BIG,
                       ri6=RI6_BIG)


def rows(pick: Callable[[bytes | bytearray, int], Row | None]) -> Mapping[int, Entry]:
    """The table; `pick` finds the row of the instruction at a place."""
    slots = [
        (20 + 15 * alternative + slot, f"R_XTENSA_SLOT{slot}_{'ALT' if alternative else 'OP'}")
        for alternative in (0, 1) for slot in range(15)
    ]
    return table(
        #      no  name                       formula          into    check       place
        Ignore(  0, "R_XTENSA_NONE",          "what a linker leaves of a relocation that it took away"),
        Row(     1, "R_XTENSA_32",            Formula.ABS,     DATA32, Check.WRAP, WORD, partial=True),
        Ignore(  2, "R_XTENSA_RTLD",          "a word for binding on the first call, which isn't done"),
        Dynamic( 3, "R_XTENSA_GLOB_DAT",      "a dynamic relocation, which only shared objects have", _RELINK),
        Dynamic( 4, "R_XTENSA_JMP_SLOT",      "a dynamic relocation, which only shared objects have", _RELINK),
        Dynamic( 5, "R_XTENSA_RELATIVE",      "a dynamic relocation, which only shared objects have", _RELINK, based=True, partial=True),
        Row(     6, "R_XTENSA_PLT",           Formula.ABS,     DATA32, Check.WRAP, WORD, left_as=1),  # without a PLT: the function
        Refuse(  8, "R_XTENSA_OP0",           "an operand as assemblers before 2004 marked it", "rebuild the object with a current assembler"),
        Refuse(  9, "R_XTENSA_OP1",           "an operand as assemblers before 2004 marked it", "rebuild the object with a current assembler"),
        Refuse( 10, "R_XTENSA_OP2",           "an operand as assemblers before 2004 marked it", "rebuild the object with a current assembler"),
        Ignore( 11, "R_XTENSA_ASM_EXPAND",    "marks a call through a register that a linker could make direct"),
        Refuse( 12, "R_XTENSA_ASM_SIMPLIFY",  "a linker's note to itself that a call becomes direct", "link the object with ld -r --no-relax"),
        Row(    14, "R_XTENSA_32_PCREL",      Formula.PCREL,   DATA32, Check.WRAP, WORD, loadable=False),
        Ignore( 15, "R_XTENSA_GNU_VTINHERIT", "a note for the removal of unused virtual functions"),
        Ignore( 16, "R_XTENSA_GNU_VTENTRY",   "a note for the removal of unused virtual functions"),
        *(Ignore(17 + n, f"R_XTENSA_DIFF{8 << n}",  "a difference that is in the place already") for n in range(3)),
        Row(    20, "R_XTENSA_SLOT0_OP",      Formula.PCREL,   ANY16,  Check.WRAP, HALF, Branch.CALL, loadable=False, pick=pick),
        *(Refuse(number, name, _NO_SLOT, _SLOTS) for number, name in slots if name not in {"R_XTENSA_SLOT0_OP", "R_XTENSA_SLOT0_ALT"}),
        Refuse( 35, "R_XTENSA_SLOT0_ALT",     "a literal that is addressed from a base register (LITBASE)", _LITERALS),
        Refuse( 50, "R_XTENSA_TLSDESC_FN",    "thread-local storage through a descriptor", _TLS),
        Refuse( 51, "R_XTENSA_TLSDESC_ARG",   "thread-local storage through a descriptor", _TLS),
        Refuse( 52, "R_XTENSA_TLS_DTPOFF",    "thread-local storage of the local-dynamic model", _TLS),
        Row(    53, "R_XTENSA_TLS_TPOFF",     Formula.TPREL,   DATA32, Check.WRAP, WORD, loadable=False),
        Refuse( 54, "R_XTENSA_TLS_FUNC",      "thread-local storage through a descriptor", _TLS),
        Refuse( 55, "R_XTENSA_TLS_ARG",       "thread-local storage through a descriptor", _TLS),
        Refuse( 56, "R_XTENSA_TLS_CALL",      "thread-local storage through a descriptor", _TLS),
        *(Ignore(57 + n, f"R_XTENSA_PDIFF{8 << n}", "a difference that is in the place already") for n in range(3)),
        *(Ignore(60 + n, f"R_XTENSA_NDIFF{8 << n}", "a difference that is in the place already") for n in range(3)),
        Ignore( 63, "R_XTENSA_PDIFF_ULEB128", "a difference that is in the place already"),  # LLVM's own
        Row(    64, "R_XTENSA_32_ABS",        Formula.ABS,     DATA32, Check.WRAP, WORD, left_as=1),  # LLVM's own
    )
# fmt: on


class _Opcode(NamedTuple):
    # the fields of an instruction that tell opcodes apart (chapter 7, "Opcode Encodings")
    op0: int
    n: int
    m: int
    r: int
    i: int


def _little(first: int, second: int) -> _Opcode:
    return _Opcode(first & 15, first >> 4 & 3, first >> 6, second >> 4, first >> 7)


def _big(first: int, second: int) -> _Opcode:
    return _Opcode(first >> 4, first >> 2 & 3, first & 3, second & 15, first >> 3 & 1)


def _row_of(code: _Opcode, known: Instructions) -> Row | None:  # noqa: PLR0911 (one a format)
    # the row of an opcode, None where it has no field for an address
    match code:
        case (1, _, _, _, _):
            return known.l32r
        case (5, n, _, _, _):
            return known.calls[n]
        case (6, 0, _, _, _):
            return known.jump
        case (6, 1, _, _, _):
            return known.zero
        # BEQI, BNEI, BLTI, BGEI; BLTUI, BGEUI; the sixteen of two registers; BF, BT
        case (6, 2, _, _, _) | (6, 3, 2 | 3, _, _) | (7, _, _, _, _) | (6, 3, 1, 0 | 1, _):
            return known.compare
        # LOOP, LOOPNEZ, LOOPGTZ
        case (6, 3, 1, 8 | 9 | 10, _):
            return known.loop
        # BEQZ.N, BNEZ.N; MOVI.N has a 0 there
        case (12, _, _, _, 1):
            return known.narrow
        case _:
            return None


def _picker(
    known: Instructions, opcode: Callable[[int, int], _Opcode]
) -> Callable[[bytes | bytearray, int], Row | None]:
    # The first byte tells all but those with `r`, so that there are two small tables.
    by_first = [_row_of(opcode(first, 0), known) for first in range(256)]
    with_r = frozenset(first for first in range(256) if opcode(first, 0)[:3] == (6, 3, 1))

    def pick(content: bytes | bytearray, offset: int) -> Row | None:
        first = content[offset]
        if first in with_r:
            return _row_of(opcode(first, content[offset + 1]), known)
        return by_first[first]

    return pick


def branch(row: Row, word: int, S: int, A: int, P: int, T: int) -> int:  # noqa: PLR0917 (called for each branch, and keywords take time)
    """The branch, encoded for its target.

    Raises RangeError, also where a call that moves the window leaves its 1 GiB.
    """
    value = row.compute(S, A, P, T, 0, 0, 0)
    if row in _WINDOWED and (S + A) >> 30 != P >> 30:
        # the limits of the field and those of the 1 GiB, whichever are nearer
        low, high = row.range()
        start = (P >> 30 << 30) - (P & ~3)
        raise RangeError(
            value=value,
            low=max(low, start),
            high=min(high, start + (1 << 30)),
            alignment=row.layout.alignment,
        )
    return row.encode(word, value)


_WINDOWED = frozenset((*LITTLE.calls[1:], *BIG.calls[1:]))


def _veneer(name: str, code: str) -> Veneer:
    # literal; l32r aN, literal; jx aN
    return Veneer(name=name, code=bytes.fromhex(code), target_offset=0, entry=4, relocation=1)


# fmt: off
# The register is one that the callee doesn't get: a9 holds nothing at a call by the CALL0 ABI. A
# windowed call makes another one the callee's stack pointer, and ENTRY, the callee's first
# instruction, is what writes it.
_LITTLE_VENEERS = {
    LITTLE.calls[0]: _veneer("call0",  "00000000 91ffff a00900"),
    LITTLE.calls[1]: _veneer("call4",  "00000000 51ffff a00500"),
    LITTLE.calls[2]: _veneer("call8",  "00000000 91ffff a00900"),
    LITTLE.calls[3]: _veneer("call12", "00000000 d1ffff a00d00"),
    LITTLE.jump:     _veneer("call0",  "00000000 91ffff a00900"),
}
_BIG_VENEERS = {
    BIG.calls[0]:    _veneer("call0",  "00000000 19ffff 0a9000"),
    BIG.calls[1]:    _veneer("call4",  "00000000 15ffff 0a5000"),
    BIG.calls[2]:    _veneer("call8",  "00000000 19ffff 0a9000"),
    BIG.calls[3]:    _veneer("call12", "00000000 1dffff 0ad000"),
    BIG.jump:        _veneer("call0",  "00000000 19ffff 0a9000"),
}
VENEERS = {**_LITTLE_VENEERS, **_BIG_VENEERS}
# fmt: on


def veneer(row: Row, core: Core) -> Veneer | None:
    """The form for a row; none for CALL0 and J in windowed code, where every register may be used."""
    if core.windowed and row not in _WINDOWED:
        return None
    return VENEERS.get(row)


_LITTLE_OR = 0x201110  # or a1, a1, a1: does nothing, on cores that lack NOP too
_BIG_OR = 0x011102


def undefined_branch(row: Row, word: int, core: Core) -> int:
    """A branch to an undefined weak symbol goes to the next instruction, as on other machines."""
    del word, core
    return _LITTLE_OR if row in LITTLE.calls or row is LITTLE.jump else _BIG_OR


def literals(name: str) -> str:
    """Name of the section in which assemblers put the literals of the code in a section."""
    if name == ".text" or name.startswith(".text."):
        return f".literal{name[5:]}"
    if name.startswith(".gnu.linkonce.t."):
        return f".gnu.linkonce.literal.{name[16:]}"
    return f"{name.removesuffix('.text')}.literal"


def _thread_pointer(size: int, alignment: int) -> int:
    # at two words in front of the variables (TCB_SIZE in bfd/elf32-xtensa.c), which begin at a
    # multiple of their alignment
    del size
    return -max(8, alignment)


def _machine(known: Instructions, opcode: Callable[[int, int], _Opcode]) -> Machine:
    return Machine(
        number=EM_XTENSA,
        name="xtensa",
        notes=__doc__ or "",
        rows=rows(_picker(known, opcode)),
        branch=branch,
        undefined_branch=undefined_branch,
        veneer=veneer,
        explicit_addends=True,
        first=(3, 6),
        absolute_word=1,
        alignment=4,
        literals=literals,
        debugger_links=False,
        thread_pointer=_thread_pointer,
        # 3.6 knew shared objects only
        since={(3, 7): frozenset({1, 6, 64})},
        instructions=(known.l32r, *known.calls, *known[2:]),
        core=xtensa_abi.core,
        mismatches=xtensa_abi.mismatches,
    )


MACHINE = _machine(LITTLE, _little)
MACHINE_BIG = _machine(BIG, _big)
