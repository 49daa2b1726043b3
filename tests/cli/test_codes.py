# SPDX-License-Identifier: Apache-2.0
"""Every diagnostic code of the package has a page and a test, and every page has a code."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
from support.commands import ROOT

from west_llext.app.codes import FAMILIES, meaning, page, title

PAGES = ROOT / "docs" / "codes"
HEADINGS = ["## What it means", "## Why it matters", "## Example", "## Fix"]


@functools.cache
def texts(folder: Path, pattern: str) -> dict[Path, str]:
    """Files of a folder with what is in them."""
    return {
        path: path.read_bytes().decode("utf-8", "replace")
        for path in sorted(folder.rglob(pattern))
        if path.is_file()
    }


def used() -> dict[str, Path]:
    """Codes that the package can report, each with a module that has it."""
    found = {}
    for path, text in texts(ROOT / "west_llext", "*.py").items():
        for code in re.findall(r'"([A-Z][0-9]{3})"', text):
            found.setdefault(code, path)
    return dict(sorted(found.items()))


CODES = [*used()]


@pytest.mark.parametrize("code", CODES)
def test_a_code_belongs_to_a_family(code: str) -> None:
    """DESIGN 8."""
    assert code[0] in FAMILIES


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_page_in_the_usual_form(code: str) -> None:
    """What it means, why it matters, an example with the message, the fix."""
    text = page(code)
    assert text is not None, f"docs/codes/{code}.md is missing"
    assert text.startswith(f"# {code}: ")
    assert title(code)
    assert meaning(code)
    assert [line for line in text.split("\n") if line.startswith("## ")] == HEADINGS
    assert f"[{code}]: " in text.partition("## Example")[2], "the example has no message"


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_in_a_test(code: str) -> None:
    """Somebody compares its text."""
    here = Path(__file__)
    tests = {**texts(ROOT / "tests", "*.py"), **texts(ROOT / "tests" / "manifest", "*")}
    assert any(code in text for path, text in tests.items() if path != here)


def test_every_page_belongs_to_a_code() -> None:
    """Or the code was renamed."""
    assert {path.stem for path in PAGES.glob("*.md") if path.stem != "index"} == set(CODES)


def test_an_unknown_code_has_no_page() -> None:
    """Callers get by without one."""
    assert (page("Z999"), title("Z999"), meaning("Z999")) == (None, None, None)
