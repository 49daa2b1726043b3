# SPDX-License-Identifier: Apache-2.0
"""`west llext` in real workspaces: as the manifest repository, and as a project of one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from support.commands import ROOT, Ran
from support.project import project

pytest.importorskip("west")

#: What a checkout needs to have for the command to work; the version tells it from others.
PARTS = ("west_llext", "scripts", "schemas", "zephyr")
VERSION = "9.8.7"

MANIFEST_REPOSITORY = """\
manifest:
  self:
    path: tool
    west-commands: scripts/west-commands.yml
"""
PROJECT = """\
manifest:
  projects:
    - name: west-llext
      url: {url}
      revision: main
      path: modules/west-llext
      west-commands: scripts/west-commands.yml
  self:
    path: app
"""


def run(*words: str, folder: Path, environment: Mapping[str, str] | None = None) -> Ran:
    """A command, by the interpreter of the tests, away from every setting of the user."""
    kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT", "TMPDIR") if key in os.environ}
    done = subprocess.run(
        words,
        cwd=folder,
        env={**kept, "HOME": str(folder), "COLUMNS": "100", **(environment or {})},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def west(*words: str, folder: Path, environment: Mapping[str, str] | None = None) -> Ran:
    """`west WORDS`."""
    return run(sys.executable, "-m", "west", *words, folder=folder, environment=environment)


def checkout(folder: Path) -> None:
    """Copy this repository, with a version of its own."""
    for name in PARTS:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "codes")
        )
    (folder / "west_llext" / "__init__.py").write_text(
        f'"""A copy."""\n\n__version__ = "{VERSION}"\n', encoding="utf-8"
    )


@pytest.fixture(scope="module")
def manifest_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose manifest repository is this one."""
    top = tmp_path_factory.mktemp("workspace")
    checkout(top / "tool")
    (top / "tool" / "west.yml").write_text(MANIFEST_REPOSITORY, encoding="utf-8")
    ran = west("init", "-l", "tool", folder=top)
    assert ran.status == 0, ran.err
    return top


@pytest.fixture(scope="module")
def project_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that has this repository as a project, cloned from a local one."""
    top = tmp_path_factory.mktemp("workspace")
    upstream = tmp_path_factory.mktemp("upstream")
    checkout(upstream)
    user = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*user, "commit", "-q", "-m", "x"]):
        ran = run("git", *words, folder=upstream)
        assert ran.status == 0, ran.err
    (top / "app").mkdir()
    (top / "app" / "west.yml").write_text(PROJECT.format(url=upstream.as_uri()), encoding="utf-8")
    for words in (["init", "-l", "app"], ["update"]):
        ran = west(*words, folder=top)
        assert ran.status == 0, ran.err
    return top


@pytest.fixture(params=["manifest_workspace", "project_workspace"])
def workspace(request: pytest.FixtureRequest) -> Path:
    """Both."""
    found: Path = request.getfixturevalue(request.param)
    return found


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
