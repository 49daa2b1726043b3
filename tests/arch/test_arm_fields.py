# SPDX-License-Identifier: Apache-2.0
"""Six points of every field: a small value, both limits, one step past each, a misaligned one.

Limits and words are typed from the manuals: Arm Architecture Reference Manual, Armv7-A and Armv7-R
(DDI 0406C), chapter A8, and AAELF32 2023Q3, "Static Data relocations".
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

from west_llext.arch.arm import MACHINE, ROWS
from west_llext.arch.table import RangeError, Row

# fmt: off
FIELDS = (
    Field("R_ARM_THM_CALL",   "A8.8.25 BL T1: even numbers in the range -16777216 to 16777214",
          0xF000F800, (0x100, 0xF000F880), (-16 * MIB, 0xF400D000), (16 * MIB - 2, 0xF3FFD7FF), 2),
    Field("R_ARM_THM_JUMP24", "A8.8.18 B T4: even numbers in the range -16777216 to 16777214",
          0xF000B800, (0x100, 0xF000B880), (-16 * MIB, 0xF4009000), (16 * MIB - 2, 0xF3FF97FF), 2),
    Field("R_ARM_THM_JUMP19", "A8.8.18 B T3: even numbers in the range -1048576 to 1048574",
          0xF0008000, (0x100, 0xF0008080), (-1 * MIB, 0xF4008000), (1 * MIB - 2, 0xF03FAFFF), 2),
    Field("R_ARM_THM_JUMP11", "A8.8.18 B T2: even numbers in the range -2048 to 2046",
          0xE000, (0x100, 0xE080), (-2048, 0xE400), (2046, 0xE3FF), 2),
    Field("R_ARM_THM_JUMP8",  "A8.8.18 B T1: even numbers in the range -256 to 254",
          0xD000, (0x10, 0xD008), (-256, 0xD080), (254, 0xD07F), 2),
    Field("R_ARM_THM_JUMP6",  "A8.8.29 CBZ T1: even numbers in the range 0 to 126",
          0xB100, (0x10, 0xB140), (0, 0xB100), (126, 0xB3F8), 2),
    Field("R_ARM_CALL",       "A8.8.25 BL A1: multiples of 4 in the range -33554432 to 33554428",
          0xEB000000, (0x100, 0xEB000040), (-32 * MIB, 0xEB800000), (32 * MIB - 4, 0xEB7FFFFF), 4),
    Field("R_ARM_JUMP24",     "A8.8.18 B A1: multiples of 4 in the range -33554432 to 33554428",
          0x0A000000, (0x100, 0x0A000040), (-32 * MIB, 0x0A800000), (32 * MIB - 4, 0x0A7FFFFF), 4),
    Field("R_ARM_PC24",       "A8.8.18 B A1: multiples of 4 in the range -33554432 to 33554428",
          0xEA000000, (0x100, 0xEA000040), (-32 * MIB, 0xEA800000), (32 * MIB - 4, 0xEA7FFFFF), 4),
    Field("R_ARM_PLT32",      "A8.8.18 B A1: multiples of 4 in the range -33554432 to 33554428",
          0xEA000000, (0x100, 0xEA000040), (-32 * MIB, 0xEA800000), (32 * MIB - 4, 0xEA7FFFFF), 4),
    Field("R_ARM_PREL31",     "AAELF32: 31-bit 2's complement",
          0x80000000, (0x10, 0x80000010), (-0x40000000, 0xC0000000), (0x3FFFFFFF, 0xBFFFFFFF), 1),
    Field("R_ARM_ABS16",      "AAELF32: -32768 <= X <= 65535",
          0, (0x10, 0x10), (-32768, 0x8000), (65535, 0xFFFF), 1),
    Field("R_ARM_ABS8",       "AAELF32: -128 <= X <= 255",
          0, (0x10, 0x10), (-128, 0x80), (255, 0xFF), 1),
)

# AAELF32 says of these that nothing is checked: values, and the words that hold them.
# MOVW A2 (A8.8.102), MOVT A1 (A8.8.106): imm4:imm12; MOVW T3, MOVT T1: imm4:i:imm3:imm8; all of r3.
# MOVS, ADDS T2 with an 8-bit immediate, of r3: one byte of the address each.
WORDS   = ((0x12345678, 0x12345678), (0xFFFFFFFF, 0xFFFFFFFF), (1 << 32, 0), (-1, 0xFFFFFFFF))
MOVW    = ((0x1234, 0xE3013234), (0xFFFF, 0xE30F3FFF), (0x10000, 0xE3003000), (-1, 0xE30F3FFF))
MOVT    = ((0x12345678, 0xE3413234), (-1 << 16, 0xE34F3FFF), (0xFFFF, 0xE3403000), (-1, 0xE34F3FFF))
T_MOVW  = ((0x1234, 0xF2412334), (0xFFFF, 0xF64F73FF), (0x10000, 0xF2400300), (-1, 0xF64F73FF))
T_MOVT  = ((0x12345678, 0xF2C12334), (-1 << 16, 0xF6CF73FF), (0xFFFF, 0xF2C00300), (-1, 0xF6CF73FF))
UNCHECKED = (
    ("R_ARM_ABS32",            0,          WORDS),
    ("R_ARM_REL32",            0,          WORDS),
    ("R_ARM_TARGET1",          0,          WORDS),
    ("R_ARM_TARGET2",          0,          WORDS),
    ("R_ARM_ABS32_NOI",        0,          WORDS),
    ("R_ARM_REL32_NOI",        0,          WORDS),
    ("R_ARM_TLS_LE32",         0,          WORDS),
    ("R_ARM_MOVW_ABS_NC",      0xE3003000, MOVW),
    ("R_ARM_MOVW_PREL_NC",     0xE3003000, MOVW),
    ("R_ARM_MOVT_ABS",         0xE3403000, MOVT),
    ("R_ARM_MOVT_PREL",        0xE3403000, MOVT),
    ("R_ARM_THM_MOVW_ABS_NC",  0xF2400300, T_MOVW),
    ("R_ARM_THM_MOVW_PREL_NC", 0xF2400300, T_MOVW),
    ("R_ARM_THM_MOVT_ABS",     0xF2C00300, T_MOVT),
    ("R_ARM_THM_MOVT_PREL",    0xF2C00300, T_MOVT),
    ("R_ARM_THM_ALU_ABS_G0_NC", 0x2300,
     ((0x12345678, 0x2378), (0xFF, 0x23FF), (0x100, 0x2300), (-1, 0x23FF))),
    ("R_ARM_THM_ALU_ABS_G1_NC", 0x3300,
     ((0x12345678, 0x3356), (0xFF00, 0x33FF), (0xFF, 0x3300), (-1, 0x33FF))),
    ("R_ARM_THM_ALU_ABS_G2_NC", 0x3300,
     ((0x12345678, 0x3334), (0xFF0000, 0x33FF), (0xFFFF, 0x3300), (-1, 0x33FF))),
    ("R_ARM_THM_ALU_ABS_G3", 0x3300,
     ((0x12345678, 0x3312), (0xFF000000, 0x33FF), (0xFFFFFF, 0x3300), (-1, 0x33FF))),
)

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


@pytest.mark.parametrize(("name", "empty", "points"), UNCHECKED, ids=[u[0] for u in UNCHECKED])
def test_an_unchecked_field_takes_the_bits_that_fit(
    name: str, empty: int, points: tuple[tuple[int, int], ...]
) -> None:
    """AAELF32: "Overflow: No"; what is above is dropped, and no alignment is asked for."""
    for value, word in points:
        assert word == row(name).encode(empty, value), hex(value)


@pytest.mark.parametrize(("name", "word", "addend"), ADDENDS)
def test_the_place_holds_the_addend_that_the_psabi_says(name: str, word: int, addend: int) -> None:
    """AAELF32, "Addends and PC-bias compensation"."""
    assert addend == row(name).addend(word)


def test_every_row_has_its_points() -> None:
    """No row is without limits, or without the word that nothing is checked."""
    tested = {each.name for each in FIELDS} | {each[0] for each in UNCHECKED}
    assert {entry.name for entry in ROWS.values() if isinstance(entry, Row)} == tested


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
