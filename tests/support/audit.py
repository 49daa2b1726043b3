# SPDX-License-Identifier: Apache-2.0
"""What a command does to the world: files that it changes, processes that it starts.

The interpreter's own audit events tell, so nothing has to be replaced and nothing is missed that
Python code does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .commands import ROOT

_SCRIPT = """
import json, os, sys
sys.path.insert(0, {root!r})
deeds = []
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = (
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "os.utime", "shutil.", "tempfile.",
)
PROCESSES = ("subprocess.", "os.fork", "os.exec", "os.posix_spawn", "os.spawn", "os.system")
def hook(event, arguments):
    if event == "open" and arguments[2] is not None and arguments[2] & WRITES:
        deeds.append(f"open {{arguments[0]}}")
    elif event.startswith(CHANGES) or event.startswith(PROCESSES):
        deeds.append(event + " " + " ".join(map(str, arguments[:1])))
from west_llext.cli.main import main
sys.addaudithook(hook)
status = main({words!r})
sys.stdout.flush()
print("\\n" + json.dumps([status, deeds]))
"""


class Audited(NamedTuple):
    """What came of a command; `deeds` are what it changed and started."""

    status: int
    out: str
    deeds: tuple[str, ...]


def audited(*words: str, folder: Path, environment: Mapping[str, str] | None = None) -> Audited:
    """`west-llext WORDS` in a folder, in a process of its own, watched."""
    script = _SCRIPT.format(root=str(ROOT), words=list(words))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    out, _, last = done.stdout.rstrip("\n").rpartition("\n")
    status, deeds = json.loads(last)
    return Audited(status, out, tuple(deeds))
