# SPDX-License-Identifier: Apache-2.0
"""The C that becomes part of images is written as Zephyr's own is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.commands import ROOT

HEADER = ROOT / "zephyr" / "include" / "west_llext" / "west_llext.h"
SOURCES = sorted(
    path
    for folder in ("zephyr/include", "zephyr/src", "samples/zephyr", "tests/zephyr")
    for suffix in ("c", "cpp", "h")
    for path in (ROOT / folder).rglob(f"*.{suffix}")
    if "build" not in path.relative_to(ROOT).parts
)
COLUMNS = 100
NAME = r"(west_llext\w*|WEST_LLEXT_\w+)"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_lines_are_indented_by_tabs_and_not_too_long(path: Path) -> None:
    """Zephyr's coding guidelines: tabs of 8 columns, lines of 100 at most."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("/* SPDX-License-Identifier: Apache-2.0 */\n")
    assert text.endswith("\n")
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{path.name}:{number}"
        assert len(line.expandtabs(8)) <= COLUMNS, place
        assert line == line.rstrip(), place
        assert not re.match(r"\t* {8}| +\t", line), place  # 8 columns are a tab
        assert "//" not in re.sub(r'".*?"', "", line), place


def test_everything_in_the_header_is_documented() -> None:
    """A comment for doxygen stands right above each name that users have."""
    lines = HEADER.read_text(encoding="utf-8").splitlines()
    names = []
    for number, line in enumerate(lines):
        found = re.match(
            rf"(?:#define |(?:static inline )?[a-z][\w \*]*?[ \*]){NAME}[ (]", f"{line} "
        )
        if found is None or found[1].endswith("_H_") or (line.endswith(";") and "(" not in line):
            continue
        names.append(found[1])
        assert lines[number - 1].endswith("*/"), line
    assert names == [
        "west_llext_functions",
        "west_llext",
        "WEST_LLEXT_IN_FLASH",
        "WEST_LLEXT_LOAD",
        "WEST_LLEXT_BRING_UP",
        "west_llext_install",
        "west_llext_install_in_flash",
        "west_llext_check",
        "west_llext_find_export",
        "west_llext_bring_up",
        "west_llext_tear_down",
    ]
    assert "/**\n * @file\n" in HEADER.read_text(encoding="utf-8")


def test_the_heap_is_not_used() -> None:
    """A blob has its places, so nothing is ever allocated."""
    for path in (ROOT / "zephyr" / "src").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"alloc\w*\(|k_heap|\bfree\(", text), path.name
