# SPDX-License-Identifier: Apache-2.0
"""One build at a time in a folder for objects.

The operating system holds the lock and drops it with the process, however that ends. The file
also remembers whether commands were running when it ended.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from west_llext.diagnostics import Diagnostic, MissingError, Span

_NAME = "build.lock"
_RUNNING = b"commands are running\n"
#: where Windows locks, out of the way of the content, which it would make unreadable
_LOCKED_BYTE = 1 << 20
#: what file systems without locks answer
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL})


class Lock:
    """A held lock.

    Child processes that inherit `descriptor` keep the lock until they end, unless `release` comes
    first: if this process is killed, the next build waits for the compilers it left behind.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @property
    def interrupted(self) -> bool:
        """Whether the last commands ended with the process that ran them, half done perhaps."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return bool(os.read(self.descriptor, 1))

    def note_running(self) -> int:
        """Remember that commands run from now on; return the time of that.

        The time is the file system's, in nanoseconds of the epoch, so that it can be compared with
        that of files.
        """
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        os.write(self.descriptor, _RUNNING)
        return os.fstat(self.descriptor).st_mtime_ns

    def note_done(self) -> None:
        """Remember that every command has come to its end."""
        os.ftruncate(self.descriptor, 0)


@contextmanager
def locked(folder: Path, *, waiting: Callable[[], None]) -> Iterator[Lock]:
    """Hold the lock of a folder for objects, which is created where it isn't there.

    waiting: called once if another build has it
    Raises MissingError (T017) where nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(folder / _NAME, flags, 0o644)
    except OSError as err:
        raise MissingError(
            [
                Diagnostic(
                    code="T017",
                    at=Span(PurePath(folder)),
                    message=f"can't write into the folder for objects: {err.strerror}",
                    hint="give another folder with '--output'",
                )
            ]
        ) from err
    try:
        _take(descriptor, waiting)
        try:
            yield Lock(descriptor)
        finally:
            _release(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int, waiting: Callable[[], None]) -> None:
        told = False
        while True:
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            except OSError:
                if not told:
                    waiting()
                told = True
                time.sleep(0.1)
            else:
                return

    def _release(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(descriptor: int, waiting: Callable[[], None]) -> None:
        # flock, not lockf: this one belongs to the open file, so that children hold it as well
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as err:
            if err.errno not in _NO_LOCKS:
                raise

    def _release(descriptor: int) -> None:
        # not by closing: a server that a launcher started may still have the descriptor
        try:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        except OSError as err:
            if err.errno not in _NO_LOCKS:
                raise
