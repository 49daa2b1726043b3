# SPDX-License-Identifier: Apache-2.0
"""Whether blobs that are used without a build are older than what they are made of."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath

from west_llext.app import state
from west_llext.app.fresh import OBJECT_FOLDER
from west_llext.app.requests import Request
from west_llext.diagnostics import Diagnostic, Severity, Span
from west_llext.toolchain.state import sizes_and_times


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
    made = state.differing(root, last.inputs)
    # sources first, then what says which there are; blobs may be all that somebody was given
    made.sort(key=lambda name: name != request.manifest.name)
    for name in (*_edited(objects, root), *made):
        path = Path(os.path.realpath(Path(root, name)))
        if path not in spared and path.exists():
            return [_older(request.shown / name)]
    return []


def _edited(objects: str, root: str) -> Iterator[str]:
    # Sources and headers of the project that aren't what the compiler has read. There is no digest
    # of them, and a fresh checkout beside blobs from elsewhere has other times everywhere: then
    # only sizes tell.
    files = {
        name: kept
        for name, kept in sizes_and_times(objects, root).items()
        if not Path(name).is_absolute()
        and not Path(os.path.realpath(Path(root, name))).is_relative_to(objects)
    }
    timely = any(same_time for _, same_time in files.values())
    for name, (same_size, same_time) in files.items():
        if not same_size or (timely and not same_time):
            yield name


def _older(file: PurePath) -> Diagnostic:
    return Diagnostic(
        code="X015",
        at=Span(file),
        message=f"'{file.as_posix()}' has changed since the last build, what runs is from before",
        hint="run 'west llext build' first",
        severity=Severity.NOTE,
    )
