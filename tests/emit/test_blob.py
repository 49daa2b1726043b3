# SPDX-License-Identifier: Apache-2.0
"""Blobs and their notes, read back by pyelftools and by hand, as docs/blob-format.md has them."""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import replace
from itertools import pairwise

import pytest
from elftools.elf.elffile import ELFFile
from support import acceptance, elfbuild
from support.elfbuild import (
    FUNC,
    NOBITS,
    OBJECT,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    Rel,
    Sec,
    Sym,
)
from support.linking import Case, data, extension, offer, thumb

from west_llext.emit.blob import blob
from west_llext.emit.elf_image import ImageSection, image
from west_llext.emit.twin import twin
from west_llext.model.elf import FileType, Ident
from west_llext.model.link import Linked
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

PLACES = {
    Region.TEXT: 0x10000,
    Region.DATA: 0x20000000,
    Region.RODATA: 0x10100,
    Region.BSS: 0x20000100,
    Region.EXPORT: 0x10200,
    Region.INIT: 0x10300,
}


def object_file() -> bytes:
    """An object with a section of each region."""
    return elfbuild.elf(
        sections=[
            Sec(
                name=".text",
                flags=SHF_ALLOC | SHF_EXECINSTR,
                content=bytes.fromhex("00f0 00f8 7047 00bf 00000000"),
                relocations=[
                    Rel(offset=0, type=10, symbol="printk"),
                    Rel(offset=8, type=2, symbol="ticks"),
                ],
            ),
            Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=bytes(range(1, 7)), align=8),
            Sec(name=".rodata", content=b"constant", align=1),
            Sec(name=".bss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, size=20, align=16),
            Sec(
                name=".init_array",
                type=14,
                flags=SHF_ALLOC | SHF_WRITE,
                content=bytes(4),
                relocations=[Rel(offset=0, type=38, symbol="run")],
            ),
        ],
        symbols=[
            Sym(name="run", value=5, size=2, type=FUNC, section=".text"),
            Sym(name="buffer", value=4, size=16, type=OBJECT, section=".bss"),
            Sym(name="printk"),
            Sym(name="ticks"),
        ],
    )


def linked(mode: Mode) -> Linked:
    """The object, linked; its base has an address above and one below 2 GiB."""
    case = Case(
        extension=extension(mode=mode, exports=["run", "buffer"]),
        base=offer([thumb("printk", 0x8000), data("ticks", 0xC0000010)]),
        place=lambda sizes: {region: PLACES[region] for region in sizes},
        heap=(0x10000, 0x20000),
        windows={"text": (0x10000, 0x20000)},
    )
    return case.link(object_file()).linked


def read(content: bytes) -> ELFFile:
    """The file, as pyelftools reads it."""
    return ELFFile(io.BytesIO(content))


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_a_blob_has_a_section_a_region_in_the_order_of_the_loader(mode: Mode) -> None:
    """Names, types, flags and alignment as the table says; the rest behind."""
    table = ".dynsym" if mode is Mode.PRELOCATED else ".symtab"
    strings = ".dynstr" if mode is Mode.PRELOCATED else ".strtab"
    expected = {
        Mode.RELOCATABLE: [".rel.text", ".rel.exported_sym", ".rel.init_array"],
        Mode.BOUND: [".rel.text", ".rel.exported_sym", ".rel.init_array", ".note"],
        Mode.PRELOCATED: [".note"],
    }[mode]
    elf = read(blob(linked(mode)))
    rows = [
        (each.name, each["sh_type"], each["sh_flags"], each["sh_addralign"], each["sh_entsize"])
        for each in elf.iter_sections()
    ]
    assert rows[1:7] == [
        (".text", "SHT_PROGBITS", 6, 4, 0),
        (".data", "SHT_PROGBITS", 3, 8, 0),
        (".rodata", "SHT_PROGBITS", 2, 1, 0),
        (".bss", "SHT_NOBITS", 3, 16, 0),
        (".exported_sym", "SHT_PROGBITS", 2, 4, 0),
        (".init_array", "SHT_INIT_ARRAY", 2, 4, 4),
    ]
    assert [table, strings, *expected, ".shstrtab"] == [row[0] for row in rows[7:]]


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_a_blob_is_what_the_loader_takes(mode: Mode) -> None:
    """And stays so with nothing exported."""
    record = linked(mode)
    assert acceptance.problems(blob(record)) == []
    assert acceptance.problems(b"\0" + blob(record)[1:]) != []


