# SPDX-License-Identifier: Apache-2.0
"""Signals that come while the emulator runs.

What a handler raises (Ctrl-C does) can't pass through the emulator's own frames: where it is raised
in a callback it is printed and forgotten. So it has to wait until they are gone.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, "FrameType | None"], object]

_NAMES = ("SIGINT", "SIGTERM", "SIGALRM")  # the last one isn't known everywhere


class Signals:
    """What to do with them.

    passing: whether exceptions can be raised right now, because somebody catches all of them
    came: whether one is waiting
    """

    def __init__(self) -> None:
        """None has come."""
        self.passing = False
        self._waiting: tuple[int, FrameType | None] | None = None
        self._handlers: dict[int, Handler] = {}

    @property
    def came(self) -> bool:
        """See the class."""
        return self._waiting is not None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let handlers written in Python run behind the block; other threads get no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._handlers = _handlers()
        try:
            for number in self._handlers:
                signal.signal(number, self._note)
            yield
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                self._handlers[waiting[0]](*waiting)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.passing:
            self._handlers[number](number, frame)
        else:
            self._waiting = number, frame


def _handlers() -> dict[int, Handler]:
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    found = {number: signal.getsignal(number) for number in numbers}
    return {number: handler for number, handler in found.items() if callable(handler)}
