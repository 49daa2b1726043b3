# SPDX-License-Identifier: Apache-2.0
"""Annotations of GitHub Actions (workflow commands), whole and escaped."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePath

import pytest
from support.findings import ALL

from west_llext.cli.render.github import quoted, render
from west_llext.diagnostics import Diagnostic, Span


def test_each_finding_is_one_command() -> None:
    """`::error file=,line=,col=,title=::message`; warnings and notices likewise."""
    expected = (
        "::error file=llext.yml,line=12,col=11,title=M015::'mode' is 'bond', expected one of "
        "'relocatable', 'bound', 'prelocated'%0Ahint: write 'bound'\n"
        "::warning file=apps/llext.yml,line=3,title=M045::'place' has no effect: 'demo' is bound"
        "%0Aapps/llext.yml:9:5: note: 'demo' is declared here"
        "%0Ademo.o: note: it was made of this\n"
        "::notice file=llext.yml,title=T020::nothing was checked\n"
    )
    assert expected == render(ALL, here="", prefix="", fallback="llext.yml")


def test_files_are_relative_to_the_repository() -> None:
    """GitHub knows nothing of the folder that the command ran in."""
    finding = Diagnostic(code="M001", at=Span(PurePath("../b/llext.yml"), 1), message="x")
    shown = render([finding], here="", prefix="a/c", fallback="llext.yml")
    assert shown == "::error file=a/b/llext.yml,line=1,title=M001::x\n"


def test_absolute_files_become_relative(tmp_path: Path) -> None:
    """Where they are inside the folder."""
    finding = Diagnostic(code="M001", at=Span(tmp_path / "llext.yml"), message="x")
    shown = render([finding], here=str(tmp_path), prefix="", fallback="")
    assert shown == "::error file=llext.yml,title=M001::x\n"


def test_neither_a_file_nor_a_message_can_make_a_command_of_its_own() -> None:
    """Escapes as in actions/toolkit: %, CR and LF in data; `:` and `,` too in properties."""
    finding = Diagnostic(
        code="M001", at=Span(PurePath("a,b:c%0A\n::error::x")), message="100%\n::error::y\x1b[2J"
    )
    expected = (
        "::error file=a%2Cb%3Ac%250A%0A%3A%3Aerror%3A%3Ax,title=M001::100%25%0A::error::y\\x1b[2J\n"
    )
    assert expected == render([finding], here="", prefix="", fallback="")


@pytest.mark.parametrize(
    "text", ["::add-path::/tmp\n", "a\n  ::error::b", "x ##[set-env name=A;]b\n", "a\r::debug::b\n"]
)
def test_text_that_looks_like_a_command_is_shown_and_not_obeyed(text: str) -> None:
    """Commands start again at a line that nobody can have printed: it has the text's digest."""
    token = hashlib.sha256(text.encode()).hexdigest()
    shown = text if text.endswith("\n") else f"{text}\n"
    assert quoted(text) == f"::stop-commands::{token}\n{shown}::{token}::\n"


@pytest.mark.parametrize("text", ["", "a: b::c\n", "x = 1 (0x1)\n"])
def test_other_text_is_shown_as_it_is(text: str) -> None:
    """Most functions print no commands."""
    assert quoted(text) == text
