# SPDX-License-Identifier: Apache-2.0
"""The two streams of a command, and the line that shows progress on a terminal."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # this runs before every command, and the modules would be more imports
    from collections.abc import Mapping
    from typing import TextIO

#: Seconds between two states of the progress line.
_INTERVAL = 0.05


class Console:
    """Standard output and standard error."""

    def __init__(
        self, out: TextIO | None, err: TextIO | None, environment: Mapping[str, str]
    ) -> None:
        """`environment` may ask for no colours (NO_COLOR, TERM=dumb).

        A stream is None where whoever started the process has closed it.
        """
        self.out = _nowhere() if out is None else out
        self.err = _nowhere() if err is None else err
        self.environment = environment
        self.watched = False
        self._shown = ""
        self._next = 0.0
        _prepare(self.out)
        _prepare(self.err)

    def colours(self, stream: TextIO) -> bool:
        """Whether colours can and may be shown on a stream."""
        # https://no-color.org: present and not empty
        wanted = not self.environment.get("NO_COLOR")
        return wanted and is_terminal(stream) and _speaks_ansi(self.environment)

    def progress(self, what: str, done: int, total: int) -> None:
        """Show what is being done, in one line that is written over and over."""
        now = time.monotonic()
        if not self.watched or (now < self._next and done < total):
            return
        self._next = now + _INTERVAL
        count = f"[{done}/{total}] " if total else ""
        columns = _columns(self.err)
        text = (count + what).split("\n", 1)[0]
        text = "".join(each if each.isprintable() else "?" for each in text)[: columns - 1]
        try:
            self.err.write(f"\r{text.ljust(len(self._shown))}")
            self.err.flush()
        except OSError:  # nobody is there any more
            self.watched = False
        self._shown = text

    def watch(self) -> None:
        """Show progress from now on, where somebody can see it."""
        self.watched = is_terminal(self.err) and self.environment.get("TERM") != "dumb"

    def done(self) -> None:
        """Take the progress line away."""
        if self._shown and self.watched:
            self.err.write(f"\r{' ' * len(self._shown)}\r")
            self.err.flush()
        self._shown = ""

    def write(self, out: str, err: str) -> None:
        """Write to both streams, what is on standard error first."""
        self.done()
        if err:
            self.err.write(err)
            self.err.flush()
        if out:
            self.out.write(out)
        self.out.flush()


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 (pathlib: as above)


def _prepare(stream: TextIO) -> None:
    # The same bytes on every system, and no name in any file can stop us from writing it.
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is None:
        return
    if is_terminal(stream):
        reconfigure(errors="backslashreplace")
    else:
        reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody may be looking at a stream."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _speaks_ansi(environment: Mapping[str, str]) -> bool:
    if environment.get("TERM") == "dumb":
        return False
    return os.name != "nt" or "WT_SESSION" in environment or "TERM" in environment


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
