# SPDX-License-Identifier: Apache-2.0
"""Semihosting: requests of the target to whoever runs it.

Files of the host are out of reach: only the console (`:tt`) can be opened and written. Requests:
Semihosting for AArch32 and AArch64 (Arm), 2.0, chapter "Semihosting operations".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from west_llext.emulate.formatting import MAX_TEXT
from west_llext.emulate.host import ExitError, Host

_MINUS_ONE = -1
_APPLICATION_EXIT = 0x20026  # ADP_Stopped_ApplicationExit
_CONSOLE = b":tt"
_FIELD = (1 << 64) - 1  # what SYS_ELAPSED has room for


def answer(host: Host, operation: int, argument: int, word: int) -> int:
    """The answer to a request; -1 to one that isn't known.

    `word` is the size of a field of the block that `argument` points to, in bytes. Raises
    ExitError where the target asks to end.
    """
    known = _OPERATIONS.get(operation & 0xFFFFFFFF)
    return _MINUS_ONE if known is None else known(host, argument, word)


def _write_character(host: Host, argument: int, _word: int) -> int:
    host.write(host.read(argument, 1))
    return 0


def _write_text(host: Host, argument: int, _word: int) -> int:
    host.write(host.text(argument, MAX_TEXT))
    return 0


def _write(host: Host, argument: int, word: int) -> int:
    # Answers with the number of bytes that were not written.
    handle, address, size = _fields(host, argument, word, 3)
    if handle not in {1, 2, 3}:
        return size
    host.write_from(address, size)
    return 0


def _open(host: Host, argument: int, word: int) -> int:
    # Modes below 4 read, those below 8 write, others append: C libraries open the console for each.
    name, mode, size = _fields(host, argument, word, 3)
    if size != len(_CONSOLE) or host.read(name, size) != _CONSOLE:
        return _MINUS_ONE
    return 1 + min(mode // 4, 2)


def _zero(_host: Host, _argument: int, _word: int) -> int:
    return 0


def _one(_host: Host, _argument: int, _word: int) -> int:
    return 1


def _centiseconds(host: Host, _argument: int, _word: int) -> int:
    return host.microseconds // 10_000


def _elapsed(host: Host, argument: int, _word: int) -> int:
    host.store(argument, (host.microseconds & _FIELD).to_bytes(8, "little"))
    return 0


def _tick_frequency(_host: Host, _argument: int, _word: int) -> int:
    return 1_000_000


def _exit(host: Host, argument: int, word: int) -> int:
    # 32-bit targets give the reason itself, 64-bit targets a block as SYS_EXIT_EXTENDED does.
    if word == 4:
        raise ExitError(0 if argument == _APPLICATION_EXIT else 1)
    return _exit_extended(host, argument, word)


def _exit_extended(host: Host, argument: int, word: int) -> int:
    reason, status = _fields(host, argument, word, 2)
    raise ExitError(status & 0xFF if reason == _APPLICATION_EXIT else 1)


def _fields(host: Host, address: int, word: int, count: int) -> tuple[int, ...]:
    data = host.read(address, word * count)
    return tuple(
        int.from_bytes(data[start : start + word], "little") for start in range(0, len(data), word)
    )


_OPERATIONS: Mapping[int, Callable[[Host, int, int], int]] = {
    0x01: _open,  # SYS_OPEN
    0x02: _zero,  # SYS_CLOSE
    0x03: _write_character,  # SYS_WRITEC
    0x04: _write_text,  # SYS_WRITE0
    0x05: _write,  # SYS_WRITE
    0x09: _one,  # SYS_ISTTY
    0x10: _centiseconds,  # SYS_CLOCK
    0x13: _zero,  # SYS_ERRNO
    0x18: _exit,  # SYS_EXIT
    0x20: _exit_extended,  # SYS_EXIT_EXTENDED
    0x30: _elapsed,  # SYS_ELAPSED
    0x31: _tick_frequency,  # SYS_TICKFREQ
}
