# SPDX-License-Identifier: Apache-2.0
"""Words of a byte order, to and from bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache

from west_llext.arch.table import Row, Word

Load = Callable[["bytes | bytearray", int], int]
Dump = Callable[[bytearray, int, int], None]

#: Longest ULEB128 number that is read, in bytes: 64 bits, 7 in each.
MAX_ULEB128 = 10


class Codec:
    """Loads and dumps the words of one byte order."""

    __slots__ = ("dumps", "loads", "order", "structs")

    def __init__(self, order: str) -> None:
        """`order` as the struct module spells it: `<` or `>`."""
        self.order = order
        self.structs = {unit: struct.Struct(order + unit) for unit in "BHIQ"}
        self.loads: dict[str, Load] = {"T": self._load_three, "U": _load_uleb128}
        self.dumps: dict[str, Dump] = {"T": self._dump_three, "U": _dump_uleb128}
        for unit, form in self.structs.items():
            self.loads[unit], self.dumps[unit] = _single(form)
        for unit, bits in (("H", 16), ("I", 32)):
            pair = struct.Struct(order + unit * 2)
            self.loads[unit * 2], self.dumps[unit * 2] = _pair(pair, bits)

    def load(self, word: Word, data: bytes | bytearray, offset: int) -> int:
        """The integer that a layout describes, from the bytes at `offset`."""
        return self.loads[word.units](data, offset)

    def dump(self, word: Word, data: bytearray, offset: int, value: int) -> None:
        """Put the integer into the bytes at `offset`."""
        self.dumps[word.units](data, offset, value)

    def extent(self, row: Row, data: bytes | bytearray, offset: int) -> int:
        """Bytes that the place at `offset` takes: a number in LEB128 says so itself."""
        return _uleb128_size(data, offset) if row.word.units == "U" else row.size

    def _load_three(self, data: bytes | bytearray, offset: int) -> int:
        first, second, third = data[offset : offset + 3]
        if self.order == "<":
            return third << 16 | second << 8 | first
        return first << 16 | second << 8 | third

    def _dump_three(self, data: bytearray, offset: int, value: int) -> None:
        parts = value & 0xFF, value >> 8 & 0xFF, value >> 16 & 0xFF
        data[offset : offset + 3] = bytes(parts if self.order == "<" else parts[::-1])


def _single(form: struct.Struct) -> tuple[Load, Dump]:
    unpack_from = form.unpack_from

    def load(data: bytes | bytearray, offset: int) -> int:
        value: int = unpack_from(data, offset)[0]
        return value

    return load, form.pack_into


def _pair(form: struct.Struct, bits: int) -> tuple[Load, Dump]:
    # two units, the first one the more significant
    unpack_from, pack_into = form.unpack_from, form.pack_into
    mask = (1 << bits) - 1

    def load(data: bytes | bytearray, offset: int) -> int:
        first: int
        second: int
        first, second = unpack_from(data, offset)
        return first << bits | second

    def dump(data: bytearray, offset: int, value: int) -> None:
        pack_into(data, offset, value >> bits, value & mask)

    return load, dump


def _uleb128_size(data: bytes | bytearray, offset: int) -> int:
    # a number that doesn't end within its limit, or its data, would take more than there is
    for index, byte in enumerate(data[offset : offset + MAX_ULEB128], 1):
        if not byte & 0x80:
            return index
    return len(data) + 1


def _load_uleb128(data: bytes | bytearray, offset: int) -> int:
    # DWARF 5, 7.6 "Variable Length Data"; a number that doesn't end within its limit reads as 0
    value = 0
    for index, byte in enumerate(data[offset : offset + MAX_ULEB128]):
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value
    return 0


def _dump_uleb128(data: bytearray, offset: int, value: int) -> None:
    # as many bytes as the number had before
    for index in range(offset, min(offset + MAX_ULEB128, len(data))):
        more = data[index] & 0x80
        data[index] = value & 0x7F | more
        value >>= 7
        if not more:
            return


@lru_cache(maxsize=2)
def codec(order: str) -> Codec:
    """The codec of a byte order, made once."""
    return Codec(order)
