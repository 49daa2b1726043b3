# SPDX-License-Identifier: Apache-2.0
"""What can be fuzzed: one file in `targets/` each, found by being there."""

from __future__ import annotations

import pkgutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from typing import TypeVar

from west_llext.diagnostics import LlextError

Found = TypeVar("Found")

_HERE = Path(__file__).resolve().parent
#: The project.
ROOT = _HERE.parent.parent
#: Inputs that were bugs once, a folder for each target.
REGRESSIONS = _HERE / "regressions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something of ours that reads what strangers wrote.

    A new one is a new file in `targets/` that has a `TARGET`; nothing has to be registered.

    name: that of its file
    seeds: good inputs by name, to begin with; called once
    run: takes one input and tells whether it was read (True) or refused (False); it looks at what
        was read as a user would. Whatever it raises is a bug, an AssertionError of its own too.
    mutate: another input made of one, by the dice that it is given
    longest: most bytes of an input
    shown: what an input stands for, for people; empty where the bytes say it themselves
    """

    name: str
    seeds: Callable[[], Mapping[str, bytes]]
    run: Callable[[bytes], bool]
    mutate: Callable[[bytes, Random], bytes]
    longest: int = 1 << 15
    shown: Callable[[bytes], str] = lambda _: ""

    def corpus(self) -> dict[str, bytes]:
        """Everything to begin with, by name: the seeds, and what was a bug once."""
        return {**self.seeds(), **regressions(self.name)}


def attempt(read: Callable[[], Found], codes: Collection[str] = ()) -> Found | None:
    """What is read, or None where it is refused with findings that can be shown.

    codes: those that the findings may have; empty for any
    """
    try:
        return read()
    except LlextError as err:
        found = err.diagnostics
    assert found
    assert all(str(each) for each in found)
    assert not codes or all(each.code in codes for each in found), found
    return None


def names() -> list[str]:
    """Names of all targets, sorted."""
    return sorted(each.name for each in pkgutil.iter_modules([str(_HERE / "targets")]))


def target(name: str) -> Target:
    """The target of that name."""
    found: Target = import_module(f"tests.fuzz.targets.{name}").TARGET
    assert found.name == name
    return found


def regressions(name: str) -> dict[str, bytes]:
    """Inputs of a target that were bugs once, by file name; git has them."""
    folder = REGRESSIONS / name
    if not folder.is_dir():
        return {}
    return {each.name: each.read_bytes() for each in sorted(folder.iterdir()) if each.is_file()}


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="west-llext-fuzz-")


def scratch(name: str) -> Path:
    """A folder of this process for the files of a target; it goes when the process ends."""
    folder = Path(_scratch().name) / name
    folder.mkdir(exist_ok=True)
    return folder
