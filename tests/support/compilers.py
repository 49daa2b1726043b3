# SPDX-License-Identifier: Apache-2.0
"""C compilers of this machine, for tests that compile what we generate."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

#: Everything that gcc warns of on request and that says something of declarations and tables.
GCC_WARNINGS = (
    *("-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wstrict-prototypes", "-Wredundant-decls"),
    *("-Wmissing-prototypes", "-Wmissing-declarations", "-Wundef", "-Wshadow", "-Wcast-align"),
    *("-Wcast-qual", "-Wconversion", "-Wsign-conversion", "-Wold-style-definition"),
    *("-Wnested-externs", "-Wc++-compat", "-Wwrite-strings", "-Wlogical-op"),
)
ARM_M3 = ("-mcpu=cortex-m3", "-mthumb")


def gcc() -> list[str]:
    """The compiler for this machine; skips the test where there is none."""
    return _found("gcc")


def arm_gcc() -> list[str]:
    """The compiler for bare Arm; skips the test where there is none."""
    return _found("arm-none-eabi-gcc")


def zig(*words: str) -> list[str]:
    """`zig cc`, `zig c++` and so on: clang; skips the test where the package is missing."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang isn't installed")
    return [sys.executable, "-m", "ziglang", *words]


def run(folder: Path, command: Sequence[str | Path]) -> str:
    """What a command that has to succeed prints; what it complains of is shown by the test."""
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or done.stderr:
        pytest.fail(f"{command} ended with {done.returncode}:\n{done.stderr[:4000]}")
    return done.stdout


def _found(name: str) -> list[str]:
    if shutil.which(name) is None:
        pytest.skip(f"{name} isn't installed")
    return [name]
