# SPDX-License-Identifier: Apache-2.0
"""The quickstart's build script."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import quickstart

pytestmark = pytest.mark.cross


@pytest.mark.parametrize("compiler", ["gcc", pytest.param("zig", marks=pytest.mark.zig)])
def test_base_image_is_the_same_from_any_folder(compiler: str, tmp_path: Path) -> None:
    """Otherwise the base's digest in our reports would depend on where it was built."""
    first = quickstart.built(tmp_path, compiler).base
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(quickstart.SAMPLE, copy, ignore=shutil.ignore_patterns("build"))
    shutil.copytree(tmp_path / "exports", copy / "build" / "llext")
    command = [sys.executable, "copy/build_base.py", "--cc", compiler]
    command += ["--exports", "copy/build/llext", "--output", "copy/build/base.elf"]
    subprocess.run(command, cwd=copy.parent, check=True)
    assert (copy / "build" / "base.elf").read_bytes() == first.read_bytes()
