# SPDX-License-Identifier: Apache-2.0
"""Files of an archive as a folder that is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from west_llext.emit.files import create, unwritable

#: Time stamp of what is unpacked: it never changes, so nobody need wonder whether it just did.
_LONG_AGO = 315_532_800  # 1980-01-01, the first that every file system knows


def unpack(files: Iterable[tuple[str, bytes]], folder: Path) -> None:
    """Put files into a folder that isn't there yet; where it is by now, that one stays.

    files: relative path with forward slashes, and content; paths were checked before

    Raises MissingError (O001), and whatever `files` raises; then nothing is left.
    """
    from shutil import rmtree  # noqa: PLC0415  # few builds unpack anything

    aside = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    try:
        rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        made = {aside}
        for path, content in files:
            place = aside / path
            if place.parent not in made:
                place.parent.mkdir(parents=True, exist_ok=True)
                made.add(place.parent)
            create(os.fspath(place), content)
            os.utime(place, (_LONG_AGO, _LONG_AGO))
        try:
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():  # another build was faster
                raise
    except OSError as err:
        raise unwritable(folder, err) from err
    finally:
        rmtree(aside, ignore_errors=True)
