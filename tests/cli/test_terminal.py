# SPDX-License-Identifier: Apache-2.0
"""Colours, excerpts and progress: on terminals, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.commands import ROOT, process
from support.project import project

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")


def on_a_terminal(
    *words: str, folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Status and everything that a terminal gets from a command."""
    ours, theirs = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "TERM"}}
    process_ = subprocess.Popen(
        [sys.executable, "-m", "west_llext", *words],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm", **(environment or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return process_.wait(60), shown.decode("utf-8").replace("\r\n", "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with an error in line 13."""
    path = project(tmp_path)
    text = path.read_text(encoding="utf-8").replace("mode: bound", "mode: bond")
    path.write_text(text, encoding="utf-8")
    return tmp_path


def test_a_terminal_gets_colours_and_the_source_line(folder: Path) -> None:
    """The mark is below the value."""
    expected = (
        "\x1b[1mllext.yml:13:11:\x1b[0m \x1b[1;31merror[M015]:\x1b[0m 'mode' is 'bond', "
        "expected one of 'relocatable', 'bound', 'prelocated'\n"
        " 13 |     mode: bond\n"
        "    |           \x1b[32m^\x1b[0m\n"
        "\x1b[32mhint:\x1b[0m write 'bound'\n"
        "1 error\n"
    )
    assert on_a_terminal("check", folder=folder) == (1, expected)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_colours_can_be_refused(environment: dict[str, str], folder: Path) -> None:
    """https://no-color.org, and terminals that know none."""
    status, shown = on_a_terminal("check", folder=folder, environment=environment)
    assert status == 1
    assert "\x1b" not in shown


def test_an_empty_no_color_means_nothing(folder: Path) -> None:
    """As the convention has it."""
    assert "\x1b[" in on_a_terminal("check", folder=folder, environment={"NO_COLOR": ""})[1]


def test_a_pipe_gets_neither(folder: Path) -> None:
    """Whatever TERM says."""
    ran = process("check", folder=folder, environment={"TERM": "xterm"})
    assert "\x1b" not in ran.out + ran.err
    assert " | " not in ran.out


def test_json_on_a_terminal_has_no_colours(folder: Path) -> None:
    """It is for programs, also when somebody looks."""
    assert "\x1b" not in on_a_terminal("check", "--json", folder=folder)[1]
