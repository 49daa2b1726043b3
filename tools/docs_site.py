# SPDX-License-Identifier: Apache-2.0
"""What mkdocs can't know of docs/: the order of the pages, and the indexes of codes and decisions.

mkdocs calls `on_config` and `on_files` (its hooks). The indexes are made when the site is built, so
that a new code or a new decision is one new file and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from west_llext.app.codes import FAMILIES

#: Pages in the order to read them; the folders `codes` and `adr` come behind.
PAGES = (
    "index",
    "commands",
    "manifest",
    "modes",
    "machines",
    "loader",
    "west",
    "zephyr-module",
    "unit-tests",
    "on-the-target",
    "without-zephyr",
    "ci",
    "proof",
    "blob-format",
)

CODES = """\
# Diagnostic codes

Every message carries a code, such as `error[M012]`. Codes are stable, and are never used again for
something else. The letter says what a code is about.
"""
DECISIONS = """\
# Decisions

Choices that somebody might want to undo: why each was made, what follows from it, and what would
change our mind. One that no longer holds is superseded by a new one, not edited.
"""


def title(page: Path) -> str:
    """The heading of a page, without its `#`."""
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("#").strip()


def codes(folder: Path) -> dict[str, list[Path]]:
    """The pages of codes, by family, in the order of the families."""
    pages = sorted(folder.glob("[A-Z][0-9][0-9][0-9].md"))
    return {letter: [each for each in pages if each.name.startswith(letter)] for letter in FAMILIES}


def decisions(folder: Path) -> list[Path]:
    """The pages of decisions, by number."""
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]-*.md"))


def codes_index(folder: Path) -> str:
    """A table of codes for each family."""
    return CODES + "".join(_family(letter, pages) for letter, pages in codes(folder).items())


def _family(letter: str, pages: list[Path]) -> str:
    rows = []
    for page in pages:
        code, _, meaning = title(page).partition(": ")
        rows.append(f"| [{code}]({page.name}) | {meaning} |\n")
    return f"\n## {letter}: {FAMILIES[letter]}\n\n| code | means |\n| --- | --- |\n{''.join(rows)}"


def decisions_index(folder: Path) -> str:
    """A table of all decisions."""
    rows = []
    for page in decisions(folder):
        number, _, choice = title(page).partition(": ")
        rows.append(f"| {number} | [{choice}]({page.name}) |\n")
    return f"{DECISIONS}\n| number | decision |\n| --- | --- |\n{''.join(rows)}"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Every page in its place in the navigation."""
    folder = Path(config.docs_dir)
    config.nav = list(_navigation(folder))
    return config


def _navigation(folder: Path) -> Iterator[Any]:
    yield from (f"{page}.md" for page in PAGES)
    families = [
        {f"{letter}: {FAMILIES[letter]}": [f"codes/{page.name}" for page in pages]}
        for letter, pages in codes(folder / "codes").items()
    ]
    yield {"Diagnostic codes": ["codes/index.md", *families]}
    pages = [f"adr/{page.name}" for page in decisions(folder / "adr")]
    yield {"Decisions": ["adr/index.md", *pages]}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The two indexes beside the files that are there."""
    folder = Path(config.docs_dir)
    made = {
        "codes/index.md": codes_index(folder / "codes"),
        "adr/index.md": decisions_index(folder / "adr"),
    }
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    return files
