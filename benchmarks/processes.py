# SPDX-License-Identifier: Apache-2.0
"""Processes, timed from outside; and several of them in turn, so that all meet the same noise."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """What a process and its descendants took, in seconds.

    wall: from before it is started until it is gone
    cpu: of processors, in user and system mode
    """

    wall: float
    cpu: float


class FailedError(Exception):
    """A measured process failed; the text says which, and the end of what it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A process to start.

    label: what reports call it
    folder: working folder
    environment: all of it
    stdin: file to read; None for nothing
    prepare: called before each run, outside of the time
    """

    label: str
    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    stdin: Path | None = None
    prepare: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The runs of one command."""

    label: str
    runs: tuple[Usage, ...]

    @property
    def median(self) -> float:
        """Median of the wall times, in seconds."""
        return statistics.median(run.wall for run in self.runs)

    @property
    def least(self) -> float:
        """The shortest wall time, in seconds."""
        return min(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        """Median of the processor times, in seconds."""
        return statistics.median(run.cpu for run in self.runs)

    @property
    def least_cpu(self) -> float:
        """The smallest processor time, in seconds."""
        return min(run.cpu for run in self.runs)


def usage(command: Command, watch: Callable[[int], None] | None = None) -> Usage:
    """Run a command once; raises FailedError where its exit status isn't 0.

    watch: told the process's number when it has started
    """
    command.prepare()
    log = command.folder / "log.txt"
    with log.open("wb") as out, open(command.stdin or os.devnull, "rb") as given:  # noqa: PTH123
        start = time.perf_counter()
        process = subprocess.Popen(
            command.words,
            cwd=command.folder,
            env=dict(command.environment),
            stdin=given,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        if watch is not None:
            watch(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = log.read_text(encoding="utf-8", errors="replace")[-500:]
        raise FailedError(f"{command.label}: exit status {process.returncode}: {end.strip()}")
    return Usage(wall, used.ru_utime + used.ru_stime)


def interleaved(commands: Sequence[Command], rounds: int) -> list[Series]:
    """Each command `rounds` times: first all once, then all again, and so on.

    One run of each before that isn't counted: it fills the caches.
    """
    for command in commands:
        usage(command)
    runs: list[list[Usage]] = [[] for _ in commands]
    for _ in range(rounds):
        for command, own in zip(commands, runs, strict=True):
            own.append(usage(command))
    return [
        Series(label=command.label, runs=tuple(own))
        for command, own in zip(commands, runs, strict=True)
    ]
