# SPDX-License-Identifier: Apache-2.0
"""Where manifests and outputs are, without reading any: a build with nothing to do gets by with it.

Paths are texts here, because pathlib takes longer to import than everything else there is to do.
"""

# ruff: noqa: PTH113, PTH117, PTH118, PTH120 (as above)

from __future__ import annotations

import os

MANIFEST_NAME = "llext.yml"


def nearest_manifest(start: str) -> str | None:
    """The manifest in an absolute folder or in the nearest one above it; None for none."""
    folder = start
    while True:
        path = os.path.join(folder, MANIFEST_NAME)
        if os.path.isfile(path):
            return path
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def default_output(manifest: str) -> str:
    """The folder for everything that is made, where nobody names one."""
    return os.path.join(os.path.dirname(manifest), "build", "llext")


def shown(path: str, start: str) -> str:
    """A path as somebody in the absolute folder `start` would type it; forward slashes."""
    try:
        path = os.path.relpath(path, start) if os.path.isabs(path) else path
    except ValueError:  # another drive
        return path.replace(os.sep, "/")
    return path.replace(os.sep, "/")
