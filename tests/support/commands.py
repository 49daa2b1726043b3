# SPDX-License-Identifier: Apache-2.0
"""Commands as a user gives them: in this process, or as a process of their own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from west_llext.cli.main import main

ROOT = Path(__file__).parents[2]


class Ran(NamedTuple):
    """What came of a command."""

    status: int
    out: str
    err: str


def command(*words: str, folder: Path | None = None) -> Ran:
    """`west-llext WORDS` in this process, and in a folder."""
    out, err = _stream(), _stream()
    with (
        _inside(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = main(words)
    return Ran(status, _text(out), _text(err))


def process(
    *words: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Ran:
    """`python -m west_llext WORDS` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "west_llext", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        check=False,
        timeout=120,
    )
    return Ran(
        done.returncode,
        done.stdout.decode("utf-8", "surrogateescape"),
        done.stderr.decode("utf-8", "surrogateescape"),
    )


def settled(folder: Path) -> None:
    """Let a while pass since files were written: what changes as a build starts is built again."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            then = path.stat().st_mtime_ns - 1_000_000_000
            os.utime(path, ns=(then, then))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\r\n")


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    found = stream.buffer
    assert isinstance(found, io.BytesIO)
    return found.getvalue().decode("utf-8")


@contextlib.contextmanager
def _inside(folder: Path | None) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder or before)
    try:
        yield
    finally:
        os.chdir(before)
