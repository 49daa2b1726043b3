# SPDX-License-Identifier: Apache-2.0
"""Whether a build has anything to do: what it read and wrote the last time, by content.

Kept in the output folder. Contents are compared, not times, so the record is the same on every
machine and a touched file costs nothing. Only the standard library is used here, because a build
that has nothing to do should end at once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from west_llext import __version__

#: Where the record is, relative to the output folder.
STATE_FILE = ".west-llext/state.json"
_SCHEMA = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a build read and wrote.

    key: digest of everything that isn't a file: version, options, manifest's name
    count: extensions
    plan: digest of the commands that made objects; the toolchain then knows whether those, or
        what they read, changed. Empty where all objects are prebuilt
    inputs: path relative to the manifest's folder, to the SHA-256 of the content
    outputs: path relative to the output folder, likewise
    """

    key: str
    count: int
    plan: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def key(parts: Iterable[str]) -> str:
    """A digest of what a build was asked for, the version of this tool included."""
    text = json.dumps([__version__, *parts])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def root_of(manifest: Path) -> str:
    """The folder that the record's inputs are relative to, without symbolic links.

    A path with `..` in it means another place behind a link than it says.
    """
    return os.path.realpath(os.path.dirname(manifest))  # noqa: PTH120 (as pathlib would cost more)


def unchanged(output: Path, root: str, wanted: str) -> State | None:
    """The last build's state where nothing has changed since; None where there is work."""
    try:
        data = json.loads(_content(os.path.join(output, STATE_FILE)))  # noqa: PTH118 (hot)
        state = State(
            key=data["key"],
            count=data["count"],
            plan=data["plan"],
            inputs=data["inputs"],
            outputs=data["outputs"],
        )
        if data["schema"] != _SCHEMA or state.key != wanted:
            return None
        same = _same(root, state.inputs) and _same(os.fspath(output), state.outputs)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return state if same else None


def text(state: State) -> str:
    """The record as a file."""
    record = {
        "schema": _SCHEMA,
        "key": state.key,
        "count": state.count,
        "plan": state.plan,
        "inputs": dict(sorted(state.inputs.items())),
        "outputs": dict(sorted(state.outputs.items())),
    }
    return json.dumps(record, indent=0) + "\n"


def digest(content: bytes) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def relative(path: Path, root: str) -> str:
    """An input as the record spells it; absolute only where there is no way to it from `root`."""
    real = os.path.realpath(path)
    try:
        return os.path.relpath(real, root).replace(os.sep, "/")
    except ValueError:  # another drive
        return real


def _same(folder: str, digests: Mapping[str, str]) -> bool:
    start = folder + os.sep
    return all(
        digest(_content(path if os.path.isabs(path) else start + path)) == known  # noqa: PTH117
        for path, known in digests.items()
    )


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (thousands of them)
        return file.read()
