# SPDX-License-Identifier: Apache-2.0
"""Runs the command line with a stopwatch on its phases; started as a script in a new process.

    python phases.py RESULT STARTED VERB [OPTION ...]

RESULT is the JSON file to write, STARTED the time when the process was started, in nanoseconds of
the epoch. Times exclude what is measured inside of them, so they add up.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import reduce, wraps
from importlib import import_module
from pathlib import Path
from typing import Any

#: Phase, module, name of a function in it. Modules are imported in this order, so a function is
#: replaced before others import it. What isn't there (any more) counts as `rest`.
POINTS = (
    ("emit", "west_llext.app.products", "product"),
    ("manifest", "west_llext.manifest.load", "manifest"),
    ("base", "west_llext.app.surroundings", "base_of"),
    ("base", "west_llext.app.surroundings", "surroundings"),
    ("place", "west_llext.link.place", "placement"),
    ("aside", "west_llext.emit.aside", "Aside.ready"),
    ("write", "west_llext.emit.outputs", "Outputs.commit"),
    ("reports", "west_llext.app.made", "made"),
    ("open", "west_llext.app.session", "Session.open"),
    ("resolve", "west_llext.app.session", "Session.resolve"),
    ("finish", "west_llext.app.session", "Session.finish"),
    ("record", "west_llext.app.full_build", "_record"),
)
#: All phases, in order. `start` is Python's own, `imports` what is imported before the first step,
#: `collector` the garbage collector's, wherever it runs; `rest` is everything else.
PHASES = (
    *("start", "imports", "manifest", "base", "open", "resolve", "place", "finish", "emit"),
    *("aside", "reports", "write", "record", "collector", "rest"),
)


class Stopwatch:
    """Nanoseconds by phase; one phase at a time, the innermost."""

    def __init__(self) -> None:
        """`rest` begins."""
        self.times = dict.fromkeys(PHASES, 0)
        self.stack = ["rest"]
        self.since = time.perf_counter_ns()

    def push(self, phase: str) -> None:
        """Begin a phase inside of the one that runs."""
        self._book()
        self.stack.append(phase)

    def pop(self) -> None:
        """End the innermost phase."""
        self._book()
        self.stack.pop()

    def _book(self) -> None:
        now = time.perf_counter_ns()
        self.times[self.stack[-1]] += now - self.since
        self.since = now

    def wrapped(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose time counts as a phase."""

        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            self.push(phase)
            try:
                return function(*arguments, **named)
            finally:
                self.pop()

        return timed

    def collection(self, step: str, _: Mapping[str, int]) -> None:
        """For `gc.callbacks`."""
        if step == "start":
            self.push("collector")
        else:
            self.pop()


def instrumented(watch: Stopwatch) -> list[str]:
    """Put the stopwatch on every point; those that weren't found."""
    lost = []
    for phase, module, path in POINTS:
        *outer, name = path.split(".")
        try:
            owner = reduce(getattr, outer, import_module(module))
            setattr(owner, name, watch.wrapped(phase, getattr(owner, name)))
        except (ImportError, AttributeError):
            lost.append(f"{module}.{path}")
    return lost


def main(arguments: Sequence[str]) -> int:
    """Run a command and write where its time went."""
    result, started, *words = arguments
    watch = Stopwatch()
    watch.times["start"] = time.time_ns() - int(started)
    gc.callbacks.append(watch.collection)
    watch.push("imports")
    run: Callable[[Sequence[str]], int] = import_module("west_llext.cli.main").main
    lost = instrumented(watch)
    watch.pop()
    status = run(words)
    gc.callbacks.remove(watch.collection)
    watch.push("rest")
    Path(result).write_text(json.dumps({"ns": watch.times, "lost": lost}), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
