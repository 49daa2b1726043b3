# SPDX-License-Identifier: Apache-2.0
"""Contents that are on the disk before it is known whether they may be put in their places.

Whoever links an extension writes its files there, so that they needn't be handed on: workers do it
side by side, and no process ever holds the files of all extensions.
"""

# pathlib costs more than the system calls themselves, as in `files`
# ruff: noqa: PTH103, PTH208

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from west_llext.emit import files
from west_llext.emit.links import refuse_links
from west_llext.emit.names import STATE_FOLDER, same_file_key

_FOLDER = f"{STATE_FOLDER}/linked"


class Ready(NamedTuple):
    """A content that is on the disk.

    digest: SHA-256, hexadecimal
    aside: the file that has it and waits to be renamed; None where the place itself has it already
    """

    digest: str
    aside: str | None


class Aside:
    """The folder for such contents in an output folder; of one build at a time."""

    def __init__(self, output: Path) -> None:
        self._output = os.fspath(output)
        self._folder = f"{self._output}/{_FOLDER}"
        self._count = 0
        self._known: frozenset[str] | None = None

    def clear(self) -> None:
        """Remove what nobody has put in its place. Raises MissingError (O001)."""
        try:
            with os.scandir(self._folder) as entries:
                names = [each.name for each in entries]
            for name in names:
                files.remove(f"{self._folder}/{name}")
        except OSError as err:
            raise files.unwritable(self._folder, err) from err

    def ready(self, path: str, content: str | bytes) -> Ready:
        """Put the content of an output on the disk; `path` is relative to the output folder.

        Raises MissingError (O001).
        """
        data = files.encoded(content)
        digest = hashlib.sha256(data).hexdigest()
        if self._may_be_there(path) and files.holds(f"{self._output}/{path}", data):
            return Ready(digest, None)
        # several processes write here, each under its own number
        self._count += 1
        aside = f"{self._folder}/{os.getpid()}-{self._count}"
        try:
            files.create(aside, data)
        except OSError as err:
            raise files.unwritable(f"{self._output}/{path}", err) from err
        return Ready(digest, aside)

    def _may_be_there(self, path: str) -> bool:
        # One look at the folder saves one at each file of a first build. What comes there later is
        # replaced, whatever it has in it.
        if "/" in path:
            return True
        if self._known is None:
            with suppress(OSError):
                self._known = frozenset(map(same_file_key, os.listdir(self._output)))
        return self._known is None or same_file_key(path) in self._known


@contextmanager
def aside(output: Path) -> Iterator[Aside]:
    """An empty folder for contents, in which nothing stays behind.

    Raises MissingError (O001), and LlextError (O002) where a link leads out of the output folder.
    """
    refuse_links(output, [STATE_FOLDER, _FOLDER])
    made = Aside(output)
    try:
        os.makedirs(output / _FOLDER, exist_ok=True)
    except OSError as err:
        raise files.unwritable(output / _FOLDER, err) from err
    made.clear()  # a build before this one was stopped
    try:
        yield made
    finally:
        made.clear()
