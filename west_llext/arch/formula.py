# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG005 (each formula is given what any of them needs)
"""How the psABIs compute what goes into a place."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum

from west_llext.model.members import plain_members


@plain_members
class Space(IntEnum):
    """What has to be known of addresses before a value can be computed."""

    #: the address of the symbol
    ABSOLUTE = 0
    #: the distance from the place to the symbol, which a region keeps wherever it is loaded
    DISTANCE = 1
    #: both addresses
    BOTH = 2
    #: the offset of a thread-local variable in its block
    THREAD = 3


#: S, A, P, T, TP, V and GOT, as `Formula` explains them, to the value.
Compute = Callable[[int, int, int, int, int, int, int], int]


@plain_members
class Formula(Enum):
    """How a psABI computes the value; the enum's value is its notation.

    S: address of the symbol, without the Thumb bit; A: addend; P: address of the place
    T: 1 where the symbol is a Thumb function
    Pa: P with the two lowest bits cleared; Pn: P rounded up to a multiple of 4
    TP: what the thread pointer holds, both counted from the thread-local block; V: what the place holds
    GOT: address of the global offset table
    Page(x): x with the twelve lowest bits cleared
    space: what has to be known for it
    compute: the formula itself; the value isn't yet cut to the width of any field
    """

    # A machine that has PCREL_PA or PCREL_PN says how its regions are aligned (`Machine.alignment`).
    # The table is where the code is, in pages of its own where it has to be.
    # fmt: off
    ABS        = "S + A", Space.ABSOLUTE, lambda S, A, P, T, TP, V, GOT: S + A
    MINUS      = "A - S", Space.ABSOLUTE, lambda S, A, P, T, TP, V, GOT: A - S
    ABS_T      = "(S + A) | T", Space.ABSOLUTE, lambda S, A, P, T, TP, V, GOT: (S + A) | T
    PCREL      = "S + A - P", Space.DISTANCE, lambda S, A, P, T, TP, V, GOT: S + A - P
    PCREL_T    = "((S + A) | T) - P", Space.DISTANCE, lambda S, A, P, T, TP, V, GOT: ((S + A) | T) - P
    PCREL_PA   = "S + A - Pa", Space.DISTANCE, lambda S, A, P, T, TP, V, GOT: S + A - (P & ~3)
    PCREL_PN   = "S + A - Pn", Space.DISTANCE, lambda S, A, P, T, TP, V, GOT: S + A - (P + 3 & ~3)
    PAGE       = "Page(S + A) - Page(P)", Space.BOTH, lambda S, A, P, T, TP, V, GOT: ((S + A) & ~0xFFF) - (P & ~0xFFF)
    TABLE      = "S + A - GOT", Space.DISTANCE, lambda S, A, P, T, TP, V, GOT: S + A - GOT
    TABLE_PAGE = "S + A - Page(GOT)", Space.DISTANCE, lambda S, A, P, T, TP, V, GOT: S + A - (GOT & ~0xFFF)
    TPREL      = "S + A - TP", Space.THREAD, lambda S, A, P, T, TP, V, GOT: S + A - TP
    ADD        = "V + S + A", Space.ABSOLUTE, lambda S, A, P, T, TP, V, GOT: V + S + A
    SUB        = "V - S - A", Space.ABSOLUTE, lambda S, A, P, T, TP, V, GOT: V - S - A
    # fmt: on

    space: Space
    compute: Compute

    def __new__(cls, notation: str, space: Space, compute: Compute) -> Formula:  # noqa: PYI034 (Self is newer)
        """A member that is looked up by its notation."""
        formula = object.__new__(cls)
        formula._value_ = notation
        formula.space = space
        formula.compute = compute
        return formula


def evaluate(
    formula: Formula, *, S: int, A: int, P: int, T: int = 0, TP: int = 0, V: int = 0, GOT: int = 0
) -> int:
    """The value of a formula, not yet cut to the width of any field."""
    return formula.compute(S, A, P, T, TP, V, GOT)
