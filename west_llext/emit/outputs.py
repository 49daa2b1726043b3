# SPDX-License-Identifier: Apache-2.0
"""The outputs of one run, written together or not at all.

All new contents are written aside first; only when every one is complete are they renamed into
place. A full disk, an error or a kill before that leaves every earlier output as it was; a kill
during the renames leaves each file old or new, and the next run finishes.

A record lists what we wrote, so that the outputs of an extension that has left the manifest can be
removed without ever touching a file that isn't ours. While files are on their way it lists the old
ones and the new ones.
"""

# A build writes thousands of files, and pathlib costs more than the system calls themselves.
# ruff: noqa: PTH103, PTH106, PTH118, PTH120, PTH123, PTH208

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.emit import files
from west_llext.emit.aside import Ready
from west_llext.emit.links import is_inside, refuse_links
from west_llext.emit.lock import locked
from west_llext.emit.names import STATE_FOLDER, path_problem, same_file_key
from west_llext.record import record

_LOCK = f"{STATE_FOLDER}/outputs.lock"
_RECORD = f"{STATE_FOLDER}/outputs.txt"
_ASIDE = f"{STATE_FOLDER}/new"
_RECORD_HEAD = "# west-llext: the files below are its outputs and may be removed by it\n"
#: A longer record isn't ours.
_RECORD_LIMIT = 1 << 24


class Stale(Enum):
    """What becomes of outputs of earlier runs that this run does not have."""

    #: this run makes all outputs: what it does not make is gone
    REMOVE = "remove"
    #: this run makes a part of the outputs
    KEEP = "keep"


