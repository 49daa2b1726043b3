# SPDX-License-Identifier: Apache-2.0
"""Kconfig conditions, asked by the C preprocessor."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import compilers

from west_llext.diagnostics import LlextError, Span
from west_llext.emit.guards import preprocessor_guard
from west_llext.manifest.kconfig import ExpressionError, holds, parse
from west_llext.model.manifest import Condition

AT = Span(PurePath("llext.yml"), 7, 13)


def guard(text: str) -> str:
    return preprocessor_guard(Condition(text=text, at=AT))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CONFIG_A", "(defined(CONFIG_A) || defined(CONFIG_A_MODULE))"),
        ("!CONFIG_A", "!defined(CONFIG_A)"),
        ("!!CONFIG_A", "(defined(CONFIG_A) || defined(CONFIG_A_MODULE))"),
        ("CONFIG_A=y", "defined(CONFIG_A)"),
        ("CONFIG_A = n", "!(defined(CONFIG_A) || defined(CONFIG_A_MODULE))"),
        ("CONFIG_A != n", "(defined(CONFIG_A) || defined(CONFIG_A_MODULE))"),
        ("y != CONFIG_A", "!defined(CONFIG_A)"),
        (
            "m < CONFIG_A",
            "((defined(CONFIG_A) ? 2 : defined(CONFIG_A_MODULE) ? 1 : 0) > 1)",
        ),
        ("CONFIG_N > 010", "(defined(CONFIG_N) && CONFIG_N > 10)"),
        ("0x10 >= CONFIG_N", "(defined(CONFIG_N) && CONFIG_N <= 16)"),
        ("CONFIG_N != -5", "(!defined(CONFIG_N) || CONFIG_N != -5)"),
        ("y", "1"),
        ("!m", "!0"),
        ("n || 7", "0 || 0"),
        (
            "!(CONFIG_A=y && CONFIG_B=y || CONFIG_C=y)",
            "!((defined(CONFIG_A) && defined(CONFIG_B)) || defined(CONFIG_C))",
        ),
    ],
)
def test_an_expression_is_asked_with_defined(text: str, expected: str) -> None:
    """kconfig-language.rst, "Menu dependencies"; autoconf.h has CONFIG_X or CONFIG_X_MODULE."""
    assert expected == guard(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('CONFIG_S = "x"', "in C, a setting can be compared with a number, y, m or n only"),
        ("CONFIG_A = CONFIG_B", "in C, a setting can be compared with a number, y, m or n only"),
        ("1 = 1", "in C, a setting can be compared with a number, y, m or n only"),
        (
            "CONFIG_N < 9223372036854775808",
            "'9223372036854775808' doesn't fit in the 64 bits that the C preprocessor has",
        ),
        ("", "it isn't a Kconfig expression"),
        ("CONFIG_A &&", "it isn't a Kconfig expression"),
        ("(CONFIG_A", "it isn't a Kconfig expression"),
        ("CONFIG_A)", "it isn't a Kconfig expression"),
        ("CONFIG_A CONFIG_B", "it isn't a Kconfig expression"),
        ("SENSOR", "it isn't a Kconfig expression"),
        ("CONFIG_A\n#error injected", "it isn't a Kconfig expression"),
        ("CONFIG_A */ x", "it isn't a Kconfig expression"),
        ("CONFIG_Ä", "it isn't a Kconfig expression"),
        ("(" * 51 + "y" + ")" * 51, "it is nested too deeply"),
    ],
)
def test_what_the_preprocessor_cannot_tell_is_refused(text: str, reason: str) -> None:
    """The whole text; also for what no manifest lets through."""
    with pytest.raises(LlextError) as caught:
        guard(text)
    shown = text[:60].replace("\n", "?")
    expected = (
        f"llext.yml:7:13: error[O005]: '{shown}' can't be asked in C: {reason}\n"
        "hint: use a setting that depends on it, such as CONFIG_X"
    )
    assert expected == str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=40) | st.text("CONFIG_AB=!<>&|()ynm019x \"'", max_size=40))
def test_no_text_gets_through_but_what_a_condition_consists_of(text: str) -> None:
    """Whatever is let through is one line of names, numbers and operators."""
    try:
        found = guard(text)
    except LlextError:
        return
    parse(text)  # what we take, the manifest takes
    assert set(found) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789 -?:()<>=!&|"
    )


TRISTATES = ["CONFIG_A", "CONFIG_B", "CONFIG_C"]
NUMBERS = ["CONFIG_N", "CONFIG_H"]
COMPARISONS = ["=", "!=", "<", "<=", ">", ">="]


def expressions() -> st.SearchStrategy[str]:
    how = st.sampled_from(COMPARISONS)
    atoms = st.one_of(
        st.sampled_from([*TRISTATES, "y", "m", "n"]),
        st.tuples(st.sampled_from(TRISTATES), how, st.sampled_from("ymn")).map(" ".join),
        st.tuples(st.sampled_from("ymn"), how, st.sampled_from(TRISTATES)).map(" ".join),
        st.tuples(st.sampled_from(NUMBERS), how, st.sampled_from(["3", "010", "0x8", "-1"])).map(
            " ".join
        ),
        st.tuples(st.sampled_from(["8", "0x3"]), how, st.sampled_from(NUMBERS)).map(" ".join),
    )
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(" ".join),
            inner.map("({})".format),
            inner.map("!({})".format),
            inner.map("!{}".format),
        ),
        max_leaves=8,
    )


CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from("ymn") for name in TRISTATES},
        **{name: st.sampled_from(["3", "8", "0x8", "-1", "0"]) for name in NUMBERS},
    },
)


def autoconf(config: dict[str, str]) -> list[str]:
    """Definitions as Kconfig writes them into autoconf.h."""
    lines = []
    for name, value in config.items():
        match value:
            case "n":
                pass
            case "m":
                lines.append(f"#define {name}_MODULE 1")
            case "y":
                lines.append(f"#define {name} 1")
            case _:
                lines.append(f"#define {name} {value}")
    return lines


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(expressions(), min_size=20, max_size=40), CONFIGS)
def test_the_preprocessor_answers_as_kconfig_does(
    tmp_path: Path, texts: list[str], config: dict[str, str]
) -> None:
    """Some 1,000 expressions by gcc, against the evaluation that `check` uses."""
    lines = autoconf(config)
    for number, text in enumerate(texts):
        lines += [f"#if {guard(text)}", f"{number}", "#endif"]
    (tmp_path / "x.h").write_text("\n".join(lines) + "\n")
    printed = compilers.run(tmp_path, [*compilers.gcc(), "-E", "-P", "-Wall", "-Wundef", "x.h"])
    expected = [n for n, text in enumerate(texts) if holds(Condition(text=text), config)]
    assert expected == [int(word) for word in printed.split()]


@settings(deadline=None)
@given(expressions())
def test_what_the_manifest_takes_is_taken(text: str) -> None:
    """Both readers agree on the grammar."""
    try:
        parse(text)
    except ExpressionError:
        with pytest.raises(LlextError):
            guard(text)
    else:
        guard(text)
