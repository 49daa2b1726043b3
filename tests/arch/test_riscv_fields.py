# SPDX-License-Identifier: Apache-2.0
"""Six points of every field: a small value, both limits, one step past each, a misaligned one.

Limits and words are typed from the manuals: The RISC-V Instruction Set Manual, Volume I
(Unprivileged ISA), and the RISC-V ELF psABI, "Relocations" and "Code models". All registers are a0
and a1 but for those of calls.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from support.fields import (
    MIB,
    Field,
    by_name,
    holds_its_limits,
    refuses_what_is_between,
    refuses_what_is_past,
    row_of,
)

from west_llext.arch.machine import Core
from west_llext.arch.riscv import MACHINE_32, MACHINE_64, ROWS_32, ROWS_64, VENEER_32, VENEER_64
from west_llext.arch.table import Entry, Row

GIB = 1 << 30
# fmt: off
FIELDS = (
    Field("R_RISCV_BRANCH",     "Conditional Branches: the range is ±4 KiB, in multiples of 2",
          0x00B51063, (0x100, 0x10B51063), (-4096, 0x80B51063), (4094, 0x7EB51FE3), 2),
    Field("R_RISCV_JAL",        "Unconditional Jumps: a ±1 MiB range, in multiples of 2",
          0x000000EF, (0x100, 0x100000EF), (-1 * MIB, 0x800000EF), (1 * MIB - 2, 0x7FFFF0EF), 2),
    Field("R_RISCV_RVC_BRANCH", "C.BEQZ: a ±256 B range, in multiples of 2",
          0xC101, (0x10, 0xC901), (-256, 0xD101), (254, 0xCD7D), 2),
    Field("R_RISCV_RVC_JUMP",   "C.J: a ±2 KiB range, in multiples of 2",
          0xA001, (0x100, 0xA201), (-2048, 0xB001), (2046, 0xAFFD), 2),
)

# "Medium low code model": 0xFFFFFFFF7FFFF800 to 0x7FFFF7FF, because the lower part has a sign;
# the medium any code model is the same from the place.
_LOWEST, _HIGHEST = -2 * GIB - 0x800, 2 * GIB - 0x801
# AUIPC ra, JALR ra, the first one on top
_CALL = "Procedure Calls: AUIPC and JALR, ±2 GiB without what the sign of the lower part takes"
_EMPTY_CALL = 0x00000097_000080E7
_CALL_POINTS = (
    (0x12345678, 0x12345097_678080E7),
    (_LOWEST, 0x80000097_800080E7),
    (_HIGHEST, 0x7FFFF097_7FF080E7),
)
_UPPER = "Code models: 0xFFFFFFFF7FFFF800 ~ 0x000000007FFFF7FF"
_LUI_POINTS = ((0x12345678, 0x12345537), (_LOWEST, 0x80000537), (_HIGHEST, 0x7FFFF537))
_AUIPC_POINTS = ((0x12345678, 0x12345517), (_LOWEST, 0x80000517), (_HIGHEST, 0x7FFFF517))
_WORD = "word32: 32 bits, and the places are 64-bit addresses"
_WORD_POINTS = ((0x10, 0x10), (-2 * GIB, 0x80000000), (2 * GIB - 1, 0x7FFFFFFF))
FIELDS_64 = (
    Field("R_RISCV_CALL",       _CALL,  _EMPTY_CALL, *_CALL_POINTS, 1),
    Field("R_RISCV_CALL_PLT",   _CALL,  _EMPTY_CALL, *_CALL_POINTS, 1),
    Field("R_RISCV_HI20",       _UPPER, 0x00000537, *_LUI_POINTS, 1),
    Field("R_RISCV_TPREL_HI20", _UPPER, 0x00000537, *_LUI_POINTS, 1),
    Field("R_RISCV_PCREL_HI20", _UPPER, 0x00000517, *_AUIPC_POINTS, 1),
    Field("R_RISCV_GOT_HI20",   _UPPER, 0x00000517, *_AUIPC_POINTS, 1),
    Field("R_RISCV_32",         "word32, signed or not: an address or a number",
          0, (0x10, 0x10), (-2 * GIB, 0x80000000), (4 * GIB - 1, 0xFFFFFFFF), 1),
    Field("R_RISCV_GOT32_PCREL", "word32, signed or not: a distance",
          0, (0x10, 0x10), (-2 * GIB, 0x80000000), (4 * GIB - 1, 0xFFFFFFFF), 1),
    Field("R_RISCV_32_PCREL",   _WORD,  0, *_WORD_POINTS, 1),
    Field("R_RISCV_PLT32",      _WORD,  0, *_WORD_POINTS, 1),
)

# The lower part is cut out of a value that the upper part has checked; differences wrap.
# ADDI a0, a0: imm[11:0] on top; SW a1, 0(a0): imm[11:5] on top and imm[4:0] above the opcode.
LOW_I = ((0x12345678, 0x67850513), (0x800, 0x80050513), (-1, 0xFFF50513), (0x1000, 0x00050513))
LOW_S = ((0x12345678, 0x66B52C23), (0x800, 0x80B52023), (-1, 0xFEB52FA3), (0x1000, 0x00B52023))
BYTES = ((0x78, 0x78), (0xFF, 0xFF), (0x100, 0), (-1, 0xFF))
HALVES = ((0x5678, 0x5678), (0xFFFF, 0xFFFF), (0x10000, 0), (-1, 0xFFFF))
WORDS = ((0x12345678, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFF), (1 << 32, 0), (-1, 0xFFFFFFFF))
LONGS = ((0x1234, 0x1234), (1 << 63, 1 << 63), (1 << 64, 0), (-1, (1 << 64) - 1))
SIXES = ((0x15, 0xD5), (0x3F, 0xFF), (0x40, 0xC0), (-1, 0xFF))  # the upper two bits stay
UNCHECKED = (
    ("R_RISCV_64",           0,          LONGS),
    ("R_RISCV_PCREL_LO12_I", 0x00050513, LOW_I),
    ("R_RISCV_PCREL_LO12_S", 0x00B52023, LOW_S),
    ("R_RISCV_LO12_I",       0x00050513, LOW_I),
    ("R_RISCV_LO12_S",       0x00B52023, LOW_S),
    ("R_RISCV_TPREL_LO12_I", 0x00050513, LOW_I),
    ("R_RISCV_TPREL_LO12_S", 0x00B52023, LOW_S),
    ("R_RISCV_ADD8",         0,          BYTES),
    ("R_RISCV_ADD16",        0,          HALVES),
    ("R_RISCV_ADD32",        0,          WORDS),
    ("R_RISCV_ADD64",        0,          LONGS),
    ("R_RISCV_SUB8",         0,          BYTES),
    ("R_RISCV_SUB16",        0,          HALVES),
    ("R_RISCV_SUB32",        0,          WORDS),
    ("R_RISCV_SUB64",        0,          LONGS),
    ("R_RISCV_SUB6",         0xC0,       SIXES),
    ("R_RISCV_SET6",         0xC0,       SIXES),
    ("R_RISCV_SET8",         0,          BYTES),
    ("R_RISCV_SET16",        0,          HALVES),
    ("R_RISCV_SET32",        0,          WORDS),
    ("R_RISCV_SET_ULEB128",  0,          LONGS),
    ("R_RISCV_SUB_ULEB128",  0,          LONGS),
)

# On RV32 addresses wrap at 2^32: LUI and AUIPC reach all of them, a word holds all of them.
LUI = (*_LUI_POINTS, (2 * GIB, 0x80000537), (4 * GIB - 0x801, 0xFFFFF537), (4 * GIB - 1, 0x0537))
AUIPC = tuple((value, word & ~0x7F | 0x17) for value, word in LUI)
CALL = (*_CALL_POINTS, (2 * GIB, 0x80000097_000080E7), (4 * GIB - 0x800, 0x00000097_800080E7))
UNCHECKED_32 = (
    ("R_RISCV_CALL",        _EMPTY_CALL, CALL),
    ("R_RISCV_CALL_PLT",    _EMPTY_CALL, CALL),
    ("R_RISCV_HI20",        0x00000537,  LUI),
    ("R_RISCV_TPREL_HI20",  0x00000537,  LUI),
    ("R_RISCV_PCREL_HI20",  0x00000517,  AUIPC),
    ("R_RISCV_GOT_HI20",    0x00000517,  AUIPC),
    ("R_RISCV_32",          0,           WORDS),
    ("R_RISCV_GOT32_PCREL", 0,           WORDS),
    ("R_RISCV_32_PCREL",    0,           WORDS),
    ("R_RISCV_PLT32",       0,           WORDS),
)
# fmt: on

CHECKED = [
    *((ROWS_32, each) for each in FIELDS),
    *((ROWS_64, each) for each in (*FIELDS, *FIELDS_64)),
]
FREE = [
    *((ROWS_32, *each) for each in (*UNCHECKED, *UNCHECKED_32)),
    *((ROWS_64, *each) for each in UNCHECKED),
]


@pytest.mark.parametrize(("rows", "case"), CHECKED, ids=by_name)
def test_a_small_value_and_both_limits_are_encoded(rows: Mapping[int, Entry], case: Field) -> None:
    """Three points, in the words of the manual (`case.manual`)."""
    holds_its_limits(row_of(rows, case.name), case)


@pytest.mark.parametrize(("rows", "case"), CHECKED, ids=by_name)
def test_one_step_past_either_limit_is_refused(rows: Mapping[int, Entry], case: Field) -> None:
    """Two points, with all that the exception says: the value is the formula's, not the rounded."""
    refuses_what_is_past(row_of(rows, case.name), case)


