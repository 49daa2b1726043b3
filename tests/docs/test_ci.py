# SPDX-License-Identifier: Apache-2.0
"""The jobs in docs/ci run commands that exist, and are YAML."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.commands import ROOT, command
from support.kits import kit_files, with_source
from support.project import base_elf

from west_llext.cli.arguments import parsed

FILES = sorted((ROOT / "docs" / "ci").glob("*.yml"))


def scripts(value: Any) -> list[str]:
    """Every line that a job runs."""
    if isinstance(value, dict):
        lines = [value["run"]] if isinstance(value.get("run"), str) else []
        return lines + [each for inner in value.values() for each in scripts(inner)]
    if isinstance(value, list):
        return [
            each
            for inner in value
            for each in ([inner] if isinstance(inner, str) else scripts(inner))
        ]
    return []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_job_calls_the_tool_as_it_can_be_called(path: Path) -> None:
    """Options that are gone would only show in somebody's pipeline."""
    lines = scripts(yaml.safe_load(path.read_text(encoding="utf-8")))
    commands = [line for line in lines if line.startswith("west-llext ")]
    assert len(commands) >= 2
    for line in commands:
        words = re.sub(r"\s*[>|].*", "", line).split()[1:]
        assert parsed(words).llext_verb == words[0]


def test_nobody_is_told_to_install_this_package_by_its_name_alone() -> None:
    """It is in no package index, so that somebody else's could come."""
    sources = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*"),
        *(ROOT / "west_llext").rglob("*.py"),
    ]
    by_name = re.compile(r"pip install\b[^#\n`]*[\s\"']west-llext(?![^\s\"'`]* @ )")
    found = [
        (path.relative_to(ROOT).as_posix(), match[0])
        for path in sources
        if path.suffix in {".md", ".yml", ".py"}
        for match in by_name.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def expanded(word: str, folder: Path) -> list[str]:
    """What a shell in the folder makes of a word."""
    if "*" not in word:
        return [word]
    return [path.relative_to(folder).as_posix() for path in sorted(folder.glob(word))]


@pytest.mark.zig
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_job_goes_through(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines in their order, with what it says is there: a description of the base and a kit.

    Neither an image nor a tree nor a compiler but that of the package.
    """
    pytest.importorskip("ziglang")
    text = path.read_text(encoding="utf-8")
    base = re.findall(r"^# ( +(?:image|edk): \S+)", text, re.MULTILINE)
    assert [line.split(":")[0].strip() for line in base] == ["image", "edk"]
    for name, content in kit_files(tmp_path).items():
        kit = tmp_path / "kit" / name
        kit.parent.mkdir(parents=True, exist_ok=True)
        kit.write_bytes(content)
    (tmp_path / "vendor").mkdir()
    with tarfile.open(tmp_path / "vendor" / "llext-edk.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "kit", arcname=".")
    shutil.rmtree(tmp_path / "kit")
    (tmp_path / "base.elf").write_bytes(base_elf())
    described = command("base", "export", "base.elf", "-o", "base.json", folder=tmp_path)
    assert described.status == 0, described.err
    (tmp_path / "base.elf").unlink()
    with_source(tmp_path, "\n" + "\n".join(base))
    monkeypatch.setenv("PATH", str(tmp_path))
    for line in scripts(yaml.safe_load(text)):
        if not line.startswith("west-llext "):
            continue
        words, _, output = (part.strip() for part in line.partition(">"))
        names = [name for word in words.split()[1:] for name in expanded(word, tmp_path)]
        ran = command(*names, folder=tmp_path)
        assert ran.status == 0, f"{line}: {ran.out}{ran.err}"
        assert (not output) or json.loads(ran.out)
    assert (tmp_path / "build" / "llext" / "demo.llext").is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_job_installs_what_the_project_offers(path: Path) -> None:
    """The extra has to be one of pyproject.toml."""
    extras = re.findall(r"west-llext\[(\w+)\]", path.read_text(encoding="utf-8"))
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert extras
    assert all(re.search(rf"^{each} = \[", text, re.MULTILINE) for each in extras)
