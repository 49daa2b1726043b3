# SPDX-License-Identifier: Apache-2.0
"""Files onto the disk: the only module of the package that writes.

A file is written beside its place and then renamed over it, so whoever looks (a reader, or a later
run after a kill) finds the old file or the new one, whole. There is no fsync: the promise is about
interrupted programs, not about power cuts.
"""

# A build writes thousands of files, and pathlib costs more than the system calls themselves.
# ruff: noqa: PTH103, PTH105, PTH108, PTH118

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

from west_llext.diagnostics import Diagnostic, MissingError, Span

#: A temporary file this old belongs to a run that was killed.
LEFTOVER_AGE_S = 600

_PORTABLE = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
# O_NONBLOCK: a FIFO in the place of a file must not stop us.
_READ = os.O_RDONLY | _PORTABLE | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PORTABLE
# What a temporary file of put() is called: name (cut), process, number.
_TEMPORARY = r"\..{1,40}\.\d+-\d+\.tmp"

# In /dev.
_STREAMS = (("stdin",), ("stdout",), ("stderr",), ("fd",))


def put(path: Path, content: str | bytes) -> bool:
    """Write `content` to `path` unless it already holds exactly that; whether it changed.

    Untouched files keep their time stamp, so nothing that depends on them is rebuilt. Text is
    UTF-8 and keeps its line ends on every system. What isn't a regular file (`/dev/stdout`, a
    pipe) is written directly; a symbolic link stays, the file it points to is replaced. Missing
    parent folders are made. Raises MissingError (O001).
    """
    data = encoded(content)
    try:
        if _is_stream(path):
            with path.open("wb") as stream:
                stream.write(data)
            return True
        place = os.path.realpath(path)
        if holds(place, data):
            return False
        folder, name = os.path.split(place)
        os.makedirs(folder, exist_ok=True)
        sweep(Path(folder))
        _put_beside(folder, name, data)
    except OSError as err:
        raise unwritable(path, err) from err
    return True


@contextlib.contextmanager
def prepared(path: Path, content: str | bytes) -> Iterator[Callable[[], bool]]:
    """A file as `put` writes it, but only when the function is called that this yields.

    What can go wrong (no permission, no space) goes wrong before, so that the file can be put in
    its place together with others, all or none. Raises MissingError (O001).
    """
    place = os.path.realpath(path)
    data = encoded(content)
    if holds(place, data):
        yield lambda: False
        return
    folder, name = os.path.split(place)
    try:
        os.makedirs(folder, exist_ok=True)
        sweep(Path(folder))
        temporary = _beside(folder, name, data)
    except OSError as err:
        raise unwritable(path, err) from err

    def put_in_place() -> bool:
        try:
            rename(temporary, place)
        except OSError as err:
            raise unwritable(path, err) from err
        return True

    try:
        yield put_in_place
    finally:
        remove(temporary)


def sweep(folder: Path) -> tuple[str, ...]:
    """Remove what killed runs of put() left in a folder; the names of the removed files, sorted."""
    leftover = re.compile(_TEMPORARY)
    oldest = time.time() - LEFTOVER_AGE_S
    removed = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if leftover.fullmatch(entry.name) and _modified(entry) < oldest:
                remove(entry.path)
                removed.append(entry.name)
    return tuple(sorted(removed))


def encoded(content: str | bytes) -> bytes:
    """The bytes to write: UTF-8; a character that has none (a lone surrogate) is spelled out."""
    return content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")


def holds(path: str, data: bytes) -> bool:
    """Whether there is a regular file that consists of exactly these bytes."""
    try:
        file = os.open(path, _READ)
    except OSError:
        return False
    try:
        return os.read(file, len(data) + 1) == data
    except OSError:
        return False
    finally:
        os.close(file)


def create(path: str, data: bytes) -> None:
    """Make a new file; fails where there is something already. Mode 0644, less the umask."""
    file = os.open(path, _CREATE, 0o644)
    try:
        written = os.write(file, data)
        while written < len(data):
            written += os.write(file, data[written:])
    finally:
        os.close(file)


def rename(source: str, place: str) -> None:
    """Put a file in its place, over what is there, at one instant."""
    if os.name == "nt":
        _rename_patiently(source, place)
    else:
        os.replace(source, place)


def remove(path: str) -> None:
    """Remove a file or symbolic link; not being there is fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def unwritable(path: PurePath | str, err: OSError) -> MissingError:
    """The finding for a failed write."""
    where = PurePath(path)
    reason = err.strerror or type(err).__name__
    return MissingError(
        [
            Diagnostic(
                code="O001",
                at=Span(where),
                message=f"can't write '{where.as_posix()}': {reason}",
                hint=_hint(where, err.errno or 0),
            )
        ]
    )


_HINTS = {
    errno.ENOSPC: "free space on that disk",
    errno.EACCES: "make the folder writable, or choose another one with --output",
    errno.EROFS: "choose a folder on a writable file system with --output",
    errno.EISDIR: "move the folder that is in the way",
    errno.ENOTDIR: "move the file that is in the way of a folder",
    errno.EEXIST: "move the file that is in the way of a folder",
}
# what no other output folder would help
_BESIDE = (errno.EACCES, errno.EROFS)


def _hint(file: PurePath, number: int) -> str | None:
    if file.suffix == ".lock" and number in _BESIDE:
        return "it stays beside the manifest: build once where that can be written, and commit it"
    return _HINTS.get(number)


def _is_stream(path: Path) -> bool:
    # These are streams even where a shell has redirected them to a regular file.
    if path.parts[:2] == (os.sep, "dev") and path.parts[2:3] in _STREAMS:
        return True
    try:
        return not stat.S_ISREG(path.stat().st_mode) and not path.is_dir()
    except OSError:
        return False


def _put_beside(folder: str, name: str, data: bytes) -> None:
    temporary = _beside(folder, name, data)
    try:
        rename(temporary, os.path.join(folder, name))
    except BaseException:
        remove(temporary)
        raise


def _beside(folder: str, name: str, data: bytes) -> str:
    # a new file with that content, on the same file system as its place
    temporary = ""
    try:
        for number in itertools.count():
            temporary = os.path.join(folder, f".{name[:40]}.{os.getpid()}-{number}.tmp")
            if _created(temporary, data):
                break
    except BaseException:
        remove(temporary)
        raise
    return temporary


def _created(path: str, data: bytes) -> bool:
    # False: another process has that name (process numbers repeat across containers).
    try:
        create(path, data)
    except FileExistsError:
        return False
    return True


def _rename_patiently(source: str, place: str) -> None:
    # Windows refuses while a virus scanner or a debugger holds the old file open.
    for pause in (0.01, 0.05, 0.2, 1.0):
        try:
            os.replace(source, place)
        except PermissionError:  # noqa: PERF203 - the loop is for this exception
            time.sleep(pause)
        else:
            return
    os.replace(source, place)


def _modified(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return time.time()
