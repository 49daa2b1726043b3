# SPDX-License-Identifier: Apache-2.0
"""Files as services see them that know a repository, and not the folder that we ran in."""

from __future__ import annotations

import posixpath

from west_llext.cli.render.plain import relative_file
from west_llext.diagnostics import NOWHERE, Span


def file_in_repository(at: Span, *, here: str, prefix: str, fallback: str) -> str:
    """The file of a place, relative to the top of the repository, with forward slashes.

    here: absolute folder that relative paths start from
    prefix: that folder, relative to the top
    """
    name = fallback if at == NOWHERE else relative_file(at.file, here)
    return posixpath.normpath(posixpath.join(prefix, name))
