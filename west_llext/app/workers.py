# SPDX-License-Identifier: Apache-2.0
"""Sessions in one process or several, asked all at once.

Where the system can fork, workers inherit the base image and the manifest instead of reading them
again; elsewhere, and for few extensions, everything happens in this process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Protocol

from west_llext.app.session import Session, Surroundings, Task

#: Fewer extensions than this for a worker aren't worth its start.
WORTHWHILE = 24


class Crew(Protocol):
    """The sessions of a build."""

    def ask(self, step: str, *arguments: Any) -> list[Any]:
        """What each session's method `step` tells, part by part, in the order of the tasks.

        Raises what a session raises: LlextError as it is, anything else, where it comes from
        another process, as WorkerError; MissingError (T022) where such a process has ended.
        """

    def stop(self) -> None:
        """End its processes."""


@contextmanager
def workers(shared: Surroundings, tasks: Sequence[Task], jobs: int) -> Iterator[Crew]:
    """Sessions in at most `jobs` processes, which end with the `with` block."""
    count = min(jobs, len(tasks) // WORTHWHILE)
    crew: Crew | None = None
    if count > 1 and sys.platform not in {"win32", "darwin"}:
        from west_llext.app.processes import started  # noqa: PLC0415  # slow to import

        bounds = [number * len(tasks) // count for number in range(count + 1)]
        crew = started(shared, [tasks[low:high] for low, high in pairwise(bounds)])
    crew = crew or _Alone(Session(shared, tasks))
    try:
        yield crew
    finally:
        crew.stop()


class _Alone:
    # One session, in this process.

    def __init__(self, session: Session) -> None:
        self.session = session

    def ask(self, step: str, *arguments: Any) -> list[Any]:
        return list(getattr(self.session, step)(*arguments))

    def stop(self) -> None:
        pass
