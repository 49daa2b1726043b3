# SPDX-License-Identifier: Apache-2.0
"""Whether a build has anything to do: what it read and wrote the last time, by content.

Kept in the output folder. Contents are compared, not times, so the record is the same on every
machine and a touched file costs nothing. Only the standard library is used here, because a build
that has nothing to do should end at once.
"""

from __future__ import annotations

import hashlib
import os

from west_llext import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:  # the modules would be more imports
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: Where the record is, relative to the output folder.
STATE_FILE = ".west-llext/state.txt"
_HEAD = "west-llext state 3"


class State:
    """What a build read and wrote; a plain class, because dataclasses take long to import.

    key: digest of everything that isn't a file: version, options, manifest's name
    count: extensions
    plan: digest of the commands that made objects; the toolchain then knows whether those, or
        what they read, changed. Empty where all objects are prebuilt
    inputs: path relative to the manifest's folder, to the SHA-256 of the content
    outputs: path relative to the output folder, likewise
    """

    __slots__ = ("count", "inputs", "key", "outputs", "plan")

    def __init__(
        self,
        *,
        key: str,
        count: int,
        plan: str,
        inputs: Mapping[str, str],
        outputs: Mapping[str, str],
    ) -> None:
        self.key = key
        self.count = count
        self.plan = plan
        self.inputs = inputs
        self.outputs = outputs


def key(parts: Iterable[str]) -> str:
    """A digest of what a build was asked for, the version of this tool included."""
    text = "\0".join([__version__, *parts])  # no path and no name has that character
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def root_of(manifest: str) -> str:
    """The folder that the record's inputs are relative to, without symbolic links.

    A path with `..` in it means another place behind a link than it says.
    """
    return os.path.realpath(os.path.dirname(manifest))  # noqa: PTH120 (pathlib isn't imported)


def unchanged(output: str, root: str, wanted: str) -> State | None:
    """The last build's state where nothing has changed since; None where there is work."""
    try:
        state = recorded(output)
        same = state.key == wanted and _same(root, state.inputs) and _same(output, state.outputs)
    except (OSError, ValueError):
        return None
    return state if same else None


def recorded(output: str) -> State:
    """The last build's state; raises OSError or ValueError where there is no record of one."""
    content = _content(os.path.join(output, STATE_FILE))  # noqa: PTH118 (likewise)
    return _parsed(content.decode("utf-8", "surrogateescape"))


def text(state: State) -> str:
    """The record as a file; empty, which is as good as none, where a path would break its lines."""
    if any("\n" in path for path in (*state.inputs, *state.outputs)):
        return ""
    lines = [_HEAD, state.key, str(state.count), state.plan]
    for sign, digests in (("<", state.inputs), (">", state.outputs)):
        lines += [f"{sign} {digests[path]} {path}" for path in sorted(digests)]
    return "\n".join([*lines, ""])


def _parsed(record: str) -> State:
    # raises ValueError where it isn't a whole record of ours
    head, key, count, plan, *lines, end = record.split("\n")
    if head != _HEAD or end:
        raise ValueError(head)
    found: dict[str, dict[str, str]] = {"<": {}, ">": {}}
    for line in lines:
        sign, known, path = line.split(" ", 2)
        if sign not in found:
            raise ValueError(sign)
        found[sign][path] = known
    if not all(found.values()):  # no build reads or writes nothing: it was cut off
        raise ValueError(record)
    return State(
        key=key,
        count=int(count),
        plan=plan,
        inputs=found["<"],
        outputs=found[">"],
    )


def digest(content: bytes) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def relative(digests: Mapping[Path, str], root: str) -> dict[str, str]:
    """Inputs as the record spells them; absolute only where there is no way to one from `root`."""
    known: dict[str, str] = {}  # of folders, which many inputs share
    found = {}
    for path, digest_of in digests.items():
        folder, name = os.path.split(path)
        if os.path.islink(path) or name in {"", ".", ".."}:  # noqa: PTH114 (thousands of them)
            found[_relative(path, root)] = digest_of
            continue
        if folder not in known:
            known[folder] = _relative(folder or ".", root)
        start = known[folder]
        sep = os.sep if os.path.isabs(start) else "/"  # noqa: PTH117 (likewise)
        found[name if start == "." else f"{start}{sep}{name}"] = digest_of
    return found


def _relative(path: Path | str, root: str) -> str:
    real = os.path.realpath(path)
    try:
        return os.path.relpath(real, root).replace(os.sep, "/")
    except ValueError:  # another drive
        return real


def differing(folder: str, digests: Mapping[str, str]) -> list[str]:
    """Those of the files that aren't there any more, or have another content."""
    return [path for path, known in digests.items() if not _is_as_before(folder, path, known)]


def _is_as_before(folder: str, path: str, known: str) -> bool:
    try:
        return _same(folder, {path: known})
    except OSError:
        return False


def _same(folder: str, digests: Mapping[str, str]) -> bool:
    start = folder + os.sep
    return all(
        digest(_content(path if os.path.isabs(path) else start + path)) == known  # noqa: PTH117
        for path, known in digests.items()
    )


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (thousands of them)
        return file.read()
