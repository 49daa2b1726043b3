# SPDX-License-Identifier: Apache-2.0
"""What files are called: where objects go, and how commands spell a path."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

# names that every file system and every reader of build files takes as they are
_PLAIN = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_+.-]*")
_ODD = re.compile(r"[^A-Za-z0-9_+-]")
#: what Windows takes for a device, whatever comes behind a dot
_DEVICES = frozenset({
    "con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(10)),
})  # fmt: skip
#: keeps the names that we make apart from those that are taken over
_MADE = "@"


def object_name(extension: str, source: str) -> str:
    """Where a source's object goes, from the folder for objects; forward slashes.

    source: path from the root of the manifest, forward slashes; may leave it or be absolute

    A path that stays inside and has plain names is kept, with its suffix, so that `fir.c` and
    `fir.S` are two objects; from any other a name is made that can't leave the folder.
    """
    parts = source.split("/")
    folder = folder_name(extension)
    if all(_PLAIN.fullmatch(part) for part in parts) and len(source) < 160:
        return f"{folder}/{source}.o"
    stem = _ODD.sub("_", parts[-1])[:40]
    digest = hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{folder}/{_MADE}/{stem}-{digest}.o"


def folder_name(extension: str) -> str:
    """The folder of an extension's objects, from the folder for objects.

    No two extensions share one, also where the file system doesn't tell `a` from `A`.
    """
    plain = _PLAIN.fullmatch(extension) and not extension.endswith(".")
    if plain and extension == extension.lower() and extension.partition(".")[0] not in _DEVICES:
        return extension
    digest = hashlib.sha256(extension.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{_ODD.sub('_', extension)[:40]}{_MADE}{digest}"


def from_root(path: Path, root: Path) -> str:
    """A path as a command that runs in `root` spells it; forward slashes.

    Relative where there is a way, so that objects and caches don't depend on where the root is.
    Never looks like an option, a response file or a sysroot.
    """
    try:
        text = os.path.relpath(path, root)
    except ValueError:  # another drive
        text = str(path)
    text = text.replace(os.sep, "/")
    return f"./{text}" if text[0] in "-@=$" else text
