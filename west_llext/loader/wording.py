# SPDX-License-Identifier: Apache-2.0
"""Numbers and bytes as the target's log prints them."""

from __future__ import annotations

from collections.abc import Iterator

#: Bytes on a line of a hex dump (subsys/logging, minimal mode).
DUMP_WIDTH = 8


def alternate(value: int) -> str:
    """`%#x`, `%#zx`: a zero has no prefix."""
    return f"{value:#x}" if value else "0"


def pointer(value: int) -> str:
    """`%p` (lib/os/cbprintf_complete.c)."""
    return f"{value:#x}" if value else "(nil)"


def signed(value: int, bits: int) -> int:
    """The low bits of a value, taken as a two's complement number: `%d`, `%zd`."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def text(raw: bytes) -> str:
    """Bytes of a string; what isn't UTF-8 is shown byte by byte."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def dump(data: bytes) -> Iterator[str]:
    """The lines of `LOG_HEXDUMP_ERR`, behind its title."""
    for start in range(0, len(data), DUMP_WIDTH):
        part = data[start : start + DUMP_WIDTH]
        digits = "".join(f"{each:02x} " for each in part)
        shown = "".join(chr(each) if 32 <= each < 127 else "." for each in part)
        yield f"{digits}|{shown}"
