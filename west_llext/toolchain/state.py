# SPDX-License-Identifier: Apache-2.0
"""Whether anything changed since the last build, without starting a process.

After a build that went through, `record` keeps size and time of every file that went into it,
headers included, and of every object. A build with the same plan has nothing to do while none of
them differs. Ninja decides wherever this isn't certain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from west_llext.toolchain.plan import Plan

_FORMAT = "west-llext objects 1"
_SECOND = 1_000_000_000
#: how coarse the clock of a file system with fine time stamps may be: a kernel's tick
_TICK = 20_000_000


def up_to_date(plan: Plan) -> bool:
    """Whether every object of the plan is there and as the last build left it."""
    return not plan.steps or _unchanged(_path(plan.folder), plan.root, plan.digest)


def unchanged(folder: Path, root: Path) -> bool:
    """Whether the last build in a folder for objects, with whatever plan, is up to date.

    For those who know that the plan would be the same.
    """
    return _unchanged(_path(folder), root, None)


def _unchanged(record: Path, root: Path, digest: str | None) -> bool:
    try:
        lines = record.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError:
        return False
    if digest is not None and lines[0] != f"{_FORMAT} {digest}":
        return False
    start = f"{root}{os.sep}"
    for line in lines[1:-1]:
        size, time, name = line.split(" ", 2)
        try:
            status = os.stat(start + name if not os.path.isabs(name) else name)  # noqa: PTH116, PTH117
        except OSError:
            return False
        if status.st_mtime_ns != int(time) or status.st_size != int(size):
            return False
    return True


def forget(plan: Plan) -> None:
    """Make sure that the next build asks ninja."""
    _path(plan.folder).unlink(missing_ok=True)


def record(
    plan: Plan, *, headers: Iterable[str], started: int, put: Callable[[Path, bytes], bool]
) -> None:
    """Keep what the build that just went through has read and made.

    headers: every file that a compiler has read, as commands spell it
    started: time before the first command, in nanoseconds of the epoch
    put: writes a file whole or not at all

    Nothing is kept where a file may have changed while it was being read.
    """
    outputs = [step.output for step in plan.steps]
    inputs = dict.fromkeys([*(str(each.path) for each in plan.inputs), *headers, *plan.programs])
    lines = [f"{_FORMAT} {plan.digest}"]
    for name in (*inputs, *outputs):
        try:
            status = os.stat(plan.root / name)  # noqa: PTH116
        except OSError:
            return
        coarse = status.st_mtime_ns % _SECOND == 0
        changed = status.st_mtime_ns > started - (2 * _SECOND if coarse else _TICK)
        if "\n" in name or (changed and name in inputs):
            return
        lines.append(f"{status.st_size} {status.st_mtime_ns} {name}")
    text = "\n".join(lines) + "\n"
    put(_path(plan.folder), text.encode("utf-8", "surrogateescape"))


def _path(folder: Path) -> Path:
    return folder / "objects.state"
