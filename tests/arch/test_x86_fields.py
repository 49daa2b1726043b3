# SPDX-License-Identifier: Apache-2.0
"""Six points of every field of x86 and x86-64, which are whole data words.

Limits are typed from the x86-64 psABI 1.0 and the i386 psABI 1.1, section 4.4: a 32-bit field has
to extend to the original value, with or without sign; others are truncated. GNU ld checks those of
8 and 16 bits, which the x86-64 psABI calls not conformant.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from support.fields import (
    Field,
    by_name,
    holds_its_limits,
    refuses_what_is_past,
    row_of,
)

from west_llext.arch import x86, x86_64
from west_llext.arch.table import Entry, Row

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
#: Whole words: nothing can be out of range.
LONGS = {f"R_X86_64_{name}" for name in (
    "64", "TPOFF64", "PC64", "GOTOFF64", "GOT64", "GOTPCREL64", "GOTPC64", "PLTOFF64")}
WORDS = {f"R_386_{name}" for name in (
    "32", "PC32", "GOT32", "PLT32", "GOTOFF", "GOTPC", "TLS_LE", "GOT32X")}
# fmt: on
CASES = [(x86_64.ROWS, case) for case in FIELDS_64] + [(x86.ROWS, case) for case in FIELDS_32]
IDS = [by_name(case) for _, case in CASES]


@pytest.mark.parametrize(("rows", "case"), CASES, ids=IDS)
def test_a_small_value_and_both_limits_are_encoded(rows: Mapping[int, Entry], case: Field) -> None:
    """Three points, in the words of the psABI (`case.manual`); no value is misaligned."""
    holds_its_limits(row_of(rows, case.name), case)


@pytest.mark.parametrize(("rows", "case"), CASES, ids=IDS)
def test_one_step_past_either_limit_is_refused(rows: Mapping[int, Entry], case: Field) -> None:
    """Two points, with all that the exception says."""
    refuses_what_is_past(row_of(rows, case.name), case)


@pytest.mark.parametrize("name", sorted(LONGS | WORDS))
def test_a_whole_word_takes_every_value(name: str) -> None:
    """Addresses wrap; what is above is dropped."""
    bits, rows = (64, x86_64.ROWS) if name in LONGS else (32, x86.ROWS)
    row, ones = row_of(rows, name), (1 << bits) - 1
    for value in (0x12345678, -1, ones, 1 << bits, -1 << bits - 1):
        assert value & ones == row.encode(0, value), hex(value)


@pytest.mark.parametrize("addend", [0, -4, 0x7FFFFFFF, -0x80000000])
def test_the_place_holds_the_addend_of_i386(addend: int) -> None:
    """REL: a word with sign, as the loader of the target reads it."""
    row = row_of(x86.ROWS, "R_386_PC32")
    assert addend == row.addend(row.with_addend(0, addend))


def test_every_row_has_its_points() -> None:
    """No row is without limits, or without the word that it takes everything."""
    tested = {case.name for _, case in CASES} | LONGS | WORDS
    rows = [*x86.ROWS.values(), *x86_64.ROWS.values()]
    assert {entry.name for entry in rows if isinstance(entry, Row)} == tested


@pytest.mark.parametrize(
    ("size", "alignment", "expected"),
    [(0, 1, 0), (5, 1, 5), (5, 8, 8), (64, 16, 64), (65, 64, 128)],
)
def test_the_thread_pointer_is_behind_the_variables(
    size: int, alignment: int, expected: int
) -> None:
    """Variant 2: the end of the block, which is as aligned as the block."""
    for machine in (x86.MACHINE, x86_64.MACHINE):
        assert machine.thread_pointer is not None
        assert machine.thread_pointer(size, alignment) == expected
