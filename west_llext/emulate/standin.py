# SPDX-License-Identifier: Apache-2.0
"""A stand-in: a function of the base image that the host does itself, and how it is called."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from west_llext.emulate.arguments import CallArguments, listed
from west_llext.emulate.host import Host
from west_llext.emulate.machine import Machine
from west_llext.record import record


class Kind(Enum):
    """How an argument or a result is passed, and what the Python function gets or gives."""

    VOID = "void"
    I32 = "int32_t"
    U32 = "uint32_t"
    I64 = "int64_t"
    U64 = "uint64_t"
    #: two numbers of 64 bits, as a division of the Arm ABI returns them (RTABI32, 4.2)
    U128 = "value_in_regs"
    #: an address or a size
    WORD = "uintptr_t"
    #: all further arguments, as an object that takes them one after the other
    REST = "..."
    #: a va_list, as such an object
    LIST = "va_list"


@record(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A function of the base image that the host does.

    name: of the C function
    parameters: kinds of its parameters; REST only last
    result: kind of its result
    function: called with the host and a value a parameter; gives the result, 0 for VOID
    """

    name: str
    parameters: tuple[Kind, ...]
    result: Kind
    function: Callable[..., int]


def values(
    standin: StandIn, arguments: CallArguments, machine: Machine, host: Host
) -> list[object]:
    """The arguments that a stand-in was called with."""
    taken = (_taken(kind, arguments, machine, host) for kind in standin.parameters)
    return [each for each in taken if each is not None]


def _taken(  # noqa: PLR0911  one for each kind
    kind: Kind, arguments: CallArguments, machine: Machine, host: Host
) -> object:
    match kind:
        case Kind.VOID:
            return None
        case Kind.I32:
            return _signed(arguments.word() & 0xFFFFFFFF, 32)
        case Kind.U32:
            return arguments.word() & 0xFFFFFFFF
        case Kind.I64:
            return _signed(arguments.long_long(), 64)
        case Kind.U64:
            return arguments.long_long()
        case Kind.U128:
            return arguments.long_long() | arguments.long_long() << 64
        case Kind.WORD:
            return arguments.word()
        case Kind.REST:
            return arguments
        case Kind.LIST:
            return listed(machine, host, arguments)


def result_words(standin: StandIn, value: int, machine: Machine) -> tuple[int, ...]:
    """What to put into the registers that hold a result."""
    match standin.result:
        case Kind.VOID:
            return ()
        case Kind.I64 | Kind.U64 if machine.bits == 32:
            return value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF
        case Kind.U128:
            return tuple(value >> at & machine.mask for at in range(0, 128, machine.bits))
        case Kind.I32 | Kind.I64 | Kind.U32 | Kind.U64 | Kind.WORD | Kind.REST | Kind.LIST:
            return (value & machine.mask,)


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) & 1 else number
