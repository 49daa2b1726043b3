# SPDX-License-Identifier: Apache-2.0
"""What build systems want of a command: a file that it has run, and a list of what it has read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from west_llext.emit.files import put, unwritable


def text(target: str, inputs: Iterable[str]) -> str:
    """A rule as Make and ninja read it; paths with forward slashes, sorted."""
    names = sorted({_escaped(each) for each in inputs})
    return f"{_escaped(target)}:" + "".join(f" \\\n  {each}" for each in names) + "\n"


def stamped(path: Path) -> None:
    """Make a file that is newer than everything that was read, or make it so. Raises O001."""
    put(path, "")
    try:
        os.utime(path)
    except OSError as err:
        raise unwritable(path, err) from err


def _escaped(path: str) -> str:
    plain = path.replace("\\", "/")
    return plain.replace("#", "\\#").replace(" ", "\\ ").replace("$", "$$")
