# SPDX-License-Identifier: Apache-2.0
"""Xtensa instructions as QEMU disassembles them, for cores that no assembler here knows.

QEMU uses each core's own instruction set description, as its vendor generated it: dc233c has the
windowed registers, loops and the density option, fsf is big-endian.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest


class Core(NamedTuple):
    """A core of QEMU's.

    address: of memory that needs no translation
    """

    program: str
    name: str
    address: int


LITTLE = Core("qemu-system-xtensa", "dc233c", 0x800000)
BIG = Core("qemu-system-xtensaeb", "fsf", 0xFE000000)

_LINE = re.compile(r"0x([0-9a-f]{8}):\s+(.*)")


def disassembled(folder: Path, core: Core, words: Sequence[bytes]) -> list[tuple[int, str]]:
    """Address and text of each instruction, one behind the other."""
    program = shutil.which(core.program)
    if program is None:
        pytest.skip(f"{core.program} isn't installed")
    code = folder / "code.bin"
    code.write_bytes(b"".join(words))
    device = f"loader,file={code},addr={core.address:#x},force-raw=on"
    command = [program, "-machine", "sim", "-cpu", core.name, "-m", "16M", "-S", "-display", "none"]
    command += ["-serial", "none", "-monitor", "stdio", "-device", device]
    done = subprocess.run(
        command,
        input=f"x/{len(words)}i {core.address:#x}\nquit\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    rows = [match.groups() for match in map(_LINE.match, done.stdout.splitlines()) if match]
    assert len(rows) == len(words), done.stdout[-1000:]
    return [(int(address, 16), text.strip().replace("\t", " ")) for address, text in rows]
