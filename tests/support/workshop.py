# SPDX-License-Identifier: Apache-2.0
"""Whole projects made of prebuilt objects: a folder with manifest and base image, built for real.

Objects come from `elfbuild`, so no compiler is needed: a function `NAME_run` that calls what it is
told to, some code and data besides. Everything is derived from the description, so two workshops
with the same one hold the same files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from west_llext.app.build import CheckResult, Request, UpToDate, build, check
from west_llext.app.fresh import OBJECT_FOLDER
from west_llext.app.results import BuildResult
from west_llext.diagnostics import Diagnostic, LlextError

from . import elfbuild
from .elfbuild import (
    ET_EXEC,
    FUNC,
    NOBITS,
    OBJECT,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_ABS,
    Rel,
    Sec,
    Seg,
    Sym,
)

#: R_ARM_ABS32 and R_ARM_THM_CALL of AAELF32.
ABS32, THM_CALL = 2, 10

#: What the base image offers by default.
SYMBOLS: Mapping[str, int] = {"printk": 0x1001, "k_uptime_get": 0x1011, "memcpy": 0x1021}
ROM = "{name: rom, address: 0x00100000, size: 64K, access: rx}"
RAM = "{name: ram, address: 0x20100000, size: 16K, access: rw}"
PLACE = "{text: rom, rodata: rom, data: ram, bss: ram}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An extension and its object.

    calls: functions that it calls, in order
    code, data, bss: bytes besides, of each kind
    seed: another one gives other content of the same size
    extra: further lines of the extension in the manifest
    """

    name: str
    mode: str = "prelocated"
    calls: Sequence[str] = ("printk",)
    code: int = 32
    data: int = 16
    bss: int = 8
    seed: int = 0
    exports: Sequence[str] | None = None
    imports_from: Sequence[str] = ()
    extra: Sequence[str] = ()

    @property
    def entry(self) -> str:
        """Its one function."""
        return f"{self.name}_run"

    def lines(self) -> list[str]:
        """It in the manifest."""
        exports = [self.entry] if self.exports is None else self.exports
        lines = [
            f"  - name: {self.name}",
            f"    mode: {self.mode}",
            f"    objects: [{self.name}.o]",
            f"    exports: [{', '.join(exports)}]",
        ]
        if self.imports_from:
            lines.append(f"    imports-from: [{', '.join(self.imports_from)}]")
        if self.mode == "prelocated":
            lines.append(f"    place: {PLACE}")
        return [*lines, *(f"    {line}" for line in self.extra)]

    def object(self, **header: int) -> bytes:
        """Its object; `header` as for `elfbuild.elf`."""
        # push {lr}; bl …; pop {pc}; then bytes that are never run
        calls = b"\xff\xf7\xfe\xff" * len(self.calls)
        code = b"\x00\xb5" + calls + b"\x00\xbd"
        code += bytes(-len(code) % 4) + _noise(f"{self.name} {self.seed} code", self.code)
        return elfbuild.elf(
            sections=[
                Sec(
                    name=".text",
                    flags=SHF_ALLOC | SHF_EXECINSTR,
                    content=code,
                    relocations=[
                        Rel(offset=2 + 4 * number, type=THM_CALL, symbol=each)
                        for number, each in enumerate(self.calls)
                    ],
                ),
                Sec(
                    name=".data",
                    flags=SHF_ALLOC | SHF_WRITE,
                    content=bytes(4) + _noise(f"{self.name} {self.seed} data", self.data),
                    relocations=[Rel(offset=0, type=ABS32, symbol=self.entry)],
                ),
                Sec(name=".bss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, size=self.bss),
            ],
            symbols=[
                Sym(name=self.entry, value=1, size=8, type=FUNC, section=".text"),
                *(Sym(name=each) for each in dict.fromkeys(self.calls)),
            ],
            **header,  # type: ignore[arg-type]  # all of its integers
        )


def base_elf(
    symbols: Mapping[str, int] = SYMBOLS, *, seed: int = 0, heap: int | None = None
) -> bytes:
    """A base image that defines these functions (bit 0 set) and data; its code is noise.

    heap: bytes of the loader's heap; None for an image that doesn't say
    """
    own = Sym(name="kheap_llext_heap", value=0x20000010, size=heap or 0, section=SHN_ABS)
    return elfbuild.elf(
        file_type=ET_EXEC,
        sections=[
            Sec(
                name=".text",
                flags=SHF_ALLOC | SHF_EXECINSTR,
                addr=0x1000,
                content=_noise(f"base {seed}", 0x100),
            ),
            Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, addr=0x20000000, size=0x10),
        ],
        symbols=[
            Sym(
                name=name,
                value=value,
                size=4,
                type=FUNC if value & 1 else OBJECT,
                section=SHN_ABS,
            )
            for name, value in symbols.items()
        ]
        + ([] if heap is None else [own]),
        segments=[Seg(sections=[".text"], flags=5), Seg(sections=[".data"], flags=6)],
    )


