# SPDX-License-Identifier: Apache-2.0
"""How the psABIs compute what goes into a place."""

from __future__ import annotations

from enum import Enum

from west_llext.model.members import plain_members


@plain_members
class Space(Enum):
    """What has to be known of addresses before a value can be computed."""

    #: the address of the symbol
    ABSOLUTE = "absolute"
    #: the distance from the place to the symbol, which a region keeps wherever it is loaded
    DISTANCE = "distance"
    #: both addresses
    BOTH = "both"
    #: the offset of a thread-local variable in its block
    THREAD = "thread"


@plain_members
class Formula(Enum):
    """How a psABI computes the value; the enum's value is its notation.

    S: address of the symbol, without the Thumb bit; A: addend; P: address of the place
    T: 1 where the symbol is a Thumb function
    Pa: P with the two lowest bits cleared; Pn: P rounded up to a multiple of 4
    TP: what the thread pointer holds, both counted from the thread-local block; V: what the place holds
    GOT: address of the global offset table
    Page(x): x with the twelve lowest bits cleared
    """

    ABS = "S + A"
    MINUS = "A - S"
    ABS_T = "(S + A) | T"
    PCREL = "S + A - P"
    PCREL_T = "((S + A) | T) - P"
    PCREL_PA = "S + A - Pa"
    PCREL_PN = "S + A - Pn"
    PAGE = "Page(S + A) - Page(P)"
    TABLE = "S + A - GOT"
    TABLE_PAGE = "S + A - Page(GOT)"
    TPREL = "S + A - TP"
    ADD = "V + S + A"
    SUB = "V - S - A"

    @property
    def space(self) -> Space:
        """What has to be known for it."""
        return _SPACES.get(self, Space.ABSOLUTE)


_SPACES = {
    Formula.PCREL: Space.DISTANCE,
    Formula.PCREL_T: Space.DISTANCE,
    # a machine that has these says how its regions are aligned (`Machine.alignment`)
    Formula.PCREL_PA: Space.DISTANCE,
    Formula.PCREL_PN: Space.DISTANCE,
    Formula.PAGE: Space.BOTH,
    # the table is where the code is, in pages of its own where it has to be
    Formula.TABLE: Space.DISTANCE,
    Formula.TABLE_PAGE: Space.DISTANCE,
    Formula.TPREL: Space.THREAD,
}


def evaluate(  # noqa: C901, PLR0911, PLR0912 (one a formula)
    formula: Formula, *, S: int, A: int, P: int, T: int = 0, TP: int = 0, V: int = 0, GOT: int = 0
) -> int:
    """The value of a formula, not yet cut to the width of any field."""
    match formula:
        case Formula.PCREL_T:
            return ((S + A) | T) - P
        case Formula.ABS_T:
            return (S + A) | T
        case Formula.ABS:
            return S + A
        case Formula.MINUS:
            return A - S
        case Formula.PCREL:
            return S + A - P
        case Formula.PCREL_PA:
            return S + A - (P & ~3)
        case Formula.PCREL_PN:
            return S + A - (P + 3 & ~3)
        case Formula.PAGE:
            return ((S + A) & ~0xFFF) - (P & ~0xFFF)
        case Formula.TABLE:
            return S + A - GOT
        case Formula.TABLE_PAGE:
            return S + A - (GOT & ~0xFFF)
        case Formula.TPREL:
            return S + A - TP
        case Formula.ADD:
            return V + S + A
        case Formula.SUB:
            return V - S - A
