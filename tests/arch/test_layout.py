# SPDX-License-Identifier: Apache-2.0
"""Layouts: what a drawing says, and the two laws that every layout obeys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from west_llext.arch import aarch64, arm, riscv, xtensa
from west_llext.arch.layout import Layout, layout

LAYOUTS = {
    f"{machine.__name__}.{name}": each
    for machine in (aarch64, arm, riscv, xtensa)
    for name, each in vars(machine).items()
    if isinstance(each, Layout)
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Layout, int, int]:
    """A layout, any word of its width, and a value that its field holds."""
    each = LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))]
    word = draw(st.integers(0, (1 << each.bits) - 1))
    value = draw(st.integers(0, (1 << (each.top - each.low + 1)) - 1)) << each.low
    return each, word, value


@given(cases())
def test_what_was_inserted_is_extracted(case: tuple[Layout, int, int]) -> None:
    """extract(insert(word, value)) == value, for every value of the field."""
    each, word, value = case
    assert value == each.extract(each.insert(word, value))


@given(cases())
def test_no_bit_outside_the_mask_changes(case: tuple[Layout, int, int]) -> None:
    """An opcode survives whatever is inserted."""
    each, word, value = case
    assert word & ~each.mask == each.insert(word, value) & ~each.mask


@given(cases())
def test_bits_of_the_value_above_the_field_are_lost(case: tuple[Layout, int, int]) -> None:
    """A carry can't run into the opcode, and negative values are two's complement."""
    each, word, value = case
    above = 1 << (each.top + 1)
    assert each.insert(word, value) == each.insert(word, value + 5 * above)
    assert each.insert(word, value) == each.insert(word, value - 3 * above)


@given(cases())
def test_a_signed_value_comes_back_with_its_sign(case: tuple[Layout, int, int]) -> None:
    """The highest bit of the field is the sign."""
    each, word, value = case
    half = 1 << each.top
    signed = value - 2 * half if value & half else value
    assert signed == each.extract_signed(each.insert(word, signed))


def test_a_drawing_is_read_from_the_most_significant_bit() -> None:
    """`_n` leaves n bits alone, `h:l` puts value bits h to l there."""
    each = layout("_4 7:4 _4 3:0")
    assert (each.bits, each.mask, each.low, each.top) == (16, 0x0F0F, 0, 7)
    assert each.insert(0xA5A5, 0xEF) == 0xAEAF
    assert each.extract(0xA5A5) == 0x55


@given(st.integers(0, 0xFFFFFFFF), st.integers(-(1 << 25), (1 << 25) - 1))
def test_bits_that_are_looked_up_are_those_that_the_twist_makes(word: int, value: int) -> None:
    """The branches of Thumb, with J1 and J2 computed each time."""
    for known in (arm.THM_BL, arm.THM_BLX):
        computed = layout(known.drawing, arm._j_bits)
        assert known.insert(word, value) == computed.insert(word, value)


def test_range_and_alignment_follow_from_the_drawing() -> None:
    """A field of value bits 8 to 1 holds even numbers: -256 to 254, or 0 to 510."""
    each = layout("_8 8:1")
    assert (
        each.signed_range,
        each.unsigned_range,
        each.alignment,
    ) == ((-256, 256), (0, 512), 2)


@pytest.mark.parametrize(
    ("drawing", "problem"),
    [
        ("_8 7:0 3:0 _12", "layout '_8 7:0 3:0 _12' has a value bit twice"),
        ("_20 11:4 2:0 _1", "layout '_20 11:4 2:0 _1' leaves out a value bit"),
        ("_12 11:0", None),
        ("_13 11:0", "layout '_13 11:0' has 25 bits"),
        ("_16", "layout '_16' leaves out a value bit"),
    ],
)
def test_a_drawing_that_cant_be_right_is_refused(drawing: str, problem: str | None) -> None:
    """A misdrawn layout fails when it is made, not when it is used."""
    if problem is None:
        assert layout(drawing).bits == 24
        return
    with pytest.raises(ValueError, match="layout") as caught:
        layout(drawing)
    assert problem == str(caught.value)
