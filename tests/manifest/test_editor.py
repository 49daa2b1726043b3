# SPDX-License-Identifier: Apache-2.0
"""The schema in an editor: yaml-language-server finds it by the modeline of a manifest.

tools/setup.py says which version of it is installed where there is npm.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lsp import LanguageServer
from support.manifests import complaints
from support.node import program

ROOT = Path(__file__).parents[2]
MODELINE = "# yaml-language-server: $schema=schemas/llext-manifest.schema.json\n"


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    return tmp_path


@pytest.fixture(name="server")
def _server(folder: Path) -> Iterator[LanguageServer]:
    words = program("yaml-language-server", "bin/yaml-language-server")
    with LanguageServer([*words, "--stdio"], folder) as server:
        yield server


def written(folder: Path, text: str) -> Path:
    """A manifest with the modeline, in the folder that has schemas/."""
    path = folder / "llext.yml"
    path.write_text(MODELINE + text, encoding="utf-8")
    return path


def lines(found: list[dict[str, Any]]) -> list[int]:
    """The lines that diagnostics are about, counted from 1."""
    return sorted({each["range"]["start"]["line"] + 1 for each in found})


def test_right_manifest_has_no_diagnostics(server: LanguageServer, folder: Path) -> None:
    """The one of the quickstart, with its modeline turned to the schema here."""
    text = (ROOT / "samples" / "quickstart" / "llext.yml").read_text(encoding="utf-8")
    file = written(folder, text.split("\n", 1)[1])
    assert server.opened(file) == []


def test_editor_marks_the_lines_that_the_tool_reports(server: LanguageServer, folder: Path) -> None:
    """Mistakes that a schema can see: keys, kinds, values, lengths; the same lines by both."""
    text = """\
version: 2.5
bases: {}
base:
  memory:
    - {name: ram, address: 0x20000000, size: 64X, access: rwx}
  exports:
    - printk
    - 3x
    - {group: libc, symbols: [memcpy, int]}
defaults:
  mode: static
extensions:
  - name: sixteen-letters-
    source: [fir.c]
  - name: mathlib
    sources: fir.c
    imports-from: [a, b, c, d, e, f, g, h, i]
  - name: con
    objects: []
    exports: [run, run]
"""
    file = written(folder, text)
    by_editor = server.opened(file)
    # the tool judges nothing else by an unknown version
    said = complaints(folder, MODELINE + text.replace("2.5", "1"))
    by_tool = {
        int(line.split(":")[1])
        for line in said.splitlines()
        if "error[" in line and "error[M025]" not in line
    }
    assert lines(by_editor) == sorted(by_tool | {2})


def test_editor_completes_keys_and_values(server: LanguageServer, folder: Path) -> None:
    """All keys of an extension but those that are there, and the modes."""
    file = written(
        folder,
        "version: 1\nextensions:\n  - name: filters\n    sources: [fir.c]\n    \n    mode: \n",
    )
    server.opened(file)
    keys = server.at("textDocument/completion", file, 6, 5)["items"]
    assert {each["label"] for each in keys} >= {
        "objects",
        "include-dirs",
        "defines",
        "cflags",
        "compiler-runtime",
        "exports",
        "imports-from",
        "place",
    }
    modes = server.at("textDocument/completion", file, 7, 11)["items"]
    assert {"relocatable", "bound", "prelocated"} <= {each["label"].strip() for each in modes}


def test_editor_shows_descriptions(server: LanguageServer, folder: Path) -> None:
    """Pointing at a key shows what the schema says of it."""
    file = written(folder, "version: 1\nextensions:\n  - name: filters\n    sources: [fir.c]\n")
    server.opened(file)
    hover = server.at("textDocument/hover", file, 4, 6)
    assert "The loader keeps 15 characters." in str(hover["contents"])
