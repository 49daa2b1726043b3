# SPDX-License-Identifier: Apache-2.0
"""The same files read by pyelftools and GNU binutils, and by us."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection
from support.cross import archive, gcc, members, output, tool

from west_llext.elf.headers import headers
from west_llext.elf.read import object_file
from west_llext.elf.symbols import image_symbols

pytestmark = pytest.mark.cross

VARIANTS = ["thumb/v6-m/nofp", "thumb/v7-m/nofp", "thumb/v7e-m+fp/hard", "arm/v5te/hard"]

Tables = tuple[list[tuple[object, ...]], list[tuple[object, ...]], list[tuple[object, ...]]]


def by_pyelftools(data: bytes) -> Tables:
    """Sections, symbols and relocations as pyelftools has them."""
    file = ELFFile(io.BytesIO(data))
    sections: list[tuple[object, ...]] = []
    symbols: list[tuple[object, ...]] = []
    relocations: list[tuple[object, ...]] = []
    for section in file.iter_sections():
        fields = ("sh_flags", "sh_addr", "sh_offset", "sh_size", "sh_link", "sh_info")
        sections.append((section.name, *(section[field] for field in fields)))
        if isinstance(section, SymbolTableSection):
            symbols += [
                (symbol.name, symbol["st_value"], symbol["st_size"])
                for symbol in section.iter_symbols()
            ]
        if isinstance(section, RelocationSection):
            relocations += [
                (section["sh_info"], row["r_offset"], row["r_info_type"], row["r_info_sym"])
                for row in section.iter_relocations()
            ]
    return sections, symbols, relocations


def by_us(data: bytes) -> Tables:
    """The same from our records."""
    obj = object_file(data, "member.o")
    return (
        [(s.name, s.flags, s.addr, s.offset, s.size, s.link, s.info) for s in obj.sections],
        [(s.name, s.value, s.size) for s in obj.symbols],
        [
            (section, row.offset, row.type, row.symbol)
            for section, rows in obj.relocations.items()
            for row in rows
        ],
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_members_of_picolibc_read_as_by_pyelftools(variant: str) -> None:
    """Every 20th member of the C library, table by table."""
    found = list(members(archive(variant)))[::20]
    assert len(found) > 20
    for name, data in found:
        # pyelftools names a section symbol by its section; the table has no name for it
        sections, symbols, relocations = by_pyelftools(data)
        ours = by_us(data)
        assert (ours[0], ours[2]) == (sections, relocations), name
        assert [row[1:] for row in ours[1]] == [row[1:] for row in symbols], name
        assert [row[0] for row in ours[1] if row[0]] == [row[0] for row in symbols if row[0]], name


def linked(folder: Path) -> bytes:
    """A linked image with local, weak, global, absolute and discarded symbols."""
    source = """
        static int counter = 3;
        static int helper(int value) { return value + counter; }
        int zero[100];
        const char *const text = "text";
        __attribute__((weak)) int perhaps(int value) { return helper(value); }
        int entry(int value) { return perhaps(value) + zero[value]; }
    """
    made = gcc(folder, source, "-mcpu=cortex-m3", "-mthumb", "-O0", "-g")
    image = folder / "image.elf"
    command = (tool("gcc"), "-mcpu=cortex-m3", "-mthumb", "-nostdlib", "-Wl,-e,entry")
    output(*command, str(made), "-Wl,--defsym=fixed=0x1234", "-o", str(image))
    return image.read_bytes()


def test_the_index_of_an_image_has_the_definitions_that_nm_lists(tmp_path: Path) -> None:
    """Nm prints upper-case letters for global symbols, W and V for weak ones, U for undefined."""
    image = linked(tmp_path)
    index, local, _, _ = image_symbols(headers(image, "image.elf"))
    rows = output(tool("nm"), str(tmp_path / "image.elf")).splitlines()
    listed = [row.split() for row in rows if " U " not in row]
    globals_ = {name: int(value, 16) for value, letter, name in listed if letter in "TDBRAWV"}
    # nm leaves the Thumb bit out of a function's address
    ours = {
        name: symbol.value & ~int(symbol.type == 2) for name in index if (symbol := index.get(name))
    }
    assert ours == globals_
    assert {"entry", "perhaps", "fixed"} <= set(index)
    assert {"helper", "counter"} <= set(local)
    assert not {"entry", "unit.c", ""} & set(local)
