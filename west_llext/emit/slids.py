# SPDX-License-Identifier: Apache-2.0
"""Exported names that a table of SLIDs can't tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from west_llext.diagnostics import Diagnostic, Related
from west_llext.model.manifest import ExportGroup, Name
from west_llext.model.slid import shown, slid


def collisions(groups: Sequence[ExportGroup], size: int) -> Iterator[Diagnostic]:
    """An error for each name whose SLID another one has; `size` is that of a pointer in bytes."""
    first: dict[int, Name] = {}
    for group in groups:
        for name in group.symbols:
            number = slid(name.text, size)
            other = first.setdefault(number, name)
            if other.text != name.text:
                yield Diagnostic(
                    code="O032",
                    at=name.at,
                    message=f"'{name.text}' and '{other.text}' have the same SLID "
                    f"{shown(number, size)}, and the base image looks symbols up by it",
                    hint="rename one of them, or export one of them under another name",
                    related=(Related(at=other.at, message=f"'{other.text}' is exported here"),),
                )
