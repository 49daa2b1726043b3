# SPDX-License-Identifier: Apache-2.0
"""Stand-ins: functions of the base image that the host does itself.

They are for bases without an image, and for functions that need hardware which isn't emulated:
a printk() that goes to a UART, a sleep that waits for a timer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from west_llext.emulate.arguments import CallArguments, listed
from west_llext.emulate.formatting import MAX_TEXT, formatted
from west_llext.emulate.host import Host
from west_llext.emulate.machine import Machine


class Kind(Enum):
    """How an argument or a result is passed, and what the Python function gets or gives."""

    VOID = "void"
    I32 = "int32_t"
    U32 = "uint32_t"
    I64 = "int64_t"
    U64 = "uint64_t"
    #: an address or a size
    WORD = "uintptr_t"
    #: all further arguments, as an object that takes them one after the other
    REST = "..."
    #: a va_list, as such an object
    LIST = "va_list"


@dataclass(frozen=True, slots=True, kw_only=True)
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
    found: list[object] = []
    for kind in standin.parameters:
        match kind:
            case Kind.VOID:
                continue
            case Kind.I32:
                found.append(_signed(arguments.word() & 0xFFFFFFFF, 32))
            case Kind.U32:
                found.append(arguments.word() & 0xFFFFFFFF)
            case Kind.I64:
                found.append(_signed(arguments.long_long(), 64))
            case Kind.U64:
                found.append(arguments.long_long())
            case Kind.WORD:
                found.append(arguments.word())
            case Kind.REST:
                found.append(arguments)
            case Kind.LIST:
                found.append(listed(machine, host, arguments.word()))
    return found


def result_words(standin: StandIn, value: int, machine: Machine) -> tuple[int, ...]:
    """What to put into the registers that hold a result."""
    match standin.result:
        case Kind.VOID:
            return ()
        case Kind.I64 | Kind.U64 if machine.bits == 32:
            return value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF
        case Kind.I32 | Kind.I64 | Kind.U32 | Kind.U64 | Kind.WORD | Kind.REST | Kind.LIST:
            return (value & machine.mask,)


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) & 1 else number


def _print(host: Host, text: int, arguments: CallArguments) -> int:
    data = formatted(host.text(text, MAX_TEXT).decode("latin-1"), arguments).encode("latin-1")
    host.write(data)
    return len(data)


def _print_into(host: Host, target: int, size: int, text: int, arguments: CallArguments) -> int:
    data = formatted(host.text(text, MAX_TEXT).decode("latin-1"), arguments).encode("latin-1")
    if size:
        host.store(target, data[: size - 1] + b"\0")
    return len(data)


def _put_text(host: Host, text: int) -> int:
    host.write(host.text(text, MAX_TEXT) + b"\n")
    return 0


def _put_char(host: Host, character: int) -> int:
    host.write(bytes([character & 0xFF]))
    return character & 0xFF


def _sleep_us(host: Host, count: int) -> int:
    host.microseconds += max(count, 0)
    return 0


def _sleep_ms(host: Host, count: int) -> int:
    return _sleep_us(host, count * 1000)


# A tick is taken for a millisecond; K_FOREVER (-1) returns at once.
_sleep_ticks = _sleep_ms


def _milliseconds(host: Host) -> int:
    return host.microseconds // 1000


def _allocate(host: Host, size: int) -> int:
    return host.allocated(size)


def _nothing(_host: Host, *_values: int) -> int:
    return 0


# fmt: off
_TABLE = (
    # name                 parameters                                     result     function
    ("printk",             (Kind.WORD, Kind.REST),                        Kind.VOID, _print),
    ("vprintk",            (Kind.WORD, Kind.LIST),                        Kind.VOID, _print),
    ("printf",             (Kind.WORD, Kind.REST),                        Kind.I32,  _print),
    ("vprintf",            (Kind.WORD, Kind.LIST),                        Kind.I32,  _print),
    ("snprintk",           (Kind.WORD, Kind.WORD, Kind.WORD, Kind.REST),  Kind.I32,  _print_into),
    ("vsnprintk",          (Kind.WORD, Kind.WORD, Kind.WORD, Kind.LIST),  Kind.I32,  _print_into),
    ("snprintf",           (Kind.WORD, Kind.WORD, Kind.WORD, Kind.REST),  Kind.I32,  _print_into),
    ("vsnprintf",          (Kind.WORD, Kind.WORD, Kind.WORD, Kind.LIST),  Kind.I32,  _print_into),
    ("puts",               (Kind.WORD,),                                  Kind.I32,  _put_text),
    ("putchar",            (Kind.I32,),                                   Kind.I32,  _put_char),
    ("k_uptime_get",       (),                                            Kind.I64,  _milliseconds),
    ("k_uptime_get_32",    (),                                            Kind.U32,  _milliseconds),
    ("k_sleep",            (Kind.I64,),                                   Kind.I32,  _sleep_ticks),
    ("z_impl_k_sleep",     (Kind.I64,),                                   Kind.I32,  _sleep_ticks),
    ("k_msleep",           (Kind.I32,),                                   Kind.I32,  _sleep_ms),
    ("k_usleep",           (Kind.I32,),                                   Kind.I32,  _sleep_us),
    ("k_busy_wait",        (Kind.U32,),                                   Kind.VOID, _sleep_us),
    ("z_impl_k_busy_wait", (Kind.U32,),                                   Kind.VOID, _sleep_us),
    ("k_malloc",           (Kind.WORD,),                                  Kind.WORD, _allocate),
    ("k_free",             (Kind.WORD,),                                  Kind.VOID, _nothing),
)
# fmt: on

#: Every stand-in that comes with the tool, by name.
STAND_INS: Mapping[str, StandIn] = {
    name: StandIn(name=name, parameters=parameters, result=result, function=function)
    for name, parameters, result, function in _TABLE
}