@pytest.mark.parametrize(
    ("rows", "case"), [each for each in CHECKED if each[1].step > 1], ids=by_name
)
def test_a_misaligned_value_is_refused(rows: Mapping[int, Entry], case: Field) -> None:
    """The sixth point: between two values that the field can hold."""
    refuses_what_is_between(row_of(rows, case.name), case)


@pytest.mark.parametrize(("rows", "name", "empty", "points"), FREE)
def test_an_unchecked_field_takes_the_bits_that_fit(
    rows: Mapping[int, Entry], name: str, empty: int, points: tuple[tuple[int, int], ...]
) -> None:
    """What is above is dropped, and no alignment is asked for."""
    for value, word in points:
        assert word == row_of(rows, name).encode(empty, value), hex(value)


@pytest.mark.parametrize(("bits", "rows"), [(32, ROWS_32), (64, ROWS_64)])
def test_every_row_has_its_points(bits: int, rows: Mapping[int, Entry]) -> None:
    """No row is without limits, or without the word that nothing is checked."""
    tested = [each.name for each in FIELDS] + [each[0] for each in UNCHECKED]
    tested += (
        [each.name for each in FIELDS_64] if bits == 64 else [each[0] for each in UNCHECKED_32]
    )
    assert len(tested) == len(set(tested))
    assert {entry.name for entry in rows.values() if isinstance(entry, Row)} == set(tested)


