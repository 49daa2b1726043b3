# SPDX-License-Identifier: Apache-2.0
"""The hook for pre-commit: in a repository of its own, as `pre-commit try-repo` runs it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.commands import ROOT, command
from support.project import project


def hook() -> dict[str, Any]:
    """The one hook that is offered."""
    (found,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return dict(found)


@pytest.mark.parametrize(
    ("expected", "path"),
    [
        (True, "llext.yml"),
        (True, "apps/llext.yaml"),
        (True, "apps/motor.llext.yml"),
        (False, "exports/sensors.yml"),
        (False, "myllext.yml"),
        (False, "llext.yml.orig"),
    ],
)
def test_the_hook_is_for_manifests(expected: bool, path: str) -> None:  # noqa: FBT001  # a table
    """Files of shared exports are read through the manifests that name them."""
    assert bool(re.search(hook()["files"], path)) is expected


def test_the_entry_takes_the_files_behind_it(tmp_path: Path) -> None:
    """pre-commit puts the names of changed files behind the entry."""
    manifest = project(tmp_path)
    name, *words = shlex.split(hook()["entry"])
    assert name == "west-llext"
    assert command(*words, "llext.yml", folder=tmp_path).status == 0
    text = manifest.read_text(encoding="utf-8").replace("mode: bound", "mode: bond")
    (tmp_path / "other.llext.yml").write_text(text, encoding="utf-8")
    ran = command(*words, "llext.yml", "other.llext.yml", folder=tmp_path)
    expected = (
        "other.llext.yml:13:11: error[M015]: 'mode' is 'bond', expected one of 'relocatable', "
        "'bound', 'prelocated'\nhint: write 'bound'\n1 error\n"
    )
    assert ran == (1, expected, "")


def test_it_needs_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook runs where there is nothing but Python; then the links aren't checked."""
    monkeypatch.setenv("PATH", str(tmp_path))
    text = project(tmp_path).read_text(encoding="utf-8")
    (tmp_path / "demo.c").write_text("int demo_run(void) { return 1; }\n", encoding="utf-8")
    (tmp_path / "llext.yml").write_text(
        text.replace("objects: [demo.o]", "sources: [demo.c]"), encoding="utf-8"
    )
    ran = command("check", "llext.yml", folder=tmp_path)
    assert ran.status == 0
    assert "error" not in ran.out


def test_pre_commit_accepts_the_file() -> None:
    """Its own validator."""
    pytest.importorskip("pre_commit")
    words = [sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)


def test_pre_commit_runs_the_hook(tmp_path: Path) -> None:
    """`pre-commit run` with the entry of the hook, on a good manifest and then on a bad one.

    `language: system` in place of `python`, so that nothing is installed from anywhere.
    """
    pytest.importorskip("pre_commit")
    if shutil.which("git") is None:
        pytest.skip("git isn't installed")
    entry = hook()["entry"].replace("west-llext", f"{shlex.quote(sys.executable)} -m west_llext")
    local = {**hook(), "language": "system", "entry": entry}
    config = {"repos": [{"repo": "local", "hooks": [local]}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    manifest = project(tmp_path)
    first = ran(tmp_path)
    assert first.returncode == 0, first.stdout
    text = manifest.read_text(encoding="utf-8").replace("mode: bound", "mode: bond")
    manifest.write_text(text, encoding="utf-8")
    second = ran(tmp_path)
    assert second.returncode == 1
    assert "llext.yml:13:11: error[M015]: 'mode' is 'bond'" in second.stdout


def ran(folder: Path) -> subprocess.CompletedProcess[str]:
    """`pre-commit run --all-files` in a repository that is made where there is none."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
    }
    for words in (["git", "init", "-q"], ["git", "add", "."]):
        subprocess.run(words, cwd=folder, check=True, env=environment)
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files"],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
