# SPDX-License-Identifier: Apache-2.0
"""What must hold for every input, whatever is in it: findings or a result, soon, in little room.

Seconds are those of the processor, so that other work on the machine doesn't count.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
import traceback
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

from tests.fuzz.target import Target

#: How long one input may take.
SECONDS = 1.0
#: What one input may take of memory, beside its own size.
BYTES = 64 << 20
#: When an input is given up.
_ENDLESS = 10.0
_PACKAGE = "west_llext"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with an input.

    kind: `crash`, `slow` or `memory`
    place: what tells it from other problems: exception, and function of ours that it came from
    text: for people
    """

    kind: str
    place: str
    text: str


class EndlessError(BaseException):
    """An input takes very long; not an Exception, so that hardly anything under test catches it."""


def problem(target: Target, data: bytes, *, seconds: float = SECONDS) -> Problem | None:
    """What is wrong with an input, by exception and by time; None for nothing."""
    start = time.process_time()
    try:
        with _interrupted():
            target.run(data)
    except EndlessError as err:
        place = _place(err.__traceback__)
        return Problem(kind="slow", place=place, text=f"doesn't end within {_ENDLESS:g} s: {place}")
    except Exception as err:  # noqa: BLE001 (that is what is looked for)
        place = f"{type(err).__name__} in {_place(err.__traceback__)}"
        return Problem(kind="crash", place=place, text=traceback.format_exc())
    taken = time.process_time() - start
    if taken > seconds:
        text = f"takes {taken:.2f} s, expected {seconds:g} at most"
        return Problem(kind="slow", place=target.name, text=text)
    return None


def thorough_problem(target: Target, data: bytes) -> Problem | None:
    """The same, and by memory; slow inputs are tried again, because a machine can be busy."""
    found = problem(target, data)
    for _ in range(2):
        if found is not None and found.kind == "slow":
            found = problem(target, data)
    return found or memory_problem(target, data)


def memory_problem(target: Target, data: bytes) -> Problem | None:
    """What is wrong with the memory that an input takes, counted exactly."""
    tracemalloc.start()
    try:
        target.run(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if peak <= BYTES + len(data):
        return None
    text = f"takes {peak >> 20} MiB for {len(data)} bytes, expected {BYTES >> 20} at most"
    return Problem(kind="memory", place=target.name, text=text)


class Meter:
    """Tells cheaply which inputs may have taken much memory; `memory_problem` then counts."""

    def __init__(self) -> None:
        """What the process has taken by now is its own."""
        self._least = self._highest = _high_water()

    def rose(self, size: int) -> bool:
        """Whether an input of `size` bytes can have taken more than it may, since the last call."""
        before, self._highest = self._highest, _high_water()
        return self._highest > before and self._highest - self._least > BYTES + size


def _high_water() -> int:
    # bytes; 0 where the system doesn't tell
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@contextlib.contextmanager
def _interrupted() -> Iterator[None]:
    # by a timer of the processor's time, where there is one
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise EndlessError

    before = signal.signal(signal.SIGVTALRM, stop)
    # again and again: there is code that catches everything, as pytest's does that shows values
    signal.setitimer(signal.ITIMER_VIRTUAL, _ENDLESS, _ENDLESS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _place(trace: TracebackType | None) -> str:
    # the innermost function of ours, or of the target
    frames = [each for each in traceback.extract_tb(trace) if each.filename != __file__]
    ours = [each for each in frames if _PACKAGE in Path(each.filename).parts] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else "nowhere"
