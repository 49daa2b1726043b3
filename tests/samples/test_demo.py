# SPDX-License-Identifier: Apache-2.0
"""What `make demo` runs, as a newcomer sees it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.commands import ROOT
from support.sample import FOLDER

pytest.importorskip("unicorn")
pytest.importorskip("ziglang")

pytestmark = pytest.mark.zig


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sample as a fresh clone has it."""
    folder = tmp_path / "quickstart"
    unwanted = shutil.ignore_patterns("build", "llext.lock", "__pycache__")
    shutil.copytree(FOLDER, folder, ignore=unwanted)
    return folder


def demo(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None
) -> tuple[int, list[str], str]:
    """Exit status, lines and standard error of the demo, started from elsewhere."""
    done = subprocess.run(
        [sys.executable, str(folder / "demo.py"), *words],
        cwd=folder.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def expected(name: str) -> list[str]:
    """What the sample says that an extension prints."""
    return (FOLDER / "expected" / f"{name}.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("path", ["as it is", "empty"])
def test_the_demo_fits_a_screen_and_ends_well(path: str, copy: Path) -> None:
    """With the zig of the Python package alone, and with a GCC beside it where there is one."""
    environment = {"PATH": ""} if path == "empty" else {}
    status, lines, err = demo(copy, environment=environment)
    assert (status, err) == (0, "")
    assert len(lines) <= 35
    assert max(map(len, lines)) <= 100
    commands = [line for line in lines if line.startswith("$ ")]
    assert commands == [
        "$ cd quickstart",
        "$ python -m west_llext exports",
        "$ python build_base.py --cc zig --exports build/llext --output build/base.elf",
        "$ python -m west_llext build",
        "$ python -m west_llext run mathlib:math_demo",
        "$ python -m west_llext run filters:filters_demo",
    ]
    for name in ("mathlib", "filters"):
        start = lines.index(expected(name)[0])
        assert lines[start : start + len(expected(name))] == expected(name)
    assert lines[-1] == "all of it as in expected/mathlib.txt and expected/filters.txt"


@pytest.mark.cross
def test_the_demo_uses_gcc_when_asked(copy: Path) -> None:
    """For the base image; a second run has nothing to do but to run."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc isn't installed")
    status, lines, err = demo(copy, "--cc", "gcc")
    assert (status, err) == (0, "")
    assert "$ python build_base.py --cc gcc --exports build/llext --output build/base.elf" in lines
    status, lines, err = demo(copy, "--cc", "gcc")
    assert (status, err) == (0, "")
    assert "4 extensions: nothing to do" in lines


def test_the_demo_says_when_something_is_printed_that_should_not_be(copy: Path) -> None:
    """And fails, so that a build server notices."""
    (copy / "expected" / "filters.txt").write_text("something else\n", encoding="utf-8")
    status, lines, _ = demo(copy)
    assert (status, lines[-1]) == (1, "not as in expected/filters.txt")


def test_the_demo_stops_at_the_first_command_that_fails(copy: Path) -> None:
    """With its message and exit status."""
    with (copy / "src" / "fir.c").open("a", encoding="utf-8") as file:
        file.write("int x = ;\n")
    status, lines, err = demo(copy)
    assert (status, lines[-1]) == (1, "$ python -m west_llext build")
    assert "src/fir.c:34:9: error[T010]: " in err
