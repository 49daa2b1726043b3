# SPDX-License-Identifier: Apache-2.0
"""Manifests that are wrong: each file beside the exact text that the tool says of it.

Where a finding belongs is marked in the manifests themselves, by comments: `^` stands under the
column, or `#|` for the first one, followed by the code. The marks were set by hand, so that the
places in the expected texts don't rest on the tool alone.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.manifests import complaints

FILES = sorted(Path(__file__).parent.joinpath("invalid").glob("*.yml"))
MARK = re.compile(r"#(?P<first>\|)?\s*(?P<caret>\^)? (?P<code>M\d{3})")
PLACE = re.compile(r"llext\.yml:(\d+):(\d+): (?:error|warning)\[(M\d{3})\]")


def marks(text: str) -> list[tuple[int, int, str]]:
    """Line, column and code of each mark; a line of marks is about the last line before it."""
    found = []
    line = 0
    for number, content in enumerate(text.splitlines(), start=1):
        match = MARK.fullmatch(content)
        if match is None:
            line = number
        else:
            column = 1 if match["first"] else match.start("caret") + 1
            found.append((line, column, match["code"]))
    return sorted(found)


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_every_finding_is_reported_with_its_whole_text(file: Path, tmp_path: Path) -> None:
    """All findings at once, in the order of the text."""
    expected = file.with_suffix(".txt").read_text(encoding="utf-8")
    assert expected == complaints(tmp_path, file.read_bytes()) + "\n"


@pytest.mark.parametrize(
    "file", [each for each in FILES if b"^ M0" in each.read_bytes()], ids=lambda path: path.stem
)
def test_findings_are_where_the_marks_are(file: Path, tmp_path: Path) -> None:
    """No mark without a finding, no finding without a mark."""
    text = file.read_text(encoding="utf-8")
    actual = PLACE.findall(complaints(tmp_path, text))
    assert marks(text) == sorted((int(line), int(column), code) for line, column, code in actual)


def test_every_code_of_a_manifest_without_other_files_is_among_them() -> None:
    """Codes that need something else than one small file have their own tests."""
    text = "".join(each.with_suffix(".txt").read_text(encoding="utf-8") for each in FILES)
    elsewhere = {"M010", "M019"}
    source = Path(__file__).parents[2] / "west_llext" / "manifest"
    used = {
        code
        for path in source.glob("*.py")
        for code in re.findall(r'"(M0\d\d)"', path.read_text(encoding="utf-8"))
    }
    assert sorted(used - elsewhere) == sorted(set(re.findall(r"\[(M\d{3})\]", text)))
