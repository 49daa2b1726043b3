# SPDX-License-Identifier: Apache-2.0
"""Our side: a copy of the package, and commands that run it in new processes.

The copy keeps an edit in the middle of a run from changing what is measured. Its byte code is
cached, as an installed package's is.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Command
from benchmarks.workload import Workload

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The environment of processes that use the package."""

    environment: Mapping[str, str]

    def command(
        self, label: str, workload: Workload, verb: str, *options: str, fresh: Sequence[str] = ()
    ) -> Command:
        """`west-llext VERB` on a workload's manifest.

        fresh: files and folders of the workload to remove before each run
        """
        return Command(
            label=label,
            words=[*self.python(), verb, "-m", workload.manifest.name, *options],
            folder=workload.folder,
            environment=self.environment,
            prepare=lambda: removed(workload.folder, fresh),
        )

    def python(self) -> list[str]:
        """The words that start the command line."""
        return [sys.executable, "-m", "west_llext"]

    def empty(self, folder: Path) -> Command:
        """A Python that does nothing, in the same environment."""
        words = [sys.executable, "-c", "pass"]
        return Command(
            label="python -c pass", words=words, folder=folder, environment=self.environment
        )


def product(folder: Path) -> Product:
    """A copy of the package in a folder."""
    tree = folder / "product"
    for name in ("west_llext", "schemas"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_ROOT / name, tree / name, ignore=ignored)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return Product(environment=kept | {"PYTHONPATH": str(tree)})


def removed(folder: Path, names: Sequence[str]) -> None:
    """Take files and folders away, and let what was written before reach the disk.

    They are only moved: a file system may avoid what was just freed (ext4 without a journal looks
    at each such inode), and thousands of new files would then pay for those of the round before.
    """
    away = folder / "away"
    away.mkdir(exist_ok=True)
    for name in names:
        if (folder / name).exists():
            (folder / name).rename(away / str(len(list(away.iterdir()))))
    if hasattr(os, "sync"):
        os.sync()
