# SPDX-License-Identifier: Apache-2.0
"""What the last build of a request has read, for build systems that ask."""

from __future__ import annotations

import os
from pathlib import Path

from west_llext.app import state
from west_llext.app.fresh import OBJECT_FOLDER
from west_llext.app.requests import Request
from west_llext.toolchain.state import known


def files_read(request: Request) -> tuple[Path, ...]:
    """Manifest, lists, base image, objects, sources, headers; what the build made isn't there."""
    root = state.root_of(os.fspath(request.manifest))
    output = Path(os.path.realpath(request.output))
    try:
        inputs = [Path(root, each) for each in state.recorded(os.fspath(output)).inputs]
    except (OSError, ValueError):
        inputs = []
    inputs += known(output / OBJECT_FOLDER, Path(root))
    real = (Path(os.path.realpath(each)) for each in inputs)
    return tuple(each for each in real if not each.is_relative_to(output))
