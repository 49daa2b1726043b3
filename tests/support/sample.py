# SPDX-License-Identifier: Apache-2.0
"""The quickstart as a project to build: a copy with its base image, compiled by one compiler."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from west_llext.app.exports import ExportsRequest, exports, written

from .workshop import Buildable

FOLDER = Path(__file__).parents[2] / "samples" / "quickstart"

#: Every compiler that the sample is for, as parameters.
COMPILERS = (
    pytest.param("gcc", marks=pytest.mark.cross),
    pytest.param("zig", marks=pytest.mark.zig),
)


class Sample(Buildable):
    """A copy of the quickstart."""

    def __init__(self, root: Path, compiler: str) -> None:
        """`compiler` is the one that builds find; the base image isn't made here."""
        self.root = root
        self.compiler = compiler
        self.environment = environment(compiler)

    @property
    def base(self) -> Path:
        """Its base image."""
        return self.root / "build" / "base.elf"

    def copied(self, root: Path) -> Sample:
        """The same project in another folder, with everything that builds have left."""
        shutil.copytree(self.root, root)
        return Sample(root, self.compiler)


def environment(compiler: str) -> Mapping[str, str]:
    """What makes builds find this compiler: without PATH that is the zig of the package."""
    return os.environ if compiler == "gcc" else {**os.environ, "PATH": ""}


def prepared(root: Path, compiler: str) -> Sample:
    """A copy of the sample with its base image, as its README says; skips without the compiler."""
    if compiler == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc isn't installed")
    if compiler == "zig" and importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang isn't installed")
    unwanted = shutil.ignore_patterns("build", "llext.lock", "__pycache__")
    shutil.copytree(FOLDER, root, ignore=unwanted)
    (root / ".git").mkdir()  # so that the copy is a workspace of its own
    sample = Sample(root, compiler)
    written(exports(ExportsRequest(build=sample.request())), sample.output)
    command = [sys.executable, str(root / "build_base.py"), "--cc", compiler]
    command += ["--exports", str(sample.output), "--output", str(sample.base)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return sample
