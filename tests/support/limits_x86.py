# SPDX-License-Identifier: Apache-2.0
"""Six points of every field of x86 and x86-64, which are whole data words.

Limits are typed from the x86-64 psABI 1.0 and the i386 psABI 1.1, section 4.4: a 32-bit field has
to extend to the original value, with or without sign; others are truncated. GNU ld checks those of
8 and 16 bits, which the x86-64 psABI calls not conformant.
"""

from __future__ import annotations

from west_llext.arch import x86, x86_64

from .fields import Field, Limits, Point, rows_of

GIB = 1 << 30
_SIGNED = (0x10, 0x10), (-2 * GIB, 0x80000000), (2 * GIB - 1, 0x7FFFFFFF), 1
_UNSIGNED = (0x10, 0x10), (0, 0), (4 * GIB - 1, 0xFFFFFFFF), 1
_HALF = (0x10, 0x10), (-32768, 0x8000), (65535, 0xFFFF), 1
_BYTE = (0x10, 0x10), (-128, 0x80), (255, 0xFF), 1
_SHORT = (0x10, 0x10), (-128, 0x80), (127, 0x7F), 1
# fmt: off
FIELDS_64 = (
    *(Field(f"R_X86_64_{name}", "must sign-extend to the original value", 0, *_SIGNED)
      for name in ("PC32", "GOT32", "PLT32", "GOTPCREL", "32S", "TPOFF32", "GOTPC32", "GOTPCRELX",
                   "REX_GOTPCRELX", "CODE_4_GOTPCRELX", "CODE_5_GOTPCRELX", "CODE_6_GOTPCRELX")),
    Field("R_X86_64_32",   "must zero-extend to the original value", 0, *_UNSIGNED),
    Field("R_X86_64_16",   "GNU ld: 16 bits, with or without sign", 0, *_HALF),
    Field("R_X86_64_PC16", "GNU ld: 16 bits, with or without sign", 0, *_HALF),
    Field("R_X86_64_8",    "GNU ld: 8 bits, with or without sign", 0, *_BYTE),
    Field("R_X86_64_PC8",  "8 bit sign extended", 0, *_SHORT),
)
FIELDS_32 = (
    Field("R_386_16",   "GNU ld: 16 bits, with or without sign", 0, *_HALF),
    Field("R_386_PC16", "GNU ld: 16 bits, with or without sign", 0, *_HALF),
    Field("R_386_8",    "GNU ld: 8 bits, with or without sign", 0, *_BYTE),
    Field("R_386_PC8",  "8 bit sign extended", 0, *_SHORT),
)
# fmt: on


def _points(bits: int) -> tuple[Point, ...]:
    # whole words: nothing can be out of range, addresses wrap, and what is above is dropped
    ones = (1 << bits) - 1
    least = 1 << bits - 1
    return (
        *((0x12345678, 0x12345678), (-1, ones), (ones, ones)),
        *((1 << bits, 0), (-least, least)),
    )


LONGS = ("64", "TPOFF64", "PC64", "GOTOFF64", "GOT64", "GOTPCREL64", "GOTPC64", "PLTOFF64")
WORDS = ("32", "PC32", "GOT32", "PLT32", "GOTOFF", "GOTPC", "TLS_LE", "GOT32X")
LIMITS = (
    Limits(
        name="x86-64",
        rows=rows_of(x86_64.ROWS),
        fields=FIELDS_64,
        unchecked=tuple((f"R_X86_64_{name}", 0, _points(64)) for name in LONGS),
    ),
    Limits(
        name="x86",
        rows=rows_of(x86.ROWS),
        fields=FIELDS_32,
        unchecked=tuple((f"R_386_{name}", 0, _points(32)) for name in WORDS),
    ),
)
