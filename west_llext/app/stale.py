# SPDX-License-Identifier: Apache-2.0
"""Whether blobs that are used without a build are older than what they are made of."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path, PurePath

from west_llext.app import state
from west_llext.app.fresh import OBJECT_FOLDER
from west_llext.app.requests import Request
from west_llext.diagnostics import Diagnostic, Severity, Span
from west_llext.toolchain.state import differing


def stale(request: Request, apart_from: Collection[Path]) -> list[Diagnostic]:
    """A note (X015) with the first file that has changed since the last build; none without one.

    apart_from: files that may have changed, such as a base image, which blobs are held against
    """
    root, output = state.root_of(os.fspath(request.manifest)), os.fspath(request.output)
    try:
        last = state.recorded(output)
    except (OSError, ValueError):
        return []
    spared = {Path(os.path.realpath(each)) for each in apart_from}
    objects = os.path.join(os.path.realpath(output), OBJECT_FOLDER)  # noqa: PTH118 (as texts)
    read = differing(objects, root)
    made = state.differing(root, last.inputs)
    # sources first, then what says which there are; an object that is gone says nothing of them
    made.sort(key=lambda name: name != request.manifest.name)
    for name in (*read, *made):
        path = Path(os.path.realpath(Path(root, name)))
        if path in spared or (path.is_relative_to(objects) and (name in read or not path.exists())):
            continue
        return [_older(request.shown / name)]
    return []


def _older(file: PurePath) -> Diagnostic:
    return Diagnostic(
        code="X015",
        at=Span(file),
        message=f"'{file.as_posix()}' has changed since the last build, what runs is from before",
        hint="run 'west llext build' first",
        severity=Severity.NOTE,
    )
