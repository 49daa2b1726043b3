# SPDX-License-Identifier: Apache-2.0
"""The arguments of a call on the target, in the way of its calling convention."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from west_llext.emulate.host import Host
from west_llext.emulate.machine import ListForm, Machine


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
        # floating-point registers that were taken, and what didn't find room in them
        self._floats = self._stacked_floats = 0

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
        return self._stack_word(index)

    def _stack_word(self, index: int) -> int:
        # the next one on the stack, where so many words of integers were taken
        machine = self._machine
        slot = max(index - len(machine.arguments), 0) + self._stacked_floats
        slot += machine.link is None
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
        (value,) = struct.unpack("<d", struct.pack("<Q", self._double_bits()))
        return float(value)

    def _double_bits(self) -> int:
        registers = self._machine.float_arguments
        if not registers:
            return self.long_long()
        if self._floats < len(registers):
            self._floats += 1
            return self._register(registers[self._floats - 1])
        found = self._stack_word(self._index)
        self._stacked_floats += 1
        return found

    def text(self, limit: int) -> str:
        """A pointer to a zero-terminated text: the text, a character per byte."""
        return self._host.text(self.word(), limit).decode("latin-1")

    def _memory_word(self, address: int) -> int:
        return int.from_bytes(self._host.read(address, self._machine.word), "little")


def listed(machine: Machine, host: Host, passed_on: CallArguments) -> CallArguments:
    """Arguments of a va_list, which is the next argument of a call."""
    address = passed_on.word()
    match machine.list_form:
        case ListForm.WORDS:
            return ListArguments(machine=machine, host=host, address=address)
        case ListForm.AAPCS64:
            return Aapcs64Arguments(machine=machine, host=host, address=address)
        case ListForm.AMD64:
            return Amd64Arguments(machine=machine, host=host, address=address)
        case ListForm.XTENSA:
            return XtensaArguments(
                machine=machine,
                host=host,
                stack=address,
                registers=passed_on.word(),
                taken=passed_on.word(),
            )


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


class _Areas(CallArguments):
    # Arguments of a va_list that remembers registers. What is left of an area is taken first, then
    # the stack; the target's own list stays as it is.

    def __init__(self, *, machine: Machine, host: Host, stack: int) -> None:
        super().__init__(machine=machine, host=host, register=lambda _name: 0)
        self._stack = stack

    def _from_stack(self) -> int:
        self._stack += self._machine.word
        return self._memory_word(self._stack - self._machine.word)


class Aapcs64Arguments(_Areas):
    """Arguments of a va_list of AArch64 (AAPCS64, appendix B: a struct of 32 bytes)."""

    def __init__(self, *, machine: Machine, host: Host, address: int) -> None:
        raw = host.read(address, 32)
        stack, self._general, self._vectors, left, vectors_left = struct.unpack("<QQQii", raw)
        super().__init__(machine=machine, host=host, stack=stack)
        # bytes before the ends of the areas, negative
        self._left, self._vectors_left = left, vectors_left

    def word(self) -> int:
        """An argument of a register's size, unsigned."""
        if self._left >= 0:
            return self._from_stack()
        self._left += 8
        return self._memory_word(self._general + self._left - 8)

    def _double_bits(self) -> int:
        if self._vectors_left >= 0:
            return self._from_stack()
        self._vectors_left += 16
        return self._memory_word(self._vectors + self._vectors_left - 16)


#: Bytes of an area of registers for integers (6), and for these and floating point (8 more).
_AMD64_GENERAL, _AMD64_ALL = 48, 176


class Amd64Arguments(_Areas):
    """Arguments of a va_list of x86-64 (psABI, 3.5.7: a struct of 24 bytes)."""

    def __init__(self, *, machine: Machine, host: Host, address: int) -> None:
        raw = host.read(address, 24)
        self._general, self._vector, stack, self._area = struct.unpack("<IIQQ", raw)
        super().__init__(machine=machine, host=host, stack=stack)

    def word(self) -> int:
        """An argument of a register's size, unsigned."""
        if self._general >= _AMD64_GENERAL:
            return self._from_stack()
        self._general += 8
        return self._memory_word(self._area + self._general - 8)

    def _double_bits(self) -> int:
        if self._vector >= _AMD64_ALL:
            return self._from_stack()
        self._vector += 16
        return self._memory_word(self._area + self._vector - 16)


#: Bytes of the area of registers, and where its index goes on behind it.
_XTENSA_REGISTERS, _XTENSA_STACK = 24, 32


class XtensaArguments(CallArguments):
    """Arguments of a va_list of Xtensa (GCC, xtensa_build_builtin_va_list: three words)."""

    def __init__(
        self, *, machine: Machine, host: Host, stack: int, registers: int, taken: int
    ) -> None:
        """stack, registers: areas of arguments; taken: index in bytes, of the next one."""
        super().__init__(machine=machine, host=host, register=lambda _name: 0)
        self._areas = stack, registers
        self._taken = taken

    def word(self) -> int:
        """An argument of a register's size, unsigned."""
        return self._piece(4)

    def long_long(self) -> int:
        """An argument of 64 bits, unsigned."""
        self._taken = -(-self._taken // 8) * 8
        return self._piece(8)

    def _piece(self, size: int) -> int:
        stack, registers = self._areas
        if self._taken + size > _XTENSA_REGISTERS:
            self._taken = max(self._taken, _XTENSA_STACK)
        start = registers if self._taken + size <= _XTENSA_REGISTERS else stack
        self._taken += size
        return int.from_bytes(self._host.read(start + self._taken - size, size), "little")
