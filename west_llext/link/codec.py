# SPDX-License-Identifier: Apache-2.0
"""Words of a byte order, to and from bytes."""

from __future__ import annotations

import struct
from functools import lru_cache

from west_llext.arch.table import Word


class Codec:
    """Loads and dumps the words of one byte order."""

    __slots__ = ("order", "structs")

    def __init__(self, order: str) -> None:
        """`order` as the struct module spells it: `<` or `>`."""
        self.order = order
        self.structs = {units: struct.Struct(order + units) for units in ("B", "H", "I", "Q", "HH")}

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
