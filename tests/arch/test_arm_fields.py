# SPDX-License-Identifier: Apache-2.0
"""What is special about the fields of Arm: addends in places, and what instructions become."""

from __future__ import annotations

import pytest
from support.fields import MIB, row_of

from west_llext.arch.arm import MACHINE, ROWS
from west_llext.arch.table import RangeError, Row

# fmt: off
# AAELF32, "Addends and PC-bias compensation" and the tables by instruction type: the REL addend.
ADDENDS = (
    ("R_ARM_THM_CALL", 0xF7FFFFFE, -4),          # the psABI's own example: BL .
    ("R_ARM_THM_JUMP24", 0xF7FFBFFE, -4),
    ("R_ARM_THM_JUMP19", 0xF43FAFFE, -4),
    ("R_ARM_THM_JUMP11", 0xE7FE, -4),
    ("R_ARM_THM_JUMP8", 0xD0FE, -4),
    ("R_ARM_THM_JUMP6", 0xB3F1, -4),             # (((imm + 4) & 0x7f) - 4): imm is 0x7c
    ("R_ARM_THM_JUMP6", 0xB101, 0),
    ("R_ARM_THM_JUMP6", 0xB3E9, 0x7A),           # the highest
    ("R_ARM_CALL", 0xEBFFFFFE, -8),
    ("R_ARM_JUMP24", 0x1AFFFFFE, -8),
    ("R_ARM_PC24", 0xEAFFFFFE, -8),
    ("R_ARM_PLT32", 0xEAFFFFFE, -8),
    ("R_ARM_PREL31", 0xFFFFFFFF, -1),            # the top bit isn't part of it
    ("R_ARM_ABS8", 0xF0, -16),                   # the psABI's own example: DCB 0xf0
    ("R_ARM_ABS16", 0xFFF0, -16),
    ("R_ARM_ABS32", 0xFFFFFFF0, -16),
    ("R_ARM_REL32", 0xFFFFFFF0, -16),
    ("R_ARM_MOVW_ABS_NC", 0xE30F3FFF, -1),       # -32768 <= A < 32768, MOVT as MOVW
    ("R_ARM_MOVT_ABS", 0xE34F3FFF, -1),
    ("R_ARM_THM_MOVW_ABS_NC", 0xF64F73FF, -1),
    ("R_ARM_THM_MOVT_ABS", 0xF2C80300, -32768),
    ("R_ARM_THM_ALU_ABS_G0_NC", 0x23F0, 0xF0),   # insn[7:0], without sign
    ("R_ARM_THM_ALU_ABS_G3", 0x33F0, 0xF0),
)
# fmt: on


def row(name: str) -> Row:
    """The row of that name."""
    return row_of(ROWS, name)


@pytest.mark.parametrize(("name", "word", "addend"), ADDENDS)
def test_the_place_holds_the_addend_that_the_psabi_says(name: str, word: int, addend: int) -> None:
    """AAELF32, "Addends and PC-bias compensation"."""
    assert addend == row(name).addend(word)


def test_an_addend_is_put_where_the_loader_finds_it() -> None:
    """What `with_addend` puts, `addend` gets: for both limits of a MOVW and of a BL."""
    movw, call = row("R_ARM_THM_MOVW_ABS_NC"), row("R_ARM_THM_CALL")
    for addend in (-32768, 0, 32767):
        assert addend == movw.addend(movw.with_addend(0xF2400300, addend))
    for addend in (-16 * MIB, -4, 16 * MIB - 2):
        assert addend == call.addend(call.with_addend(0xF000F800, addend))


@pytest.mark.parametrize("addend", [-32769, 32768])
def test_an_addend_past_the_limit_is_refused(addend: int) -> None:
    """MOVW: -32768 <= A < 32768."""
    with pytest.raises(RangeError) as caught:
        row("R_ARM_THM_MOVW_ABS_NC").with_addend(0xF2400300, addend)
    assert (addend, -32768, 32768, 1) == caught.value.args


def branch(name: str, word: int, *, S: int, A: int, P: int, T: int) -> int:
    """The branch that the machine makes."""
    return MACHINE.branch(row(name), word, S=S, A=A, P=P, T=T)


def test_thumb_bl_to_arm_code_becomes_blx_with_its_own_limits() -> None:
    """A8.8.25 BLX T2: multiples of 4 in the range -16777216 to 16777212, from Align(PC, 4)."""
    bl = 0xF7FFFFFE
    for P in (0x8000000, 0x8000002):
        PC = (P + 4) & ~3
        for distance, word in (
            (0x100, 0xF000E880),
            (-16 * MIB, 0xF400C000),
            (16 * MIB - 4, 0xF3FFC7FE),
        ):
            found = branch("R_ARM_THM_CALL", bl, S=PC + distance, A=-4, P=P, T=0)
            assert word == found, (hex(P), hex(distance))
        for distance in (-16 * MIB - 4, 16 * MIB):
            with pytest.raises(RangeError) as caught:
                branch("R_ARM_THM_CALL", bl, S=PC + distance, A=-4, P=P, T=0)
            assert (distance, -16 * MIB, 16 * MIB, 4) == caught.value.args


def test_thumb_blx_to_misaligned_arm_code_is_refused() -> None:
    """Arm instructions are words; rounding would call another one."""
    with pytest.raises(RangeError) as caught:
        branch("R_ARM_THM_CALL", 0xF7FFFFFE, S=0x8000102, A=-4, P=0x8000000, T=0)
    assert caught.value.args == (0xFE, -16 * MIB, 16 * MIB, 4)


def test_thumb_blx_to_thumb_code_becomes_bl() -> None:
    """A BLX that the assembler wrote, to a function that turns out to be Thumb."""
    assert branch("R_ARM_THM_CALL", 0xF7FFEFFE, S=0x8000100, A=-4, P=0x8000000, T=1) == 0xF000F87E


def test_arm_bl_to_thumb_code_becomes_blx_with_its_own_limits() -> None:
    """A8.8.25 BLX A2: even numbers in the range -33554432 to 33554430; bit 24 is H."""
    P = 0x8000000
    for distance, word in (
        (0x100, 0xFA000040),
        (0x102, 0xFB000040),
        (-32 * MIB, 0xFA800000),
        (32 * MIB - 2, 0xFB7FFFFF),
    ):
        found = branch("R_ARM_CALL", 0xEBFFFFFE, S=P + 8 + distance, A=-8, P=P, T=1)
        assert word == found, hex(distance)
    for distance in (-32 * MIB - 2, 32 * MIB):
        with pytest.raises(RangeError) as caught:
            branch("R_ARM_CALL", 0xEBFFFFFE, S=P + 8 + distance, A=-8, P=P, T=1)
        assert (distance, -32 * MIB, 32 * MIB, 2) == caught.value.args


def test_arm_blx_to_arm_code_becomes_bl() -> None:
    """A BLX that the assembler wrote, to a function that turns out to be Arm."""
    assert branch("R_ARM_CALL", 0xFAFFFFFE, S=0x8000100, A=-8, P=0x8000000, T=0) == 0xEB00003E


def test_a_conditional_call_keeps_its_condition() -> None:
    """AAELF32: BL<cond> is relocated by R_ARM_JUMP24."""
    assert branch("R_ARM_JUMP24", 0x1BFFFFFE, S=0x8000100, A=-8, P=0x8000000, T=0) == 0x1B00003E