class Buildable:
    """A project in a folder, and what building it comes to."""

    root: Path
    environment: Mapping[str, str] = os.environ

    def write(self) -> None:
        """Put the files in place that a build starts from, if there are any to make."""

    @property
    def manifest(self) -> Path:
        """Its manifest."""
        return self.root / "llext.yml"

    @property
    def output(self) -> Path:
        """Where builds put everything."""
        return self.root / "build" / "llext"

    @property
    def lock(self) -> Path:
        """Its lock file."""
        return self.root / "llext.lock"

    def request(self, *names: str, jobs: int | None = 1) -> Request:
        """What to ask of the use cases."""
        return Request(
            manifest=self.manifest,
            display="llext.yml",
            output=self.output,
            extensions=names,
            jobs=jobs,
            environment=dict(self.environment),
        )

    def build(self, *names: str, jobs: int | None = 1) -> BuildResult | UpToDate:
        """Write the files and build them, or some of the extensions."""
        self.write()
        return build(self.request(*names, jobs=jobs))

    def warnings(self, jobs: int | None = 1) -> tuple[Diagnostic, ...]:
        """What a build that has work to do warns of."""
        result = self.build(jobs=jobs)
        assert not isinstance(result, UpToDate)
        return result.findings

    def check(self, *names: str) -> CheckResult:
        """Write the files and check them."""
        self.write()
        return self.check_as_it_is(*names)

    def check_as_it_is(self, *names: str) -> CheckResult:
        """Check the files that are there."""
        return check(self.request(*names))

    def failure(self, *names: str, jobs: int | None = 1) -> list[str]:
        """What a build that has to fail says, warnings included; outputs must stay as they are."""
        self.write()
        before = listing(self.root)
        try:
            build(self.request(*names, jobs=jobs))
        except LlextError as err:
            assert changed(before, listing(self.root)) == []
            return [str(each) for each in err.diagnostics]
        raise AssertionError("the build went through")

    def outputs(self) -> dict[str, bytes]:
        """What the build has made, and the lock file."""
        found = contents(self.output)
        if self.lock.exists():
            found["llext.lock"] = self.lock.read_bytes()
        return found


@dataclass(slots=True)
class Workshop(Buildable):
    """A project of prebuilt objects; a field that is changed counts from the next `write` on.

    base: the base image, None for none
    exports: what the manifest exports
    version: Zephyr's, as the manifest says it
    """

    root: Path
    parts: list[Part] = field(default_factory=list)
    base: bytes | None = field(default_factory=base_elf)
    exports: Sequence[str] = tuple(SYMBOLS)
    memory: Sequence[str] = (ROM, RAM)
    version: str | None = None

    def write(self) -> None:
        """Put manifest, base image and objects in place; files that don't change aren't touched."""
        self.root.mkdir(parents=True, exist_ok=True)
        lines = ["version: 1", "base:", "  toolchain: {cflags: [-mcpu=cortex-m3, -mthumb]}"]
        if self.base is not None:
            lines.append("  image: base.elf")
            replaced(self.root / "base.elf", self.base)
        if self.version is not None:
            lines.append(f"  zephyr-version: {self.version}")
        if self.exports:
            lines.append(f"  exports: [{{symbols: [{', '.join(self.exports)}]}}]")
        lines += ["  memory:", *(f"    - {each}" for each in self.memory)]
        lines += ["extensions:", *(line for each in self.parts for line in each.lines())]
        replaced(self.manifest, ("\n".join(lines) + "\n").encode())
        for each in self.parts:
            replaced(self.root / f"{each.name}.o", each.object())


def contents(folder: Path) -> dict[str, bytes]:
    """The outputs in a folder by relative path; not the folders that are for the tool alone."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not is_private(path.relative_to(folder))
    }


def is_private(path: Path) -> bool:
    """Whether a path in an output folder is the tool's own: objects, records, locks."""
    return path.parts[0] in {OBJECT_FOLDER, ".west-llext"}


def listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, size and time of everything in a folder, whose change anything would show.

    Folders count as well: a file that is made and removed changes the time of its folder.
    """
    return {
        path.relative_to(folder).as_posix(): (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        for stat in [path.lstat()]
    }


def changed(
    before: Mapping[str, tuple[int, int, int]], after: Mapping[str, tuple[int, int, int]]
) -> list[str]:
    """What differs in two listings, without the folders that are for the tool alone."""
    return [
        path
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path) and not _leads_to_private(path)
    ]


def replaced(path: Path, content: bytes) -> None:
    """Give a file this content, without touching one that has it."""
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def _leads_to_private(path: str) -> bool:
    parts = path.split("/")
    # folders above a private one have another time when that is made
    return parts[-1] in {"build", "llext"} or any(
        each in {OBJECT_FOLDER, ".west-llext"} for each in parts
    )


def _noise(seed: str, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += hashlib.sha256(f"{seed} {len(data)}".encode()).digest()
    return data[:size]
