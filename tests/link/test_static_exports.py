# SPDX-License-Identifier: Apache-2.0
"""Exports of what only the source knows: assemblers name the section instead of a static symbol.

That is what they do on every machine where no bit of an address has a meaning of its own. The words
of .exported_sym, which were relocated like any other, say what is right.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.cross import gcc
from support.linking import Case, Outcome, extension, offer

from west_llext.elf.read import object_file
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

SOURCE = """
struct entry { const char *name; const void *address; };
#define EXPORT(name, address) static const struct entry entry_##name \\
    __attribute__((section(".exported_sym"), used)) = {#name, (const void *)(address)}

int first(int x) { return x; }
static int hidden(int x) { return x + 77; }
static int table[4] = {1, 2, 3, 4};
EXPORT(first, &first);
EXPORT(hidden, &hidden);
EXPORT(table, &table);
EXPORT(last, &table[3]);
"""
NAMES = ("first", "hidden", "last", "table")
COMPILERS = {
    "aarch64": ("aarch64-linux-gnu-", "-fno-pic"),
    "arc": ("arc-linux-gnu-", "-fno-pic"),
    "arm": ("arm-none-eabi-", "-mcpu=cortex-m3", "-mthumb"),
    "i386": ("x86_64-linux-gnu-", "-m32", "-fno-pic"),
    "rv32": ("riscv64-unknown-elf-", "-march=rv32imac", "-mabi=ilp32"),
    "rv64": ("riscv64-unknown-elf-", "-march=rv64imac", "-mabi=lp64", "-mcmodel=medany"),
    "x86-64": ("x86_64-linux-gnu-", "-fno-pic"),
    "xtensa": ("xtensa-lx106-elf-",),
}


@pytest.mark.parametrize("machine", COMPILERS)
def test_an_export_is_where_its_entry_says(machine: str, tmp_path: Path) -> None:
    """In every mode; importers, reports and the symbol table of the blob go by the record."""
    made = {mode: _linked(machine, tmp_path, mode) for mode in Mode}
    addresses = _entries(made[Mode.PRELOCATED])
    assert sorted(addresses) == list(NAMES)
    for outcome in made.values():
        record = outcome.linked
        found = {each.name: (record.sections[each.section], each) for each in record.exports}
        placed = made[Mode.PRELOCATED].addresses
        assert addresses == {
            name: placed[section.region] + each.offset for name, (section, each) in found.items()
        }
        assert {name for name, (_, each) in found.items() if each.function} == {"first", "hidden"}
        # 4 bytes each; what is inside of something else has no size of its own
        assert found["table"][1].size == 16


def test_importers_get_the_address_of_a_static_export(tmp_path: Path) -> None:
    """The peer that other extensions see has the same place."""
    made = _linked("xtensa", tmp_path, Mode.PRELOCATED)
    offered = made.first.peer().exports["hidden"]
    assert offered.region is Region.TEXT
    assert offered.function
    assert _entries(made)["hidden"] == made.addresses[Region.TEXT] + offered.value


def _linked(machine: str, folder: Path, mode: Mode) -> Outcome:
    prefix, *flags = COMPILERS[machine]
    obj = object_file(gcc(folder, SOURCE, "-O1", *flags, prefix=prefix).read_bytes(), "unit.o")
    return Case(extension=extension(mode=mode), base=offer([], ident=obj.ident)).link(obj)


def _entries(made: Outcome) -> dict[str, int]:
    # name to address, as the loader reads .exported_sym of a prelocated blob
    word = made.first.obj.ident.bits // 8
    form = struct.Struct(made.first.obj.ident.order + ("II" if word == 4 else "QQ"))
    strings = made.content(Region.RODATA)
    found = {}
    for name, address in form.iter_unpack(made.content(Region.EXPORT)):
        start = name - made.addresses[Region.RODATA]
        found[strings[start : strings.index(b"\0", start)].decode()] = address
    return found
