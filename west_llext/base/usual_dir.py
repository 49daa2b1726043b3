# SPDX-License-Identifier: Apache-2.0
"""The build directory that `west build` and `west flash` take where none is named.

As Zephyr's scripts/west_commands/build_helpers.py has it: what `build.dir-fmt` comes to, or else
the current folder, if it is a build directory. Read before every command, so little is imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import NamedTuple

#: What `build.dir-fmt` is where nobody set it.
DEFAULT_FORM = "build"
_CACHE = "CMakeCache.txt"
#: Entries of the cache by which a build directory of Zephyr is known; the second is that of 2.2.
_MARKS = re.compile(rb"^(?:ZEPHYR_BASE|ZEPHYR_TOOLCHAIN_VARIANT):", re.MULTILINE)
#: A cache has some tens of kilobytes.
_MAX_CACHE = 4 << 20
_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
#: Folders to go down where `{board}` stands for one that isn't known.
_MAX_GUESSES = 16


class Usual(NamedTuple):
    """West's settings of build directories.

    form: `build.dir-fmt`, with `{board}`, `{source_dir}` and `{app}` in it
    board: what stands for the first; None where nobody set one
    guess: whether a single folder may stand for what isn't known (`build.guess-dir`)
    """

    form: str = DEFAULT_FORM
    board: str | None = None
    guess: bool = False


def usual_dir(usual: Usual, *, here: str, source: str) -> str | None:
    """The build directory for an application, or None where there is none; absolute.

    here: the folder that the command runs in; source: that of the application; both absolute
    """
    formed = _formed(usual, here, source)
    if formed is not None and is_build_dir(formed):
        return formed
    return here if is_build_dir(here) else None


def is_build_dir(folder: str) -> bool:
    """Whether Zephyr's build has made this folder."""
    try:
        with open(os.path.join(folder, _CACHE), "rb") as file:  # noqa: PTH118, PTH123 (hot)
            return _MARKS.search(file.read(_MAX_CACHE)) is not None
    except (OSError, ValueError):
        return False


def _formed(usual: Usual, here: str, source: str) -> str | None:
    names = {"app": os.path.basename(source), "source_dir": _from(here, source)}  # noqa: PTH119
    if usual.board is not None:
        names["board"] = usual.board
    whole = _filled(usual.form, names)
    if whole is not None:
        return os.path.join(here, whole)  # noqa: PTH118
    if not usual.guess:
        return None
    place = here
    for part in PurePath(usual.form).parts:
        name = _filled(part, names)
        if name is None:
            return _only_one(place)
        place = os.path.join(place, name)  # noqa: PTH118
    return place


def _from(here: str, source: str) -> str:
    # empty where the application is above the current folder, or is it
    try:
        relative = os.path.relpath(source, here)
    except ValueError:  # another drive
        return ""
    above = relative == os.curdir or not set(PurePath(relative).parts) - {os.pardir}
    return "" if above else relative


def _filled(form: str, names: Mapping[str, str]) -> str | None:
    # None where it has a field that nothing stands for
    missing = False

    def text(match: re.Match[str]) -> str:
        nonlocal missing
        if match[1] is None:
            return match[0][0]
        missing = missing or match[1] not in names
        return names.get(match[1], "")

    filled = _FIELD.sub(text, form)
    return None if missing else filled


def _only_one(folder: str) -> str | None:
    # the build directory below a folder, as long as there is but one way down
    for _ in range(_MAX_GUESSES):
        try:
            inner = [each.path for each in os.scandir(folder) if each.is_dir()]
        except OSError:
            return None
        if len(inner) != 1:
            return None
        folder = inner[0]
        if is_build_dir(folder):
            return folder
    return None
