# SPDX-License-Identifier: Apache-2.0
"""The base image that a request is about, wherever it comes from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from west_llext.app.requests import ImageUse, Request
from west_llext.app.state import digest
from west_llext.base.builddir import BuildDir, build_dir, configured, image_dir
from west_llext.base.description import description, is_description
from west_llext.base.image import image
from west_llext.base.names import NodePath, node_paths
from west_llext.base.own_exports import exported_in
from west_llext.base.usual_dir import is_build_dir
from west_llext.diagnostics import Diagnostic, MissingError
from west_llext.elf.read import file_content
from west_llext.model.base import BaseImage
from west_llext.model.manifest import FileRef, Manifest
from west_llext.record import record

if TYPE_CHECKING:  # few manifests name one
    from west_llext.app.kits import FoundKit


#: Header with the ordinals of devicetree nodes.
_NODES = "devicetree_generated.h"


@record(frozen=True, slots=True, kw_only=True)
class Base:
    """The base image of a build; without `image` where there is none.

    path: the file that it was read from
    name: what outputs call it; the same on every machine
    build: the build directory that it came from, if it did
    cflags: flags that select the processor and the ABI, where it is only described
    described: whether `path` is a description, so that there is no code of the image
    kit: the extension development kit that stands for a build directory, where one is named
    exports: names that the image is going to export, beside the manifest's; without `image` only
    digests: SHA-256 (hexadecimal) of every file that was read for it
    absent: why the build directory that west would take is of no use, where there is one
    """

    image: BaseImage | None = None
    path: Path | None = None
    name: str = ""
    build: BuildDir | None = None
    cflags: tuple[str, ...] = ()
    described: bool = False
    kit: FoundKit | None = None
    exports: frozenset[str] = frozenset()
    digests: Mapping[Path, str] = field(default_factory=dict)
    absent: tuple[Diagnostic, ...] = ()


def base_of(manifest: Manifest, request: Request) -> Base:
    """The base image of a manifest.

    A build directory that was asked for goes before what the manifest says, and that before the
    build directory that west would take.
    Raises MissingError where it can't be read, LlextError where it is no base image.
    """
    read = _base if request.image is ImageUse.READ else _unlinked
    found = read(manifest, request)
    named = manifest.base.edk
    if named is None or found.build is not None:
        return found
    from west_llext.app.kits import found_kit  # noqa: PLC0415  # few manifests name one

    kit = found_kit(named, request)
    known = found.image
    if known is not None:
        known = replace(
            known,
            config=known.config or kit.kit.config,
            zephyr_version=known.zephyr_version or kit.kit.zephyr_version,
        )
    return replace(found, image=known, kit=kit, digests={**found.digests, **kit.digests})


def linked_exports(paths: Iterable[Path]) -> frozenset[str]:
    """Names that objects and archives export by themselves. Raises MissingError (L001)."""
    return frozenset(name for path in paths for name in exported_in(file_content(path)))


def _unlinked(manifest: Manifest, request: Request) -> Base:
    # a base image that is yet to be linked, as its build directory and its objects say it
    spec, build = manifest.base, None
    folder = request.build_dir or (None if spec.build_dir is None else spec.build_dir.path)
    if folder is not None:
        build = configured(folder, document=_document, domain=request.domain)
    return Base(
        build=build,
        digests={} if build is None else build.digests,
        exports=linked_exports(request.linked),
    )


def _base(manifest: Manifest, request: Request) -> Base:
    spec, shown = manifest.base, request.shown
    if request.build_dir is not None:
        return _built(request.build_dir, request.build_dir, request, spec.zephyr_version)
    if spec.build_dir is not None and spec.image is None:
        folder = spec.build_dir
        found = _built(folder.path, shown / folder.text, request, spec.zephyr_version)
        return replace(found, name=(PurePath(folder.text) / found.name).as_posix())
    if spec.image is None:
        return _usual(request, spec.zephyr_version)
    path = spec.image.path
    name = (shown / spec.image.text).as_posix()
    data = _image_content(spec.image, name)
    build = None
    if spec.build_dir is not None:
        folder = spec.build_dir
        build = configured(folder.path, (shown / folder.text).as_posix(), document=_document)
    if is_description(data):
        return replace(_described(data, path, name, spec.zephyr_version), name=spec.image.text)
    read = image(
        data,
        name,
        config=None if build is None else build.config,
        zephyr_version=spec.zephyr_version or (build.zephyr_version if build else None),
    )
    digests = {path: read.digest, **({} if build is None else build.digests)}
    return Base(image=read, path=path, name=spec.image.text, build=build, digests=digests)


def _image_content(file: FileRef, name: str) -> bytes:
    # where it isn't there, the manifest's line is the place to look at
    try:
        return file_content(file.path, name)
    except MissingError as err:
        hint = "build the base image first"
        raise MissingError(
            [replace(each, at=file.at, hint=hint) for each in err.diagnostics]
        ) from err


def config_of(base: Base) -> Mapping[str, str]:
    """The Kconfig settings of a base image, by its build directory or kit; empty where unknown."""
    if base.image is not None:
        return base.image.config
    if base.build is not None:
        return base.build.config
    return {} if base.kit is None else base.kit.kit.config


def version_of(manifest: Manifest, base: Base) -> str | None:
    """Zephyr's version, by the manifest, the build directory or the kit; None where unknown."""
    if manifest.base.zephyr_version is not None:
        return manifest.base.zephyr_version
    if base.build is not None:
        return base.build.zephyr_version
    return None if base.kit is None else base.kit.kit.zephyr_version


