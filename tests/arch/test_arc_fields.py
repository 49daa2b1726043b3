# SPDX-License-Identifier: Apache-2.0
"""Where fields of ARC count from, and in which direction."""

from __future__ import annotations

from support.fields import row_of

from west_llext.arch.arc import ROWS
from west_llext.arch.formula import evaluate
from west_llext.arch.table import Row


def row(name: str) -> Row:
    """The row of that name."""
    return row_of(ROWS, name)


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
