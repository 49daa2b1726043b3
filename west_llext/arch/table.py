# SPDX-License-Identifier: Apache-2.0
"""What a relocation table is made of: formulas, checks and rows.

Two questions are kept apart: which value (`Formula`) and which bits of the place (`Layout`). The
rooms above know neither numbers nor layouts of a machine; they ask its rows.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from west_llext.arch.layout import Layout
from west_llext.diagnostics import Severity
from west_llext.model.base import Abi
from west_llext.model.elf import Ident


class Formula(Enum):
    """How a psABI computes the value; the enum's value is its notation.

    S: address of the symbol, without the Thumb bit; A: addend; P: address of the place
    T: 1 where the symbol is a Thumb function; Pa: P with the two lowest bits cleared
    TP: what the thread pointer holds
    """

    ABS = "S + A"
    ABS_T = "(S + A) | T"
    PCREL = "S + A - P"
    PCREL_T = "((S + A) | T) - P"
    PCREL_PA = "S + A - Pa"
    TPREL = "S + A - TP"

    @property
    def uses_place(self) -> bool:
        """Whether the value depends on where the place is."""
        return self in _USES_PLACE


_USES_PLACE = frozenset({Formula.PCREL, Formula.PCREL_T, Formula.PCREL_PA})


def evaluate(formula: Formula, *, S: int, A: int, P: int, T: int, TP: int = 0) -> int:
    """The value of a formula, not yet cut to the width of any field."""
    match formula:
        case Formula.PCREL_T:
            return ((S + A) | T) - P
        case Formula.ABS_T:
            return (S + A) | T
        case Formula.ABS:
            return S + A
        case Formula.PCREL:
            return S + A - P
        case Formula.PCREL_PA:
            return S + A - (P & ~3)
        case Formula.TPREL:
            return S + A - TP


class Check(Enum):
    """Which values a field may take."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    #: as signed or as unsigned, whichever the user meant (data words)
    EITHER = "either"
    #: bits that don't fit are dropped, as the psABI says
    WRAP = "wrap"


class Branch(Enum):
    """What kind of branch a place holds; decides about veneers and changes of instruction set."""

    #: stores a return address; may change the instruction set on its own (BLX)
    CALL = "call"
    #: keeps the return address
    JUMP = "jump"


@dataclass(frozen=True, slots=True)
class Word:
    """How the bytes of a place become the integer that a layout describes, and back.

    units: struct letters of the units from the most significant; Thumb words are two halfwords
    """

    units: str

    @property
    def size(self) -> int:
        """Bytes that the place takes."""
        return struct.calcsize("<" + self.units)


BYTE = Word("B")
HALF = Word("H")
WORD = Word("I")
#: 32-bit Thumb instruction: first halfword in the upper half (Arm ARM, Thumb instruction encoding)
THUMB32 = Word("HH")


class RangeError(Exception):
    """A value doesn't fit the field that it belongs in.

    value: what the formula gave
    low, high: half-open range of the field
    alignment: what the value must be a multiple of
    """

    def __init__(self, *, value: int, low: int, high: int, alignment: int) -> None:
        super().__init__(value, low, high, alignment)
        self.value = value
        self.low = low
        self.high = high
        self.alignment = alignment


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A relocation type that we apply.

    number, name: as the psABI prints them
    formula, layout, check: value, bits and permitted range
    word: how the place is read and written
    branch: what kind of branch the place holds, or None
    shift: the field takes the value shifted right by this many bits (MOVT), sign kept
    loadable: whether the target's loader can apply it
    least: lowest addend that the place holds (REL); None for what the check implies: 0 for unsigned
        fields, half of all values below 0 for the others
    size: bytes of the place
    uses_place: whether the value depends on where the place is
    is_pointer: whether the place is a data word that the value fills, high bits lost
    """

    number: int
    name: str
    formula: Formula
    layout: Layout
    check: Check
    word: Word
    branch: Branch | None = None
    shift: int = 0
    loadable: bool = True
    least: int | None = None
    size: int = field(init=False)
    uses_place: bool = field(init=False)
    is_pointer: bool = field(init=False)
    _unaligned: int = field(init=False)
    _low: int = field(init=False)
    _high: int = field(init=False)
    _least: int = field(init=False)
    _beyond: int = field(init=False)
    _span: int = field(init=False)

    def __post_init__(self) -> None:
        """Work out what every use of the row needs."""
        low, high = self.layout.signed_range
        if self.check is Check.UNSIGNED:
            low, high = self.layout.unsigned_range
        elif self.check is Check.EITHER:
            high = self.layout.unsigned_range[1]
        put = object.__setattr__  # the record is frozen for everybody else
        put(self, "_unaligned", self.layout.alignment - 1)
        put(self, "_low", low << self.shift)
        put(self, "_high", high << self.shift)
        span = 2 << self.layout.top
        implied = 0 if self.check is Check.UNSIGNED else -(1 << self.layout.top)
        least = implied if self.least is None else self.least
        put(self, "_least", least)
        put(self, "_beyond", least + span)
        put(self, "_span", span)
        put(self, "size", self.word.size)
        put(self, "uses_place", self.formula.uses_place)
        whole = self.layout.mask == (1 << self.layout.bits) - 1 and not self.shift
        absolute = self.formula in {Formula.ABS, Formula.ABS_T}
        put(self, "is_pointer", whole and absolute and self.check is Check.WRAP)

    def addend(self, word: int) -> int:
        """The addend that the place holds (REL); sign-extended where the field is signed."""
        value = self.layout.extract(word)
        return value if value < self._beyond else value - self._span

    def holds(self, addend: int) -> bool:
        """Whether the place can hold an addend; a data word holds any, high bits lost."""
        if self.check is Check.WRAP and self.layout.top + 1 == self.layout.bits:
            return True
        in_range = self._least <= addend < self._beyond
        return in_range and not addend & (self.layout.alignment - 1)

    def with_addend(self, word: int, addend: int) -> int:
        """`word` with an addend for somebody else to add to; raises RangeError."""
        if not self.holds(addend):
            raise RangeError(
                value=addend, low=self._least, high=self._beyond, alignment=self.layout.alignment
            )
        return self.layout.insert(word, addend)

    def range(self) -> tuple[int, int]:
        """Half-open range of values that fit."""
        return self._low, self._high

    def encode(self, word: int, value: int) -> int:
        """`word` with the value in its field.

        Raises RangeError where the value doesn't fit or isn't aligned.
        """
        if self.check is not Check.WRAP and (
            not self._low <= value < self._high or value & self._unaligned
        ):
            raise RangeError(
                value=value, low=self._low, high=self._high, alignment=self.layout.alignment
            )
        return self.layout.insert(word, value >> self.shift)


@dataclass(frozen=True, slots=True)
class Ignore:
    """A relocation type that changes nothing; `why` says so in the psABI's sense."""

    number: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """A relocation type that extensions can't have; `why` says so, `hint` what to do."""

    number: int
    name: str
    why: str
    hint: str = ""