@pytest.mark.parametrize(
    ("mode", "kind", "symbols"),
    [
        (
            Mode.RELOCATABLE,
            "ET_REL",
            [
                ("", "STB_LOCAL", "STT_SECTION", 1, 0),
                ("", "STB_LOCAL", "STT_SECTION", 3, 0),
                ("", "STB_LOCAL", "STT_SECTION", 4, 0),
                ("printk", "STB_GLOBAL", "STT_NOTYPE", "SHN_UNDEF", 0),
                ("ticks", "STB_GLOBAL", "STT_NOTYPE", "SHN_UNDEF", 0),
                ("buffer", "STB_GLOBAL", "STT_OBJECT", 4, 4),
            ],
        ),
        (
            Mode.BOUND,
            "ET_REL",
            [
                ("", "STB_LOCAL", "STT_NOTYPE", "SHN_ABS", 0x8001),
                ("", "STB_LOCAL", "STT_SECTION", 1, 0),
                ("", "STB_LOCAL", "STT_SECTION", 3, 0),
                ("", "STB_LOCAL", "STT_SECTION", 4, 0),
                ("buffer", "STB_GLOBAL", "STT_OBJECT", 4, 4),
            ],
        ),
        (
            Mode.PRELOCATED,
            "ET_DYN",
            [("buffer", "STB_GLOBAL", "STT_OBJECT", 4, 0x20000104)],
        ),
    ],
    ids=lambda each: str(getattr(each, "value", "")),
)
def test_a_blob_has_the_symbols_that_its_mode_needs(
    mode: Mode, kind: str, symbols: list[tuple[str, str, str, int | str, int]]
) -> None:
    """No name in bound mode; one symbol in prelocated mode, at its address."""
    elf = read(blob(linked(mode)))
    assert kind == elf["e_type"]
    table = elf.get_section_by_name(".dynsym" if mode is Mode.PRELOCATED else ".symtab")
    found = [
        (
            each.name,
            each["st_info"]["bind"],
            each["st_info"]["type"],
            each["st_shndx"],
            each["st_value"],
        )
        for each in table.iter_symbols()
    ]
    assert found[0] == ("", "STB_LOCAL", "STT_NOTYPE", "SHN_UNDEF", 0)
    assert sorted(found[1:], key=str) == sorted(symbols, key=str)


def test_a_prelocated_blob_can_be_placed_by_its_program_headers() -> None:
    """One PT_LOAD for each section that is loaded, with its address and permissions."""
    elf = read(blob(linked(Mode.PRELOCATED)))
    sections = {each["sh_addr"]: each for each in elf.iter_sections() if each["sh_flags"] & 2}
    rows = []
    for each in elf.iter_segments():
        section = sections[each["p_vaddr"]]
        assert each["p_type"] == "PT_LOAD"
        assert each["p_paddr"] == each["p_vaddr"]
        assert each["p_memsz"] == section["sh_size"]
        assert each.data() == (b"" if section["sh_type"] == "SHT_NOBITS" else section.data())
        rows.append((section.name, each["p_flags"]))
    assert rows == [
        (".text", 5),
        (".data", 6),
        (".rodata", 4),
        (".bss", 6),
        (".exported_sym", 4),
        (".init_array", 4),
    ]
    assert set(PLACES.values()) == sections.keys()


def test_a_blob_without_a_fixed_place_has_no_program_headers() -> None:
    """ET_REL has none, and its addresses are 0."""
    for mode in (Mode.RELOCATABLE, Mode.BOUND):
        elf = read(blob(linked(mode)))
        assert elf.num_segments() == 0
        assert {each["sh_addr"] for each in elf.iter_sections()} == {0}


@pytest.mark.parametrize(("mode", "number"), [(Mode.BOUND, 1), (Mode.PRELOCATED, 2)])
def test_the_note_has_the_bytes_that_its_page_describes(mode: Mode, number: int) -> None:
    """docs/blob-format.md, "The note", word by word."""
    used = [(b"printk", 0x8001), (b"ticks", 0xC0000010)]
    names = b"printk\0ticks\0"
    digest = hashlib.sha256()
    for name, address in used:
        digest.update(name + b"\0" + struct.pack("<Q", address))
    content = struct.pack("<3I", 1, number, 2) + digest.digest()
    content += struct.pack("<4I", 0x8001, 0, 0xC0000010, 7) + names
    expected = struct.pack("<3I", 11, len(content), 1) + b"west-llext\0\0" + content
    expected += bytes(-len(expected) % 4)
    record = linked(mode)
    section = read(blob(record)).get_section_by_name(".note")
    assert expected == section.data()
    assert (digest.hexdigest(), 4, 0) == (
        record.identity,
        section["sh_addralign"],
        section["sh_flags"],
    )
    assert [each["n_name"] for each in section.iter_notes()] == ["west-llext"]


