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


def prepared(checkout: Path, *words: str) -> tuple[int, str, str]:
    """Exit status and streams of the script."""
    done = subprocess.run(
        [sys.executable, str(checkout / "tools" / "setup.py"), *words],
        env={**os.environ, "PATH": ""},
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
