# SPDX-License-Identifier: Apache-2.0
"""What sources of extensions are compiled with, as far as the base image decides it.

Its own compile commands say it best. Without a build directory it is Zephyr's extension development
kit, and without that the description of the image, which has no folders of headers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import Path

from west_llext.app.bases import Base
from west_llext.app.requests import Request
from west_llext.app.state import digest
from west_llext.base import build_info, compile_commands
from west_llext.base.builddir import BuildDir
from west_llext.base.extension_flags import extension_flags
from west_llext.elf.read import file_content
from west_llext.model.manifest import Manifest, Toolchain
from west_llext.record import record


def _nothing() -> None:
    """What has to be done before compilers run, mostly."""


@record(frozen=True, slots=True, kw_only=True)
class Flags:
    """A toolchain with everything that the base image adds to it.

    spec: the manifest's, completed
    maps: folders with what objects call them instead, the more general first
    digests: SHA-256 (hexadecimal) of every file that was read for it
    prepare: makes folders that flags name; to be called before anything is compiled
    """

    spec: Toolchain
    maps: tuple[tuple[str, str], ...] = ()
    digests: Mapping[Path, str] = field(default_factory=dict)
    prepare: Callable[[], None] = _nothing


def compile_flags(manifest: Manifest, base: Base, request: Request) -> Flags:
    """The toolchain of a manifest, with compiler and flags of the base image where it has any.

    The manifest's own flags come last, and so win.
    Raises LlextError (B032, M) where what a build directory says of it can't be read.
    """
    given = manifest.base.toolchain
    spec = given if given.launcher else replace(given, launcher=request.launcher)
    if base.build is not None:
        return _built(spec, base.build)
    if base.kit is not None:
        kit = base.kit.kit
        return Flags(
            spec=_with(spec, extension_flags(kit.words, kit.config)),
            maps=((kit.folder, "EDK"),),
            prepare=base.kit.unpack,
        )
    return Flags(spec=_with(spec, base.cflags))


def base_words(build: BuildDir) -> tuple[tuple[str, ...], dict[Path, str]]:
    """Flags of the base image in a build directory, for extensions; and digests of what was read.

    Raises LlextError (B032, M) where one of the files isn't what it should be.
    """
    digests: dict[Path, str] = {}
    info = build_info.BuildInfo()
    data = _read(build, build_info.NAME, digests)
    if data is not None:
        from west_llext.manifest.plain import plain  # noqa: PLC0415  # not every build has it

        info = build_info.build_info(plain(data, f"{build.name}/{build_info.NAME}"))
    application = build.cache.get("APPLICATION_SOURCE_DIR") or info.application
    data = _read(build, compile_commands.NAME, digests)
    words = None
    if data is not None:
        name = f"{build.name}/{compile_commands.NAME}"
        words = compile_commands.compile_words(data, name, application)
    return extension_flags(info.words if words is None else words, build.config), digests


def _built(spec: Toolchain, build: BuildDir) -> Flags:
    words, digests = base_words(build)
    compiler = build.compiler
    # a build directory may have been made on another machine; then a compiler is looked for
    known = compiler is not None and (
        os.path.isfile(compiler) or not {"/", "\\"} & set(compiler)  # noqa: PTH113 (never raises)
    )
    cc = spec.cc or (compiler if known else None)
    folders = ((build.zephyr_base, "ZEPHYR_BASE"), (build.path.absolute(), "BUILD_DIR"))
    return Flags(
        spec=_with(replace(spec, cc=cc), words),
        maps=tuple((each.as_posix(), name) for each, name in folders if each is not None),
        digests=digests,
    )


def _with(spec: Toolchain, words: tuple[str, ...]) -> Toolchain:
    return replace(spec, cflags=(*words, *spec.cflags))


def _read(build: BuildDir, name: str, digests: dict[Path, str]) -> bytes | None:
    path = build.path / name
    if not path.is_file():
        return None
    data = file_content(path, f"{build.name}/{name}")
    digests[path] = digest(data)
    return data
