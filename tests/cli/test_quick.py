# SPDX-License-Identifier: Apache-2.0
"""Builds with nothing to do are answered without argparse, and as with it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import command
from support.project import project

from west_llext.cli.arguments import parsed
from west_llext.cli.options import MANIFEST
from west_llext.cli.quick import answer, plain

SPELLINGS = [each for row in MANIFEST for each in row[0]]
VALUES = [
    "a",
    "b/c.yml",
    "3",
    "0",
    "2000",
    "-",
    "-x",
    "",
    "=",
    "=a",
    "x" * 300,
    "\0",
    "é",
    "\ud800",
]
WORDS = st.lists(
    st.sampled_from([*SPELLINGS, "-q", "-v", "--json", "--help", "--", "--man", "-oe"])
    | st.sampled_from(VALUES)
    | st.builds("{}={}".format, st.sampled_from(SPELLINGS), st.sampled_from(VALUES))
    | st.builds("{}{}".format, st.sampled_from(SPELLINGS), st.sampled_from(VALUES)),
    max_size=6,
)


@settings(max_examples=400, deadline=None)
@given(WORDS)
def test_what_is_understood_is_what_argparse_understands(words: list[str]) -> None:
    """And what argparse refuses, or nobody but argparse can answer, is left to it."""
    found = plain(words)
    with contextlib.suppress(SystemExit):
        told = vars(parsed(["build", *words]))
        if found is not None:
            for row in MANIFEST:
                mine, theirs = getattr(found, row[1]), told[row[1]]
                assert (None if mine is None else str(mine)) == (
                    None if theirs is None else str(theirs)
                ) or Path(str(mine)) == theirs
            assert (told["llext_format"], told["llext_verbosity"]) == (None, "normal")
        return
    assert found is None


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-m", "llext.yml"],
        ["--manifest=llext.yml", "-j4", "--output", "out"],
        ["-e", "demo", "-e", "demo", "--allow-outside"],
        ["-o", "elsewhere/out", "-j", "1"],
    ],
)
def test_the_answer_is_that_of_the_whole_command(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None while there is work; then what the command prints."""
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert answer(["build", *words], os.environ) is None
    assert command("build", *words, folder=tmp_path).status == 0
    assert answer(["build", *words], os.environ) == "1 extension: nothing to do\n"
    assert command("build", *words, "-v", folder=tmp_path).out == "1 extension: nothing to do\n"
    (tmp_path / "demo.o").write_bytes(b"")
    assert answer(["build", *words], os.environ) is None


def test_other_verbs_and_missing_manifests_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the words for it answers."""
    monkeypatch.chdir(tmp_path)
    for words in ([], ["check"], ["build"], ["build", "-m", "nothing.yml"], ["build", "-q"]):
        assert answer(words, {}) is None
