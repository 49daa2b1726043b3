# SPDX-License-Identifier: Apache-2.0
"""What the extensions of a build share: base image, exports, memories."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath

from west_llext.app.bases import Base, config_of, nodes_of
from west_llext.app.session import Surroundings
from west_llext.base.why import offer
from west_llext.diagnostics import Diagnostic
from west_llext.link.extension import Purpose
from west_llext.manifest.kconfig import holds
from west_llext.model.base import BaseImage
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Condition, Extension, Manifest, Mode


def surroundings(
    manifest: Manifest, found: Base, purpose: Purpose, shown: PurePath
) -> Surroundings:
    """What the link needs to know beside the extensions.

    shown: how messages spell the manifest's folder
    """
    base = found.image
    config = config_of(found)

    def switched_on(condition: Condition) -> bool:
        return holds(condition, config)

    return Surroundings(
        offer=offer(base, manifest.base.exports, switched_on, nodes_of(found), found.exports),
        base_name="" if base is None else base.name,
        base_abi=None if base is None else base.abi,
        windows={each.name: (each.address, each.end) for each in manifest.base.memories},
        line=partial(_line, shown),
        purpose=purpose,
        memories=manifest.base.memories,
        origin=manifest.file.name,
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


def _line(shown: PurePath, obj: ObjectFile, section: int, offset: int) -> tuple[str, int] | None:
    from west_llext.elf.dwarf import line_of  # noqa: PLC0415  # slow to import, for messages only

    found = line_of(obj, section, offset)
    # compilers are told to name files from the manifest's folder on
    return None if found is None else ((shown / found[0]).as_posix(), found[1])
