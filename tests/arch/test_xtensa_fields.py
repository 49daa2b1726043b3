# SPDX-License-Identifier: Apache-2.0
"""Six points of every field: a small value, both limits, one step past each, a misaligned one.

Limits and words are typed from the Xtensa Instruction Set Architecture Reference Manual, chapter 6,
in the words of the instructions' descriptions; register numbers are 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.fields import (
    Field,
    by_name,
    holds_its_limits,
    refuses_what_is_between,
    refuses_what_is_past,
    row_of,
)

from west_llext.arch.formula import evaluate
from west_llext.arch.table import RangeError, Row
from west_llext.arch.xtensa import BIG, LITTLE, MACHINE, MACHINE_BIG, Instructions

KIB = 1 << 10

# fmt: off
# The distance is from the instruction; for CALLn from the word that it is in, for L32R from the
# word boundary behind it.
LITTLE_FIELDS = (
    Field("L32R",   "a literal at most 262141 bytes below, at least 4 bytes below",
          0x000031, (-256, 0xFFC031), (-256 * KIB, 0x000031), (-4, 0xFFFF31), 4),
    Field("CALL0",  "target range -524284 to 524288 bytes from the address of the instruction",
          0x000005, (0x100, 0x000FC5), (-524284, 0x800005), (524288, 0x7FFFC5), 4),
    Field("CALL4",  "target range -524284 to 524288 bytes from the address of the instruction",
          0x000015, (0x100, 0x000FD5), (-524284, 0x800015), (524288, 0x7FFFD5), 4),
    Field("CALL8",  "target range -524284 to 524288 bytes from the address of the instruction",
          0x000025, (0x100, 0x000FE5), (-524284, 0x800025), (524288, 0x7FFFE5), 4),
    Field("CALL12", "target range -524284 to 524288 bytes from the address of the instruction",
          0x000035, (0x100, 0x000FF5), (-524284, 0x800035), (524288, 0x7FFFF5), 4),
    Field("J",      "target range -131068 to 131075 bytes from the address of the instruction",
          0x000006, (0x100, 0x003F06), (-131068, 0x800006), (131075, 0x7FFFC6), 1),
    Field("Bcc",    "BEQ: target range -124 to 131 bytes from the address of the instruction",
          0x001347, (0x10, 0x0C1347), (-124, 0x801347), (131, 0x7F1347), 1),
    Field("BccZ",   "BEQZ: target range -2044 to 2051 bytes from the address of the instruction",
          0x000316, (0x10, 0x00C316), (-2044, 0x800316), (2051, 0x7FF316), 1),
    Field("LOOP",   "the loop's end 4 to 259 bytes from the address of the instruction",
          0x008376, (0x10, 0x0C8376), (4, 0x008376), (259, 0xFF8376), 1),
    Field("BccZ.N", "BEQZ.N: target range 4 to 67 bytes from the address of the instruction",
          0x038C, (0x10, 0xC38C), (4, 0x038C), (67, 0xF3BC), 1),
)
BIG_FIELDS = (
    Field("L32R",   "as little-endian", 0x130000,
          (-256, 0x13FFC0), (-256 * KIB, 0x130000), (-4, 0x13FFFF), 4),
    Field("CALL0",  "as little-endian", 0x500000,
          (0x100, 0x50003F), (-524284, 0x520000), (524288, 0x51FFFF), 4),
    Field("CALL4",  "as little-endian", 0x540000,
          (0x100, 0x54003F), (-524284, 0x560000), (524288, 0x55FFFF), 4),
    Field("CALL8",  "as little-endian", 0x580000,
          (0x100, 0x58003F), (-524284, 0x5A0000), (524288, 0x59FFFF), 4),
    Field("CALL12", "as little-endian", 0x5C0000,
          (0x100, 0x5C003F), (-524284, 0x5E0000), (524288, 0x5DFFFF), 4),
    Field("J",      "as little-endian", 0x600000,
          (0x100, 0x6000FC), (-131068, 0x620000), (131075, 0x61FFFF), 1),
    Field("Bcc",    "as little-endian", 0x743100,
          (0x10, 0x74310C), (-124, 0x743180), (131, 0x74317F), 1),
    Field("BccZ",   "as little-endian", 0x643000,
          (0x10, 0x64300C), (-2044, 0x643800), (2051, 0x6437FF), 1),
    Field("LOOP",   "as little-endian", 0x6D3800,
          (0x10, 0x6D380C), (4, 0x6D3800), (259, 0x6D38FF), 1),
    Field("BccZ.N", "as little-endian", 0xC830,
          (0x10, 0xC83C), (4, 0xC830), (67, 0xCB3F), 1),
)
# fmt: on


def slots(known: Instructions) -> Iterator[Row]:
    """The rows that the opcode decides about."""
    for each in known:
        if isinstance(each, Row):
            yield each
        else:
            yield from each


def row(name: str, known: Instructions) -> Row:
    """The row of an instruction."""
    return next(each for each in slots(known) if each.name == f"R_XTENSA_SLOT0_OP ({name})")


CASES = pytest.mark.parametrize(
    ("case", "known"),
    [
        *((each, LITTLE) for each in LITTLE_FIELDS),
        *((each, BIG) for each in BIG_FIELDS),
    ],
    ids=lambda each: by_name(each) if isinstance(each, Field) else "",
)


@CASES
def test_a_small_value_and_both_limits_are_encoded(case: Field, known: Instructions) -> None:
    """Three points, in the words of the manual (`case.manual`)."""
    holds_its_limits(row(case.name, known), case)


@CASES
def test_one_step_past_either_limit_is_refused(case: Field, known: Instructions) -> None:
    """Two points, with all that the exception says."""
    refuses_what_is_past(row(case.name, known), case)


@CASES
def test_a_misaligned_value_is_refused(case: Field, known: Instructions) -> None:
    """The sixth point: between two values that the field can hold."""
    if case.step > 1:
        refuses_what_is_between(row(case.name, known), case)


@CASES
def test_no_other_bit_of_the_instruction_changes(case: Field, known: Instructions) -> None:
    """Whatever was in the field before, and whatever registers there are."""
    rule = row(case.name, known)
    for value, word in (case.small, case.lowest, case.highest):
        everything = (1 << rule.layout.bits) - 1
        assert rule.encode(everything, value) == word | everything & ~rule.layout.mask


@pytest.mark.parametrize("known", [LITTLE, BIG], ids=["little", "big"])
def test_every_row_has_its_points(known: Instructions) -> None:
    """No instruction is without limits, in either byte order."""
    fields = LITTLE_FIELDS if known is LITTLE else BIG_FIELDS
    assert [f"R_XTENSA_SLOT0_OP ({each.name})" for each in fields] == [
        each.name for each in slots(known)
    ]


WORDS = ((0x12345678, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFF), (1 << 32, 0), (-1, 0xFFFFFFFF))


@pytest.mark.parametrize(
    "name",
    [
        "R_XTENSA_32",
        "R_XTENSA_PLT",
        "R_XTENSA_32_PCREL",
        "R_XTENSA_32_ABS",
        "R_XTENSA_TLS_TPOFF",
    ],
)
def test_a_data_word_takes_the_bits_that_fit(name: str) -> None:
    """GNU ld adds and stores 32 bits, whatever is above."""
    for machine in (MACHINE, MACHINE_BIG):
        for value, word in WORDS:
            assert word == row_of(machine.rows, name).encode(0, value), hex(value)


def call8(S: int, P: int) -> int:
    """CALL8 from P to S."""
    return MACHINE.branch(LITTLE.calls[2], 0x000025, S=S, A=0, P=P, T=0)


def test_a_call_counts_from_the_word_that_it_is_in() -> None:
    """The target is (PC and ~3) + 4 + offset; all four places of a word make the same field."""
    for P in range(0x40001000, 0x40001004):
        assert call8(0x40001100, P) == 0x000FE5


def test_a_literal_counts_from_the_word_boundary_behind_it() -> None:
    """(PC + 3) and ~3: the literal at 0x1000 is 4 bytes below that for 0x1001 to 0x1004."""
    rule = LITTLE.l32r
    for P in range(0x1001, 0x1005):
        assert rule.encode(0x31, evaluate(rule.formula, S=0x1000, A=0, P=P)) == 0xFFFF31


def test_a_windowed_call_stays_in_its_gibibyte() -> None:
    """Section 8.1: the upper two bits of the return address hold the window's move."""
    assert call8(0x3FFFFF00, 0x3FFFFFF0) == 0xFFF0E5
    for S, P, low, high in (
        (0x40000000, 0x3FFFFFF0, -524284, 0x10),
        (0x3FFFFFFC, 0x40000010, -0x10, 524292),
    ):
        with pytest.raises(RangeError) as caught:
            call8(S, P)
        assert caught.value.args == (S - P, low, high, 4)


def test_a_call_without_windows_may_leave_its_gibibyte() -> None:
    """CALL0 stores the whole return address."""
    word = MACHINE.branch(LITTLE.calls[0], 0x000005, S=0x40000000, A=0, P=0x3FFFFFF0, T=0)
    assert word == 0x0000C5
