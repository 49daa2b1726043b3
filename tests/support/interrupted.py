# SPDX-License-Identifier: Apache-2.0
"""Builds as processes of their own that are stopped half way, with everything that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from .commands import ROOT

#: Seconds that anything may take that should happen at once, on a busy machine.
PATIENCE = 20.0


class Running:
    """`west-llext build`, started in a session of its own.

    before: Python code that runs first in the process, to slow something down
    """

    def __init__(
        self,
        *words: str,
        folder: Path,
        before: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        code = (
            f"import os, signal, sys, time\nsys.path.insert(0, {str(ROOT)!r})\n{before}\n"
            f"from west_llext.cli.main import main\nsys.exit(main({['build', *words]!r}))\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            encoding="utf-8",
        )

    def interrupt(self) -> None:
        """What Ctrl-C in a terminal does: every process of the group is told."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill the build, and nothing that it started."""
        self.process.kill()

    def ended(self) -> tuple[int, str]:
        """Exit status and standard error, when it has ended; fails where that takes long."""
        try:
            _, err = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.clean_up()
            raise
        return self.process.returncode, err

    def left_behind(self) -> bool:
        """Whether a process that it started is still there, after a while."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return False
            time.sleep(0.01)
        self.clean_up()
        return True

    def clean_up(self) -> None:
        """Kill everything; for tests that go wrong."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def appeared(path: Path) -> bool:
    """Whether a file turns up within a while."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if path.exists():
            return True
        time.sleep(0.005)
    return False
