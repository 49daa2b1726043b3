# SPDX-License-Identifier: Apache-2.0
"""Words of a byte order, to and from bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from west_llext.arch.table import Formula, Machine, Row, Word


class Pointer(NamedTuple):
    """A data word that an address fills.

    size: bytes; mask: of the bits that are kept; odd: 1 where it takes the Thumb bit
    load, dump: unpack_from and pack_into of its struct
    """

    size: int
    mask: int
    odd: int
    load: Callable[[bytearray, int], tuple[int]]
    dump: Callable[[bytearray, int, int], None]


class Codec:
    """Loads and dumps the words of one byte order."""

    __slots__ = ("known", "order", "structs")

    def __init__(self, order: str) -> None:
        """`order` as the struct module spells it: `<` or `>`."""
        self.order = order
        self.known: dict[int, dict[int, Pointer]] = {}
        self.structs = {units: struct.Struct(order + units) for units in ("B", "H", "I", "Q", "HH")}

    def pointers(self, machine: Machine) -> dict[int, Pointer]:
        """The rows of a machine that are data words which an address fills, by number."""
        if machine.number not in self.known:
            self.known[machine.number] = {
                number: Pointer(
                    row.size,
                    row.layout.mask,
                    int(row.formula is Formula.ABS_T),
                    self.structs[row.word.units].unpack_from,
                    self.structs[row.word.units].pack_into,
                )
                for number, row in machine.rows.items()
                if isinstance(row, Row) and row.is_pointer
            }
        return self.known[machine.number]

    def load(self, word: Word, data: bytes | bytearray, offset: int) -> int:
        """The integer that a layout describes, from the bytes at `offset`."""
        units: tuple[int, ...] = self.structs[word.units].unpack_from(data, offset)
        return units[0] if len(units) == 1 else units[0] << 16 | units[1]

    def dump(self, word: Word, data: bytearray, offset: int, value: int) -> None:
        """Put the integer into the bytes at `offset`."""
        form = self.structs[word.units]
        if word.units == "HH":
            form.pack_into(data, offset, value >> 16, value & 0xFFFF)
        else:
            form.pack_into(data, offset, value)


@lru_cache(maxsize=2)
def codec(order: str) -> Codec:
    """The codec of a byte order, made once."""
    return Codec(order)
