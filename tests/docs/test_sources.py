# SPDX-License-Identifier: Apache-2.0
"""What every file of code has to have, and what none may have."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.pages import ROOT

#: Suffixes of code; data of tests and texts for people carry no licence line.
CODE = {".py", ".c", ".h", ".ld", ".S", ".cmake", ".sh"}


def tracked() -> list[Path]:
    """The files that git knows, or would take."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no git checkout")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_every_file_of_code_names_its_licence() -> None:
    """In the first line or, behind `#!`, the second."""
    without = [
        path.relative_to(ROOT).as_posix()
        for path in tracked()
        if path.suffix in CODE
        and "SPDX-License-Identifier: Apache-2.0"
        not in "".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:2])
    ]
    assert without == []


def test_the_top_folder_holds_nothing_by_accident() -> None:
    """A file that was tried out there is committed easily, and the first that a newcomer sees."""
    names = [path.relative_to(ROOT) for path in tracked()]
    assert sorted(name.name for name in names if len(name.parts) == 1) == [
        ".gitattributes",
        ".gitignore",
        ".pre-commit-hooks.yaml",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "mkdocs.yml",
        "pyproject.toml",
        "west.yml",
        "zephyr-module.yml",
    ]


def test_every_room_is_introduced_to_those_who_come_new() -> None:
    """In CONTRIBUTING.md, by the name that it has in the package, and in the order of layers."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+(?:/|\.py))` \|", text, re.MULTILINE))
    package = ROOT / "west_llext"
    rooms = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    modules = {path.name for path in package.glob("[!_]*.py")}
    assert named == rooms | modules
    layers = re.search(r"^```text\n(.*)\n```$", text, re.MULTILINE)
    assert layers is not None
    ranks = [sorted(rank.strip("{ }").split()) for rank in layers[1].split(" > ")]
    with (ROOT / "pyproject.toml").open(encoding="utf-8") as file:
        contract = re.search(r"^layers = \[\n(.*?)^\]$", file.read(), re.MULTILINE | re.DOTALL)
    assert contract is not None
    rows = re.findall(r'"(.*)"', contract[1])[1:]  # the first are what west and pytest load
    assert ranks == [sorted(re.findall(r"west_llext\.(\w+)", row)) for row in rows]


def test_names_of_files_suit_every_system() -> None:
    """Letters that Windows refuses, names that it takes for devices, or that differ by case."""
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    odd = [name for name in names if re.search(r'[<>:"|?*\\]|[ .](/|$)', name)]
    devices = re.compile(r"(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.|/|$)", re.IGNORECASE)
    assert odd + [name for name in names if devices.search(name)] == []
    assert len({name.lower() for name in names}) == len(set(names))


def test_text_has_the_line_ends_of_unix() -> None:
    """Git keeps them so on every system (.gitattributes)."""
    words = ["git", "ls-files", "--eol"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert [
        line for line in done.stdout.splitlines() if "w/crlf" in line or "w/mixed" in line
    ] == []


def test_the_package_never_uses_a_shell() -> None:
    """It runs compilers with words, so that a name can't become a command."""
    sources = (ROOT / "west_llext").rglob("*.py")
    words = re.compile(r"shell=True|os\.system\(|os\.popen\(|getoutput\(")
    assert [path for path in sources if words.search(path.read_text(encoding="utf-8"))] == []
