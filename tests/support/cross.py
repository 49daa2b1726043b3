# SPDX-License-Identifier: Apache-2.0
"""Real objects: members of the C library of the cross compiler, and sources compiled here.

Tests that use these carry the mark `cross` (or `zig`); where the tools are missing they skip.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

PREFIX = "arm-none-eabi-"
PICOLIBC = Path("/usr/lib/picolibc/arm-none-eabi/lib/release")


def tool(name: str, prefix: str = PREFIX) -> str:
    """Path of a tool of a cross compiler (`readelf`); skips the test where there is none."""
    found = shutil.which(prefix + name)
    if found is None:
        pytest.skip(f"{prefix}{name} isn't installed")
    return found


def output(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def archive(variant: str = "thumb/v7-m/nofp", name: str = "libc.a") -> Path:
    """An archive of picolibc, such as `thumb/v7e-m+fp/hard`; skips where it isn't there."""
    path = PICOLIBC / variant / name
    if not path.exists():
        pytest.skip("picolibc for Arm isn't installed")
    return path


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each member of a Unix archive (GNU form)."""
    data = path.read_bytes()
    names = b""
    offset = 8
    while offset + 60 <= len(data):
        head = data[offset : offset + 60]
        size = int(head[48:58])
        content = data[offset + 60 : offset + 60 + size]
        label = head[:16].rstrip()
        if label == b"//":
            names = content
        elif label not in {b"/", b"/SYM64/"}:
            if label[:1] == b"/":
                label = names[int(label[1:]) :].split(b"\n", 1)[0]
            yield label.rstrip(b"/").decode(), content
        offset += 60 + size + size % 2


def sample(path: Path, count: int) -> list[tuple[str, bytes]]:
    """`count` members, spread evenly over the archive."""
    found = list(members(path))
    return [found[each * len(found) // count] for each in range(min(count, len(found)))]


def gcc(folder: Path, source: str, *flags: str, name: str = "unit.c", prefix: str = PREFIX) -> Path:
    """The object that the cross compiler makes of a source."""
    return _compiled([tool("gcc", prefix)], folder, source, flags, name)


def zig(folder: Path, source: str, *flags: str, name: str = "unit.c") -> Path:
    """The object that `zig cc` makes of a source; unwind tables and sanitizers are off."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang isn't installed")
    plain = ("-fno-sanitize=undefined", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
    command = [sys.executable, "-m", "ziglang", "cc"]
    return _compiled(command, folder, source, (*plain, *flags), name)


def lld() -> list[str]:
    """The command of lld, which comes with ziglang."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang isn't installed")
    import ziglang

    return [str(Path(ziglang.__file__).parent / "zig"), "ld.lld"]


def _compiled(
    command: Sequence[str], folder: Path, source: str, flags: Sequence[str], name: str
) -> Path:
    (folder / name).write_text(source, encoding="utf-8")
    made = Path(name).with_suffix(".o")
    subprocess.run(
        [*command, *flags, "-c", name, "-o", str(made)], cwd=folder, check=True, capture_output=True
    )
    return folder / made
