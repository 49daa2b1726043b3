# SPDX-License-Identifier: Apache-2.0
"""Extensions with nothing in them: no section that the target loads, so nothing to place."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import command
from support.elfbuild import elf
from support.project import project

from west_llext.model.manifest import Mode


@pytest.mark.parametrize("mode", Mode)
def test_an_empty_object_is_linked_like_any_other(mode: Mode, tmp_path: Path) -> None:
    """And takes no byte of any memory."""
    manifest = project(tmp_path, mode=mode.value)
    text = manifest.read_text(encoding="utf-8").replace("    exports: [demo_run]\n", "")
    manifest.write_text(text, encoding="utf-8")
    (tmp_path / "demo.o").write_bytes(elf())
    ran = command("build", folder=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[1].split()[:6] == ["demo", mode.value, "0", "0", "0", "0"]