@pytest.mark.parametrize("value", [0, 0x7FF, 0x800, 0x801, 0xFFF, 0x1000, -1, -0x800, -0x801])
def test_upper_and_lower_part_make_the_value(value: int) -> None:
    """The lower part is added with its sign, so the upper one is rounded."""
    for rows in (ROWS_32, ROWS_64):
        upper = row_of(rows, "R_RISCV_HI20").encode(0x537, value) & ~0xFFF
        lower = row_of(rows, "R_RISCV_LO12_I").encode(0x50513, value) >> 20
        assert (upper + (lower ^ 0x800) - 0x800) & 0xFFFFFFFF == value & 0xFFFFFFFF


@pytest.mark.parametrize("name", ["R_RISCV_CALL", "R_RISCV_CALL_PLT"])
def test_a_call_of_nothing_goes_to_address_0(name: str) -> None:
    """JALR gets x0 as its base and no immediate: GNU ld does the same."""
    for made in (MACHINE_32, MACHINE_64):
        row = row_of(made.rows, name)
        assert made.undefined_branch(row, 0x00000097_000080E7, Core()) == 0x00000097_000000E7
        assert made.undefined_branch(row, 0x12345317_67830067, Core()) == 0x00000317_00000067


def test_a_jump_to_nothing_stays_as_it_is() -> None:
    """JAL can't reach address 0 from everywhere; nothing executes it."""
    for made in (MACHINE_32, MACHINE_64):
        row = row_of(made.rows, "R_RISCV_JAL")
        assert made.undefined_branch(row, 0x000000EF, Core()) is None


def test_the_thread_pointer_is_at_the_first_variable() -> None:
    """The psABI, "Thread Local Storage": variant I without a gap."""
    for made in (MACHINE_32, MACHINE_64):
        assert made.thread_pointer is not None
        assert made.thread_pointer(100, 64) == 0


def test_a_veneer_holds_its_address_aligned() -> None:
    """A load of a misaligned word may trap."""
    for form, size in ((VENEER_32, 4), (VENEER_64, 8)):
        assert form.target_offset % size == 0 == form.alignment % size
        assert len(form.code) == form.target_offset + size
