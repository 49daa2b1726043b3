# SPDX-License-Identifier: Apache-2.0
"""Every command that the README and the pages show is run, and prints what they show."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from support.commands import ROOT, command
from support.pages import agrees, blocks, session
from support.sample import prepared

from west_llext.cli.arguments import VERBS

pytestmark = pytest.mark.zig

PAGES = ("README.md", "docs/commands.md", "docs/ci.md")
#: Verbs whose output has sizes and addresses in it, which another compiler makes others.
INEXACT = {"build", "exports", "info", "load"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages take for granted: the sample after `make demo`, and a west build directory.

    The build directory has the sample's base image in it, because Zephyr isn't here.
    """
    top = tmp_path_factory.mktemp("checkout")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")  # so that the compiler is zig, as in the pages
        sample = prepared(top / "samples" / "quickstart", "zig")
        assert command("build", folder=sample.root).status == 0
    (top / ".git").mkdir()
    (top / "build" / "zephyr").mkdir(parents=True)
    shutil.copyfile(sample.base, top / "build" / "zephyr" / "zephyr.elf")
    (top / "build" / "zephyr" / ".config").write_text("CONFIG_LLEXT=y\n", encoding="utf-8")
    (top / "build" / "CMakeCache.txt").write_text("CACHED_BOARD:STRING=mps2\n", encoding="utf-8")
    return top


def written(path: Path, text: str) -> None:
    """Put a file that a page shows into a folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_commands_print_what_the_page_shows(
    page: str, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, with the files that the page shows in between."""
    top = folder = tmp_path / "checkout"
    shutil.copytree(checkout, top)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("COLUMNS", "100")
    count = 0
    for block in blocks(ROOT / page):
        if block.name is not None:
            written(top / block.name, block.text)
        for shown in session(block.text) if block.language == "console" else ():
            name, *words = shlex.split(shown.command)
            if name == "cd":
                folder = top / words[0]
                continue
            assert name == "west-llext"
            ran = command(*words, folder=folder)
            printed = ran.out + ran.err
            assert agrees(shown.output, printed, exact=words[0] not in INEXACT), printed
            assert (ran.status == 1) is ("error[" in shown.output)
            count += 1
    assert count


def test_no_page_shows_a_session_that_is_not_run() -> None:
    """What isn't to be run is marked `sh`."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    shown = {page for page in pages if any(each.language == "console" for each in blocks(page))}
    assert {page.relative_to(ROOT).as_posix() for page in shown} == set(PAGES)


def test_comparing_outputs_can_fail() -> None:
    """By a word, by a line, and by a number where numbers count."""
    assert agrees("3 files\n", "3 files\n", exact=True)
    assert agrees("a  3 files\n", "a   10 files\n", exact=False)
    assert agrees("one\n…\n", "one\ntwo\n", exact=True)
    assert not agrees("3 files\n", "4 files\n", exact=True)
    assert not agrees("3 files\n", "3 folders\n", exact=False)
    assert not agrees("3 files\n", "3 files\n3 files\n", exact=False)
    assert not agrees("one\n…\n", "two\n", exact=True)


def test_the_readme_shows_every_verb() -> None:
    """With a paragraph for each, and a command that is run above."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\*\*(\w+)\*\* ", text, re.MULTILINE)) == set(VERBS)
    assert set(re.findall(r"^\$ west-llext (\w+)", text, re.MULTILINE)) == set(VERBS)


def test_make_has_what_the_readme_tells_to_make() -> None:
    """The two commands of a newcomer, and the documentation."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = set(re.findall(r"^make (\w+)|`make (\w+)`", text, re.MULTILINE))
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    assert {first or second for first, second in shown} == {"demo", "test", "docs"}
    assert {"demo", "test", "docs"} <= targets


def test_the_west_manifest_of_the_readme_names_our_commands() -> None:
    """The file that a project entry points at, relative to the top of this repository."""
    (text,) = (each.text for each in blocks(ROOT / "README.md") if each.name == "west.yml")
    (entry,) = yaml.safe_load(text)["manifest"]["projects"]
    commands = yaml.safe_load((ROOT / entry["west-commands"]).read_text(encoding="utf-8"))
    assert [each["file"] for each in commands["west-commands"]] == ["west_llext/west_command.py"]


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_of_commands_has_every_option(verb: str) -> None:
    """In the section of the verb, a page that it leads to, or a section about several verbs."""
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    shared = [title for title in sections if title.startswith("What ")]
    said = "".join(sections[title] for title in (*shared, verb))
    for page in re.findall(r"\]\((\w+\.md)\)", sections[verb]):
        said += (ROOT / "docs" / page).read_text(encoding="utf-8")
    help_text = command(verb, "--help").out
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", help_text)) - {"-h", "--help"}
    assert {option for option in options if f"`{option}" not in said} == set()
