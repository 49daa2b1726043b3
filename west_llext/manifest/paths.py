# SPDX-License-Identifier: Apache-2.0
"""Paths in a manifest: relative to it, with either slash, and inside the workspace."""

from __future__ import annotations

import re
from pathlib import Path

from west_llext.manifest.log import Log
from west_llext.manifest.nodes import span
from west_llext.manifest.shapes import Value
from west_llext.manifest.source import levels_below_workspace
from west_llext.manifest.text import shown
from west_llext.model.manifest import FileRef

_DRIVE = re.compile(r"[A-Za-z]:")


class Paths:
    """Makes references to files.

    folder: the manifest's, as the command line names it
    log: where a path that leaves the workspace is taken down
    allow_outside: whether it may
    """

    def __init__(self, folder: Path, log: Log, *, allow_outside: bool) -> None:
        self._folder = folder
        self._log = log
        self._allow_outside = allow_outside
        self._levels: int | None = None
        # most extensions name the same folders
        self._known: dict[str, tuple[str, Path, str]] = {}

    def ref(self, value: Value) -> FileRef:
        """The file that a value names."""
        known = self._known.get(value.data)
        if known is None:
            known = self._known[value.data] = self._resolved(value.data)
        text, path, wrong = known
        at = span(self._log.file, value.at)
        if wrong:
            hint = "use '--allow-outside' if that is meant"
            self._log.add("M050", at, f"path '{shown(value.data)}' {wrong}", hint)
        return FileRef(text=text, path=path, at=at)

    def refs(self, value: Value | None) -> tuple[FileRef, ...]:
        """The files that a list names."""
        return tuple([self.ref(each) for each in value.data]) if value is not None else ()

    def optional(self, value: Value | None) -> FileRef | None:
        """The file that a value names, or None for no value."""
        return self.ref(value) if value is not None else None

    def _resolved(self, written: str) -> tuple[str, Path, str]:
        text = written.replace("\\", "/")
        return text, self._folder / text, "" if self._allow_outside else self._wrong(text)

    def _wrong(self, text: str) -> str:
        if text.startswith(("/", "~/")) or _DRIVE.match(text):
            return "is absolute, expected one relative to the manifest"
        if ".." in text and _climb(text) > self._levels_above():
            return "leaves the workspace"
        return ""

    def _levels_above(self) -> int:
        if self._levels is None:
            self._levels = levels_below_workspace(self._folder)
        return self._levels


def _climb(text: str) -> int:
    # how many folders above its start a path gets
    depth = highest = 0
    for part in text.split("/"):
        if part == "..":
            depth += 1
            highest = max(highest, depth)
        elif part not in ("", "."):
            depth -= 1
    return highest
