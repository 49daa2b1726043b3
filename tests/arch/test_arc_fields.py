# SPDX-License-Identifier: Apache-2.0
"""Six points of every field: a small value, both limits, one step past each, a misaligned one.

Limits are typed from the ARCv2 Instruction Set Programmer's Reference Manual, in the words of the
instructions' descriptions; words are drawn by hand, most significant half first.
"""

from __future__ import annotations

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

from west_llext.arch.arc import ROWS
from west_llext.arch.formula import evaluate
from west_llext.arch.table import Row

# fmt: off
FIELDS = (
    Field("R_ARC_S25W_PCREL",     "BL s25: 16 MB in both directions, to a word",
          0x08020000, (0x100, 0x09020000), (-16 * MIB, 0x08020008), (16 * MIB - 4, 0x0FFEFFC7), 4),
    Field("R_ARC_S25W_PCREL_PLT", "as R_ARC_S25W_PCREL",
          0x08020000, (0x100, 0x09020000), (-16 * MIB, 0x08020008), (16 * MIB - 4, 0x0FFEFFC7), 4),
    Field("R_ARC_S25H_PCREL",     "B s25: 16 MB in both directions, to a halfword",
          0x00010000, (0x102, 0x01030000), (-16 * MIB, 0x00010008), (16 * MIB - 2, 0x07FFFFC7), 2),
    Field("R_ARC_S25H_PCREL_PLT", "as R_ARC_S25H_PCREL",
          0x00010000, (0x102, 0x01030000), (-16 * MIB, 0x00010008), (16 * MIB - 2, 0x07FFFFC7), 2),
    Field("R_ARC_S21W_PCREL",     "BLcc s21: 1 MB in both directions, to a word",
          0x08000002, (0x804, 0x08040042), (-MIB, 0x08008002), (MIB - 4, 0x0FFC7FC2), 4),
    Field("R_ARC_S21W_PCREL_PLT", "as R_ARC_S21W_PCREL",
          0x08000002, (0x804, 0x08040042), (-MIB, 0x08008002), (MIB - 4, 0x0FFC7FC2), 4),
    Field("R_ARC_S21H_PCREL",     "Bcc s21: 1 MB in both directions, to a halfword",
          0x00000001, (0x802, 0x00020041), (-MIB, 0x00008001), (MIB - 2, 0x07FE7FC1), 2),
    Field("R_ARC_S21H_PCREL_PLT", "as R_ARC_S21H_PCREL",
          0x00000001, (0x802, 0x00020041), (-MIB, 0x00008001), (MIB - 2, 0x07FE7FC1), 2),
    Field("R_ARC_S13_PCREL",      "BL_S s13: 4 KB in both directions, to a word",
          0xF800, (0x100, 0xF840), (-4096, 0xFC00), (4092, 0xFBFF), 4),
    Field("R_ARC_8",   "a byte, with or without sign",
          0, (16, 0x10), (-128, 0x80), (255, 0xFF), 1),
    Field("R_ARC_16",  "a halfword, with or without sign",
          0, (16, 0x10), (-32768, 0x8000), (65535, 0xFFFF), 1),
    Field("R_ARC_24",  "three bytes, with or without sign",
          0, (16, 0x10), (-0x800000, 0x800000), (0xFFFFFF, 0xFFFFFF), 1),
    Field("R_ARC_N8",  "as R_ARC_8",  0, (16, 0x10), (-128, 0x80), (255, 0xFF), 1),
    Field("R_ARC_N16", "as R_ARC_16", 0, (16, 0x10), (-32768, 0x8000), (65535, 0xFFFF), 1),
    Field("R_ARC_N24", "as R_ARC_24",
          0, (16, 0x10), (-0x800000, 0x800000), (0xFFFFFF, 0xFFFFFF), 1),
)
WORDS = ((0x12345678, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFF), (1 << 32, 0), (-1, 0xFFFFFFFF))
ALIGNED = ((0x1234567B, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFC), (1 << 32, 0), (-1, 0xFFFFFFFC))
#: PC32 and its kin count from the instruction, 4 bytes in front of the place.
COUNTED = ((0x12345674, 0x12345678), (0xFFFFFFFB, 0xFFFFFFFF), (-4, 0), (-5, 0xFFFFFFFF))
UNCHECKED = {
    "R_ARC_32": WORDS,
    "R_ARC_32_ME": WORDS,
    "R_ARC_32_ME_S": WORDS,
    "R_ARC_N32": WORDS,
    "R_ARC_N32_ME": WORDS,
    "R_ARC_32_PCREL": WORDS,
    "R_ARC_TLS_LE_32": WORDS,
    "R_ARC_W": ALIGNED,
    "R_ARC_W_ME": ALIGNED,
    "R_ARC_PC32": COUNTED,
    "R_ARC_PLT32": COUNTED,
    "R_ARC_GOTPC32": COUNTED,
}
# fmt: on


