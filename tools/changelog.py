# SPDX-License-Identifier: Apache-2.0
"""Moves the fragments of changelog.d/ into CHANGELOG.md, as a new release.

    python tools/changelog.py VERSION DATE

A fragment is one paragraph for users, in a file `SUBJECT.KIND.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

KINDS = ("added", "changed", "fixed", "removed")


def fragments(folder: Path) -> dict[str, list[Path]]:
    """The fragments by kind; raises ValueError for a file that is none."""
    found: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    for path in sorted(folder.glob("[!.]*")):
        parts = path.name.split(".")
        if len(parts) != 3 or parts[1] not in KINDS or parts[2] != "md":
            raise ValueError(f"{path.name}: expected SUBJECT.KIND.md, KIND one of {KINDS}")
        found[parts[1]].append(path)
    return found


def release(version: str, date: str, found: dict[str, list[Path]]) -> str:
    """The section of a release."""
    lines = [f"## {version}, {date}\n"]
    for kind, paths in found.items():
        if paths:
            lines.append(f"\n### {kind.capitalize()}\n\n")
            lines += [f"- {path.read_text(encoding='utf-8').strip()}\n" for path in paths]
    return "".join(lines)


def main(root: Path, version: str, date: str) -> None:
    """Write the new section above the older ones, and delete the fragments."""
    found = fragments(root / "changelog.d")
    changelog = root / "CHANGELOG.md"
    head, mark, older = changelog.read_text(encoding="utf-8").partition("\n## ")
    text = f"{head.rstrip()}\n\n{release(version, date, found)}{mark}{older}"
    changelog.write_text(text, encoding="utf-8", newline="\n")
    for paths in found.values():
        for path in paths:
            path.unlink()


if __name__ == "__main__":
    main(Path(__file__).resolve().parent.parent, *sys.argv[1:])
