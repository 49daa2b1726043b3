# SPDX-License-Identifier: Apache-2.0
"""Kconfig expressions, against tables made by hand from the description of the language.

That is Linux, Documentation/kbuild/kconfig-language.rst, "Menu dependencies": the operators in
decreasing order of precedence, and what each returns.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from west_llext.manifest.kconfig import (
    MAX_DEPTH,
    MAX_LENGTH,
    Comparison,
    Constant,
    ExpressionError,
    Join,
    Not,
    Setting,
    holds,
    parse,
    settings,
)
from west_llext.model.manifest import Condition

# value of A, value of B, then: A && B, A || B, !A, A = B, A != B, A < B (rows (2) to (9) there)
# fmt: off
TABLE = [
    ("n", "n",  "n", "n", "y",  "y", "n", "n"),
    ("n", "m",  "n", "m", "y",  "n", "y", "y"),
    ("n", "y",  "n", "y", "y",  "n", "y", "y"),
    ("m", "n",  "n", "m", "m",  "n", "y", "n"),
    ("m", "m",  "m", "m", "m",  "y", "n", "n"),
    ("m", "y",  "m", "y", "m",  "n", "y", "y"),
    ("y", "n",  "n", "y", "n",  "n", "y", "n"),
    ("y", "m",  "m", "y", "n",  "n", "y", "n"),
    ("y", "y",  "y", "y", "n",  "y", "n", "n"),
]
# fmt: on
FORMS = ["A && B", "A || B", "!A", "A = B", "A != B", "A < B"]
CONFIG = {
    "CONFIG_Y": "y",
    "CONFIG_M": "m",
    "CONFIG_N": "n",
    "CONFIG_SIZE": "64",
    "CONFIG_ADDRESS": "0x40",
    "CONFIG_NEGATIVE": "-5",
    "CONFIG_ARCH": "arm",
    "CONFIG_EMPTY": "",
}


def is_true(text: str) -> bool:
    """Whether an expression holds for CONFIG."""
    return holds(Condition(text=text), CONFIG)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0] + row[1])
def test_operators_return_what_the_language_says(row: tuple[str, ...]) -> None:
    """The smaller, the greater, 2 minus; a comparison is n or y. n is all that doesn't hold."""
    config = {"CONFIG_A": row[0], "CONFIG_B": row[1]}
    for form, value in zip(FORMS, row[2:], strict=True):
        text = form.replace("A", "CONFIG_A").replace("B", "CONFIG_B")
        for least in ("m", "y"):
            # `(x) = y` is no expression there, so ask through the operators: x && m is n for n only
            probe = text if least == "m" else f"!({text}) && !(!({text}))"
            expected = value != "n" if least == "m" else value == "m"
            assert expected == holds(Condition(text=probe), config), (form, value, least)


A, B, C = Setting("CONFIG_A"), Setting("CONFIG_B"), Setting("CONFIG_C")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("CONFIG_A || CONFIG_B && CONFIG_C", Join("||", (A, Join("&&", (B, C))))),
        ("CONFIG_A && CONFIG_B || CONFIG_C", Join("||", (Join("&&", (A, B)), C))),
        ("(CONFIG_A || CONFIG_B) && CONFIG_C", Join("&&", (Join("||", (A, B)), C))),
        ("!CONFIG_A && CONFIG_B", Join("&&", (Not(A), B))),
        ("!(CONFIG_A && CONFIG_B)", Not(Join("&&", (A, B)))),
    ],
)
def test_precedence_is_not_and_or(text: str, tree: object) -> None:
    """Listed there in decreasing order: comparisons, parentheses, `!`, `&&`, `||`."""
    assert parse(text) == tree


