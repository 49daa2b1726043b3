# SPDX-License-Identifier: Apache-2.0
"""Changes for users: fragments that a release gathers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import ROOT

KINDS = {"added", "changed", "fixed", "removed"}
FRAGMENTS = sorted((ROOT / "changelog.d").glob("[!.]*"))


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_one_paragraph_of_a_known_kind(path: Path) -> None:
    """One line, so that a release makes one point of it."""
    subject, kind, suffix = path.name.split(".")
    assert subject
    assert (kind in KINDS, suffix) == (True, "md")
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") == 1
    assert text.endswith(".\n")


def test_a_release_gathers_fragments_above_older_ones(tmp_path: Path) -> None:
    """By kind, then by subject; the fragments are gone afterwards."""
    (tmp_path / "tools").mkdir()
    tool = tmp_path / "tools" / "changelog.py"
    tool.write_bytes((ROOT / "tools" / "changelog.py").read_bytes())
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\nWhat is new.\n", encoding="utf-8")
    folder = tmp_path / "changelog.d"
    folder.mkdir()
    for version, names in {
        "0.1.0": ["b.fixed", "a.added"],
        "0.2.0": ["d.added", "c.added"],
    }.items():
        for name in names:
            (folder / f"{name}.md").write_text(f"About {name[0]}.\n", encoding="utf-8")
        subprocess.run([sys.executable, str(tool), version, "2026-01-02"], check=True)
    assert not list(folder.iterdir())
    assert (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8") == (
        "# Changelog\n\nWhat is new.\n\n"
        "## 0.2.0, 2026-01-02\n\n### Added\n\n- About c.\n- About d.\n\n"
        "## 0.1.0, 2026-01-02\n\n### Added\n\n- About a.\n\n### Fixed\n\n- About b.\n"
    )
