# SPDX-License-Identifier: Apache-2.0
"""One build at a time in a folder, whatever happens to the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.compiling import nobody_waits

from west_llext.diagnostics import MissingError
from west_llext.toolchain.lock import locked

HOLDER = """
import sys, time
from pathlib import Path
from west_llext.toolchain.lock import locked
with locked(Path(sys.argv[1]), waiting=lambda: None) as lock:
    lock.note_running()
    print("held", flush=True)
    sys.stdin.read()
    lock.note_done()
"""


def holder(folder: Path) -> subprocess.Popen[bytes]:
    """A process that has the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"held{os.linesep}".encode()
    return process


def test_a_second_build_waits_and_says_so(tmp_path: Path) -> None:
    """Then it has the lock, and nothing was interrupted."""
    told = threading.Event()
    with holder(tmp_path) as process:

        def waiting() -> None:
            told.set()
            assert process.stdin is not None
            process.stdin.close()

        with locked(tmp_path, waiting=waiting) as lock:
            assert told.is_set()
            assert not lock.interrupted
        process.stdin = None


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_the_lock_of_a_killed_build_is_free_and_the_kill_is_known(tmp_path: Path) -> None:
    """No stale lock to delete by hand; what the build left isn't to be trusted."""
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with locked(tmp_path, waiting=nobody_waits) as lock:
        assert lock.interrupted
        lock.note_done()
        assert not lock.interrupted


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are inherited on POSIX")
def test_a_child_that_outlives_a_finished_build_doesnt_hold_the_lock(tmp_path: Path) -> None:
    """A cache's server may have been started by a compile command."""
    with locked(tmp_path, waiting=nobody_waits) as lock:
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"],
            stdin=subprocess.PIPE,
            pass_fds=[lock.descriptor],
        )
    with child, locked(tmp_path, waiting=nobody_waits):
        pass


def test_a_folder_that_cant_be_made_is_one_message(tmp_path: Path) -> None:
    """A file is in the way."""
    (tmp_path / "build").write_text("")
    with (
        pytest.raises(MissingError) as caught,
        locked(tmp_path / "build" / "obj", waiting=nobody_waits),
    ):
        pass
    folder = (tmp_path / "build" / "obj").as_posix()
    assert str(caught.value) == (
        f"{folder}: error[T017]: can't write into the folder for objects: Not a directory\n"
        "hint: give another folder with '--output'"
    )
