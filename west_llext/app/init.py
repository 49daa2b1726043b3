# SPDX-License-Identifier: Apache-2.0
"""The use case `init`: a first manifest from the sources of extensions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from enum import Enum
from pathlib import Path, PurePath, PurePosixPath

from west_llext.app.base_info import base_image
from west_llext.app.bases import opened
from west_llext.base import compile_commands
from west_llext.base.builddir import BuildDir, image_dir
from west_llext.base.llext_targets import llext_targets
from west_llext.base.names import about
from west_llext.base.why import no_nodes
from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span
from west_llext.elf.read import file_content
from west_llext.emit.files import put
from west_llext.manifest.draft import Draft, DraftExtension, text
from west_llext.manifest.load import manifest
from west_llext.manifest.plain import plain
from west_llext.model.base import Origin
from west_llext.model.manifest import MAX_NAME_LENGTH, Toolchain
from west_llext.record import record
from west_llext.toolchain.compiler import compiler
from west_llext.toolchain.flags import SUFFIXES, language

#: Suffixes of files that are compiled already.
OBJECT_SUFFIXES = (".o", ".obj", ".a", ".lib")

# folders whose names say nothing of what is in them
_PLAIN_FOLDERS = frozenset(
    ["src", "source", "sources", "lib", "libs", "code", "c", "ext", "extensions", "build", "obj"]
)
# folders with sources that a hint names, and those that are looked for some in
_MAX_NAMED = 8
_MAX_LOOKED_AT = 1000
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")


class Existing(Enum):
    """What becomes of a manifest that is there already."""

    KEPT = "kept"
    REPLACED = "replaced"


class Takeover(Enum):
    """What becomes of the extensions that a build directory has."""

    NOTHING = "nothing"
    #: all of them are in the manifest
    EVERYTHING = "everything"


@record(frozen=True, slots=True, kw_only=True)
class InitRequest:
    """What to begin with.

    files: sources and objects, all of one folder for one extension; a folder stands for the
        sources in it, or in the folder `src` inside
    manifest: file to write; display: how messages spell it
    image, build_dir: of the base image; None where it isn't known
    domain: which of sysbuild's images is the base image; None for the one that sysbuild says
    found: whether to take over what `build_dir` has today: extensions, and what the image exports
    environment: variables that the toolchain search may read
    """

    files: tuple[Path, ...]
    manifest: Path
    display: str
    image: Path | None = None
    build_dir: Path | None = None
    domain: str | None = None
    found: Takeover = Takeover.NOTHING
    existing: Existing = Existing.KEPT
    environment: Mapping[str, str] = field(default_factory=dict)


@record(frozen=True, slots=True, kw_only=True)
class InitResult:
    """The manifest that was written.

    compiler: command that it names; None where none was found or the build directory tells
    outside: whether it names something outside of its workspace, which has to be allowed
    """

    content: str
    extensions: tuple[DraftExtension, ...]
    compiler: str | None
    outside: bool = False


def init(request: InitRequest) -> InitResult:
    """Write a first manifest.

    Raises LlextError with every file that can't be part of an extension (T005), every folder
    without sources (T023), or where there is a manifest already (O020), and MissingError (L001)
    with every file that isn't there.
    """
    files, findings = _without_folders(request.files)
    findings += _unknown_files(files)
    if request.existing is Existing.KEPT and os.path.lexists(request.manifest):
        findings.insert(0, _already(request.display))
    if findings:
        raise LlextError(findings)
    absent = [
        _absent(path)
        for path in files
        if not os.path.isfile(path)  # noqa: PTH113 (Path.is_file raises for long names)
    ]
    if absent:
        raise MissingError(absent)
    folder = Path(os.path.realpath(request.manifest)).parent
    extensions = drafted([_spelled(path, folder) for path in files], folder)
    exports: tuple[str, ...] = ()
    if request.found is Takeover.EVERYTHING and request.build_dir is not None:
        build = opened(request.build_dir, domain=request.domain)
        names = Names(each.name for each in extensions)
        extensions += _taken_over(build, folder, names)
        exports = _exported(build)
    cc = None
    if request.build_dir is None and any(each.sources for each in extensions):
        cc = _compiler(folder, request)
    content = text(
        Draft(
            build_dir=_build_dir(request, folder),
            image=None if request.image is None else _spelled(request.image, folder),
            toolchain=Toolchain(cc=cc),
            exports=exports,
            extensions=extensions,
        )
    )
    put(request.manifest, content)
    return InitResult(
        content=content, extensions=extensions, compiler=cc, outside=_is_outside(request)
    )


def _is_outside(request: InitRequest) -> bool:
    try:
        manifest(request.manifest, display=request.display)
    except LlextError as err:
        return any(each.code == "M050" for each in err.diagnostics)
    return False


def _taken_over(build: BuildDir, folder: Path, names: Names) -> tuple[DraftExtension, ...]:
    # targets that the build has, by their sources where those can be named, else by their files
    path = build.path / compile_commands.NAME
    database = file_content(path) if path.is_file() else None
    found = []
    for each in llext_targets(build.path, database):
        sources = [_spelled(path, folder) for path in each.sources]
        inside = sources and not any(name.startswith("..") for name in sources)
        if not inside and each.packaged is None:
            continue
        name = names.free(guessed_name("", [f"{each.name}.c"], folder.name))
        packaged = () if each.packaged is None else (_spelled(each.packaged, folder),)
        found.append(
            DraftExtension(
                name=name,
                sources=tuple(sources) if inside else (),
                objects=() if inside else packaged,
            )
        )
    return tuple(found)


def _exported(build: BuildDir) -> tuple[str, ...]:
    # what the image exports, but for what Zephyr exports by itself: system calls and devices
    name = f"{build.name}/{build.image_name}"
    found = base_image(file_content(build.image, name), build.image, build.path)
    names = sorted(found.exports or ())
    return tuple(
        each for each in names if about(each, no_nodes)[0] not in {Origin.DEVICE, Origin.SYSCALL}
    )


def _without_folders(paths: Iterable[Path]) -> tuple[list[Path], list[Diagnostic]]:
    # every folder replaced by the sources that it stands for
    files: list[Path] = []
    empty = []
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for long names)
            files.append(path)
            continue
        found = _sources(path) or _sources(path / "src")
        files += found
        if not found:
            empty.append(_no_sources(path))
    return files, empty


def _sources(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if language(each.name) and each.is_file())
    except OSError:
        return []


def _build_dir(request: InitRequest, folder: Path) -> str | None:
    # that of sysbuild stays as it is, unless another domain is wanted than its main one
    if request.build_dir is None:
        return None
    name = request.build_dir.as_posix()
    inner = image_dir(request.build_dir, name, document=plain, domain=request.domain)
    return _spelled(request.build_dir if request.domain is None else inner, folder)


def drafted(files: Sequence[str], folder: Path) -> tuple[DraftExtension, ...]:
    """An extension for each folder that has files in it, in the order of the first file of each.

    files: relative to `folder`, the manifest's, with forward slashes
    """
    groups: dict[str, list[str]] = {}
    for file in dict.fromkeys(files):
        groups.setdefault(PurePosixPath(file).parent.as_posix(), []).append(file)
    names = Names()
    found = []
    for place, members in groups.items():
        name = names.free(guessed_name(place, members, folder.name))
        found.append(
            DraftExtension(
                name=name,
                sources=tuple(each for each in members if not _is_object(each)),
                objects=tuple(each for each in members if _is_object(each)),
                include_dirs=_include_dirs(place, folder),
            )
        )
    return tuple(found)


def guessed_name(place: str, members: Sequence[str], project: str) -> str:
    """A valid name: the only file's, or that of the nearest folder whose name says something.

    project: name of the manifest's folder
    """
    stem = PurePosixPath(members[0]).stem if len(members) == 1 else ""
    folders = [part for part in PurePosixPath(place).parts if part not in (".", "..", "/")]
    telling = [part for part in folders if part.lower() not in _PLAIN_FOLDERS]
    for word in (stem, *reversed(telling), project):
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", word).strip("_-")[:MAX_NAME_LENGTH].rstrip("_-")
        if name and not _DEVICES.match(name):
            return name
    return "extension"


class Names:
    """Names of extensions; those that only differ in case would share files on some systems."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        """`taken` are those that there are already."""
        self._taken = {each.lower() for each in taken}
        # the number that a name was given last, as thousands of folders may have the same one
        self._last: dict[str, int] = {}

    def free(self, name: str) -> str:
        """The name, or one with a number; it is taken from now on."""
        candidate, number = name, self._last.get(name.lower(), 1)
        while candidate.lower() in self._taken:
            number += 1
            suffix = str(number)
            candidate = name[: MAX_NAME_LENGTH - len(suffix)] + suffix
        self._last[name.lower()] = number
        self._taken.add(candidate.lower())
        return candidate


def _include_dirs(place: str, folder: Path) -> tuple[str, ...]:
    # where headers usually are: beside the sources, or beside one of the folders that they are in
    beside = PurePosixPath(place)
    around = [beside.parent] if ".." in beside.parts else beside.parents
    candidates = [each / "include" for each in (beside, *around)]
    found = dict.fromkeys(
        each.as_posix()
        for each in candidates
        if os.path.isdir(folder / each)  # noqa: PTH112 (Path.is_dir raises for long names)
    )
    return tuple(found)


def _spelled(path: Path, folder: Path) -> str:
    # relative to the manifest; links on the way there don't count, one in its place does
    real = os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118
    try:
        return os.path.relpath(real, folder).replace(os.sep, "/")
    except ValueError:  # another drive
        return PurePath(real).as_posix()


def _is_object(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in OBJECT_SUFFIXES


def _compiler(folder: Path, request: InitRequest) -> str | None:
    # for the base image, where one is named; where that can't be read, a build finds out
    try:
        path = request.image
        base = None if path is None else base_image(file_content(path), path, None).abi
        found = compiler(Toolchain(), root=folder, environment=request.environment, base=base)
    except LlextError:
        return None
    return found.path.stem if found.path.suffix.lower() == ".exe" else found.path.name


def _unknown_files(paths: Iterable[Path]) -> list[Diagnostic]:
    expected = ", ".join((*SUFFIXES, *OBJECT_SUFFIXES))
    return [
        Diagnostic(
            code="T005",
            at=Span(path),
            message=f"source '{path.as_posix()}' has suffix '{path.suffix}', "
            f"expected one of {expected}",
        )
        for path in paths
        if language(path.name) is None and not _is_object(path.name)
    ]


def _no_sources(folder: Path) -> Diagnostic:
    below = ", ".join(f"'{each}'" for each in _below(folder))
    return Diagnostic(
        code="T023",
        at=Span(folder),
        message=f"folder '{folder.as_posix()}' has no sources in it, nor in its folder 'src'",
        hint=f"name the folders in it that have: {below}"
        if below
        else f"name files, or a folder with some of {', '.join(SUFFIXES)}",
    )


def _below(folder: Path) -> list[str]:
    # the first folders further down that have sources; few are looked at, and no hidden ones
    found: list[str] = []
    queue, looked_at = [folder], 0
    while queue and len(found) < _MAX_NAMED and looked_at < _MAX_LOOKED_AT:
        place = queue.pop(0)
        looked_at += 1
        if place != folder and _sources(place):
            found.append(place.as_posix())
        with suppress(OSError):
            inside = sorted(each for each in place.iterdir() if each.name[0] != ".")
            queue += [each for each in inside if each.is_dir() and not each.is_symlink()]
    return found


def _already(display: str) -> Diagnostic:
    return Diagnostic(
        code="O020",
        at=Span(PurePath(display)),
        message=f"'{display}' is there already",
        hint="replace it with '--force', or write to another file with '-m FILE'",
    )


def _absent(path: Path) -> Diagnostic:
    message = f"can't read '{path.as_posix()}': No such file"
    return Diagnostic(code="L001", at=Span(path), message=message)
