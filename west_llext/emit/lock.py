# SPDX-License-Identifier: Apache-2.0
"""One process at a time, for folders that several builds may write to."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from west_llext.diagnostics import Diagnostic, MissingError, Span

_BUSY = frozenset((errno.EACCES, errno.EAGAIN, errno.EDEADLK))
_POLL_S = 0.05


@contextmanager
def locked(
    path: Path, *, patience: float = 600.0, waiting: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock file `path`, whose folder exists, for the duration of a `with` block.

    patience: seconds to wait for another process before MissingError (O004) is raised
    waiting: called once if it has to wait at all, to tell the user

    The system gives the lock up when the process ends, however that happens; the file stays. Not
    reentrant: a process that asks twice for one file waits for itself.
    """
    portable = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    file = os.open(path, os.O_RDWR | os.O_CREAT | portable, 0o644)
    try:
        _acquire(file, path, time.monotonic() + patience, waiting)
        try:
            yield
        finally:
            _unlock(file)
    finally:
        os.close(file)


def _acquire(
    file: int, path: PurePath, deadline: float, waiting: Callable[[], None] | None
) -> None:
    while not _taken(file):
        if waiting is not None:
            waiting()
            waiting = None
        if time.monotonic() >= deadline:
            raise MissingError(
                [
                    Diagnostic(
                        code="O004",
                        at=Span(path),
                        message=f"another process still holds the lock '{path.as_posix()}'",
                        hint="wait for the other build to end, or choose another folder",
                    )
                ]
            )
        time.sleep(_POLL_S)


if sys.platform == "win32":
    import msvcrt

    def _taken(file: int) -> bool:
        try:
            os.lseek(file, 0, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as err:
            if err.errno in _BUSY:
                return False
            raise
        return True

    def _unlock(file: int) -> None:
        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _taken(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            if err.errno in _BUSY:
                return False
            raise
        return True

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