def nodes_of(base: Base) -> NodePath:
    """Paths of devicetree nodes by ordinal, looked up in the headers of the base image's build."""

    @cache
    def paths() -> Mapping[int, str]:
        if base.build is not None:
            folders = [base.build.path / "zephyr" / "include" / "generated"]
        elif base.kit is not None:
            folders = [Path(base.kit.kit.folder) / "include" / "zephyr" / "include" / "generated"]
        else:
            return {}
        for folder in (*(each / "zephyr" for each in folders), *folders):
            path = folder / _NODES
            if path.is_file():
                return node_paths(file_content(path).decode("utf-8", "replace"))
        return {}

    return lambda ordinal: paths().get(ordinal)


def folder_of(manifest: Manifest, request: Request) -> Path | None:
    """The build directory of a manifest's base image, which need not have been built; or None.

    Raises LlextError (B030, B031) where it is sysbuild's and hasn't the domain.
    """
    spec = manifest.base
    folder = request.build_dir
    if folder is None and spec.build_dir is not None:
        folder = spec.build_dir.path
    if folder is None and spec.image is None:
        folder = request.usual_dir
    if folder is None:
        return None
    return image_dir(folder, folder.as_posix(), document=_document, domain=request.domain)


def opened(path: Path, name: str | None = None, *, domain: str | None = None) -> BuildDir:
    """A build directory, as `base.builddir.build_dir` reads it and raises."""
    return build_dir(path, name, document=_document, domain=domain)


def _built(folder: Path, shown: PurePath, request: Request, version: str | None) -> Base:
    # the base image in a build directory, which outputs name by its place there
    build = opened(folder, shown.as_posix(), domain=request.domain)
    name = f"{build.name}/{build.image_name}"
    found = image(
        file_content(build.image, name),
        name,
        config=build.config,
        zephyr_version=version or build.zephyr_version,
    )
    return Base(
        image=found,
        path=build.image,
        name=build.image_name,
        build=build,
        digests={build.image: found.digest, **build.digests},
    )


def _described(data: bytes, path: Path, name: str, version: str | None) -> Base:
    found = description(data, name)
    known = found.image if version is None else replace(found.image, zephyr_version=version)
    return Base(
        image=known,
        path=path,
        cflags=found.cflags,
        described=True,
        digests={path: digest(data)},
    )


def _usual(request: Request, version: str | None) -> Base:
    # nobody has asked for it, so it may well not have been built yet
    folder = request.usual_dir
    if folder is None:
        return Base()
    try:
        return _built(folder, folder, request, version)
    except MissingError as err:
        if not is_build_dir(os.fspath(folder)):  # a setting names what isn't there
            raise
        return Base(absent=err.diagnostics)


def _document(data: bytes, name: str) -> Any:
    from west_llext.manifest.plain import plain  # noqa: PLC0415  # most directories have no YAML

    return plain(data, name)
