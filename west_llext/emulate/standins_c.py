# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the C library and for what compilers call by themselves.

They are for bases without code: an image executes its own.

Helpers: Run-time ABI for the Arm Architecture (RTABI32), 2023Q3, sections 4.2 and 4.3; GCC
internals, "Routines for integer arithmetic". A division by 0 gives 0, and the dividend is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from west_llext.emulate.arguments import CallArguments
from west_llext.emulate.host import Host
from west_llext.emulate.standin import Kind, StandIn
from west_llext.emulate.standins_kernel import printed

#: Longest text that is looked at, in bytes.
_LONGEST = 1 << 20


def _print_into(host: Host, target: int, size: int, text: int, arguments: CallArguments) -> int:
    data = printed(host, text, arguments)
    if size:
        host.store(target, data[: size - 1] + b"\0")
    return len(data)


def _copy(host: Host, target: int, source: int, size: int) -> int:
    if size:
        host.store(target, host.read(source, size))
    return target


def _fill(host: Host, target: int, value: int, size: int) -> int:
    if size:
        host.fill(target, value & 0xFF, size)
    return target


def _fill_arm(host: Host, target: int, size: int, value: int) -> int:
    return _fill(host, target, value, size)


def _clear(host: Host, target: int, size: int) -> int:
    return _fill(host, target, 0, size)


def _compare(host: Host, left: int, right: int, size: int) -> int:
    return _order(host.read(left, size), host.read(right, size)) if size else 0


def _order(left: bytes, right: bytes) -> int:
    return (left > right) - (left < right)


def _find(host: Host, start: int, value: int, size: int) -> int:
    found = host.read(start, size).find(bytes([value & 0xFF])) if size else -1
    return 0 if found < 0 else start + found


def _length(host: Host, text: int) -> int:
    return len(host.text(text, _LONGEST))


def _length_within(host: Host, text: int, limit: int) -> int:
    return len(host.text(text, min(limit, _LONGEST)))


def _compare_texts(host: Host, left: int, right: int) -> int:
    return _compare_starts(host, left, right, _LONGEST)


def _compare_starts(host: Host, left: int, right: int, limit: int) -> int:
    limit = min(limit, _LONGEST)
    return _order(host.text(left, limit), host.text(right, limit))


def _copy_text(host: Host, target: int, source: int) -> int:
    host.store(target, host.text(source, _LONGEST) + b"\0")
    return target


def _copy_start(host: Host, target: int, source: int, size: int) -> int:
    text = host.text(source, min(size, _LONGEST))
    host.store(target, text)
    host.fill(target + len(text), 0, size - len(text))
    return target


def _append(host: Host, target: int, source: int) -> int:
    _copy_text(host, target + _length(host, target), source)
    return target


def _first(host: Host, text: int, value: int) -> int:
    found = (host.text(text, _LONGEST) + b"\0").find(bytes([value & 0xFF]))
    return 0 if found < 0 else text + found


def _last(host: Host, text: int, value: int) -> int:
    found = (host.text(text, _LONGEST) + b"\0").rfind(bytes([value & 0xFF]))
    return 0 if found < 0 else text + found


def _divided(left: int, right: int) -> tuple[int, int]:
    # quotient and remainder as C has them: towards zero
    if not right:
        return 0, left
    quotient = abs(left) // abs(right)
    quotient = -quotient if (left < 0) is not (right < 0) else quotient
    return quotient, left - quotient * right


def _quotient(_host: Host, left: int, right: int) -> int:
    return _divided(left, right)[0]


def _remainder(_host: Host, left: int, right: int) -> int:
    return _divided(left, right)[1]


def _both(bits: int) -> Callable[[Host, int, int], int]:
    mask = (1 << bits) - 1

    def division(_host: Host, left: int, right: int) -> int:
        quotient, remainder = _divided(left, right)
        return quotient & mask | (remainder & mask) << bits

    return division


def _product(_host: Host, left: int, right: int) -> int:
    return left * right


def _left_shift(_host: Host, value: int, count: int) -> int:
    return value << (count & 127)


