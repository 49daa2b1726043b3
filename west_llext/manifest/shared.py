# SPDX-License-Identifier: Apache-2.0
"""Files with names of symbols that several manifests share (`from`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from west_llext.diagnostics import MissingError, Span
from west_llext.manifest.log import Log
from west_llext.manifest.nodes import MAX_NODES, span
from west_llext.manifest.schema import EXPORTS, shape
from west_llext.manifest.shapes import Value
from west_llext.manifest.source import content, digest, tree
from west_llext.model.manifest import FileRef, Name


def names(values: Sequence[Value], file: PurePath) -> tuple[Name, ...]:
    """The names in a list."""
    return tuple([Name(each.data, span(file, each.at)) for each in values])


class SharedLists:
    """Reads each file once.

    digests: SHA-256 of the files that could be read, in the order of their first use
    """

    def __init__(self, log: Log) -> None:
        self.digests: dict[Path, str] = {}
        self._log = log
        self._lists: dict[Path, tuple[Name, ...]] = {}
        self._left = MAX_NODES

    def names(self, ref: FileRef) -> tuple[Name, ...]:
        """The names in a file, none where it is wrong."""
        found = self._lists.get(ref.path)
        if found is None:
            found = self._lists[ref.path] = self._read(ref)
        # A file can be used as often as it likes; what comes of it is bounded.
        self._left -= len(found)
        if self._left >= 0:
            return found
        self._log.add("M003", ref.at, f"shared lists add up to more than {MAX_NODES} names")
        return ()

    def _read(self, ref: FileRef) -> tuple[Name, ...]:
        file = self._log.file.parent / ref.text
        try:
            data = content(ref.path, Span(file))
        except MissingError as err:
            self._log.add("M034", ref.at, err.diagnostics[0].message)
            return ()
        self.digests[ref.path] = digest(data)
        node, findings = tree(data, file)
        self._log.extend(findings)
        value = shape(EXPORTS).read(node, "", Log(file, self._log.findings)) if node else None
        if value is not None and isinstance(value.data, dict):
            value = value.data.get("symbols")
        return names(value.data, file) if value is not None else ()
