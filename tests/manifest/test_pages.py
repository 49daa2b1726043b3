# SPDX-License-Identifier: Apache-2.0
"""Pages under docs/codes: one for every code of the manifest, with an example that is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.manifests import complaints

from west_llext.diagnostics import MissingError
from west_llext.manifest.load import manifest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "codes").glob("M*.md"))
BLOCK = re.compile(r"^```(yaml)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = ["What it means", "Why it matters", "Example", "Fix"]
#: What the examples are about that no block can hold.
INPUTS = {
    "M002": b"version: 1\nextensions:\n  - name: Entfernungsmesser # f\xfcr den Roboter\n",
    "M003": b"version: 1\nextensions: " + b"[" * 100 + b"]" * 100 + b"\n",
    "M019": b"version: 1\n" + b"".join(b"key%d: 1\n" % each for each in range(1500)),
}


def blocks(page: str) -> tuple[bytes | None, str]:
    """The manifest of a page, or None, and the message."""
    found = BLOCK.findall(page)
    manifests = [text for language, text in found if language]
    messages = [text for language, text in found if not language]
    assert len(messages) == 1
    return (manifests[0].encode() if manifests else None), messages[0]


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    """Codes are looked for where they are written: in the room's source."""
    source = ROOT / "west_llext" / "manifest"
    used = {
        code
        for path in source.glob("*.py")
        for code in re.findall(r'"(M\d{3})"', path.read_text(encoding="utf-8"))
    }
    assert sorted(used) == [path.stem for path in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_page_has_the_sections_in_order(path: Path) -> None:
    """What it means, why it matters, an example, the fix."""
    page = path.read_text(encoding="utf-8")
    assert page.startswith(f"# {path.stem}: ")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == SECTIONS


@pytest.mark.parametrize(
    "path", [each for each in PAGES if each.stem != "M010"], ids=lambda path: path.stem
)
def test_example_makes_the_message_of_the_page(path: Path, tmp_path: Path) -> None:
    """The tool reads the page's manifest and says the page's words, its code among them."""
    text, message = blocks(path.read_text(encoding="utf-8"))
    said = complaints(tmp_path, INPUTS[path.stem] if text is None else text)
    if path.stem == "M019":
        said = said.splitlines()[-1]
    assert message == said + "\n"
    assert f"[{path.stem}]" in message


def test_message_of_a_missing_manifest_is_the_one_of_its_page(tmp_path: Path) -> None:
    """M010 stands for the environment, not for the input."""
    _text, message = blocks((ROOT / "docs" / "codes" / "M010.md").read_text(encoding="utf-8"))
    with pytest.raises(MissingError) as caught:
        manifest(tmp_path / "llext.yml", display="app/llext.yml")
    assert message == str(caught.value) + "\n"
