# SPDX-License-Identifier: Apache-2.0
"""The jobs in docs/ci run commands that exist, and are YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.commands import ROOT

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


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_job_installs_what_the_project_offers(path: Path) -> None:
    """The extra has to be one of pyproject.toml."""
    extras = re.findall(r"west-llext\[(\w+)\]", path.read_text(encoding="utf-8"))
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert extras
    assert all(re.search(rf"^{each} = \[", text, re.MULTILINE) for each in extras)