@record(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a commit did; paths relative to the folder, sorted.

    written: new or with other content than before
    removed: outputs of an earlier run
    untouched: how many files already were as they should be
    """

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    untouched: int = 0


class Outputs:
    """Collects the files of a run, then writes those that differ."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._contents: dict[str, str | bytes | Ready] = {}
        self._by_key: dict[str, str] = {}
        self._findings: list[Diagnostic] = []

    def add(self, path: str, content: str | bytes | Ready) -> None:
        """Take a file for later; `path` is relative to the folder, with forward slashes."""
        problem = path_problem(path)
        if problem is not None:
            self._refuse("O002", path, f"output path {path!r} {problem}", None)
            return
        key = same_file_key(path)
        other = self._by_key.setdefault(key, path)
        if path in self._contents or other != path:
            message = f"two outputs are written to '{path}'"
            if other != path:
                message += f": '{other}' is the same file on some systems"
            self._refuse("O003", path, message, "rename one of the extensions")
            return
        self._contents[path] = content

    def commit(self, stale: Stale = Stale.REMOVE) -> Changes:
        """Write what differs, all or nothing as far as a file system can, and say what changed.

        Raises LlextError (O002, O003) before anything is touched, MissingError (O001, O004) where
        the folder can't be written.
        """
        if self._findings:
            raise LlextError(self._findings)
        root = os.fspath(self._folder)
        refuse_links(self._folder, [STATE_FOLDER, _ASIDE, *_parents(self._contents)])
        try:
            os.makedirs(os.path.join(root, STATE_FOLDER), exist_ok=True)
            with locked(Path(root, _LOCK)):
                return self._written(root, stale)
        except OSError as err:
            raise files.unwritable(err.filename or root, err) from err

    def _written(self, root: str, stale: Stale) -> Changes:
        changed, ready = self._differences(root)
        written = sorted([*changed, *ready])
        _check_folders(root, written)
        before = _record(root)
        gone = _gone(stale, before, self._contents)
        after = before.union(self._contents).difference(gone)
        if written or gone or after != before:
            staged = _set_aside(root, changed)
            staged += [(aside, f"{root}/{path}") for path, aside in ready.items()]
            _put_record(root, before.union(after))
            _put_in_place(root, staged)
            gone = [path for path in gone if _removed(root, path)]
            _put_record(root, after)
        return Changes(
            written=tuple(written),
            removed=tuple(gone),
            untouched=len(self._contents) - len(written),
        )

    def _differences(self, root: str) -> tuple[dict[str, bytes], dict[str, str]]:
        # what isn't in its place: contents, and files that have one already
        changed = {}
        ready = {}
        for path, content in self._contents.items():
            if isinstance(content, Ready):
                if content.aside is not None:
                    ready[path] = content.aside
            elif not files.holds(f"{root}/{path}", data := files.encoded(content)):
                changed[path] = data
        return changed, ready

    def _refuse(self, code: str, path: str, message: str, hint: str | None) -> None:
        at = Span(self._folder / path.replace("\0", "?"))
        self._findings.append(Diagnostic(code=code, at=at, message=message, hint=hint))


def _parents(paths: Iterable[str]) -> list[str]:
    return sorted({path.rpartition("/")[0] for path in paths} - {""})


def _gone(stale: Stale, before: set[str], now: Mapping[str, object]) -> list[str]:
    match stale:
        case Stale.REMOVE:
            return sorted(before.difference(now))
        case Stale.KEEP:
            return []


def _check_folders(root: str, paths: Sequence[str]) -> None:
    # No file can be renamed over a folder, which must not come out when others have been. One look
    # at each parent says where one may be.
    folders: set[str] = set()
    for parent in ("", *_parents(paths)):
        prefix = f"{parent}/" if parent else ""
        try:
            with os.scandir(f"{root}/{parent}") as entries:
                names = [each.name for each in entries if each.is_dir(follow_symlinks=False)]
            folders.update(same_file_key(prefix + name) for name in names)
        except FileNotFoundError:
            pass
        except OSError:  # may be searched, but not listed
            folders.update(map(same_file_key, paths))
    for path in paths:
        if same_file_key(path) in folders and stat.S_ISDIR(_mode(f"{root}/{path}")):
            err = IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            raise files.unwritable(f"{root}/{path}", err)


def _set_aside(root: str, changed: dict[str, bytes]) -> list[tuple[str, str]]:
    """Write the new contents under numbers; (number's path, final path) of each."""
    aside = f"{root}/{_ASIDE}"
    os.makedirs(aside, exist_ok=True)
    for name in os.listdir(aside):  # what a killed run left
        files.remove(f"{aside}/{name}")
    staged = []
    place = root
    try:
        for number, (path, data) in enumerate(changed.items()):
            place = f"{root}/{path}"
            staged.append((f"{aside}/{number}", place))
            files.create(f"{aside}/{number}", data)
    except BaseException as err:
        for temporary, _ in staged:
            files.remove(temporary)
        if isinstance(err, OSError):
            raise files.unwritable(place, err) from err
        raise
    return staged


def _put_in_place(root: str, staged: list[tuple[str, str]]) -> None:
    for folder in sorted({os.path.dirname(place) for _, place in staged}):
        os.makedirs(folder, exist_ok=True)
    place = root
    try:
        for temporary, place in staged:
            files.rename(temporary, place)
    except OSError as err:
        raise files.unwritable(place, err) from err


def _record(root: str) -> set[str]:
    """Outputs of earlier runs; nothing where the record isn't one of ours."""
    try:
        with open(f"{root}/{_RECORD}", "rb") as file:
            data = file.read(_RECORD_LIMIT)
        lines = data.decode().splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return set()
    return {line for line in lines if path_problem(line) is None}


def _put_record(root: str, paths: set[str]) -> None:
    data = (_RECORD_HEAD + "".join(f"{path}\n" for path in sorted(paths))).encode()
    if files.holds(f"{root}/{_RECORD}", data):
        return
    temporary = f"{root}/{_ASIDE}/record"
    files.create(temporary, data)
    files.rename(temporary, f"{root}/{_RECORD}")


def _removed(root: str, path: str) -> bool:
    """Remove an output of an earlier run, and folders that it leaves empty."""
    place = f"{root}/{path}"
    top = os.path.realpath(root)
    folder = os.path.realpath(os.path.dirname(place))
    if (folder != top and not is_inside(folder, top)) or stat.S_ISDIR(_mode(place)):
        return False
    there = _mode(place) != 0
    files.remove(place)
    for parent in _ancestors(path):
        with contextlib.suppress(OSError):  # not empty: its parents aren't either
            os.rmdir(f"{root}/{parent}")
    return there


def _mode(path: str) -> int:
    # 0: nothing there
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def _ancestors(path: str) -> list[str]:
    components = path.split("/")[:-1]
    return ["/".join(components[:count]) for count in range(len(components), 0, -1)]
