# SPDX-License-Identifier: Apache-2.0
"""`west llext` in real workspaces, in every form in which they can have the command."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from support.commands import ROOT
from support.project import project
from support.workspaces import VERSION, west

pytest.importorskip("west")


def test_the_command_is_that_of_the_workspace(workspace: Path) -> None:
    """Not one that happens to be installed: the manifest pins the revision."""
    ran = west("llext", "--version", folder=workspace)
    assert ran == (0, f"west-llext {VERSION}\n", "")


def test_other_commands_still_work(workspace: Path) -> None:
    """A file of commands that can't be read would break every command of a workspace."""
    assert west("topdir", folder=workspace) == (0, f"{workspace}\n", "")


def test_the_command_is_listed_with_its_line(workspace: Path) -> None:
    """`west help`."""
    text = " ".join(west("help", folder=workspace).out.split())
    assert "llext: build, validate and pre-link loadable extensions (LLEXT)" in text


def test_help_lists_the_verbs(workspace: Path) -> None:
    """`west llext -h`, and of a verb."""
    assert "check" in west("llext", "-h", folder=workspace).out
    ran = west("llext", "build", "-h", folder=workspace)
    assert ran.out.startswith("usage: west llext build ")


def test_a_build(workspace: Path, tmp_path: Path) -> None:
    """The whole way, from a folder of the workspace."""
    folder = workspace / f"ext-{tmp_path.name}"
    folder.mkdir()
    project(folder)
    ran = west("llext", "build", folder=folder)
    assert ran.status == 0, ran.err
    assert "1 extension: " in ran.out
    assert (folder / "build" / "llext" / "demo.llext").is_file()


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (0, ["schema"]),
        (2, ["build", "-j", "0"]),
        (2, []),
        (3, ["check", "-m", "missing.yml"]),
        (1, ["info", "bad.elf"]),
    ],
    ids=str,
)
def test_the_exit_status_is_ours(expected: int, words: list[str], manifest_workspace: Path) -> None:
    """west hands it on, and adds no traceback."""
    (manifest_workspace / "bad.elf").write_bytes(b"no")
    ran = west("llext", *words, folder=manifest_workspace)
    assert ran.status == expected
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["llext", "info", "base.elf", "demo.o"], 1),
        (["-v", "llext", "info", "base.elf", "demo.o"], 1),
        (["llext", "exports"], 1),
        (["llext", "exports", "-q"], 0),
        (["-q", "llext", "exports"], 0),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else str(each),
)
def test_verbosity_is_ours_or_west_s(
    words: list[str], lines: int, manifest_workspace: Path, tmp_path: Path
) -> None:
    """`west -q llext …` is `west llext … -q`."""
    folder = manifest_workspace / f"verbosity-{tmp_path.name}"
    folder.mkdir()
    project(folder)
    ran = west(*words, folder=folder)
    assert ran.status == 0, ran.err
    assert bool(ran.out.strip()) is bool(lines)


def test_json_is_not_mixed_with_west_s_own_words(manifest_workspace: Path) -> None:
    """Standard output belongs to the report."""
    ran = west("llext", "check", "--json", "-m", "missing.yml", folder=manifest_workspace)
    assert ran.status == 3
    assert json.loads(ran.out)["verb"] == "check"


def test_missing_packages_are_one_line(manifest_workspace: Path, tmp_path: Path) -> None:
    """An environment that has west and nothing else; it names what to install."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.machinery as machinery\n"
        "found = machinery.PathFinder.find_spec\n"
        "def find_spec(name, path=None, target=None):\n"
        "    return None if name in ('ninja',) else found(name, path, target)\n"
        "machinery.PathFinder.find_spec = staticmethod(find_spec)\n",
        encoding="utf-8",
    )
    ran = west(
        "llext",
        "build",
        folder=manifest_workspace,
        environment={"PYTHONPATH": str(tmp_path)},
    )
    assert ran.status == 3
    expected = "ERROR: west llext needs Python packages that aren't there: pip install ninja\n"
    assert ran.err == expected


def test_the_packages_asked_for_are_those_of_the_project() -> None:
    """pyproject.toml says what is installed with the package."""
    from west_llext.west_command import NEEDED

    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = text.partition("\ndependencies = [")[2].partition("]")[0]
    names = {line.strip(' ",').partition(">")[0] for line in listed.split("\n") if ">" in line}
    assert set(NEEDED.values()) == names


def test_the_file_of_commands_names_what_is_there() -> None:
    """west reads it before every command."""
    text = (ROOT / "scripts" / "west-commands.yml").read_text(encoding="utf-8")
    (entry,) = yaml.safe_load(text)["west-commands"]
    assert (ROOT / entry["file"]).is_file()
    assert [each["class"] for each in entry["commands"]] == ["LlextCommand"]


@pytest.mark.parametrize(("wanted", "expected"), [("true", None), ("false", "1")])
def test_colours_of_west_are_ours(wanted: str, expected: str | None) -> None:
    """`west config color.ui false`."""
    from west.configuration import Configuration

    from west_llext.west_command import LlextCommand

    class Config(Configuration):
        def __init__(self) -> None:
            """Reads no file."""

        def getboolean(self, option: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002
            return {"color.ui": wanted == "true"}.get(option, default)

    found = LlextCommand()
    found.config = Config()
    assert found._environment().get("NO_COLOR", None) == (expected or os.environ.get("NO_COLOR"))
