# SPDX-License-Identifier: Apache-2.0
"""What the extensions of a build share: base image, exports, memories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath

from west_llext.app.session import Surroundings
from west_llext.base.builddir import build_dir
from west_llext.base.declared import undefined_exports
from west_llext.base.image import image
from west_llext.base.why import Holds, offer
from west_llext.diagnostics import Diagnostic
from west_llext.elf.read import file_content
from west_llext.emit.aside import Aside
from west_llext.link.extension import Purpose
from west_llext.manifest.kconfig import holds
from west_llext.model.base import BaseImage
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Extension, Manifest, Mode

_HERE = PurePath()


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base image of a build; without `image` where the manifest names none.

    path: the file that it was read from
    name: what outputs call it; the same on every machine
    folder: the build directory that it came from, if it did
    digests: SHA-256 (hexadecimal) of every file that was read for it
    """

    image: BaseImage | None = None
    path: Path | None = None
    name: str = ""
    folder: Path | None = None
    digests: Mapping[Path, str] = field(default_factory=dict)


def base_of(manifest: Manifest, override: Path | None, shown: PurePath = _HERE) -> Base:
    """The base image that a manifest names; `override` is a build directory that goes before it.

    shown: how messages spell the manifest's folder
    Raises MissingError where it can't be read, LlextError where it is no base image.
    """
    spec = manifest.base
    if override is not None:
        return _built(override, override, spec.zephyr_version)
    if spec.build_dir is not None and spec.image is None:
        folder = spec.build_dir
        found = _built(folder.path, shown / folder.text, spec.zephyr_version)
        return replace(found, name=(PurePath(folder.text) / found.name).as_posix())
    if spec.image is None:
        return Base()
    path = spec.image.path
    name = (shown / spec.image.text).as_posix()
    read = image(file_content(path, name), name, zephyr_version=spec.zephyr_version)
    return Base(image=read, path=path, name=spec.image.text, digests={path: read.digest})


def _built(folder: Path, shown: PurePath, version: str | None) -> Base:
    # the base image in a build directory, which outputs name by its place there
    build = build_dir(folder, shown.as_posix())
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
        folder=folder,
        digests={build.image: found.digest, **build.digests},
    )


def surroundings(
    manifest: Manifest,
    base: BaseImage | None,
    purpose: Purpose,
    shown: PurePath,
    aside: Aside | None = None,
) -> Surroundings:
    """What the link needs to know beside the extensions.

    shown: how messages spell the manifest's folder
    aside: as in `Surroundings`
    """
    return Surroundings(
        offer=offer(base, manifest.base.exports, _holds(base)),
        base_name="" if base is None else base.name,
        base_abi=None if base is None else base.abi,
        windows={each.name: (each.address, each.end) for each in manifest.base.memories},
        line=partial(_line, shown),
        purpose=purpose,
        memories=manifest.base.memories,
        origin=manifest.file.name,
        providers=frozenset(
            name.text for each in manifest.extensions for name in each.imports_from
        ),
        aside=aside,
    )


def declared(manifest: Manifest, base: BaseImage | None) -> list[Diagnostic]:
    """What is wrong with the exports that the manifest declares; warnings."""
    return [] if base is None else undefined_exports(base, manifest.base.exports, _holds(base))


def _holds(base: BaseImage | None) -> Holds:
    config = {} if base is None else base.config
    return lambda condition: holds(condition, config)


def occupied(base: BaseImage | None) -> list[tuple[int, int]]:
    """Half-open address ranges that the base image takes, in memory and where it is stored."""
    if base is None:
        return []
    ranges = [(each.vaddr, each.vaddr + each.memsz) for each in base.segments if each.memsz]
    ranges += [(each.paddr, each.paddr + each.filesz) for each in base.segments if each.filesz]
    return sorted(set(ranges))


def homeless(extensions: tuple[Extension, ...], base: BaseImage | None) -> list[Diagnostic]:
    """A finding for each extension whose mode needs a base image that isn't there."""
    if base is not None:
        return []
    return [
        Diagnostic(
            code="B020",
            at=extension.at,
            message=f"extension '{extension.name}' is {extension.mode.value}, but the manifest "
            "names no base image to take addresses from",
            hint="set 'base.image' or 'base.build-dir', or pass a build directory with '-d'",
        )
        for extension in extensions
        if extension.mode is not Mode.RELOCATABLE
    ]


def _line(shown: PurePath, obj: ObjectFile, section: int, offset: int) -> tuple[str, int] | None:
    from west_llext.elf.dwarf import line_of  # noqa: PLC0415  # slow to import, for messages only

    found = line_of(obj, section, offset)
    # compilers are told to name files from the manifest's folder on
    return None if found is None else ((shown / found[0]).as_posix(), found[1])