def row(name: str) -> Row:
    """The row of that name."""
    return row_of(ROWS, name)


@pytest.mark.parametrize("case", FIELDS, ids=by_name)
def test_a_small_value_and_both_limits_are_encoded(case: Field) -> None:
    """Three points, in the words of the manual (`case.manual`)."""
    holds_its_limits(row(case.name), case)


@pytest.mark.parametrize("case", FIELDS, ids=by_name)
def test_one_step_past_either_limit_is_refused(case: Field) -> None:
    """Two points, with all that the exception says."""
    refuses_what_is_past(row(case.name), case)


@pytest.mark.parametrize("case", [each for each in FIELDS if each.step > 1], ids=by_name)
def test_a_misaligned_value_is_refused(case: Field) -> None:
    """The sixth point: between two values that the field can hold."""
    refuses_what_is_between(row(case.name), case)


@pytest.mark.parametrize("case", FIELDS, ids=by_name)
def test_no_other_bit_of_the_instruction_changes(case: Field) -> None:
    """Condition, delay slot and opcode stay, whatever was in the field before."""
    rule = row(case.name)
    everything = (1 << rule.layout.bits) - 1
    for value, word in (case.small, case.lowest, case.highest):
        assert rule.encode(everything, value) == word | everything & ~rule.layout.mask


@pytest.mark.parametrize("name", UNCHECKED)
def test_a_word_takes_the_bits_that_fit(name: str) -> None:
    """What is above 32 bits is dropped, as GNU ld does it."""
    for value, word in UNCHECKED[name]:
        assert word == row(name).encode(0, value), hex(value)


def test_every_row_has_its_points() -> None:
    """No row is without limits, or without the word that nothing is checked."""
    tested = {each.name for each in FIELDS} | UNCHECKED.keys()
    assert {entry.name for entry in ROWS.values() if isinstance(entry, Row)} == tested


def test_a_branch_counts_from_the_word_that_it_is_in() -> None:
    """PCL has its two lowest bits cleared."""
    rule = row("R_ARC_S25W_PCREL")
    for P in (0x1000, 0x1002):
        assert rule.encode(0x08020000, evaluate(rule.formula, S=0x1100, A=0, P=P)) == 0x09020000


def test_a_long_immediate_counts_from_its_instruction() -> None:
    """LD r0,[pcl,x]: the instruction is 4 bytes in front, and PCL its word."""
    rule = row("R_ARC_PC32")
    for place, word in ((0x1004, 0x100), (0x1006, 0x100), (0x1008, 0xFC)):
        assert rule.encode(0, evaluate(rule.formula, S=0x1100, A=0, P=place)) == word


def test_a_negated_address_is_subtracted_from_the_addend() -> None:
    """R_ARC_N32: A - S."""
    rule = row("R_ARC_N32")
    assert rule.encode(0, evaluate(rule.formula, S=0x100, A=8, P=0x1000)) == 0xFFFFFF08
