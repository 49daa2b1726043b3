# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in commands that west loads, and doesn't in ours."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from support.commands import ROOT
from support.project import project
from support.workshop import Part, Workshop
from support.workspaces import PROJECTS, project_workspace, run, succeeded, west

#: Hides the package that is installed for the tests, and so what an editable install adds.
WITHOUT_PACKAGE = (
    f"import sys\nsys.path[:] = [each for each in sys.path if each != {str(ROOT)!r}]\n"
)


def environment(tmp_path: Path, code: str) -> dict[str, str]:
    """What has an interpreter run `code` when it starts."""
    (tmp_path / "sitecustomize.py").write_text(code, encoding="utf-8")
    return {"PYTHONPATH": str(tmp_path)}


def test_the_package_need_not_be_installed(folder: Path, tmp_path: Path) -> None:
    """A checkout is enough; west loads the file by its path, and knows no other of ours."""
    project(folder)
    changed = environment(tmp_path, WITHOUT_PACKAGE)
    found = run(sys.executable, "-c", "import west_llext.cli", folder=folder, environment=changed)
    assert "No module named 'west_llext.cli'" in found.err
    ran = west("llext", "build", folder=folder, environment=changed)
    assert "1 extension: " in succeeded(ran)


def test_a_module_of_the_same_name_does_not_get_in_the_way(folder: Path, tmp_path: Path) -> None:
    """West appends the folder of the file to sys.path, so that anybody's module goes first."""
    project(folder)
    for name in ("diagnostics", "west_command", "app", "cli", "elf", "manifest"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('wrong module')\n", encoding="utf-8")
    ran = west("llext", "check", folder=folder, environment={"PYTHONPATH": str(tmp_path)})
    assert ran == (0, "1 extension: no findings\n", "")


def test_a_command_that_is_not_there_before_west_update(upstream: str, tmp_path: Path) -> None:
    """West can't know it yet; the rest of the workspace works."""
    top = project_workspace(tmp_path / "workspace", PROJECTS["named"], upstream)
    project(top)
    succeeded(west("llext", "check", folder=top))
    Path(top / "modules").rename(top / "gone")
    assert west("llext", "check", folder=top).status != 0
    assert west("topdir", folder=top).out == f"{top}\n"


def test_a_project_without_the_key_has_no_command(upstream: str, tmp_path: Path) -> None:
    """`west-commands:` or `import:` is needed: being a Zephyr module isn't enough."""
    manifest = PROJECTS["imported"].replace("      import: true\n", "")
    top = project_workspace(tmp_path / "workspace", manifest, upstream)
    ran = west("llext", "--version", folder=top)
    assert ran.status != 0
    assert "unknown command" in ran.err + ran.out


def test_the_help_line_is_not_given_twice(folder: Path) -> None:
    """West warns of a help text in the constructor, because the file of commands has it."""
    ran = west("help", "llext", folder=folder)
    assert ran.status == 0
    assert "WARNING" not in ran.out + ran.err
    assert "ignored" not in ran.out


@pytest.mark.parametrize("verbosity", ["-v", "-vv", "-vvv", "-q", "-qq", "-v -q"])
def test_the_exit_status_survives_every_verbosity(verbosity: str, folder: Path) -> None:
    """West's own `die()` raises instead of exiting where it is told to say everything."""
    ran = west(*verbosity.split(), "llext", "check", "-m", "missing.yml", folder=folder)
    assert ran.status == 3
    assert "Traceback" not in ran.err
    assert "error[M010]" in ran.out


def test_west_s_verbosity_goes_before_the_command(folder: Path) -> None:
    """Behind it, an option of a verb counts; both can be given."""
    project(folder)
    assert west("llext", "-v", "build", folder=folder).status == 2
    assert "wrote demo.llext" in succeeded(west("-v", "llext", "build", folder=folder))
    (folder / "build" / "llext" / "demo.llext").unlink()
    assert "wrote demo.llext" in succeeded(west("-q", "llext", "build", "-v", folder=folder))
    assert west("-q", "-v", "llext", "build", folder=folder).out == "1 extension: nothing to do\n"
    assert west("-q", "llext", "build", folder=folder) == (0, "", "")


@pytest.mark.parametrize("words", [["--", "x"], ["--nope"], ["surplus"]], ids=str)
def test_words_that_mean_nothing_are_refused(words: list[str], folder: Path) -> None:
    """Status 2, and our usage line."""
    project(folder)
    ran = west("llext", "build", *words, folder=folder)
    assert ran.status == 2
    assert ran.err.startswith("usage: west ")


def test_workers_can_be_started(folder: Path) -> None:
    """West loads commands as modules that can't be imported again, which breaks pickling."""
    parts = [Part(name=f"x{number}", calls=["printk"]) for number in range(60)]
    shop = Workshop(folder, parts)
    shop.write()
    out = succeeded(west("llext", "build", "-j", "2", folder=folder))
    assert re.search(r"^60 extensions: \d+ files written", out, re.MULTILINE)


def test_colours_are_for_terminals(folder: Path) -> None:
    """Nobody wants them in a file, whatever `color.ui` says."""
    project(folder)
    ran = west("llext", "check", "-m", "missing.yml", folder=folder)
    assert "\x1b" not in ran.out + ran.err


def test_without_a_workspace_there_is_another_way(tmp_path: Path) -> None:
    """The command doesn't exist for west there; `west-llext` and `python -m` do."""
    project(tmp_path)
    assert west("llext", "check", folder=tmp_path).status != 0
    ran = run(sys.executable, "-m", "west_llext", "check", folder=tmp_path)
    assert ran == (0, "1 extension: no findings\n", "")
