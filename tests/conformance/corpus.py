# SPDX-License-Identifier: Apache-2.0
"""Objects to compare with: every member of the C library and of the compiler's own library.

Debian's packages have both for many processors of a machine; those that are taken cover what the
link has to know of it. On Arm that is Thumb without and with 32-bit instructions, hard-float, and
Arm state; on RISC-V both classes, without and with compressed instructions and floating point, and
a library of Linux, which is position-independent; on Xtensa the one core that there is, for speed
and for size. On AArch64 it is a library for bare metal and one of Linux; on ARC what comes with the
compiler for Linux.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.cross import members, output, tool
from tests.support.gnuld import SHF_ALLOC, SectionTable

_PICOLIBC = Path("/usr/lib/picolibc")


class Library(NamedTuple):
    """Where the objects of one processor are.

    machine: name of the group that it belongs to
    archives: finds those that are installed; skips where the compiler isn't there
    """

    machine: str
    archives: Callable[[], list[Path]]


def _arm(folder: str) -> Library:
    def archives() -> list[Path]:
        gcc = Path(output(tool("gcc"), "-print-libgcc-file-name").strip()).parent
        base = _PICOLIBC / "arm-none-eabi/lib/release" / folder
        return [base / "libc.a", base / "libsemihost.a", gcc / folder / "libgcc.a"]

    return Library("arm", archives)


def _riscv(isa: str, abi: str) -> Library:
    def archives() -> list[Path]:
        flags = (f"-march={isa}", f"-mabi={abi}", "-print-libgcc-file-name")
        libgcc = Path(output(tool("gcc", "riscv64-unknown-elf-"), *flags).strip())
        base = _PICOLIBC / "riscv64-unknown-elf/lib/release" / isa / abi
        return [base / "libc.a", base / "libm.a", base / "libsemihost.a", libgcc]

    return Library("riscv", archives)


def _riscv_linux() -> list[Path]:
    base = Path("/usr/riscv64-linux-gnu/lib")
    if not base.exists():
        pytest.skip("the C library of RISC-V Linux isn't installed")
    return [base / name for name in ("libc.a", "libm.a", "libresolv.a")]


def _aarch64_bare() -> list[Path]:
    base = _PICOLIBC / "aarch64-linux-gnu/lib/release"
    return [base / "libc.a", base / "libm.a", base / "libsemihost.a"]


def _aarch64_linux() -> list[Path]:
    libgcc = Path(output(tool("gcc", "aarch64-linux-gnu-"), "-print-libgcc-file-name").strip())
    base = Path("/usr/aarch64-linux-gnu/lib")
    return [base / "libc.a", base / "libm.a", libgcc]


def _x86(flag: str, libraries: str) -> Library:
    def archives() -> list[Path]:
        command = (tool("gcc", "x86_64-linux-gnu-"), flag, "-print-libgcc-file-name")
        base = Path(libraries)
        return [base / "libc.a", base / "libm-2.36.a", Path(output(*command).strip())]

    return Library("x86" if flag == "-m32" else "x86-64", archives)


def _xtensa(folder: str, *, libgcc: bool) -> Library:
    def archives() -> list[Path]:
        found = output(tool("gcc", "xtensa-lx106-elf-"), "-print-libgcc-file-name")
        libc = Path("/usr/lib/xtensa-lx106-elf/lib") / folder / "libc.a"
        return [libc, Path(found.strip())] if libgcc else [libc]

    return Library("xtensa", archives)


def _arc() -> list[Path]:
    found = output(tool("gcc", "arc-linux-gnu-"), "-print-libgcc-file-name")
    return sorted(Path(found.strip()).parent.glob("*.a"))


LIBRARIES: Mapping[str, Library] = {
    "v6-m": _arm("thumb/v6-m/nofp"),
    "v7-m": _arm("thumb/v7-m/nofp"),
    "v7e-m+fp": _arm("thumb/v7e-m+fp/hard"),
    "v5te": _arm("arm/v5te/softfp"),
    "rv32i": _riscv("rv32i", "ilp32"),
    "rv32imac": _riscv("rv32imac", "ilp32"),
    "rv64imac": _riscv("rv64imac", "lp64"),
    "rv64imafdc": _riscv("rv64imafdc", "lp64d"),
    "rv64-linux": Library("riscv", _riscv_linux),
    "a64-bare": Library("aarch64", _aarch64_bare),
    "a64-linux": Library("aarch64", _aarch64_linux),
    "i386": _x86("-m32", "/usr/lib32"),
    "amd64": _x86("-m64", "/usr/lib/x86_64-linux-gnu"),
    "lx106": _xtensa("release", libgcc=True),
    "lx106-size": _xtensa("", libgcc=False),
    "archs": Library("arc", _arc),
}


def arches(names: Sequence[str]) -> list[str]:
    """The processors that are meant: each name is one, or a machine for all of its own."""
    wanted = set(names)
    return [arch for arch, each in LIBRARIES.items() if {arch, each.machine} & wanted]


class Member(NamedTuple):
    """One object.

    ordinal: among all members of all processors; decides about addresses
    """

    arch: str
    archive: str
    name: str
    ordinal: int
    content: bytes

    def __str__(self) -> str:
        return f"{self.arch}/{self.archive}({self.name})"


def corpus(wanted: Sequence[str]) -> Iterator[Member]:
    """Every member that has something to load, in a fixed order.

    A third of libgcc's have nothing: functions that the processor doesn't need.
    """
    ordinal = 0
    for arch in wanted:
        for archive in LIBRARIES[arch].archives():
            if not archive.exists():
                continue
            for name, content in members(archive):
                if _is_loaded(content):
                    yield Member(arch, archive.name, name, ordinal, content)
                    ordinal += 1


def _is_loaded(content: bytes) -> bool:
    # whether a section has SHF_ALLOC and a size
    if content[:4] != b"\x7fELF":
        return False
    table = SectionTable(content)
    rows = [table.row(content, index) for index in range(table.count)]
    return any(row[2] & SHF_ALLOC and row[5] for row in rows)


def chosen(count: int | None, wanted: Sequence[str]) -> list[Member]:
    """`count` members, spread evenly over all of them; the same ones on every machine and day."""
    found = list(corpus(wanted))
    if count is None or count >= len(found):
        return found
    return [found[each * len(found) // count] for each in range(count)]
