# SPDX-License-Identifier: Apache-2.0
"""The tools that the benchmarks need, and what they are called in a report."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping

PREFIX = "arm-none-eabi-"


class MissingToolError(Exception):
    """A tool or a system that the benchmarks can't do without; the text says which."""


def tool(name: str) -> str:
    """Path of a tool of the cross compiler (`ld`)."""
    return program(PREFIX + name)


def program(name: str) -> str:
    """Path of a program."""
    found = shutil.which(name)
    if found is None:
        raise MissingToolError(f"'{name}' isn't installed")
    return found


def machine() -> Mapping[str, object]:
    """The machine, without anything that tells which one it is."""
    return {
        "cores": os.cpu_count(),
        "processor": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> Mapping[str, str]:
    """Versions of what is compared."""
    return {
        "python": platform.python_version(),
        "ld": _first_line(tool("ld"), "--version"),
        "gcc": _first_line(tool("gcc"), "--version"),
    }


def _first_line(*command: str) -> str:
    done = subprocess.run([*command], check=True, capture_output=True, text=True)
    return done.stdout.split("\n", 1)[0]


def _field(path: str, key: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 (/proc)
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return None
