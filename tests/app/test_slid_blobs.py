# SPDX-License-Identifier: Apache-2.0
"""Relocatable blobs for a base image that looks symbols up by SLID, byte by byte.

Zephyr's script for that (scripts/build/llext_inject_slids.py) takes a finished file and writes the
SLID into st_value of each undefined symbol that is global and has no type, where there was 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import cross
from support.commands import command
from support.zephyrbuild import CONFIG, build_dir

pytestmark = pytest.mark.cross

SLIDS = "CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID=y\n"
MANIFEST = """\
version: 1
base: {exports: [printk, k_sleep, greeted]}
extensions:
  - {name: one, objects: [one.o], exports: [run], imports-from: [other]}
  - {name: other, objects: [other.o], exports: [other_run]}
"""
ONE = """\
int printk(void); int k_sleep(void); int other_run(void); extern int greeted;
int run(void) { greeted = other_run(); return printk() + k_sleep(); }
"""
OTHER = "int other_run(void) { return 1; }\n"
#: The first 8 bytes of `printf NAME | sha256sum`; the last is imported from an extension, and
#: Zephyr's script has no way to know.
EXPECTED = {
    "printk": 0x87B3105268827052,
    "k_sleep": 0x39274653685A2944,
    "greeted": 0x4E6800F571622EA7,
    "other_run": 0x5243365EC30C6B09,
}
#: By prefix of the compiler: flags, size of a symbol in the file, and where st_value is (gABI).
PROCESSORS = {
    "arm-none-eabi-": (["-mcpu=cortex-m3", "-mthumb"], 16, 4, 4),
    "aarch64-linux-gnu-": (["-fno-pic", "-fno-stack-protector"], 24, 8, 8),
}


def blob(folder: Path, config: str) -> bytes:
    """That of `one`, for an image that isn't linked yet."""
    folder.mkdir()
    (folder / "llext.yml").write_text(MANIFEST, encoding="utf-8")
    for name in ("one", "other"):
        (folder / f"{name}.o").write_bytes((folder.parent / f"{name}.o").read_bytes())
    build_dir(folder / "build", files={"zephyr/.config": config})
    (folder / "build" / "zephyr" / "zephyr.elf").unlink()
    ran = command("build", "-d", "build", "--no-image", folder=folder)
    assert ran.status == 0, ran.err
    return (folder / "build" / "llext" / "one.llext").read_bytes()


def undefined(path: Path, prefix: str, step: int) -> Iterator[tuple[str, int, int]]:
    """Names, values and offsets of symbols of a file that it doesn't define, by GNU readelf."""
    readelf = cross.tool("readelf", prefix)
    (table,) = (
        int(found[1], 16)
        for found in re.finditer(
            r"\.symtab +SYMTAB +[0-9a-f]+ ([0-9a-f]+)", cross.output(readelf, "-SW", str(path))
        )
    )
    for line in cross.output(readelf, "-sW", str(path)).splitlines():
        words = line.split()
        if words[6:7] == ["UND"] and len(words) == 8:
            assert words[3:5] == ["NOTYPE", "GLOBAL"]
            yield words[7], int(words[1], 16), table + step * int(words[0].rstrip(":"))


@pytest.mark.parametrize("prefix", PROCESSORS)
def test_only_values_of_imports_differ(prefix: str, tmp_path: Path) -> None:
    """Each has its own, in the byte order and size of the processor; nothing else is touched."""
    flags, step, offset, size = PROCESSORS[prefix]
    for name, source in (("one", ONE), ("other", OTHER)):
        cross.gcc(tmp_path, source, *flags, name=f"{name}.c", prefix=prefix)
    plain, slids = blob(tmp_path / "plain", CONFIG), blob(tmp_path / "slids", CONFIG + SLIDS)
    found = list(undefined(tmp_path / "slids" / "build" / "llext" / "one.llext", prefix, step))
    assert {name: value for name, value, _ in found} == {
        name: value >> (64 - 8 * size) for name, value in EXPECTED.items()
    }
    written = bytearray(plain)
    for _, value, place in found:
        at = place + offset
        assert plain[at : at + size] == bytes(size)
        written[at : at + size] = value.to_bytes(size, "little")
    assert bytes(written) == slids