def _right_shift(_host: Host, value: int, count: int) -> int:
    return value >> (count & 127)


_W, _I32, _U32, _I64, _U64 = Kind.WORD, Kind.I32, Kind.U32, Kind.I64, Kind.U64

# fmt: off
_TABLE = (
    # names                                           parameters               result     function
    (("snprintk", "snprintf"),                        (_W, _W, _W, Kind.REST), _I32,      _print_into),
    (("vsnprintk", "vsnprintf"),                      (_W, _W, _W, Kind.LIST), _I32,      _print_into),
    (("memcpy", "memmove"),                           (_W, _W, _W),            _W,        _copy),
    (("memset",),                                     (_W, _I32, _W),          _W,        _fill),
    (("memcmp",),                                     (_W, _W, _W),            _I32,      _compare),
    (("memchr",),                                     (_W, _I32, _W),          _W,        _find),
    (("strlen",),                                     (_W,),                   _W,        _length),
    (("strnlen",),                                    (_W, _W),                _W,        _length_within),
    (("strcmp",),                                     (_W, _W),                _I32,      _compare_texts),
    (("strncmp",),                                    (_W, _W, _W),            _I32,      _compare_starts),
    (("strcpy",),                                     (_W, _W),                _W,        _copy_text),
    (("strncpy",),                                    (_W, _W, _W),            _W,        _copy_start),
    (("strcat",),                                     (_W, _W),                _W,        _append),
    (("strchr",),                                     (_W, _I32),              _W,        _first),
    (("strrchr",),                                    (_W, _I32),              _W,        _last),
    (("__aeabi_memcpy", "__aeabi_memcpy4", "__aeabi_memcpy8", "__aeabi_memmove", "__aeabi_memmove4",
      "__aeabi_memmove8"),                            (_W, _W, _W),            Kind.VOID, _copy),
    (("__aeabi_memset", "__aeabi_memset4", "__aeabi_memset8"), (_W, _W, _I32), Kind.VOID, _fill_arm),
    (("__aeabi_memclr", "__aeabi_memclr4", "__aeabi_memclr8"), (_W, _W),       Kind.VOID, _clear),
    (("__aeabi_idiv", "__divsi3"),                    (_I32, _I32),            _I32,      _quotient),
    (("__aeabi_uidiv", "__udivsi3"),                  (_U32, _U32),            _U32,      _quotient),
    (("__aeabi_idivmod",),                            (_I32, _I32),            _U64,      _both(32)),
    (("__aeabi_uidivmod",),                           (_U32, _U32),            _U64,      _both(32)),
    (("__aeabi_ldivmod",),                            (_I64, _I64),            Kind.U128, _both(64)),
    (("__aeabi_uldivmod",),                           (_U64, _U64),            Kind.U128, _both(64)),
    (("__modsi3",),                                   (_I32, _I32),            _I32,      _remainder),
    (("__umodsi3",),                                  (_U32, _U32),            _U32,      _remainder),
    (("__mulsi3",),                                   (_U32, _U32),            _U32,      _product),
    (("__divdi3",),                                   (_I64, _I64),            _I64,      _quotient),
    (("__udivdi3",),                                  (_U64, _U64),            _U64,      _quotient),
    (("__moddi3",),                                   (_I64, _I64),            _I64,      _remainder),
    (("__umoddi3",),                                  (_U64, _U64),            _U64,      _remainder),
    (("__aeabi_lmul", "__muldi3"),                    (_U64, _U64),            _U64,      _product),
    (("__aeabi_llsl", "__ashldi3"),                   (_U64, _I32),            _U64,      _left_shift),
    (("__aeabi_llsr", "__lshrdi3"),                   (_U64, _I32),            _U64,      _right_shift),
    (("__aeabi_lasr", "__ashrdi3"),                   (_I64, _I32),            _I64,      _right_shift),
)
# fmt: on

#: By the name of the C function.
C: Mapping[str, StandIn] = {
    name: StandIn(name=name, parameters=parameters, result=result, function=function)
    for names, parameters, result, function in _TABLE
    for name in names
}