def test_comparison_binds_more_tightly_than_not() -> None:
    """`!A = B` is `!(A = B)`; read the other way round it would be n here."""
    config = {"CONFIG_A": "y", "CONFIG_B": "m"}
    assert isinstance(parse("!CONFIG_A = CONFIG_B"), Not)
    assert holds(Condition(text="!CONFIG_A = CONFIG_B"), config)
    assert not holds(Condition(text="!CONFIG_A = CONFIG_A"), config)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CONFIG_Y", True),
        ("CONFIG_M", True),
        ("CONFIG_N", False),
        ("CONFIG_UNHEARD_OF", False),
        ("!CONFIG_UNHEARD_OF", True),
        ("y", True),
        ("n", False),
        ("CONFIG_SIZE", False),  # "All other symbol types simply result in 'n'"
        ("CONFIG_ARCH", False),
        ("CONFIG_SIZE = 64", True),
        ("CONFIG_SIZE = 0x40", True),
        ("CONFIG_SIZE = CONFIG_ADDRESS", True),
        ("CONFIG_SIZE > 9", True),  # as text, 64 comes before 9
        ("CONFIG_SIZE >= 64 && CONFIG_SIZE <= 64", True),
        ("CONFIG_SIZE < 64", False),
        ("CONFIG_NEGATIVE < 0", True),
        ("CONFIG_ADDRESS > 0x3f", True),
        ('CONFIG_ARCH = "arm"', True),
        ("CONFIG_ARCH = 'arm'", True),
        ('CONFIG_ARCH != "riscv"', True),
        ('CONFIG_ARCH < "riscv"', True),
        ("CONFIG_Y = y", True),
        ("CONFIG_M >= m", True),
        ("CONFIG_N >= m", False),
        ("CONFIG_UNHEARD_OF = n", True),
        ("CONFIG_UNHEARD_OF < m", True),
        ('CONFIG_UNHEARD_OF = ""', True),
        ('CONFIG_EMPTY != ""', False),
        ('CONFIG_ARCH != ""', True),
        ("CONFIG_UNHEARD_OF > 5", False),
        ("CONFIG_UNHEARD_OF < 5", False),
        ("CONFIG_UNHEARD_OF != 5", True),
        ("  CONFIG_Y&&!CONFIG_N  ", True),
        ("!!CONFIG_Y", True),
        ("!!!CONFIG_Y", False),
    ],
)
def test_condition_holds(text: str, *, expected: bool) -> None:
    """Numbers are compared as numbers, y, m and n by their order, the rest as text."""
    assert is_true(text) is expected


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("", 0, "the expression ends here, expected a symbol such as CONFIG_X", None),
        ("CONFIG_A &&", 11, "the expression ends here, expected a symbol such as CONFIG_X", None),
        ("&& CONFIG_A", 0, "unexpected '&&', expected a symbol such as CONFIG_X", None),
        ("CONFIG_A | CONFIG_B", 9, "unexpected '|'", None),
        ("(CONFIG_A", 9, "the expression ends here, expected ')'", None),
        ("CONFIG_A)", 8, "unexpected ')', expected '&&', '||' or the end", None),
        ("CONFIG_A = = y", 11, "unexpected '=', expected a symbol such as CONFIG_X", None),
        ("CONFIG_A == y", 10, "unexpected '=', expected a symbol such as CONFIG_X", None),
        ("A && CONFIG_B", 0, "'A' is no Kconfig symbol", "write 'CONFIG_A'"),
        ("CONFIG_A && CONFIG_", 12, "'CONFIG_' is no Kconfig symbol", "write 'CONFIG_CONFIG_'"),
        ('CONFIG_A = "arm', 11, "the quote isn't closed", None),
        ("CONFIG_A = 12ab", 11, "unexpected '1'", None),
        ("defined(CONFIG_A)", 0, "'defined' is no Kconfig symbol", "write 'CONFIG_defined'"),
        ("CONFIG_A \x07", 9, "unexpected '\\x07'", None),
    ],
)
def test_mistake_is_pointed_at(text: str, column: int, message: str, hint: str | None) -> None:
    """Column counts characters before the place."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.column, caught.value.message, caught.value.hint) == (
        column,
        message,
        hint,
    )


def test_nesting_and_length_are_bounded() -> None:
    """At the limits it works, one step past it is refused."""
    nested = "(" * MAX_DEPTH + "CONFIG_Y" + ")" * MAX_DEPTH
    assert is_true(nested)
    with pytest.raises(ExpressionError, match="nested deeper than 50 parentheses"):
        parse(f"({nested})")
    long = "CONFIG_Y".ljust(MAX_LENGTH)
    assert is_true(long)
    with pytest.raises(ExpressionError, match="longer than 1000 characters"):
        parse(long + " ")


def test_many_negations_cost_nothing() -> None:
    """A thousand of them neither recurse nor add up."""
    assert parse("!" * 900 + "CONFIG_Y") == Setting("CONFIG_Y")
    start = time.process_time()
    with pytest.raises(ExpressionError):
        parse("(" * 999)
    assert time.process_time() - start < 0.1


def test_symbols_of_an_expression_can_be_listed() -> None:
    """For reports of what a group depends on."""
    text = "CONFIG_A && (CONFIG_B > 5 || !CONFIG_C) && y"
    assert settings(parse(text)) == {"CONFIG_A", "CONFIG_B", "CONFIG_C"}
    assert parse("CONFIG_B > 5") == Comparison(parse("CONFIG_B > 5").how, B, Constant("5"))


@given(st.text(alphabet="CONFIG_XYnmy&|!=<>() '\"\\0x19\n\t", max_size=40))
def test_any_text_is_an_expression_or_a_mistake_inside_of_it(text: str) -> None:
    """Nothing else is raised, and the column is in the text or right behind it."""
    try:
        expression = parse(text)
    except ExpressionError as err:
        assert 0 <= err.column <= len(text)  # noqa: PT017  both ends are fine
    else:
        assert settings(expression) <= {each for each in settings(expression) if each in text}
        holds(Condition(text=text), CONFIG)
