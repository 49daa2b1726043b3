# SPDX-License-Identifier: Apache-2.0
"""Whether anything changed since the last build, without starting a process.

After a build that went through, `record` keeps size and time of every file that went into it,
headers included, and of every object. A build with the same plan has nothing to do while none of
them differs. Ninja decides wherever this isn't certain.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # a build with nothing to do asks here, and the modules would be more imports
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from west_llext.toolchain.plan import Plan

_NAME = "objects.state"
_FORMAT = "west-llext objects 1"
_SECOND = 1_000_000_000
#: how coarse the clock of a file system with fine time stamps may be: a kernel's tick
_TICK = 20_000_000


def up_to_date(plan: Plan) -> bool:
    """Whether every object of a plan is there and as the last build left it. Nothing runs."""
    return not plan.steps or unchanged(plan.folder, plan.root, plan.digest)


def unchanged(folder: Path | str, root: Path | str, digest: str) -> bool:
    """Whether the last build in a folder for objects went through and is up to date.

    root: folder that its commands ran in
    digest: of its plan
    """
    try:
        # pathlib isn't imported here
        with open(f"{folder}/{_NAME}", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            lines = file.read().split("\n")
    except OSError:
        return False
    if lines[0] != f"{_FORMAT} {digest}":
        return False
    start = f"{root}{os.sep}"
    try:
        return all(_as_before(start, line) for line in lines[1:-1])
    except (OSError, ValueError):
        return False


def known(folder: Path, root: Path) -> list[Path]:
    """Every file that the last build has read or made; empty where there is no record of it."""
    try:
        text = (folder / _NAME).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    rows = (line.split(" ", 2) for line in text.split("\n")[1:-1])
    return [root / row[2] for row in rows if len(row) == 3]


def sizes_and_times(folder: str, root: str) -> dict[str, tuple[bool, bool]]:
    """Of each file that the last build has read or made: whether its size and time are the same.

    By its name, absolute or from `root`. Empty where there is no record of it.
    """
    try:
        with open(f"{folder}/{_NAME}", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            lines = file.read().split("\n")[1:-1]
    except OSError:
        return {}
    start = f"{root}{os.sep}"
    rows = (line.split(" ", 2) for line in lines)
    return {row[2]: _kept(start, *row) for row in rows if len(row) == 3}


def _kept(start: str, size: str, time: str, name: str) -> tuple[bool, bool]:
    try:
        status = os.stat(name if os.path.isabs(name) else start + name)  # noqa: PTH116, PTH117
    except (OSError, ValueError):
        return False, False
    return str(status.st_size) == size, str(status.st_mtime_ns) == time


def _as_before(start: str, line: str) -> bool:
    size, time, name = line.split(" ", 2)
    status = os.stat(name if os.path.isabs(name) else start + name)  # noqa: PTH116, PTH117
    return status.st_mtime_ns == int(time) and status.st_size == int(size)


def forget(folder: Path) -> None:
    """Make sure that the next build asks ninja."""
    (folder / _NAME).unlink(missing_ok=True)


def record(
    folder: Path,
    root: Path,
    digest: str,
    *,
    inputs: Iterable[str],
    outputs: Iterable[str],
    started: int,
    put: Callable[[Path, bytes], bool],
) -> None:
    """Keep what the build that just went through has read and made.

    inputs: every file that a command has read, absolute or from `root`
    outputs: every file that a command has made
    started: time before the first command, in nanoseconds of the epoch
    put: writes a file whole or not at all

    Nothing is kept where a file may have changed while it was being read.
    """
    lines = [f"{_FORMAT} {digest}"]
    read = dict.fromkeys(inputs)
    for name in (*read, *outputs):
        try:
            status = os.stat(root / name)  # noqa: PTH116
        except OSError:
            return
        coarse = status.st_mtime_ns % _SECOND == 0
        changed = status.st_mtime_ns > started - (2 * _SECOND if coarse else _TICK)
        if "\n" in name or (changed and name in read):
            return
        lines.append(f"{status.st_size} {status.st_mtime_ns} {name}")
    text = "\n".join(lines) + "\n"
    put(folder / _NAME, text.encode("utf-8", "surrogateescape"))
