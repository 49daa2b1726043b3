# SPDX-License-Identifier: Apache-2.0
"""What the extensions of a build share: base image, exports, memories."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import NamedTuple

from west_llext.app.bases import Base, config_of, nodes_of, version_of
from west_llext.app.session import Surroundings
from west_llext.app.trial import plan
from west_llext.base.declared import undefined_exports
from west_llext.base.exports import SLID_SETTING
from west_llext.base.why import Holds, offer
from west_llext.diagnostics import Diagnostic, Severity, Span
from west_llext.emit.aside import Aside
from west_llext.link.extension import Purpose
from west_llext.manifest.kconfig import holds
from west_llext.model.base import BaseImage
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Extension, Manifest, Mode


def surroundings(
    manifest: Manifest,
    found: Base,
    purpose: Purpose,
    shown: PurePath,
    aside: Aside | None = None,
) -> Surroundings:
    """What the link needs to know beside the extensions.

    shown: how messages spell the manifest's folder
    aside: as in `Surroundings`
    """
    base = found.image
    offered = offer(base, manifest.base.exports, _holds(found), nodes_of(found), found.exports)
    return Surroundings(
        offer=replace(
            offered,
            unlinked=version_of(manifest, found),
            unlinked_by_slid=config_of(found).get(SLID_SETTING) == "y",
        ),
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
        plan=plan(manifest, base),
    )


def declared(manifest: Manifest, found: Base) -> list[Diagnostic]:
    """What is wrong with the exports that the manifest declares; warnings."""
    if found.image is None:
        return []
    return undefined_exports(found.image, manifest.base.exports, _holds(found))


def _holds(found: Base) -> Holds:
    config = config_of(found)
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


class _Loader(NamedTuple):
    """Since when Zephyr's loader knows a machine.

    setting: of Kconfig, by which a machine is known before its image is linked
    """

    name: str
    setting: str
    since: tuple[int, int]


_LOADERS = {
    94: _Loader("Xtensa", "CONFIG_XTENSA", (3, 6)),
    183: _Loader("AArch64", "CONFIG_ARM64", (3, 7)),
    243: _Loader("RISC-V", "CONFIG_RISCV", (4, 0)),
}


def loaderless(
    manifest: Manifest, extensions: tuple[Extension, ...], found: Base
) -> list[Diagnostic]:
    """A warning for each extension that needs a loader which its release of Zephyr hasn't.

    Such a release builds, and its loader passes over all relocations.
    """
    version = version_of(manifest, found) if found.image is None else found.image.zephyr_version
    numbers = re.match(r"v?(\d+)\.(\d+)", version or "")
    loader = _loader(found)
    if numbers is None or loader is None:
        return []
    if (int(numbers[1]), int(numbers[2])) >= loader.since:
        return []
    first = "{}.{}".format(*loader.since)
    return [
        Diagnostic(
            severity=Severity.WARNING,
            code="B022",
            at=extension.at,
            message=f"extension '{extension.name}' is {extension.mode.value}, but Zephyr "
            f"{version} has no loader for {loader.name}: {first} was the first",
            hint="set 'mode: prelocated', which needs none",
        )
        for extension in extensions
        if extension.mode is not Mode.PRELOCATED
    ]


def _loader(found: Base) -> _Loader | None:
    if found.image is not None:
        return _LOADERS.get(found.image.abi.ident.machine)
    config = config_of(found)
    return next((each for each in _LOADERS.values() if config.get(each.setting) == "y"), None)


def _line(shown: PurePath, obj: ObjectFile, section: int, offset: int) -> Span | None:
    from west_llext.elf.dwarf import line_of  # noqa: PLC0415  # slow to import, for messages only

    found = line_of(obj, section, offset)
    # compilers are told to name files from the manifest's folder on
    return None if found is None else replace(found, file=shown / found.file)
