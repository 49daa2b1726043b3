# SPDX-License-Identifier: Apache-2.0
"""The extensions that a build directory of Zephyr has today: targets of add_llext_target().

CMake's name for a target's objects tells which sources it has (cmake/modules/extensions.cmake:
`NAME_llext_lib`); what is packaged from them is a file of the suffix `.llext`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from west_llext.base.compile_commands import split_command
from west_llext.record import record

_TARGET = re.compile(r"CMakeFiles/([^/]+)_llext_lib\.dir/")
#: Files and folders that are looked at.
_MAX_ENTRIES = 200_000
_SUFFIX = ".llext"


@record(frozen=True, slots=True, kw_only=True)
class LlextTarget:
    """An extension of a build.

    sources: absolute, in the order of the compilation database; empty where only a file was found
    packaged: the file that Zephyr made of it, or None where there is none yet
    """

    name: str
    sources: tuple[Path, ...] = ()
    packaged: Path | None = None


def llext_targets(folder: Path, database: bytes | None) -> tuple[LlextTarget, ...]:
    """The extensions of a build directory, by name; `database` is its compile_commands.json."""
    sources: dict[str, dict[Path, None]] = {}
    for name, source in _compiled(database):
        sources.setdefault(name, {})[source] = None
    packaged: dict[str, Path] = {}
    for path in _packaged(folder):
        packaged.setdefault(path.name[: -len(_SUFFIX)], path)
    return tuple(
        LlextTarget(name=name, sources=tuple(sources.get(name, ())), packaged=packaged.get(name))
        for name in sorted(sources.keys() | packaged.keys())
    )


def _compiled(database: bytes | None) -> Iterator[tuple[str, Path]]:
    for each in _entries(database):
        if not isinstance(each, dict):
            continue
        source, folder = each.get("file"), each.get("directory")
        words = each.get("arguments")
        if not isinstance(words, list):
            words = split_command(str(each.get("command", "")))
        match = next(filter(None, (_TARGET.search(str(word)) for word in reversed(words))), None)
        if match is not None and isinstance(source, str) and isinstance(folder, str):
            yield match[1], Path(os.path.normpath(os.path.join(folder, source)))  # noqa: PTH118


def _entries(database: bytes | None) -> list[Any]:
    try:
        found = json.loads(database or b"[]")
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _packaged(folder: Path) -> Iterator[Path]:
    # files of extensions, but for those of our own builds
    left = _MAX_ENTRIES
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        left -= len(folders) + len(files)
        if left < 0:
            return
        if "llext-build.json" in files:
            continue
        for each in sorted(files):
            if each.endswith(_SUFFIX) and each != _SUFFIX:
                yield Path(place, each)
