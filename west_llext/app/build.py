# SPDX-License-Identifier: Apache-2.0
"""The use cases `build` and `check`: manifest in, files or findings out."""

from __future__ import annotations

import os
from pathlib import Path

from west_llext.app import state
from west_llext.app.requests import (
    OBJECT_FOLDER,
    BuildResult,
    CheckResult,
    Outside,
    Progress,
    Request,
    silent,
)

__all__ = [
    "BuildResult",
    "CheckResult",
    "Outside",
    "Progress",
    "Request",
    "build",
    "check",
    "silent",
]


def build(request: Request) -> BuildResult:
    """Compile, link, check and write everything that a manifest asks for.

    Raises LlextError with every error; then no earlier output has changed.
    """
    key = _key(request)
    root = request.manifest.parent
    before = state.unchanged(request.output, root, key)
    if before is not None and (not before.compiled or _objects_unchanged(request, root)):
        return BuildResult(count=before.count)
    from west_llext.app.full_build import full_build  # noqa: PLC0415  # only where there is work

    return full_build(request, key)


def check(request: Request) -> CheckResult:
    """Validate a manifest and every link of it; writes nothing but compiled objects."""
    from west_llext.app.full_build import full_check  # noqa: PLC0415  # as above

    return full_check(request)


def _objects_unchanged(request: Request, root: Path) -> bool:
    from west_llext.toolchain.state import unchanged  # noqa: PLC0415  # only where it compiles

    folder = Path(os.path.realpath(request.output)) / OBJECT_FOLDER
    return unchanged(folder, Path(os.path.realpath(root)))


def _key(request: Request) -> str:
    parts = [
        request.manifest.name,
        request.display,
        *sorted(request.extensions),
        os.fspath(request.build_dir or ""),
        request.outside.value,
        request.environment.get("PATH", ""),
    ]
    return state.key(parts)
