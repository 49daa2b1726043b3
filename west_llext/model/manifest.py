# SPDX-License-Identifier: Apache-2.0
"""A manifest, checked and with its defaults applied (schema version 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from pathlib import Path

from west_llext.diagnostics import NOWHERE, Span
from west_llext.model.members import plain_members
from west_llext.model.region import Region
from west_llext.record import record

#: Longest name of an extension that the target keeps apart (`LLEXT_MAX_NAME_LEN`, llext.h).
MAX_NAME_LENGTH = 15
#: Most extensions that one extension can depend on (`LLEXT_MAX_DEPENDENCIES`, llext.h).
MAX_PROVIDERS = 8


@plain_members
class Mode(Enum):
    """How far a blob is linked on the host."""

    #: names are looked up and relocations applied by the target
    RELOCATABLE = "relocatable"
    #: symbols of the base are absolute; the target applies what depends on the load address
    BOUND = "bound"
    #: linked at fixed addresses; nothing is left to do
    PRELOCATED = "prelocated"


@plain_members
class CompilerRuntime(Enum):
    """Where compiler helpers such as `__aeabi_uldivmod` come from."""

    #: the base image exports them
    BASE = "base"
    #: linked into the extension from the compiler's own library (libgcc, compiler-rt)
    TOOLCHAIN = "toolchain"


@record(frozen=True, slots=True)
class Name:
    """A name as the manifest spells it, and where."""

    text: str
    at: Span = NOWHERE

    def __str__(self) -> str:
        return self.text


@record(frozen=True, slots=True, kw_only=True)
class FileRef:
    """A file or folder that the manifest names.

    text: as written, with forward slashes, relative to the file that names it
    path: where it is on this machine
    """

    text: str
    path: Path
    at: Span = NOWHERE


@record(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """Which compiler to use and how, where it doesn't come from a build directory.

    cc: compiler command or path (`arm-none-eabi-gcc`, `clang`, `zig`); None to search
    target: clang/zig target triple; None to derive it from the base image or cflags
    cflags: flags for every source, before those of the extension
    launcher: words put before the compiler command (ccache, distcc, rewrapper …)
    """

    cc: str | None = None
    target: str | None = None
    cflags: tuple[str, ...] = ()
    launcher: tuple[str, ...] = ()
    at: Span = NOWHERE


@record(frozen=True, slots=True, kw_only=True)
class Condition:
    """A Kconfig expression that decides whether a group is exported."""

    text: str
    at: Span = NOWHERE


@record(frozen=True, slots=True, kw_only=True)
class ExportGroup:
    """Some symbols that the base image exports.

    group: name of the group, or None for the unnamed one
    symbols: in the order of the manifest, those of a `from` file last
    when: the group counts only where this holds; None for always
    """

    group: str | None
    symbols: tuple[Name, ...]
    when: Condition | None = None
    at: Span = NOWHERE


@record(frozen=True, slots=True, kw_only=True)
class Memory:
    """A named address range of the target.

    address: first byte, in the target's address space
    size: bytes
    access: letters of `rwx`
    """

    name: str
    address: int
    size: int
    access: str
    at: Span = NOWHERE

    @property
    def end(self) -> int:
        """First address behind the memory."""
        return self.address + self.size


@record(frozen=True, slots=True, kw_only=True)
class BaseSpec:
    """What the manifest says of the base image.

    build_dir: west build directory that gives image, configuration and toolchain; or None
    image: the base image's ELF file, or a description of it; or None
    edk: extension development kit that gives flags and headers, archive or folder; or None
    zephyr_version: such as `4.3`; None to read it from the build directory
    """

    build_dir: FileRef | None = None
    image: FileRef | None = None
    edk: FileRef | None = None
    zephyr_version: str | None = None
    toolchain: Toolchain = Toolchain()
    exports: tuple[ExportGroup, ...] = ()
    memories: tuple[Memory, ...] = ()
    at: Span = NOWHERE


@record(frozen=True, slots=True, kw_only=True)
class Extension:
    """One loadable unit.

    sources: C, C++ or assembler files to compile
    objects: ELF objects and archives to link, in order
    defines: preprocessor names with their values; None for a bare `-DNAME`
    exports: names that the extension offers, besides those that its source exports
    imports_from: extensions whose exports it may use, at most 8
    place: memory for each region that has one; only Region.TEXT, RODATA, DATA and BSS
    """

    name: str
    mode: Mode = Mode.RELOCATABLE
    sources: tuple[FileRef, ...] = ()
    objects: tuple[FileRef, ...] = ()
    include_dirs: tuple[FileRef, ...] = ()
    defines: tuple[tuple[str, str | None], ...] = ()
    cflags: tuple[str, ...] = ()
    compiler_runtime: CompilerRuntime = CompilerRuntime.BASE
    exports: tuple[Name, ...] = ()
    imports_from: tuple[Name, ...] = ()
    place: Mapping[Region, Name]
    at: Span = NOWHERE


@record(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What the manifest says of runs in the emulator.

    stand_ins: Python files with stand-ins for functions of the base image
    replace: functions that the host is to do even where the base image has them
    """

    stand_ins: tuple[FileRef, ...] = ()
    replace: tuple[str, ...] = ()


@record(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A whole manifest.

    file: the manifest itself
    root: folder that its relative paths start from
    inputs: every file that was read for it, the manifest first
    digests: SHA-256 (hexadecimal) of what was read from each of them
    """

    file: Path
    root: Path
    version: int
    base: BaseSpec
    extensions: tuple[Extension, ...]
    run: RunSpec = RunSpec()
    inputs: tuple[Path, ...] = ()
    digests: Mapping[Path, str] = field(default_factory=dict, compare=False)
