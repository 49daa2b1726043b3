# SPDX-License-Identifier: Apache-2.0
"""What `make` does before anything else, where it has nothing to do and where it can't do it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ROOT

PROJECT = b"[project]\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing in it but the script, for a user without a program."""
    (tmp_path / "tools").mkdir()
    shutil.copyfile(ROOT / "tools" / "setup.py", tmp_path / "tools" / "setup.py")
    (tmp_path / "pyproject.toml").write_bytes(PROJECT)
    return tmp_path


def prepared(checkout: Path, *words: str, path: str = "") -> tuple[int, str, str]:
    """Exit status and streams of the script."""
    done = subprocess.run(
        [sys.executable, str(checkout / "tools" / "setup.py"), *words],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def installed(checkout: Path, *extras: str, project: bytes = PROJECT) -> None:
    """As if the environment had been made with these extras, for a project like that."""
    (checkout / ".venv").mkdir(exist_ok=True)
    stamp = checkout / ".venv" / f"stamp-{'-'.join(extras)}"
    stamp.write_text(hashlib.sha256(project).hexdigest(), encoding="utf-8")


def test_an_environment_with_more_than_is_wanted_will_do(checkout: Path) -> None:
    """`make demo` behind `make test`."""
    installed(checkout, "run", "zig", "dev")
    assert prepared(checkout, "run,zig") == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="needs a program that fails")
@pytest.mark.parametrize("project", [b"other\n", PROJECT])
def test_an_environment_of_another_project_or_with_less_is_updated(
    checkout: Path, project: bytes
) -> None:
    """By pip, which isn't there in this one."""
    installed(checkout, "run", project=project)
    wanted = "run" if project != PROJECT else "run,zig"
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(shutil.which("false") or "/bin/false")
    status, out, err = prepared(checkout, wanted)
    assert status == 1
    assert out == f"setup: installing the project and [{wanted}], which can take a minute or two\n"
    assert err == "setup: pip could not install the packages (see above)\n"


def test_what_npm_would_bring_is_named_in_one_line(checkout: Path) -> None:
    """Where there is no npm; nothing fails for that."""
    installed(checkout, "dev")
    expected = (
        "setup: tests that need yaml-language-server @microsoft/sarif-multitool will be skipped: "
        "install npm to run them\n"
    )
    assert prepared(checkout, "dev", "node") == (0, expected, "")


def test_what_the_distribution_would_bring_is_named_in_one_line(checkout: Path) -> None:
    """Where there is no apt-get, or it may not be used; nothing fails for that."""
    installed(checkout, "dev")
    status, out, err = prepared(checkout, "dev", "cross")
    assert (status, err) == (0, "")
    assert out.startswith("setup: tests that need ")
    assert out.endswith(" will be skipped: install these to run them\n")
    assert "gcc-arm-none-eabi" in out
    assert out.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="apt is Debian's")
def test_apt_is_asked_once_for_what_it_lacks(checkout: Path) -> None:
    """All at once, then each by itself; not again by the next `make`."""
    installed(checkout, "dev")
    programs = checkout / "programs"
    programs.mkdir()
    apt, log = programs / "apt-get", checkout / "log"
    apt.write_text(f'#!/bin/sh\necho "$*" >>{log}\ntest "$2" = update\n', encoding="utf-8")
    apt.chmod(0o755)
    sudo = programs / "sudo"
    sudo.write_text('#!/bin/sh\nshift\n"$@"\n', encoding="utf-8")
    sudo.chmod(0o755)
    (programs / "env").symlink_to(shutil.which("env") or "/usr/bin/env")
    script = checkout / "tools" / "setup.py"
    text = script.read_text(encoding="utf-8")
    start, end = text.index("CROSS = {"), text.index("}\n", text.index("CROSS = {"))
    own = 'CROSS = {"one": "/no/one", "two": "/no/two"'
    script.write_text(text[:start] + own + text[end:], encoding="utf-8")
    told = "setup: tests that need one two will be skipped: install these to run them\n"
    first = prepared(checkout, "dev", "cross", path=str(programs))
    assert first == (0, f"setup: apt-get install one two\n{told}", "")
    asked = log.read_text(encoding="utf-8").splitlines()
    install = "-qq install -y --no-install-recommends"
    assert asked == ["-qq update", f"{install} one two", f"{install} one", f"{install} two"]
    assert prepared(checkout, "dev", "cross", path=str(programs)) == (0, told, "")
