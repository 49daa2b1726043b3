# SPDX-License-Identifier: Apache-2.0
"""The extension development kit that a manifest names: a folder, or an archive of one.

An archive is unpacked once, beside the tool's own records in the output folder, by the first build
that compiles something. Until then it is read where it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from west_llext.app.requests import Request
from west_llext.app.state import digest
from west_llext.base.edk import FLAG_FILES, READ, Kit, kit
from west_llext.elf.read import file_content
from west_llext.emit.names import STATE_FOLDER
from west_llext.model.manifest import FileRef
from west_llext.record import record

_FOLDER = "edk"


@record(frozen=True, slots=True, kw_only=True)
class FoundKit:
    """A kit, and where it comes from.

    digests: SHA-256 (hexadecimal) of every file that was read for it
    unpack: makes `kit.folder` where it isn't there yet; raises MissingError (O001)
    """

    kit: Kit
    digests: Mapping[Path, str]
    unpack: Callable[[], None]


def found_kit(named: FileRef, request: Request) -> FoundKit:
    """The kit that a manifest names.

    Raises MissingError (B033, B035, L001) where there is none, LlextError (B034) where it can't be
    read.
    """
    name = (request.shown / named.text).as_posix()
    if os.path.isdir(named.path):  # noqa: PTH112 (Path.is_dir raises for long names)
        return _unpacked(named.path, name)
    return _archived(named.path, name, request)


def _unpacked(folder: Path, name: str) -> FoundKit:
    root = next((each for each in (folder, *_inner(folder)) if _has_flags(each)), folder)
    digests = {}

    def read(relative: str) -> str | None:
        path = root / relative
        if not path.is_file():
            return None
        data = file_content(path, f"{name}/{relative}")
        digests[path] = digest(data)
        return data.decode("utf-8", "replace")

    return FoundKit(kit=kit(read, root.as_posix(), name), digests=digests, unpack=lambda: None)


def _inner(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir())


def _has_flags(folder: Path) -> bool:
    return any((folder / each).is_file() for each in FLAG_FILES)


def _archived(path: Path, name: str, request: Request) -> FoundKit:
    from west_llext.base.edk_archive import members  # noqa: PLC0415  # slow to import

    data = file_content(path, name)
    found = digest(data)
    folder = Path(os.path.realpath(request.output)) / STATE_FOLDER / _FOLDER / found[:16]
    texts = _texts(folder) if folder.is_dir() else _members(data, name)
    root = _root(texts)

    def unpack() -> None:
        if not folder.is_dir():
            from west_llext.emit.unpack import unpack as put  # noqa: PLC0415  # once an archive

            request.progress("unpacking the kit", 0, 0)
            put(members(data, name), folder)

    place = (folder / root).as_posix()
    return FoundKit(
        kit=kit(lambda each: texts.get((PurePosixPath(root) / each).as_posix()), place, name),
        digests={path: found},
        unpack=unpack,
    )


def _members(data: bytes, name: str) -> dict[str, str]:
    from west_llext.base.edk_archive import members  # noqa: PLC0415  # slow to import

    return {
        path: content.decode("utf-8", "replace")
        for path, content in members(data, name)
        if path.endswith(READ)
    }


def _texts(folder: Path) -> dict[str, str]:
    # what is read of a kit that was unpacked before
    roots = (folder, *_inner(folder))
    paths = [each / name for each in roots for name in READ if (each / name).is_file()]
    return {
        path.relative_to(folder).as_posix(): file_content(path).decode("utf-8", "replace")
        for path in paths
    }


def _root(texts: Mapping[str, str]) -> str:
    # the folder in an archive that has the flags: usually one of the kit's name
    places = [
        PurePosixPath(path).parent for path in texts if PurePosixPath(path).name in FLAG_FILES
    ]
    return min(places, key=lambda each: (len(each.parts), each), default=PurePosixPath()).as_posix()
