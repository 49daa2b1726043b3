# SPDX-License-Identifier: Apache-2.0
"""The memory of a process and its descendants together, sampled while they run.

Shared pages count once: the kernel's proportional set size (Pss in /proc/PID/smaps_rollup) splits
them among those who map them, so the sum over a family of processes is what it takes together. The
largest resident size of one process is the kernel's own high-water mark (VmHWM). What wait4() says
isn't used: it counts the memory of the process that called exec, too.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import Command, usage

#: Seconds between two samples.
_INTERVAL = 0.004
_PROC = Path("/proc")


class Peak(NamedTuple):
    """The most memory that was seen, in bytes.

    together: of all processes at one time
    largest: of one process
    processes: the most at one time
    samples: how often it was looked
    """

    together: int
    largest: int
    processes: int
    samples: int


def peak(command: Command) -> Peak:
    """Run a command once and watch its memory."""
    seen: list[Peak] = []
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def watch(pid: int) -> None:
        threads.append(threading.Thread(target=lambda: seen.extend(_samples(pid, ended))))
        threads[0].start()

    try:
        usage(command, watch)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    return Peak(
        together=max((each.together for each in seen), default=0),
        largest=max((each.largest for each in seen), default=0),
        processes=max((each.processes for each in seen), default=0),
        samples=len(seen),
    )


def _samples(pid: int, ended: threading.Event) -> Iterator[Peak]:
    while not ended.is_set():
        family = list(_family(pid))
        sizes = [size for each in family if (size := _field(each, "smaps_rollup", "Pss:"))]
        marks = [_field(each, "status", "VmHWM:") for each in family]
        yield Peak(sum(sizes), max(marks, default=0), len(sizes), 1)
        time.sleep(_INTERVAL)


def _family(pid: int) -> Iterator[int]:
    # the process and its descendants; those that have just ended are left out
    yield pid
    with contextlib.suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _field(pid: int, file: str, key: str) -> int:
    # a size in bytes; 0 where the process has ended
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / file).read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return 0
