# SPDX-License-Identifier: Apache-2.0
"""The sample's own unit tests, where its README says how to run them: in the repository."""

from __future__ import annotations

import os
import subprocess
import sys

from support.sample import FOLDER


def test_pytest_in_the_samples_folder_needs_no_plugin_of_ours() -> None:
    """Its settings are its own: ours name plugins that nobody else has installed."""
    words = ["-q", "--collect-only", "-p", "no:cacheprovider", "-p", "no:timeout", "-p", "no:xdist"]
    kept = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *words],
        cwd=FOLDER,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "tests/test_extensions.py::test_square_roots" in done.stdout
