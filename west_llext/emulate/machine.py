# SPDX-License-Identifier: Apache-2.0
"""What an emulator needs to know of a machine.

Names of constants are those of unicorn, as text: unicorn is only imported when something runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from west_llext.emulate.faults import FaultKind
from west_llext.emulate.memory import Range
from west_llext.record import record

#: The number of an exception that has none: an instruction that the emulator doesn't execute.
INVALID = -1

#: Build attributes of a file: tag number to value.
Attributes = Mapping[int, int | str]
#: Reads memory: (address, size) to bytes, none where there is no memory.
Reader = Callable[[int, int], bytes]


@record(frozen=True, slots=True, kw_only=True)
class Core:
    """A model of a processor.

    name: what messages call it
    model: name of the UC_CPU_* constant
    modes: names of the UC_MODE_* constants, to be or-ed
    """

    name: str
    model: str
    modes: tuple[str, ...]


class Illegal(NamedTuple):
    """How an instruction that the processor doesn't know is seen, where it is an exception.

    ahead: bytes that the program counter is behind the instruction
    """

    exception: int
    ahead: int


class ListForm(Enum):
    """What a va_list is."""

    #: a pointer to words (Arm, RISC-V, i386)
    WORDS = "words"
    #: a pointer to two areas of registers and one of the stack, with how much of them is left
    AAPCS64 = "AAPCS64"
    #: a pointer to an area of registers and one of the stack, with how much was taken
    AMD64 = "AMD64"
    #: the stack, an area of registers, and how much was taken, as three arguments
    XTENSA = "Xtensa"


@record(frozen=True, slots=True, kw_only=True)
class Qemu:
    """What is needed of a machine that QEMU executes.

    program, words: command that starts it, without memory images
    registers: their places among those that its GDB server knows
    memory: what it has
    vectors: where exceptions go
    exception: registers with the address of the instruction that has raised one, its cause, and
        the address that was wanted
    kind: what an exception is, of its cause and the bytes of the instruction
    start: registers with the values that they have when a function is called
    clock: instructions that read a clock, and the register that has it then
    cycles: of that clock for an instruction
    ahead: instructions between two readings where nothing is called
    """

    program: str
    words: tuple[str, ...]
    registers: Mapping[str, int]
    memory: Range
    vectors: tuple[int, ...]
    exception: tuple[str, str, str]
    kind: Callable[[int, bytes], FaultKind]
    start: tuple[tuple[str, int], ...]
    clock: tuple[bytes, str]
    cycles: float
    ahead: int


@record(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine that can be emulated.

    number, bits: e_machine and the class of its ELF files
    name: what messages call it
    arch: name of the UC_ARCH_* constant
    constants: module of unicorn that holds the UC_CPU_* and UC_*_REG_* constants
    prefix: what register names begin with in that module
    core: the model to use for code with these build attributes and e_flags
    arguments: registers that hold the first arguments, a word each; the others are on the stack
    result: registers that hold a result, the least significant word first
    stack, link, counter, status: registers; link is None where calls push the return address
    shown: registers that a fault reports
    stack_alignment: bytes, at a call
    paired: whether an argument of two words starts at an even word, among variadic ones at least
    state_mask: bits of a function's address that say how to execute it, not where it is
    return_code: an instruction that returns to the caller, for an address with these state bits
    scratch: where to put what the target doesn't have (stack, heap), lowest address; the first
        that is free
    instruction_count: how many instructions these bytes are, with the status register's value
    semihosting: address to go on at, when an exception is a semihosting request, else None; called
        with a reader, the exception's number, the program counter, the status register's value
    waits: instructions after which the processor waits for something that never comes here
    hints: instructions that do nothing, and that the emulator stops behind, with the state bits of
        addresses of code that has them
    calls: instructions that call a kernel, which the emulator doesn't tell as exceptions; names of
        the UC_*_INS_* constants
    setup: registers with the values that they have before anything runs
    of_base: registers that hold the address of a symbol of the base image, where it has that
    illegal: None where the emulator itself says which instruction isn't known
    float_arguments: registers that hold variadic arguments of type double; none where these are
        passed as integers of their size
    list_form: what a va_list is
    qemu: None where unicorn executes it
    """

    number: int
    bits: int
    name: str
    arch: str
    constants: str
    prefix: str
    core: Callable[[Attributes, int], Core]
    arguments: tuple[str, ...]
    result: tuple[str, str]
    stack: str
    link: str | None
    counter: str
    status: str
    shown: tuple[str, ...]
    stack_alignment: int
    paired: bool
    state_mask: int
    return_code: Callable[[int], bytes]
    scratch: tuple[int, ...]
    instruction_count: Callable[[bytes, int], int]
    semihosting: Callable[[Reader, int, int, int], int | None]
    waits: tuple[bytes, ...]
    hints: tuple[tuple[bytes, int], ...] = ()
    calls: tuple[str, ...] = ()
    setup: tuple[tuple[str, int], ...] = ()
    of_base: tuple[tuple[str, str], ...] = ()
    illegal: Illegal | None = None
    float_arguments: tuple[str, ...] = ()
    list_form: ListForm = ListForm.WORDS
    qemu: Qemu | None = None

    @property
    def word(self) -> int:
        """Bytes of a register."""
        return self.bits // 8

    @property
    def mask(self) -> int:
        """The largest unsigned number of a register."""
        return (1 << self.bits) - 1
