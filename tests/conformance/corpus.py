# SPDX-License-Identifier: Apache-2.0
"""Objects to compare with: every member of the C library and of the compiler's own library.

Debian's packages picolibc-arm-none-eabi and gcc-arm-none-eabi have both for many processors; four
of them cover what the link has to know: Thumb without and with 32-bit instructions, hard-float, and
Arm state.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.cross import PICOLIBC, members, output, tool

#: Folder of each processor's libraries, the same in both packages.
ARCHES: Mapping[str, str] = {
    "v6-m": "thumb/v6-m/nofp",
    "v7-m": "thumb/v7-m/nofp",
    "v7e-m+fp": "thumb/v7e-m+fp/hard",
    "v5te": "arm/v5te/softfp",
}


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


def archives(arch: str) -> list[Path]:
    """The archives of a processor that are installed."""
    gcc = Path(output(tool("gcc"), "-print-libgcc-file-name").strip()).parent
    folder = ARCHES[arch]
    found = [PICOLIBC / folder / "libc.a", PICOLIBC / folder / "libsemihost.a"]
    found.append(gcc / folder / "libgcc.a")
    return [each for each in found if each.exists()]


def corpus(arches: Sequence[str]) -> Iterator[Member]:
    """Every member that has something to load, in a fixed order.

    A third of libgcc's have nothing: functions that the processor doesn't need.
    """
    ordinal = 0
    for arch in arches:
        for archive in archives(arch):
            for name, content in members(archive):
                if _is_loaded(content):
                    yield Member(arch, archive.name, name, ordinal, content)
                    ordinal += 1


def _is_loaded(content: bytes) -> bool:
    # whether a section has SHF_ALLOC and a size
    shoff = struct.unpack_from("<I", content, 32)[0]
    count = struct.unpack_from("<H", content, 48)[0]
    rows = [struct.unpack_from("<10I", content, shoff + 40 * n) for n in range(count)]
    return any(row[2] & 2 and row[5] for row in rows)


def chosen(count: int | None, arches: Sequence[str]) -> list[Member]:
    """`count` members, spread evenly over all of them; the same ones on every machine and day."""
    found = list(corpus(arches))
    if count is None or count >= len(found):
        return found
    return [found[each * len(found) // count] for each in range(count)]
