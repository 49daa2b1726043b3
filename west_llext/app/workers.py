# SPDX-License-Identifier: Apache-2.0
"""Sessions in one process or several, asked all at once.

Where the system can fork, workers inherit the base image and the manifest instead of reading them
again; elsewhere, and for few extensions, everything happens in this process.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from west_llext.app.session import Session, Surroundings, Task

#: Fewer extensions than this for a worker aren't worth its start.
WORTHWHILE = 24

Reply = TypeVar("Reply")


class Workers:
    """The sessions of a build."""

    def __init__(self, own: Session | None, pipes: Sequence[Connection]) -> None:
        """Either one session of this process, or the pipes to workers."""
        self.own = own
        self.pipes = pipes

    def ask(self, step: str, *arguments: Any) -> list[Any]:
        """What each session's method `step` returns, in the order of the tasks.

        An exception in a worker is raised here.
        """
        if self.own is not None:
            return [getattr(self.own, step)(*arguments)]
        for pipe in self.pipes:
            pipe.send((step, arguments))
        replies = [pipe.recv() for pipe in self.pipes]
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return replies


@contextmanager
def workers(surroundings: Surroundings, tasks: Sequence[Task], jobs: int) -> Iterator[Workers]:
    """Sessions in at most `jobs` processes, which end with the `with` block."""
    count = min(jobs, len(tasks) // WORTHWHILE)
    if count < 2 or sys.platform in {"win32", "darwin"}:
        yield Workers(Session(surroundings, tasks), ())
        return
    context = multiprocessing.get_context("fork")
    pipes: list[Connection] = []
    processes = []
    for number in range(count):
        ours, theirs = context.Pipe()
        share = tasks[number * len(tasks) // count : (number + 1) * len(tasks) // count]
        process = context.Process(
            target=_work, args=(surroundings, share, theirs, [*pipes, ours]), daemon=True
        )
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        yield Workers(None, pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(1)
            if process.is_alive():
                process.kill()


def _work(
    surroundings: Surroundings,
    tasks: Sequence[Task],
    pipe: Connection,
    others: Sequence[Connection],
) -> None:
    # A worker: answers until the other end is closed. The ends that it inherited are closed first,
    # or it would keep its own pipe open.
    for each in others:
        each.close()
    session = Session(surroundings, tasks)
    while True:
        try:
            step, arguments = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            reply = getattr(session, step)(*arguments)
        except BaseException as err:  # noqa: BLE001 (the parent raises it)
            reply = err
        pipe.send(reply)
