# SPDX-License-Identifier: Apache-2.0
"""Symbols of strangers: there is a name within bounds, or none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from west_llext.cxx.names import MAX_SYMBOL, cxx_name, explained
from west_llext.cxx.spelling import ABBREVIATION, BUILTIN, OF_OBJECT, OF_TYPE, OPERATOR
from west_llext.cxx.types import MAX_TEXT

#: What symbols are made of; `clone` is appended to a text that is as long as it may be.
_PARTS = (
    *("N", "E", "I", "J", "Z", "S_", "S0_", "S1_", "SA_", "St", "T_", "T0_", "Dp", "K", "P", "R"),
    *("O", "F", "A3_", "A_", "AT_", "M", "L", "LDnE", "Li1E", "Lb0E", "XT_E", "Ut_", "UlvE_", "Ul"),
    *("1a", "3foo", "12_GLOBAL__N_1", "C1", "D2", "B1t", "cv", "li1x", "_0", "__12_", "s", "d_"),
    *("Tv0_n8_", "Th", "Tc", "TC", "GTt", "GR", ".cold", ".0", "Do", "Dv4_", "u1x", "Y", "99", "0"),
    *BUILTIN, *OPERATOR, *ABBREVIATION, *OF_TYPE, *OF_OBJECT,
)  # fmt: skip
LONGEST = MAX_TEXT + MAX_SYMBOL * len(" [clone .x]")


@given(st.lists(st.sampled_from(_PARTS), max_size=60))
def test_what_looks_like_a_name_ends_within_bounds(parts: list[str]) -> None:
    """Whatever order the parts are in; the text is one line that can be shown."""
    name = cxx_name("_Z" + "".join(parts))
    assert name is None or (0 < len(name) <= LONGEST and name.isprintable())


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=40))
def test_any_text_behind_the_prefix_ends_within_bounds(text: str) -> None:
    """Also letters that no identifier has."""
    name = cxx_name("_Z" + text)
    assert name is None or len(name) <= LONGEST


@given(st.lists(st.text(max_size=9) | st.sampled_from(("_Z1fv", "_Z", "'", " ", *_PARTS))))
def test_any_message_can_be_explained(parts: list[str]) -> None:
    """What was there is there still, in that order."""
    text = "".join(parts)
    shown = iter(explained(text, set()))
    assert all(each in shown for each in text)
