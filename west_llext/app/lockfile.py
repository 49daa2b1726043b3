# SPDX-License-Identifier: Apache-2.0
"""The lock file beside the manifest: where prelocated extensions were placed the last time.

It belongs into version control, like the manifest: addresses then stay what they are on every
machine and in every clone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePath
from typing import Any

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.elf.read import file_content
from west_llext.link.place import Earlier, Placement

_SCHEMA = 1
_TOP = 1 << 64


def lock_path(manifest: Path) -> Path:
    """The lock file of a manifest: `llext.yml` has `llext.lock`."""
    return manifest.with_suffix(".lock")


def earlier(path: Path, display: str) -> dict[tuple[str, str], tuple[int, int]]:
    """(extension, memory) to (address, size), from a lock file; empty where there is none.

    Raises LlextError (P003) where the file isn't a lock file.
    """
    if not path.exists():
        return {}
    try:
        return _rows(json.loads(file_content(path, display)))
    except (ValueError, TypeError, KeyError, RecursionError) as err:
        raise LlextError(
            [
                Diagnostic(
                    code="P003",
                    at=Span(PurePath(display)),
                    message=f"'{display}' isn't a lock file of schema {_SCHEMA}",
                    hint="restore it, or remove it so that everything is placed anew",
                )
            ]
        ) from err


def _rows(data: Any) -> dict[tuple[str, str], tuple[int, int]]:
    if data["schema"] != _SCHEMA:
        raise ValueError(data["schema"])
    return {
        (str(row["extension"]), str(row["memory"])): (
            _number(int(row["address"], 0)),
            _number(row["size"]),
        )
        for row in data["blocks"]
    }


def _number(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < _TOP:
        raise ValueError(value)
    return value


def text(placed: Placement, before: Earlier, *, known: Collection[str]) -> str:
    """The lock file after a placement.

    before: what it held; extensions that weren't built this time keep their entries
    known: extensions of the manifest; entries of others go
    """
    built = {block.extension for block in placed.blocks}
    rows: dict[tuple[str, str], tuple[int, int]] = {
        key: value for key, value in before.items() if key[0] in known and key[0] not in built
    }
    rows |= {
        (block.extension, block.memory): (block.address, block.size) for block in placed.blocks
    }
    lines = [_row(key, value) for key, value in sorted(rows.items())]
    return f'{{"schema": {_SCHEMA}, "blocks": [\n' + ",\n".join(lines) + "\n]}\n"


def _row(key: tuple[str, str], value: tuple[int, int]) -> str:
    row: Mapping[str, str | int] = {
        "extension": key[0],
        "memory": key[1],
        "address": f"{value[0]:#x}",
        "size": value[1],
    }
    return json.dumps(row)
