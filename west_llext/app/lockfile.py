# SPDX-License-Identifier: Apache-2.0
"""The lock file beside the manifest: where prelocated extensions were placed the last time.

It belongs into version control, like the manifest: addresses then stay what they are on every
machine and in every clone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.elf.read import file_content
from west_llext.link.place import Earlier, Placement
from west_llext.model.manifest import Manifest, Mode
from west_llext.record import record

_SUFFIX = ".lock"
_SCHEMA = 1
_TOP = 1 << 64


@record(frozen=True, slots=True, kw_only=True)
class Lockfile:
    """A lock file as it was read.

    content: its bytes; None where there is no such file
    rows: (extension, memory) to (address, size in bytes)
    """

    path: Path
    content: bytes | None
    rows: Earlier


def lockfile(manifest: Path, display: str) -> Lockfile:
    """The lock file of a manifest, which messages call `display`.

    Raises LlextError (P003) where that isn't a lock file, MissingError (L001) where it can't be
    read.
    """
    path = lock_path(manifest)
    if not path.exists():
        return Lockfile(path=path, content=None, rows={})
    name = PurePath(display).with_name(path.name)
    content = file_content(path, name.as_posix())
    try:
        rows = _rows(json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError) as err:
        raise LlextError([_unreadable(name)]) from err
    return Lockfile(path=path, content=content, rows=rows)


def lock_path(manifest: Path) -> Path:
    """Where the lock file of a manifest is: `llext.yml` has `llext.lock`."""
    if manifest.suffix == _SUFFIX:
        return manifest.with_name(manifest.name + _SUFFIX)
    return manifest.with_suffix(_SUFFIX)


def reserved(rows: Earlier, manifest: Manifest, built: Collection[str]) -> list[tuple[int, int]]:
    """Half-open address ranges of the extensions that a build leaves alone.

    built: names of the others
    """
    away = _prelocated(manifest) - set(built)
    return [
        (address, address + size) for (name, _), (address, size) in rows.items() if name in away
    ]


def text(placed: Placement, before: Earlier, manifest: Manifest) -> str:
    """The lock file after a placement.

    before: what it held; extensions that weren't built this time keep their rows, as long as the
        manifest has them as prelocated ones
    """
    away = _prelocated(manifest) - {block.extension for block in placed.blocks}
    rows = {key: value for key, value in before.items() if key[0] in away}
    rows |= {
        (block.extension, block.memory): (block.address, block.size) for block in placed.blocks
    }
    lines = ",\n".join(_lines(rows))
    return f'{{"schema": {_SCHEMA}, "blocks": [\n{lines}\n]}}\n'


def _prelocated(manifest: Manifest) -> set[str]:
    return {each.name for each in manifest.extensions if each.mode is Mode.PRELOCATED}


def _lines(rows: Earlier) -> Iterator[str]:
    # a block a line, so that versions of the file can be merged line by line
    for (extension, memory), (address, size) in sorted(rows.items()):
        row: Mapping[str, str | int] = {
            "extension": extension,
            "memory": memory,
            "address": f"{address:#x}",
            "size": size,
        }
        yield json.dumps(row)


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


def _unreadable(name: PurePath) -> Diagnostic:
    return Diagnostic(
        code="P003",
        at=Span(name),
        message=f"'{name.as_posix()}' isn't a lock file of schema {_SCHEMA}",
        hint="restore it from version control; without it, everything is placed anew",
    )
