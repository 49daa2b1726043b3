# SPDX-License-Identifier: Apache-2.0
"""Whether there is anything to do; asked before anything else is imported."""

from __future__ import annotations

import json
import os
from pathlib import Path

from west_llext.app import state
from west_llext.app.requests import OBJECT_FOLDER, Request


def last_build(request: Request) -> state.State | None:
    """What the last build of a request did, where another one would do nothing; else None."""
    root = state.root_of(request.manifest)
    before = state.unchanged(request.output, root, key(request))
    if before is not None and before.compiled and not _same_objects(request, root):
        return None
    return before


def key(request: Request) -> str:
    """A digest of what decides about the outputs of a request and isn't in a file."""
    return state.key(
        [
            request.manifest.name,
            json.dumps(sorted(set(request.extensions))),
            *(
                os.path.abspath(each) if each else ""  # noqa: PTH100 (pathlib costs more)
                for each in (request.build_dir, request.usual_dir)
            ),
            request.domain or "",
            request.image.value,
            json.dumps([str(each) for each in request.linked]),
            request.outside.value,
            request.environment.get("PATH", ""),
        ]
    )


def _same_objects(request: Request, root: str) -> bool:
    from west_llext.toolchain.state import unchanged  # noqa: PLC0415  # only where it compiles

    return unchanged(Path(os.path.realpath(request.output)) / OBJECT_FOLDER, Path(root))