def test_a_relocatable_blob_has_no_note() -> None:
    """It belongs to no build of the base image."""
    assert read(blob(linked(Mode.RELOCATABLE))).get_section_by_name(".note") is None


def test_a_blob_of_an_extension_without_exports_has_the_symbol_that_the_loader_wants() -> None:
    """An empty table of symbols fails to be allocated on the target."""
    case = Case(extension=extension(mode=Mode.RELOCATABLE), base=offer([]))
    section = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=bytes(4))
    record = case.link(elfbuild.elf(sections=[section])).linked
    assert acceptance.problems(blob(record)) == []
    assert acceptance.problems(blob(replace(record, symbols=()))) == [
        "Failed to allocate extension symbol table, ret -12"
    ]


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_the_twin_has_the_loaded_sections_of_the_blob_and_every_symbol(mode: Mode) -> None:
    """Same bytes and addresses; ET_EXEC where they are fixed."""
    record = linked(mode)
    one, two = read(blob(record)), read(twin(record))
    assert two["e_type"] == ("ET_EXEC" if mode is Mode.PRELOCATED else "ET_REL")
    for section in one.iter_sections():
        if section["sh_flags"] & 2:
            other = two.get_section_by_name(section.name)
            assert section.data() == other.data()
            assert section["sh_addr"] == other["sh_addr"]
    table = two.get_section_by_name(".symtab")
    found = {each.name: each["st_value"] for each in table.iter_symbols()}
    start = PLACES if mode is Mode.PRELOCATED else dict.fromkeys(PLACES, 0)
    assert start[Region.TEXT] + 5 == found["run"]
    assert start[Region.BSS] + 4 == found["buffer"]


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("little", [True, False], ids=["little", "big"])
def test_files_of_every_class_and_byte_order_can_be_read(bits: int, little: bool) -> None:  # noqa: FBT001 (a column)
    """The seams for other machines: pyelftools reads the headers back."""
    ident = Ident(machine=243, bits=bits, little=little, flags=5)
    sections = [
        ImageSection(name=".text", type=1, flags=6, content=b"abcd", align=64, addr=0x1000),
        ImageSection(name=".bss", type=8, flags=3, size=100, align=32),
        ImageSection(name=".more.text", type=1, content=bytes(8)),
    ]
    elf = read(image(sections, ident, FileType.REL))
    assert (bits, little, "EM_RISCV", 5) == (
        elf.elfclass,
        elf.little_endian,
        elf["e_machine"],
        elf["e_flags"],
    )
    rows = [(each.name, each["sh_size"], each["sh_addralign"]) for each in elf.iter_sections()]
    assert rows[1:-1] == [(".text", 4, 64), (".bss", 100, 32), (".more.text", 8, 1)]
    assert all(
        each["sh_offset"] % max(each["sh_addralign"], 1) == 0 for each in elf.iter_sections()
    )
    assert elf.get_section_by_name(".text").data() == b"abcd"
    names = elf.get_section(elf["e_shstrndx"]).data()
    assert names.count(b"text") == 1


def test_very_many_section_names_cost_no_time() -> None:
    """A damaged object can have 65,000 debug sections."""
    sections = [ImageSection(name=f".debug_{n}", type=1) for n in range(20000)]
    elf = read(image(sections, Ident(machine=40, bits=32, little=True, flags=0), FileType.REL))
    assert elf.num_sections() == 20002
    assert elf.get_section(20000).name == ".debug_19999"


def test_no_two_sections_of_a_prelocated_blob_share_an_address() -> None:
    """Zephyr 3.7 compares the addresses of all sections, those included that aren't loaded.

    Otherwise it ends with "Region 5 VMA range (0x0 +32) overlaps with 6".
    """
    elf = read(blob(linked(Mode.PRELOCATED)))
    ranges = sorted(
        (each["sh_addr"], each["sh_addr"] + each["sh_size"])
        for each in elf.iter_sections()
        if each["sh_type"] not in {"SHT_NULL", "SHT_NOTE"}
    )
    assert all(first[1] <= second[0] for first, second in pairwise(ranges))


def test_tables_keep_apart_below_the_top_of_the_address_space() -> None:
    """Where nothing is left behind the extension, they lie in front of it."""
    record = linked(Mode.PRELOCATED)
    top = 1 << 32
    moved = tuple(
        replace(each, address=(each.address or 0) % 0x1000 + top - 0x1000)
        for each in record.sections
    )
    elf = read(blob(replace(record, sections=moved)))
    tables = [elf.get_section_by_name(name) for name in (".dynsym", ".dynstr", ".shstrtab")]
    assert [each["sh_addr"] for each in tables] == [0, 0x100000, 0x200000]
