# SPDX-License-Identifier: Apache-2.0
"""Where fields of Xtensa count from, and what register windows forbid."""

from __future__ import annotations

import pytest

from west_llext.arch.formula import evaluate
from west_llext.arch.table import RangeError
from west_llext.arch.xtensa import LITTLE, MACHINE


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
