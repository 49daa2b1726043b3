# SPDX-License-Identifier: Apache-2.0
"""What a relocation table is made of: words, checks and rows.

Two questions are kept apart: which value (`Formula`) and which bits of the place (`Layout`). The
rooms above know neither numbers nor layouts of a machine; they ask its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from enum import Enum
from functools import lru_cache

from west_llext.arch.formula import Compute, Formula, Space
from west_llext.arch.layout import Layout
from west_llext.model.members import plain_members
from west_llext.record import record

#: Words of branches whose addends are kept.
_KEPT = 64


@plain_members
class Check(Enum):
    """Which values a field may take."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    #: as signed or as unsigned, whichever the user meant (data words)
    EITHER = "either"
    #: bits that don't fit are dropped, as the psABI says
    WRAP = "wrap"


@plain_members
class Branch(Enum):
    """What kind of branch a place holds; decides about veneers and changes of instruction set."""

    #: stores a return address; may change the instruction set on its own (BLX)
    CALL = "call"
    #: keeps the return address
    JUMP = "jump"


@record(frozen=True, slots=True)
class Word:
    """How the bytes of a place become the integer that a layout describes, and back.

    units: struct letters of the units from the most significant; Thumb words are two halfwords.
        `T` is a unit of three bytes, `U` a number in unsigned LEB128 that keeps its length.
    """

    units: str

    @property
    def size(self) -> int:
        """Bytes that the place takes, at least."""
        return sum(_UNIT_SIZES[unit] for unit in self.units)


_UNIT_SIZES = {"B": 1, "H": 2, "T": 3, "I": 4, "Q": 8, "U": 1}

BYTE = Word("B")
HALF = Word("H")
WORD = Word("I")
LONG = Word("Q")
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


@plain_members
class Via(Enum):
    """Whose address a value is made of."""

    #: the symbol of the relocation
    DIRECT = "direct"
    #: the symbol of another relocation, which is at the place that this one's symbol labels and
    #: has the upper part of the same value (RISC-V)
    HIGH_PART = "high part"
    #: a word in the extension that holds the address of the symbol
    GOT = "global offset table"


@record(frozen=True, slots=True, eq=False)
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
    bias: added to the value before it is cut (the upper part of an address whose lower part is
        signed)
    low_bits: only so many low bits of the value count; 0 for all
    via: what S and A are, where they aren't those of the relocation
    pick: (content, offset of the place) to the row that the instruction there stands for; None
        where there is none
    revise: (word, value) to those that are encoded, where the value decides about the instruction
    left_as: number that the target's loader knows it by, where it isn't this one
    partial: the place holds a part of the addend, though the relocation has one (RELA)
    before: bytes in front of the place that belong to the word, because the value decides about
        the opcode there
    joins: it is one of several relocations of a place, which together make a difference
    bare: the target's loader gets it right without an addend only
    filled: low bits that the target's loader fills in, where that isn't all of the field; 0 for all
    remedy: what to do where the value doesn't fit, or the loader doesn't know the type; empty for
        nothing that is always true
    from_zero: (row, change of the word) of an instruction that reaches what is near address 0 from
        everywhere, where this one counts from its place
    size: bytes of the place
    space: what has to be known of addresses; compute: the formula's function
    encode: (word, value) to the word with the value in its field; raises RangeError where the value
        doesn't fit or isn't aligned
    addend: word to the addend that the place holds (REL), negative where the field is signed
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
    bias: int = 0
    low_bits: int = 0
    via: Via = Via.DIRECT
    pick: Callable[[bytes | bytearray, int], Row | None] | None = None
    revise: Callable[[int, int], tuple[int, int]] | None = None
    left_as: int | None = None
    partial: bool = False
    before: int = 0
    joins: bool = False
    bare: bool = False
    filled: int = 0
    remedy: str = ""
    from_zero: tuple[Row, Callable[[int], int]] | None = None
    size: int = field(init=False)
    space: Space = field(init=False)
    compute: Compute = field(init=False, repr=False)
    encode: Callable[[int, int], int] = field(init=False, repr=False)
    addend: Callable[[int], int] = field(init=False, repr=False)
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
        put(self, "space", self.formula.space)
        put(self, "compute", self.formula.compute)
        put(self, "encode", self._encoder())
        put(self, "addend", self._decoder())
        whole = self.layout.mask == (1 << self.layout.bits) - 1 and not self.shift
        absolute = self.formula in {Formula.ABS, Formula.ABS_T} and self.via is Via.DIRECT
        changed = self.joins or self.bias or self.low_bits or self.revise or self.pick
        plain = whole and absolute and self.check is Check.WRAP and not changed
        put(self, "is_pointer", plain and len(self.word.units) == 1)

    def holds(self, addend: int) -> bool:
        """Whether the place can hold an addend; a data word holds any, high bits lost."""
        if self.bare:
            return not addend
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
        return self._low - self.bias, self._high - self.bias

    def fits(self, value: int) -> bool:
        """Whether `encode` takes the value."""
        return self.check is Check.WRAP or (
            self._low <= value + self.bias < self._high and not value & self._unaligned
        )

    # These are made once, because a link does nothing more often: a function asks only for what the
    # row has, and for no attribute.
    def _decoder(self) -> Callable[[int], int]:
        extract, beyond, span = self.layout.extract, self._beyond, self._span

        def addend(word: int) -> int:
            value = extract(word)
            return value if value < beyond else value - span

        # an assembler leaves the same few words in most places of branches
        return addend if self.branch is None else lru_cache(_KEPT)(addend)

    def _encoder(self) -> Callable[[int, int], int]:
        insert, shift = self.layout.insert, self.shift
        encode = self._checked()
        if self.check is Check.WRAP:
            encode = (lambda word, value: insert(word, value >> shift)) if shift else insert
        if not (self.bias or self.low_bits or self.revise):
            return encode
        bias, revise = self.bias, self.revise
        kept = (1 << self.low_bits) - 1 if self.low_bits else -1

        def prepared(word: int, value: int) -> int:
            value = value + bias & kept
            if revise is not None:
                word, value = revise(word, value)
            return encode(word, value)

        return prepared

    def _checked(self) -> Callable[[int, int], int]:
        insert, shift, bias = self.layout.insert, self.shift, self.bias
        low, high, unaligned = self._low, self._high, self._unaligned

        def checked(word: int, value: int) -> int:
            if not low <= value < high or value & unaligned:
                raise RangeError(
                    value=value - bias, low=low - bias, high=high - bias, alignment=unaligned + 1
                )
            return insert(word, value >> shift)

        return checked


@record(frozen=True, slots=True)
class Ignore:
    """A relocation type that changes nothing; `why` says so in the psABI's sense."""

    number: int
    name: str
    why: str


@record(frozen=True, slots=True)
class Refuse:
    """A relocation type that extensions can't have; `why` says so, `hint` what to do."""

    number: int
    name: str
    why: str
    hint: str = ""


@record(frozen=True, slots=True)
class Dynamic(Refuse):
    """A relocation type that linkers leave in shared objects; relocatable ones can't have it.

    based: the place holds an address that moves with the section it is in, as the psABIs'
        B + A says; else it gets the address of the symbol, S + A
    partial: the place holds a part of the addend, though the relocation has one (RELA)
    """

    based: bool = False
    partial: bool = False


Entry = Row | Ignore | Refuse


def table(*entries: Entry) -> Mapping[int, Entry]:
    """The entries by number; raises ValueError where two have the same."""
    rows = {entry.number: entry for entry in entries}
    if len(rows) != len(entries):
        raise ValueError("a relocation number is in the table twice")
    return rows
