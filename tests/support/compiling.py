# SPDX-License-Identifier: Apache-2.0
"""A project in a folder, compiled for real: manifests' records without a manifest."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath

import pytest

from west_llext.diagnostics import NOWHERE, Span
from west_llext.elf.read import object_file
from west_llext.emit.files import put
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import CompilerRuntime, Extension, FileRef, Name, Toolchain
from west_llext.toolchain.compiler import Compiler, compiler
from west_llext.toolchain.lock import locked
from west_llext.toolchain.ninja import Host
from west_llext.toolchain.plan import Plan, Request, plan
from west_llext.toolchain.run import Outcome, Progress, run

M3 = ("-mcpu=cortex-m3", "-mthumb")

#: every compiler that tests can have, as parameters
COMPILERS = (
    pytest.param("arm-none-eabi-gcc", marks=pytest.mark.cross, id="gcc"),
    pytest.param("zig", marks=pytest.mark.zig, id="zig"),
)


def available(cc: str) -> str:
    """The compiler's name; skips the test where it isn't installed."""
    found = importlib.util.find_spec("ziglang") if cc == "zig" else shutil.which(cc)
    if found is None:
        pytest.skip(f"{cc} isn't installed")
    return cc


def nobody_waits() -> None:
    """For locks that are free."""
    raise AssertionError("the lock is taken")


class Project:
    """Sources in a folder and what is made of them."""

    def __init__(self, root: Path, cc: str, *cflags: str, launcher: Sequence[str] = ()) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self.toolchain = Toolchain(cc=cc, cflags=cflags or M3, launcher=tuple(launcher))

    @property
    def folder(self) -> Path:
        """Where objects go."""
        return self.root / "build" / "obj"

    def write(self, name: str, text: str) -> FileRef:
        """A source, its reference."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return self.ref(name)

    def ref(self, name: str, at: Span = NOWHERE) -> FileRef:
        """A file that the manifest names."""
        return FileRef(text=name, path=self.root / name, at=at)

    def compiler(self, environment: Mapping[str, str] = os.environ) -> Compiler:
        """The project's compiler."""
        return compiler(self.toolchain, root=self.root, environment=environment)

    def plan(self, *extensions: Extension, host: Host = Host.POSIX) -> Plan:
        """The plan for some extensions."""
        return plan(
            Request(
                root=self.root,
                folder=self.folder,
                extensions=extensions,
                compiler=self.compiler(),
                host=host,
                python=sys.executable,
                shown=PurePath(),
            )
        )

    def run(
        self,
        *extensions: Extension,
        ninja: Path | None = None,
        jobs: int | None = None,
        environment: Mapping[str, str] = os.environ,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Outcome:
        """Build some extensions."""
        with locked(self.folder, waiting=nobody_waits) as lock:
            return run(
                self.plan(*extensions),
                lock=lock,
                environment=environment,
                put=put,
                ninja=ninja,
                jobs=jobs,
                progress=progress,
            )

    def object(self, extension: Extension) -> ObjectFile:
        """The object that the link would read, after a build that must succeed."""
        outcome = self.run(extension)
        assert [str(each) for each in outcome.diagnostics] == []
        path = self.plan(extension).objects[extension.name]
        return object_file(path.read_bytes(), path.name)


def extension(
    name: str = "one",
    *,
    sources: Sequence[FileRef] = (),
    objects: Sequence[FileRef] = (),
    include_dirs: Sequence[FileRef] = (),
    cflags: Sequence[str] = (),
    defines: Sequence[tuple[str, str | None]] = (),
    exports: Sequence[str] = (),
    runtime: CompilerRuntime = CompilerRuntime.BASE,
    at: Span = NOWHERE,
) -> Extension:
    """An extension of a manifest."""
    return Extension(
        name=name,
        sources=tuple(sources),
        objects=tuple(objects),
        include_dirs=tuple(include_dirs),
        cflags=tuple(cflags),
        defines=tuple(defines),
        exports=tuple(Name(each) for each in exports),
        compiler_runtime=runtime,
        place={},
        at=at,
    )


def defined(obj: ObjectFile) -> set[str]:
    """Names of the global symbols that an object defines."""
    return {each.name for each in obj.symbols if each.binding and each.section}


def undefined(obj: ObjectFile) -> set[str]:
    """Names of the symbols that an object needs."""
    return {each.name for each in obj.symbols if each.name and not each.section}
