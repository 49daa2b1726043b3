# SPDX-License-Identifier: Apache-2.0
"""Rows of a machine and a byte order, with all that every use of them asks for.

A link looks at nothing more often, so that each record is made once, and taken apart in one step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from west_llext.arch.formula import Compute, Formula, Space
from west_llext.arch.machine import Machine
from west_llext.arch.table import Row, Via
from west_llext.link.codec import Codec, Dump, Load
from west_llext.link.left import same_state

#: Formulas of S, A, P and T alone.
_OF_PLACES = frozenset(set(Formula) - {Formula.TABLE, Formula.TABLE_PAGE, Formula.ADD, Formula.SUB})


class Pointer(NamedTuple):
    """A data word that an address fills.

    size: bytes; mask: of the bits that are kept; odd: 1 where it takes the Thumb bit
    partial: whether the addend is what the relocation has and what the place has, added up
    unpack, pack: unpack_from and pack_into of its struct
    """

    size: int
    mask: int
    odd: int
    partial: bool
    unpack: Callable[[bytearray, int], tuple[int]]
    pack: Callable[[bytearray, int, int], None]


class Straight(NamedTuple):
    """A row whose value is that of its formula, whatever the instruction and the symbol are.

    before: bytes of the word in front of the place; behind: from there on
    partial: as a pointer's
    space: what has to be known of addresses
    state: of a branch the Thumb bit that keeps its state, for targets of an unknown one; else None
    load, dump: of the codec, for its word
    """

    row: Row
    before: int
    behind: int
    partial: bool
    space: Space
    state: int | None
    compute: Compute
    load: Load
    dump: Dump


@lru_cache(maxsize=16)
def pointers(codec: Codec, machine: Machine) -> dict[int, Pointer]:
    """The rows that are data words which an address fills, by number."""
    return {
        row.number: Pointer(
            row.size,
            row.layout.mask,
            int(row.formula is Formula.ABS_T),
            row.partial,
            codec.structs[row.word.units].unpack_from,
            codec.structs[row.word.units].pack_into,
        )
        for row in machine.rows.values()
        if isinstance(row, Row) and row.is_pointer
    }


@lru_cache(maxsize=16)
def straights(codec: Codec, machine: Machine) -> dict[int, Straight]:
    """The rows that are straight, by number."""
    return {
        row.number: Straight(
            row,
            row.before,
            row.size - row.before,
            row.partial,
            # the same state, or the distance isn't known
            row.space if row.branch is None else Space.DISTANCE,
            None if row.branch is None else same_state(machine, row),
            row.compute,
            codec.loads[row.word.units],
            codec.dumps[row.word.units],
        )
        for row in machine.rows.values()
        if isinstance(row, Row) and _is_straight(row)
    }


def _is_straight(row: Row) -> bool:
    special = row.pick is not None or row.joins
    return not special and row.via is Via.DIRECT and row.formula in _OF_PLACES
