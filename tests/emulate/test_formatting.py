# SPDX-License-Identifier: Apache-2.0
"""printf's conversions: as C has them, and bounded whatever the target asks for."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from west_llext.emulate.formatting import MAX_FIELD, MAX_TEXT, formatted


class Given:
    """Arguments from a list, as `formatting.Arguments`; none are left: zero."""

    word_bits = 32

    def __init__(self, values: Sequence[int | float | str]) -> None:
        self.values = list(values)

    def word(self) -> int:
        return int(self._next()) & 0xFFFFFFFF

    def long_long(self) -> int:
        return int(self._next()) & 0xFFFFFFFFFFFFFFFF

    def double(self) -> float:
        return float(self._next())

    def text(self, limit: int) -> str:
        return str(self._next())[:limit]

    def _next(self) -> int | float | str:
        return self.values.pop(0) if self.values else 0


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("plain", [], "plain"),
        ("%d %i %u", [-1, -1, -1], "-1 -1 4294967295"),
        ("%x %X %#x %#X %#x", [0xABC, 0xABC, 0xABC, 0xABC, 0], "abc ABC 0xabc 0XABC 0"),
        ("%o %#o", [8, 8], "10 010"),
        ("%lld %llu", [-1, -1], "-1 18446744073709551615"),
        ("%ld %zu %jd", [-5, 5, -6], "-5 5 -6"),
        ("%hhd %hhu %hd %hu", [0x1FF, 0x1FF, 0x1FFFF, 0x1FFFF], "-1 255 -1 65535"),
        ("[%5d][%-5d][%05d][%+d][% d]", [42, 42, -42, 42, 42], "[   42][42   ][-0042][+42][ 42]"),
        ("[%.3d][%5.3d][%05.3d][%.0d]", [7, 7, 7, 0], "[007][  007][  007][]"),
        ("[%*d][%-*d][%*d]", [4, 7, 4, 7, -4, 7], "[   7][7   ][7   ]"),
        ("[%.*s][%.*s]", [2, "abc", -1, "abc"], "[ab][abc]"),
        ("[%s][%5s][%-5s][%.2s]", ["abc", "abc", "abc", "abc"], "[abc][  abc][abc  ][ab]"),
        ("%c%c", [72, 0x169], "Hi"),
        ("%p", [0x2000], "0x2000"),
        ("%%|%5%", [], "%|%"),
        ("%f %.2f %08.3f %+.0f", [1.5, 2.345, -1.5, 2.0], "1.500000 2.35 -001.500 +2"),
        ("%e %G %g", [12345.678, 1e-10, 0.5], "1.234568e+04 1E-10 0.5"),
        ("[%05f][%-6f]", [float("inf"), float("-inf")], "[  inf][-inf  ]"),
        ("a%nb%d", [1234, 5], "ab5"),
        ("%y %", [], "%y %"),
        ("%#08x", [0xAB], "0x0000ab"),
    ],
)
def test_conversion_is_as_c_has_it(
    text: str, values: list[int | float | str], expected: str
) -> None:
    """C17, 7.21.6.1: flags, width, precision, length modifier, conversion specifier."""
    assert formatted(text, Given(values)) == expected


@given(
    flags=st.sets(st.sampled_from("-+ 0")).map(lambda flags: "".join(sorted(flags))),
    width=st.one_of(st.just(""), st.integers(1, 30).map(str)),
    precision=st.one_of(st.just(""), st.integers(0, 30).map(lambda digits: f".{digits}")),
    letter=st.sampled_from("dixXeEfgG"),
    number=st.integers(-(2**31), 2**31 - 1),
)
def test_numbers_are_as_python_has_them(
    flags: str, width: str, precision: str, letter: str, number: int
) -> None:
    """Python's `%` follows C but for what C has not: no sign for %x, no digits for a %.0d of 0."""
    if letter in "xX":
        number = abs(number)
        flags = flags.replace("+", "").replace(" ", "")
    if number == 0 and precision == ".0" and letter in "dixX":
        number = 1
    value: int | float = number if letter in "dixX" else number / 1024
    if precision and letter in "dixX":
        flags = flags.replace("0", "")  # ignored with a precision (7.21.6.1, paragraph 6)
    conversion = f"%{flags}{width}{precision}{letter}"
    assert formatted(conversion, Given([value])) == conversion % value


@given(st.text(st.characters(max_codepoint=255)), st.lists(st.integers(0, 2**64 - 1)))
def test_any_format_gives_a_bounded_text(text: str, values: list[int]) -> None:
    """Whatever the bytes are: no exception, and no more than the limit."""
    assert len(formatted(text, Given(values))) <= MAX_TEXT


@pytest.mark.parametrize("text", ["%999999999d", "%.999999999d", "%.999999999f", "%*d"])
def test_huge_field_is_cut(text: str) -> None:
    """A width of a gigabyte costs nothing."""
    assert len(formatted(text, Given([2**31 - 1, 1]))) <= MAX_FIELD


def test_many_fields_end_at_the_limit() -> None:
    """A format of many wide fields takes no more time than its limit needs."""
    start = time.process_time()
    assert len(formatted("%1000d" * 10_000, Given([]))) == MAX_TEXT
    assert time.process_time() - start < 5
