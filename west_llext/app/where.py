# SPDX-License-Identifier: Apache-2.0
"""Which manifest is meant, without reading any: a build with nothing to do gets by with this."""

from __future__ import annotations

import os
from pathlib import Path

MANIFEST_NAME = "llext.yml"


def nearest_manifest(start: str, fallback: Path | None = None) -> Path:
    """The manifest in an absolute folder or in the nearest one above it, or else the fallback.

    Raises MissingError (M010) where there is none.
    """
    folder = start
    while True:
        path = os.path.join(folder, MANIFEST_NAME)  # noqa: PTH118 (pathlib costs more than this)
        if os.path.isfile(path):  # noqa: PTH113
            return Path(path)
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            break
        folder = above
    if fallback is not None:
        return fallback
    from west_llext.manifest.load import find  # noqa: PLC0415  # it has the words for that

    return find(Path(start))


def shown(path: Path, start: str) -> str:
    """A path as somebody in the absolute folder `start` would type it; forward slashes."""
    if path.is_absolute():
        try:
            relative = os.path.relpath(path, start)
        except ValueError:  # another drive
            return path.as_posix()
        return relative.replace(os.sep, "/")
    return path.as_posix()
