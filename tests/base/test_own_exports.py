# SPDX-License-Identifier: Apache-2.0
"""What a base image's own sources export, compiled with the macros of each release."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support import zephyrlike
from support.cross import PREFIX, gcc, tool

from west_llext.base.image import image
from west_llext.base.own_exports import exported_in, own_exports
from west_llext.elf.headers import headers
from west_llext.elf.symbols import symbol_index
from west_llext.emit import exports_c
from west_llext.emit.exports_c import Flavour
from west_llext.model.manifest import ExportGroup, Name

pytestmark = pytest.mark.cross

SOURCE = """\
#include <zephyr/llext/symbol.h>
int printk(void); int printk(void) { return 1; }
EXPORT_SYMBOL(printk);
int k_sleep(void); int k_sleep(void) { return 2; }
"""
#: Zephyr's linker scripts collect entries of all files, sorted by name.
SCRIPT = """\
SECTIONS {
  .text 0x1000 : { *(.text*) }
  .rodata : { *(.rodata*) }
  llext_const_symbol_area : {
    _llext_const_symbol_list_start = .;
    KEEP(*(SORT_BY_NAME(._llext_const_symbol.static.*)))
    _llext_const_symbol_list_end = .;
  }
  llext_exports_strtab 0 (INFO) : { *(llext_exports_strtab) }
}
"""
FLAGS = ("-mcpu=cortex-m3", "-mthumb", "-DCONFIG_LLEXT=1", "-fno-lto")
GROUPS = "-DCONFIG_LLEXT_EXPORT_SYMBOL_GROUP_UNASSIGNED=1"


def compiled(folder: Path, release: str) -> tuple[Path, Path]:
    """A source with an export of its own, and our table with two more."""
    include = zephyrlike.include_folder(folder, release, iterable=zephyrlike.LIKE_ZEPHYR)
    flags = (*FLAGS, GROUPS, f"-I{include}")
    (folder / "own.c").write_text(SOURCE, encoding="utf-8")
    group = ExportGroup(group=None, symbols=(Name("k_sleep"),))
    text = exports_c.text([group], flavour=Flavour.ZEPHYR, origin="llext.yml")
    (folder / "llext_exports.c").write_text(text, encoding="utf-8")
    made = []
    for name in ("own", "llext_exports"):
        output = folder / f"{name}.o"
        command = [tool("gcc"), *flags, "-c", folder / f"{name}.c", "-o", output]
        subprocess.run(command, check=True)
        made.append(output)
    return made[0], made[1]


def linked(folder: Path, *objects: Path) -> bytes:
    """A base image of them."""
    (folder / "x.ld").write_text(SCRIPT, encoding="utf-8")
    output = folder / "zephyr.elf"
    command = [f"{PREFIX}ld", "-T", folder / "x.ld", "-e", "0", "-o", output, *objects]
    subprocess.run(command, check=True)
    return output.read_bytes()


@pytest.mark.parametrize("release", zephyrlike.SYMBOL_H)
def test_exports_of_sources_are_told_from_those_of_the_table(release: str, tmp_path: Path) -> None:
    """By the file that each entry is from."""
    data = linked(tmp_path, *compiled(tmp_path, release))
    found = image(data, "zephyr.elf")
    assert found.exports is not None
    assert set(found.exports) == {"printk", "k_sleep"}
    assert set(found.own_exports) == {"printk"}


@pytest.mark.parametrize("release", zephyrlike.SYMBOL_H)
def test_exports_are_seen_before_anything_is_linked(release: str, tmp_path: Path) -> None:
    """In objects, and in archives of them."""
    own, table = compiled(tmp_path, release)
    assert list(exported_in(own.read_bytes())) == ["printk"]
    assert list(exported_in(table.read_bytes())) == ["k_sleep"]
    archive = tmp_path / "lib.a"
    subprocess.run([tool("ar"), "rc", archive, own, table], check=True)
    assert set(exported_in(archive.read_bytes())) == {"printk", "k_sleep"}
    assert list(exported_in(gcc(tmp_path, "int x;", *FLAGS).read_bytes())) == []


def test_an_image_that_was_stripped_tells_nothing(tmp_path: Path) -> None:
    """There are no local symbols any more, and no names of files."""
    linked(tmp_path, *compiled(tmp_path, "4.1"))
    subprocess.run([tool("objcopy"), "--strip-unneeded", tmp_path / "zephyr.elf"], check=True)
    head = headers((tmp_path / "zephyr.elf").read_bytes(), "zephyr.elf")
    assert own_exports(head, symbol_index(head)[0]) == frozenset()


@pytest.mark.parametrize("release", ["3.7", "4.1", "4.4"])
def test_slids_take_the_names_out_of_the_table_but_not_out_of_the_symbols(
    release: str, tmp_path: Path
) -> None:
    """Zephyr's script has sorted the entries anew, so that places say nothing."""
    include = zephyrlike.include_folder(tmp_path, release, iterable=zephyrlike.LIKE_ZEPHYR)
    (tmp_path / "own.c").write_text(SOURCE, encoding="utf-8")
    flags = (*FLAGS, GROUPS, "-DCONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID=1", f"-I{include}")
    own = tmp_path / "own.o"
    subprocess.run([tool("gcc"), *flags, "-c", tmp_path / "own.c", "-o", own], check=True)
    data = linked(tmp_path, own)
    settings = {"CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID": "y"}
    assert set(image(data, "zephyr.elf", config=settings).own_exports) == {"printk"}
