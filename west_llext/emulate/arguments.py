# SPDX-License-Identifier: Apache-2.0
"""The arguments of a call on the target, in the way of its calling convention."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from west_llext.emulate.host import Host
from west_llext.emulate.machine import Machine


class Passed(NamedTuple):
    """Where arguments go: values of registers, and words that lie on the stack, lowest first."""

    registers: tuple[tuple[str, int], ...]
    stack: tuple[int, ...]


def passed(machine: Machine, values: Sequence[int]) -> Passed:
    """Where a function expects these arguments, a word each."""
    words = [value & machine.mask for value in values]
    count = len(machine.arguments)
    return Passed(
        registers=tuple(zip(machine.arguments, words, strict=False)), stack=tuple(words[count:])
    )


class CallArguments:
    """Arguments of the function that was just entered; see `formatting.Arguments`."""

    def __init__(self, *, machine: Machine, host: Host, register: Callable[[str], int]) -> None:
        self._machine = machine
        self._host = host
        self._register = register
        self._index = 0

    @property
    def word_bits(self) -> int:
        """Bits of a register."""
        return self._machine.bits

    def word(self) -> int:
        """An argument of a register's size, unsigned."""
        machine, index = self._machine, self._index
        self._index += 1
        if index < len(machine.arguments):
            return self._register(machine.arguments[index])
        slot = index - len(machine.arguments) + (machine.link is None)
        return self._memory_word(self._register(machine.stack) + slot * machine.word)

    def long_long(self) -> int:
        """An argument of 64 bits, unsigned."""
        if self._machine.bits == 64:
            return self.word()
        if self._machine.paired:
            self._index += self._index % 2
        return self.word() | self.word() << 32

    def double(self) -> float:
        """An argument of type double, passed as variadic functions pass it."""
        (value,) = struct.unpack("<d", struct.pack("<Q", self.long_long()))
        return float(value)

    def text(self, limit: int) -> str:
        """A pointer to a zero-terminated text: the text, a character per byte."""
        return self._host.text(self.word(), limit).decode("latin-1")

    def _memory_word(self, address: int) -> int:
        return int.from_bytes(self._host.read(address, self._machine.word), "little")


class ListArguments(CallArguments):
    """Arguments of a va_list that is a pointer to words (AAPCS32, 8.1.4; RISC-V; i386)."""

    def __init__(self, *, machine: Machine, host: Host, address: int) -> None:
        super().__init__(machine=machine, host=host, register=lambda _name: 0)
        self._address = address

    def word(self) -> int:
        """An argument of a register's size, unsigned."""
        address = self._address
        self._address += self._machine.word
        return self._memory_word(address)

    def long_long(self) -> int:
        """An argument of 64 bits, unsigned."""
        if self._machine.bits == 32 and self._machine.paired:
            self._address = -(-self._address // 8) * 8
        return super().long_long()
