# SPDX-License-Identifier: Apache-2.0
"""Ninja as a process: found, started, listened to, stopped."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from west_llext.diagnostics import NOWHERE, Diagnostic, MissingError
from west_llext.toolchain.jobserver import descriptors
from west_llext.toolchain.lock import Lock
from west_llext.toolchain.zig import cache_folder

#: Variables that change what compilers or ninja do, and that no build file could know of
_UNWANTED = (
    "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "DEPENDENCIES_OUTPUT",
    "SUNPRO_DEPENDENCIES", "CCC_OVERRIDE_OPTIONS", "GCC_COLORS", "CLICOLOR_FORCE", "LANGUAGE",
)  # fmt: skip
#: how long ninja may take to stop its commands and to delete what they left half done
_GRACE = 10


def ninja_program(search: str) -> Path:
    """Ninja's program: that of the Python package, or the first in `search` (as PATH).

    Raises MissingError (T004) where there is none.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which("ninja", path=beside) or _packaged_ninja()
    found = found or shutil.which("ninja", path=search)
    if found is None:
        raise MissingError(
            [
                Diagnostic(
                    code="T004",
                    at=NOWHERE,
                    message="no ninja found: looked for the Python package 'ninja' and on PATH",
                    hint="run 'pip install ninja'",
                )
            ]
        )
    return Path(found)


def surroundings(environment: Mapping[str, str], *, root: Path, folder: Path) -> Mapping[str, str]:
    """The environment of the commands: what was given, but for what would change what they make.

    root: folder that they run in; folder: where objects go
    """
    found = {name: value for name, value in environment.items() if name not in _UNWANTED}
    # gcc writes $PWD into debug information; messages are read, so they must not be translated
    own = {"PWD": str(root), "LC_ALL": "C"}
    cache = cache_folder(environment, folder / "zig-cache")
    return {**found, **own, "ZIG_GLOBAL_CACHE_DIR": str(cache)}


def ninja(
    *,
    words: tuple[str, ...],
    root: Path,
    environment: Mapping[str, str],
    lock: Lock,
    handed_on: tuple[int, ...],
    take: Callable[[str], None],
    mark: str,
) -> int:
    """Exit status of a run of ninja, which is over when this returns, however it returns.

    root: folder to run in
    environment: as `surroundings` makes it
    lock: told when ninja was interrupted and has cleaned up
    handed_on: descriptors that every command inherits; that of the lock keeps it held until the
        last command has ended, even if this process and ninja are killed
    take: called with every line that ninja prints
    mark: what ninja's own lines about commands begin with
    """
    inherited = (*descriptors(environment.get("MAKEFLAGS", "")), *handed_on)
    with subprocess.Popen(
        words,
        cwd=root,
        env={**environment, "NINJA_STATUS": f"{mark} %f %t "},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=() if sys.platform == "win32" else inherited,
    ) as process:
        try:
            for line in process.stdout or ():
                take(line.decode("utf-8", "replace").rstrip("\r\n"))
            return process.wait()
        except BaseException:
            if _stopped(process):
                lock.note_done()
            raise


def headers(
    *,
    words: tuple[str, ...],
    root: Path,
    environment: Mapping[str, str],
    outputs: Collection[str],
) -> Iterator[str]:
    """Every file that compilers have read for some outputs, as they spell it.

    words: a command that makes ninja print them (`-t deps`)
    """
    done = subprocess.run(
        words,
        cwd=root,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    # each output, then its headers, indented, then an empty line
    wanted = False
    for line in done.stdout.decode("utf-8", "surrogateescape").splitlines():
        if line.startswith("    "):
            if wanted:
                yield line[4:]
        elif line:
            wanted = line.partition(": #deps ")[0] in outputs


def _stopped(process: subprocess.Popen[bytes]) -> bool:
    # Whether ninja stopped its commands and deleted what they had written, as it does when it is
    # interrupted. A terminal has told it already; to be told again does no harm.
    if sys.platform != "win32":
        process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        return False
    return True


def _packaged_ninja() -> str | None:
    # the package knows where its program was installed, e.g. for `pip install --user`
    try:
        from ninja import BIN_DIR  # noqa: PLC0415  # takes time, and is rarely the only way
    except ImportError:
        return None
    return shutil.which("ninja", path=BIN_DIR)
