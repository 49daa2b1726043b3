# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for what touches the kernel or hardware: console, clock, heap, locks, the end.

An image's own code for these waits for a timer, writes to a UART, or uses what the kernel's
start-up, which doesn't run here, would have set up. Names are those of Zephyr's headers, and of the
system calls behind them (`z_impl_…`).
"""

from __future__ import annotations

from collections.abc import Mapping

from west_llext.emulate.arguments import CallArguments
from west_llext.emulate.faults import FaultKind
from west_llext.emulate.formatting import MAX_TEXT, formatted
from west_llext.emulate.host import Host, StopError
from west_llext.emulate.standin import Kind, StandIn


def printed(host: Host, text: int, arguments: CallArguments) -> bytes:
    """What a format at an address and its arguments make."""
    return formatted(host.text(text, MAX_TEXT).decode("latin-1"), arguments).encode("latin-1")


def _print(host: Host, text: int, arguments: CallArguments) -> int:
    data = printed(host, text, arguments)
    host.write(data)
    return len(data)


def _put_text(host: Host, text: int) -> int:
    host.write(host.text(text, MAX_TEXT) + b"\n")
    return 0


def _put_bytes(host: Host, text: int, size: int) -> int:
    host.write_from(text, size)
    return 0


def _put_char(host: Host, character: int) -> int:
    host.write(bytes([character & 0xFF]))
    return character & 0xFF


def _sleep_us(host: Host, count: int) -> int:
    host.microseconds += max(count, 0)
    return 0


def _sleep_ms(host: Host, count: int) -> int:
    return _sleep_us(host, count * 1000)


def _sleep_ticks(host: Host, count: int) -> int:
    # K_FOREVER (-1) returns at once, because there is nobody to wake it up
    return _sleep_us(host, count * 1_000_000 // host.ticks)


def _milliseconds(host: Host) -> int:
    return host.microseconds // 1000


def _ticks(host: Host) -> int:
    return host.microseconds * host.ticks // 1_000_000


def _cycles(host: Host) -> int:
    return host.microseconds  # of a clock of 1 MHz


def _allocate(host: Host, size: int) -> int:
    return host.heap.allocate(size)


def _allocate_aligned(host: Host, align: int, size: int) -> int:
    if not align or align & (align - 1):
        return 0
    return host.heap.allocate(size, align)


def _allocate_cleared(host: Host, count: int, size: int) -> int:
    address = host.heap.allocate(count * size)
    if address:
        host.fill(address, 0, count * size)
    return address


def _reallocate(host: Host, address: int, size: int) -> int:
    if not address:
        return host.heap.allocate(size)
    known = host.heap.size(address)
    if known is None:
        raise StopError(FaultKind.HEAP, address)
    if not size:
        host.heap.free(address)
        return 0
    place = host.heap.allocate(size)
    if place:
        host.store(place, host.read(address, min(size, known)))
        host.heap.free(address)
    return place


def _free(host: Host, address: int) -> int:
    if address and not host.heap.free(address):
        raise StopError(FaultKind.HEAP, address)
    return 0


def _give_up(_host: Host, *_values: object) -> int:
    raise StopError(FaultKind.ABORT)


def _assertion(host: Host, file: int, line: int, _function: int, expression: int) -> int:
    where = host.text(file, MAX_TEXT) + f":{line}: assertion failed: ".encode()
    host.write(where + host.text(expression, MAX_TEXT) + b"\n")
    raise StopError(FaultKind.ABORT)


def _zero(_host: Host, *_values: object) -> int:
    return 0


# fmt: off
_TABLE = (
    # names                                              parameters                    result     function
    (("printk",),                                        (Kind.WORD, Kind.REST),       Kind.VOID, _print),
    (("vprintk",),                                       (Kind.WORD, Kind.LIST),       Kind.VOID, _print),
    (("printf",),                                        (Kind.WORD, Kind.REST),       Kind.I32,  _print),
    (("vprintf",),                                       (Kind.WORD, Kind.LIST),       Kind.I32,  _print),
    (("assert_print",),                                  (Kind.WORD, Kind.REST),       Kind.VOID, _print),
    (("puts",),                                          (Kind.WORD,),                 Kind.I32,  _put_text),
    (("putchar",),                                       (Kind.I32,),                  Kind.I32,  _put_char),
    (("k_str_out", "z_impl_k_str_out"),                  (Kind.WORD, Kind.WORD),       Kind.VOID, _put_bytes),
    (("k_uptime_get",),                                  (),                           Kind.I64,  _milliseconds),
    (("k_uptime_get_32",),                               (),                           Kind.U32,  _milliseconds),
    (("k_uptime_ticks", "z_impl_k_uptime_ticks", "sys_clock_tick_get"), (),            Kind.I64,  _ticks),
    (("sys_clock_tick_get_32",),                         (),                           Kind.U32,  _ticks),
    (("k_cycle_get_32", "sys_clock_cycle_get_32"),       (),                           Kind.U32,  _cycles),
    (("k_cycle_get_64", "sys_clock_cycle_get_64"),       (),                           Kind.U64,  _cycles),
    (("k_sleep", "z_impl_k_sleep"),                      (Kind.I64,),                  Kind.I32,  _sleep_ticks),
    (("k_msleep",),                                      (Kind.I32,),                  Kind.I32,  _sleep_ms),
    (("k_usleep", "z_impl_k_usleep"),                    (Kind.I32,),                  Kind.I32,  _sleep_us),
    (("k_busy_wait", "z_impl_k_busy_wait"),              (Kind.U32,),                  Kind.VOID, _sleep_us),
    (("k_yield", "z_impl_k_yield"),                      (),                           Kind.VOID, _zero),
    (("k_malloc", "malloc"),                             (Kind.WORD,),                 Kind.WORD, _allocate),
    (("k_calloc", "calloc"),                             (Kind.WORD, Kind.WORD),       Kind.WORD, _allocate_cleared),
    (("k_realloc", "realloc"),                           (Kind.WORD, Kind.WORD),       Kind.WORD, _reallocate),
    (("k_aligned_alloc", "aligned_alloc"),               (Kind.WORD, Kind.WORD),       Kind.WORD, _allocate_aligned),
    (("k_free", "free"),                                 (Kind.WORD,),                 Kind.VOID, _free),
    # there is one thread, so that every lock is free
    (("k_mutex_init", "z_impl_k_mutex_init"),            (Kind.WORD,),                 Kind.I32,  _zero),
    (("k_mutex_lock", "z_impl_k_mutex_lock"),            (Kind.WORD, Kind.I64),        Kind.I32,  _zero),
    (("k_mutex_unlock", "z_impl_k_mutex_unlock"),        (Kind.WORD,),                 Kind.I32,  _zero),
    (("abort", "z_fatal_error", "k_sys_fatal_error_handler", "assert_post_action"), (), Kind.VOID, _give_up),
    (("__assert_func",), (Kind.WORD, Kind.I32, Kind.WORD, Kind.WORD),                  Kind.VOID, _assertion),
)
# fmt: on

#: By the name of the C function.
KERNEL: Mapping[str, StandIn] = {
    name: StandIn(name=name, parameters=parameters, result=result, function=function)
    for names, parameters, result, function in _TABLE
    for name in names
}