Entry = Row | Ignore | Refuse


#: New word of a branch: called with row, word and keyword arguments S, A, P, T.
BranchEncoder = Callable[..., int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Veneer:
    """A piece of code that jumps to an address anywhere.

    name: what maps and symbols call the form
    code: its bytes, with zeros where the address goes
    target_offset: where the address goes; a data word of the machine's pointer size
    relocation: type that the target's loader applies to the address (an absolute word)
    alignment: of the first byte
    thumb: 1 where it is entered in Thumb state, so that its address gets bit 0
    """

    name: str
    code: bytes
    target_offset: int
    relocation: int
    alignment: int = 4
    thumb: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What an object's attributes say of the processor, as far as linking depends on it.

    blx: the core has BLX (immediate), that is both instruction sets (Arm)
    thumb2: the core has LDR.W to the program counter and NOP.W (Arm)
    """

    blx: bool = False
    thumb2: bool = True


class Concern(Enum):
    """What two files can disagree about, beside machine, class and byte order."""

    #: where floating-point arguments are
    FLOAT = "float"
    #: instructions that one processor has and the other lacks
    PROCESSOR = "processor"
    #: other parts of the procedure call standard
    CONVENTION = "convention"
    #: sizes and formats of data
    DATA = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Why code of an object doesn't fit the base image.

    text: what is wrong, with both sides; `it` is the object
    hint: one action that would mend it
    """

    concern: Concern
    text: str
    hint: str
    severity: Severity = Severity.ERROR


def _plain_core(ident: Ident, attributes: Mapping[int, int | str]) -> Core:
    del ident, attributes
    return Core()


def _no_mismatches(obj: Abi, base: Abi) -> tuple[Mismatch, ...]:
    del obj, base
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the other rooms need to know of a machine.

    number: e_machine
    name: as manifests and reports spell it
    rows: every relocation number of the psABI
    entry_is_odd: functions can have bit 0 of their address set (Thumb)
    branch: encodes rows that have `branch`; may change the instruction (BL to BLX)
    changes_state: (row, T): whether the branch ends in the other instruction set
    direct: (row, word, T, core): whether `branch` can encode it without a veneer, range aside
    undefined_branch: (row, word, core): the word that replaces a branch to an undefined weak symbol,
        or None to leave it alone
    veneer: (row, core): the form that a branch of this row can go through, or None
    explicit_addends: whether the target's loader takes RELA (True) or REL (False)
    absolute_word: number of the relocation that adds an address to a pointer-sized word
    branches: numbers of the rows that are branches
    refused: numbers of the types that extensions can't have
    pointers: numbers of the rows that make an address of a data word
    pc_offset: how far ahead of the place the row's branch counts from; its usual addend is minus
        this
    core: (ident, attributes): what code of a file may assume of the processor
    mismatches: (object, base): why the object's code doesn't fit the base's, beyond machine, class
        and byte order
    """

    number: int
    name: str
    rows: Mapping[int, Entry]
    branch: BranchEncoder
    changes_state: Callable[[Row, int], bool]
    direct: Callable[[Row, int, int, Core], bool]
    undefined_branch: Callable[[Row, int, Core], int | None]
    veneer: Callable[[Row, Core], Veneer | None]
    explicit_addends: bool
    absolute_word: int
    pc_offset: Callable[[Row], int]
    entry_is_odd: bool = False
    bits: int = 32
    core: Callable[[Ident, Mapping[int, int | str]], Core] = _plain_core
    mismatches: Callable[[Abi, Abi], tuple[Mismatch, ...]] = _no_mismatches
    branches: frozenset[int] = field(init=False)
    refused: frozenset[int] = field(init=False)
    pointers: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        """Work out what every link needs."""
        rows = [row for row in self.rows.values() if isinstance(row, Row)]
        refused = [row for row in self.rows.values() if isinstance(row, Refuse)]
        for name, chosen in (
            ("branches", [row for row in rows if row.branch is not None]),
            ("refused", refused),
            ("pointers", [row for row in rows if row.is_pointer]),
        ):
            object.__setattr__(self, name, frozenset(row.number for row in chosen))


def table(*entries: Entry) -> Mapping[int, Entry]:
    """The entries by number; raises ValueError where two have the same."""
    rows = {entry.number: entry for entry in entries}
    if len(rows) != len(entries):
        raise ValueError("a relocation number is in the table twice")
    return rows
