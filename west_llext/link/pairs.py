# SPDX-License-Identifier: Apache-2.0
"""Relocations that belong together: a high and a low part, and what makes a difference.

A low part (R_RISCV_PCREL_LO12_I) doesn't name its target but the instruction that has the high
part, which may be anywhere in the object. Differences (R_RISCV_ADD32 and R_RISCV_SUB32) are several
relocations of one place, each applied to what the one before has left there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from west_llext.arch.formula import Formula
from west_llext.arch.table import RangeError, Row
from west_llext.link.codec import Codec
from west_llext.model.elf import ObjectFile, Relocation, Symbol


class HighParts:
    """The relocations of an object that low parts refer to, by the place of each."""

    def __init__(self, obj: ObjectFile, numbers: Collection[int]) -> None:
        """`numbers` are the types that can be referred to."""
        self.obj = obj
        self.numbers = numbers
        self.known: dict[int, dict[int, Relocation]] = {}

    def at(self, label: Symbol) -> Relocation | None:
        """The one at a label's place, or None."""
        section = label.section
        if section not in self.known:
            self.known[section] = {
                each.offset: each
                for each in self.obj.relocations.get(section, ())
                if each.type in self.numbers
            }
        return self.known[section].get(label.value)


def joined(rows: Sequence[Relocation], index: int, joins: Collection[int]) -> Sequence[Relocation]:
    """The relocations of one place that begin at `index`; empty where it isn't the first."""
    first = rows[index]
    if index and rows[index - 1].offset == first.offset and rows[index - 1].type in joins:
        return ()
    end = index + 1
    while end < len(rows) and rows[end].offset == first.offset and rows[end].type in joins:
        end += 1
    return rows[index:end]


def open_spaces(parts: Iterable[tuple[Row, int]]) -> set[int]:
    """The spaces of which a sum isn't independent, of its (row, space of the symbol).

    The start of a space counts as often as symbols in it are added, less as often as they are
    subtracted.
    """
    counts: dict[int, int] = {}
    ADD, SUB = Formula.ADD, Formula.SUB
    for row, space in parts:
        formula = row.formula
        if formula is SUB:
            counts[space] = counts.get(space, 0) - 1
        else:
            if formula is not ADD:
                counts.clear()
            counts[space] = counts.get(space, 0) + 1
    return {space for space, count in counts.items() if count}


def put_sum(
    codec: Codec, content: bytearray, here: int, parts: Sequence[tuple[Row, int, int]]
) -> None:
    """Apply the (row, S, A) of one place, each to what the one before has left there.

    Raises RangeError where a number in LEB128 has no room for the sum.
    """
    total = 0
    for row, S, A in parts:
        units = row.word.units
        word = codec.loads[units](content, here)
        V = total if units == "U" else row.layout.extract(word)
        total = row.compute(S, A, 0, 0, 0, V, 0)
        codec.dumps[units](content, here, row.encode(word, total))
    last = parts[-1][0]
    if last.word.units == "U":
        high = 1 << 7 * codec.extent(last, content, here)
        if not 0 <= total < high:
            raise RangeError(value=total, low=0, high=high, alignment=1)
