# SPDX-License-Identifier: Apache-2.0
"""The use cases `build` and `check`: manifest in, files or findings out."""

from __future__ import annotations

import json
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
    root = state.root_of(request.manifest)
    before = state.unchanged(request.output, root, key)
    if before is not None and (not before.compiled or _objects_unchanged(request, root)):
        return BuildResult(count=before.count)
    from west_llext.app.full_build import full_build  # noqa: PLC0415  # only where there is work

    return full_build(request, key)


def check(request: Request) -> CheckResult:
    """Validate a manifest and every link of it; writes nothing, and compiles nothing."""
    from west_llext.app.full_check import full_check  # noqa: PLC0415  # as above

    return full_check(request)


def _objects_unchanged(request: Request, root: str) -> bool:
    from west_llext.toolchain.state import unchanged  # noqa: PLC0415  # only where it compiles

    return unchanged(Path(os.path.realpath(request.output)) / OBJECT_FOLDER, Path(root))


def _key(request: Request) -> str:
    # what decides about the outputs and isn't in a file
    return state.key(
        [
            request.manifest.name,
            json.dumps(sorted(set(request.extensions))),
            os.path.abspath(request.build_dir) if request.build_dir else "",  # noqa: PTH100
            request.outside.value,
            request.environment.get("PATH", ""),
        ]
    )
