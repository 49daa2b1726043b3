# SPDX-License-Identifier: Apache-2.0
"""What the extensions of a build share: base image, exports, memories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from west_llext.app.session import Surroundings
from west_llext.base.builddir import build_dir
from west_llext.base.image import image
from west_llext.base.layout import load_window
from west_llext.base.why import offer
from west_llext.diagnostics import Diagnostic
from west_llext.elf.read import file_content
from west_llext.link.extension import Purpose
from west_llext.manifest.kconfig import holds
from west_llext.model.base import BaseImage
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Condition, Extension, Manifest, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base image of a build, and the file that it was read from; None where there is none."""

    image: BaseImage | None = None
    path: Path | None = None


def base_of(manifest: Manifest, override: Path | None) -> Base:
    """The base image that a manifest names; `override` is a build directory that goes before it.

    Raises MissingError where it can't be read, LlextError where it is no base image.
    """
    spec = manifest.base
    version = spec.zephyr_version
    if spec.image is not None and override is None:
        content = file_content(spec.image.path, spec.image.text)
        found = image(content, spec.image.text, zephyr_version=version)
        return Base(image=found, path=spec.image.path)
    if override is None and spec.build_dir is None:
        return Base()
    folder, shown = override, None
    if folder is None and spec.build_dir is not None:
        folder, shown = spec.build_dir.path, spec.build_dir.text
    build = build_dir(folder or Path(), shown)
    name = f"{build.name}/{build.image_name}"
    content = file_content(build.image, name)
    version = version or build.zephyr_version
    found = image(content, name, config=build.config, zephyr_version=version)
    return Base(image=found, path=build.image)


def surroundings(
    manifest: Manifest, base: BaseImage | None, purpose: Purpose, *, origin: str
) -> Surroundings:
    """What the link needs to know beside the extensions.

    origin: the manifest, as outputs name it
    """
    config = {} if base is None else base.config

    def switched_on(condition: Condition) -> bool:
        return holds(condition, config)

    return Surroundings(
        offer=offer(base, manifest.base.exports, switched_on),
        base_name="" if base is None else base.name,
        base_abi=None if base is None else base.abi,
        windows={each.name: (each.address, each.end) for each in manifest.base.memories},
        heap=None if base is None else load_window(base),
        line=_line,
        purpose=purpose,
        memories=manifest.base.memories,
        origin=origin,
    )


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


def _line(obj: ObjectFile, section: int, offset: int) -> tuple[str, int] | None:
    from west_llext.elf.dwarf import line_of  # noqa: PLC0415  # slow to import, for messages only

    return line_of(obj, section, offset)
