# SPDX-License-Identifier: Apache-2.0
"""Sessions in processes of their own, on systems that can fork.

A worker writes no file, so it can be stopped at any moment.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from west_llext.app.session import Session, Surroundings, Task
from west_llext.diagnostics import NOWHERE, Diagnostic, LlextError, MissingError

if sys.platform == "win32":
    raise ImportError("Windows can't fork")


# what a worker sends behind everything that a step has told
_END = None


class WorkerError(Exception):
    """A bug that showed in a worker; its text is the traceback there."""


def started(shared: Surroundings, shares: Iterable[Sequence[Task]]) -> Processes | None:
    """A worker for each share of the tasks; None where there are no processes to be had."""
    crew = Processes()
    try:
        with _interrupts_held_back():
            for share in shares:
                crew.start(shared, share)
    except OSError:
        crew.stop()
        return None
    except BaseException:
        crew.stop()
        raise
    return crew


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    # so that none hits a worker before it ignores them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Worker(NamedTuple):
    process: BaseProcess
    pipe: Connection
    tasks: Sequence[Task]


class _Failure(NamedTuple):
    # What a worker answers when a step went wrong: what to say of it, or else a traceback.
    error: LlextError | None
    text: str


class Processes:
    """A session in each of some processes (a `workers.Crew`)."""

    def __init__(self) -> None:
        self._workers: list[_Worker] = []

    def start(self, shared: Surroundings, tasks: Sequence[Task]) -> None:
        """One more worker. Raises OSError where the system gives no process or pipe."""
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        others = [ours, *(each.pipe for each in self._workers)]
        process = context.Process(target=_work, args=(shared, tasks, theirs, others), daemon=True)
        try:
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._workers.append(_Worker(process, ours, tasks))

    def ask(self, step: str, *arguments: Any) -> list[Any]:
        """What each session answers (see `workers.Crew`)."""
        for worker in self._workers:
            _tell(worker, (step, arguments))
        replies: dict[Connection, list[Any]] = {each.pipe: [] for each in self._workers}
        busy = {each.pipe: each for each in self._workers}
        while busy:
            # whoever has something to say, or a full pipe would hold the others up
            for pipe in _ready(busy):
                reply = _reply(busy[pipe])
                if reply is _END:
                    del busy[pipe]
                else:
                    replies[pipe].append(reply)
        parts = [reply for worker in self._workers for reply in replies[worker.pipe]]
        for reply in parts:
            if isinstance(reply, _Failure):
                raise reply.error or WorkerError(reply.text)
        return parts

    def stop(self) -> None:
        """End every worker, whatever it is doing."""
        for worker in self._workers:
            worker.pipe.close()
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()


def _ready(pipes: Iterable[Connection]) -> list[Connection]:
    ready = wait([*pipes])
    return [each for each in pipes if each in ready]


def _tell(worker: _Worker, question: tuple[str, Sequence[Any]]) -> None:
    try:
        worker.pipe.send(question)
    except OSError as err:
        raise _ended(worker) from err


def _reply(worker: _Worker) -> Any:
    try:
        return worker.pipe.recv()
    except (EOFError, OSError) as err:
        raise _ended(worker) from err


def _ended(worker: _Worker) -> MissingError:
    worker.process.join()
    status = worker.process.exitcode or 0
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    first, last = (each.extension.name for each in (worker.tasks[0], worker.tasks[-1]))
    return MissingError(
        [
            Diagnostic(
                code="T022",
                at=NOWHERE,
                message=f"the process that linked extensions '{first}' to '{last}' {how}",
                hint="build with '-j 1', which takes less memory",
            )
        ]
    )


def _work(
    shared: Surroundings,
    tasks: Sequence[Task],
    pipe: Connection,
    others: Sequence[Connection],
) -> None:
    # A worker: answers until the other end is closed. The ends that it inherited are closed first,
    # or it would keep its own pipe open. A terminal tells every process of an interrupt; the one
    # that started this one decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for each in others:
        each.close()
    session = Session(shared, tasks)
    try:
        while True:
            step, arguments = pipe.recv()
            for reply in _answers(session, step, arguments):
                pipe.send(reply)
            pipe.send(_END)
    except (EOFError, OSError):  # nobody listens any more
        return


def _answers(session: Session, step: str, arguments: Sequence[Any]) -> Iterator[Any]:
    try:
        yield from getattr(session, step)(*arguments)
    except LlextError as err:
        yield _Failure(err, str(err))
    except Exception:  # noqa: BLE001 (raised where it is seen, with all that is known of it)
        yield _Failure(None, traceback.format_exc())
