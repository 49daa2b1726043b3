# SPDX-License-Identifier: Apache-2.0
"""Programs of npm that tests compare with; tools/setup.py installs them into the checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[2] / ".node" / "node_modules"


def program(package: str, script: str) -> list[str]:
    """The words that start a package's script; skips the test where it isn't installed."""
    node, path = shutil.which("node"), MODULES / package / script
    if node is None or not path.is_file():
        pytest.skip(f"{package} isn't installed")
    return [node, str(path)]
