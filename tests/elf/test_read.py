# SPDX-License-Identifier: Apache-2.0
"""ELF files as records: what is read of good files, and what is said of bad ones."""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from support import elfbuild
from support.elfbuild import (
    EM_AARCH64,
    EM_ARM,
    FUNC,
    GLOBAL,
    LOCAL,
    NOBITS,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_ABS,
    Group,
    Rel,
    Sec,
    Seg,
    Sym,
    elf,
    header_field,
    patched,
    payload,
    section_field,
    section_number,
)

from west_llext.diagnostics import LlextError, MissingError
from west_llext.elf import read
from west_llext.elf.read import file_content, is_elf, object_file
from west_llext.model.elf import Relocation, Segment, Symbol

CLASSES = [(32, True), (32, False), (64, True), (64, False)]


def small(*, bits: int = 32, little: bool = True) -> bytes:
    """An object with one of everything."""
    addend = None if bits == 32 else -5
    return elf(
        machine=EM_ARM if bits == 32 else EM_AARCH64,
        bits=bits,
        little=little,
        sections=[
            Sec(
                name=".text",
                flags=SHF_ALLOC | SHF_EXECINSTR,
                size=20,
                relocations=[
                    Rel(offset=4, type=2, symbol="wanted", addend=addend),
                    Rel(offset=8, type=10, symbol="local", addend=addend),
                ],
            ),
            Sec(name=".text.inline", flags=SHF_ALLOC | SHF_EXECINSTR, size=8),
            Sec(name=".bss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, size=64),
        ],
        symbols=[
            Sym(name="entry", section=".text", value=5, size=6, type=FUNC),
            Sym(name="wanted"),
            Sym(name="local", binding=LOCAL, section=".bss", value=4),
            Sym(name="fixed", section=SHN_ABS, value=0x1234),
            Sym(name="inline", section=".text.inline", binding=elfbuild.WEAK),
        ],
        groups=[Group(signature="inline", members=[".text.inline"])],
    )


def refusal(data: bytes) -> str:
    """The one finding of a file that can't be read."""
    with pytest.raises(LlextError) as caught:
        object_file(data, "demo.o")
    (found,) = caught.value.diagnostics
    return str(found)


@pytest.mark.parametrize(("bits", "little"), CLASSES)
def test_every_class_and_byte_order_gives_the_same_records(*, bits: int, little: bool) -> None:
    """GABI, chapter 4: class and byte order change where the fields lie, not what they say."""
    obj = object_file(small(bits=bits, little=little), "demo.o")
    names = [section.name for section in obj.sections]
    relocations = ".rel.text" if bits == 32 else ".rela.text"
    assert names == [
        "",
        ".group",
        ".text",
        ".text.inline",
        ".bss",
        relocations,
        ".symtab",
        ".strtab",
        ".shstrtab",
    ]
    assert (obj.ident.bits, obj.ident.little, obj.file_type) == (bits, little, 1)
    assert obj.symbols == (
        Symbol("", 0, 0, 0, 0, 0),
        Symbol("local", 4, 0, LOCAL << 4, 0, 4),
        Symbol("entry", 5, 6, GLOBAL << 4 | FUNC, 0, 2),
        Symbol("wanted", 0, 0, GLOBAL << 4, 0, 0),
        Symbol("fixed", 0x1234, 0, GLOBAL << 4, 0, SHN_ABS),
        Symbol("inline", 0, 0, elfbuild.WEAK << 4, 0, 3),
    )
    addend = None if bits == 32 else -5
    assert obj.relocations == {2: [Relocation(4, 3, 2, addend), Relocation(8, 1, 10, addend)]}
    assert obj.groups == (("inline", 1, (3,)),)
    assert obj.content(2) == payload(addr=0, size=20)
    assert obj.content(4) == b""


@pytest.mark.parametrize(("bits", "little"), CLASSES)
def test_only_loaded_segments_are_kept(*, bits: int, little: bool) -> None:
    """Program headers of another type than PT_LOAD say nothing of memory."""
    data = elf(
        bits=bits,
        little=little,
        file_type=elfbuild.ET_EXEC,
        entry=0x8001,
        sections=[
            Sec(name=".text", addr=0x8000, size=30),
            Sec(name=".data", addr=0x20000000, size=8),
            Sec(name=".bss", type=NOBITS, addr=0x20000008, size=100),
        ],
        segments=[
            Seg(sections=[".text"], flags=5),
            Seg(sections=[".text"], flags=4, type=0x70000001),
            Seg(sections=[".data", ".bss"], flags=6, paddr=0x8020),
        ],
    )
    obj = object_file(data, "base.elf")
    text, values = obj.sections[1].offset, obj.sections[2].offset
    assert obj.segments == (
        Segment(0x8000, 0x8000, text, 30, 30, 5),
        Segment(0x20000000, 0x8020, values, 8, 108, 6),
    )
    assert (obj.entry, obj.file_type) == (0x8001, elfbuild.ET_EXEC)


def test_a_section_index_in_a_table_of_its_own_is_looked_up() -> None:
    """GABI, SHT_SYMTAB_SHNDX: st_shndx is SHN_XINDEX, the index is in another section."""
    data = elf(
        sections=[Sec(name=".text", size=4)],
        symbols=[
            Sym(name="far", section=".text", extended=True),
            Sym(name="near", section=".text"),
        ],
    )
    assert [symbol.section for symbol in object_file(data, "demo.o").symbols] == [0, 1, 1]


def test_names_that_are_not_ascii_survive() -> None:
    """Names are bytes: UTF-8 reads as text, anything else must come back as it was."""
    names = ["größe", "\udcff\udc80odd", "plain"]
    data = elf(sections=[Sec(name=".größe", size=4)], symbols=[Sym(name=name) for name in names])
    obj = object_file(data, "demo.o")
    assert [symbol.name for symbol in obj.symbols] == ["", *names]
    assert obj.sections[1].name == ".größe"


def test_a_file_without_sections_has_no_records() -> None:
    """GABI: e_shoff is 0 where there is no section header table."""
    data = patched(small(), header_field(small(), "e_shoff"), 0)
    obj = object_file(data, "demo.o")
    assert (obj.sections, obj.symbols, obj.groups, dict(obj.relocations)) == ((), (), (), {})


def test_relocations_of_a_dynamic_table_beside_the_static_one_are_left_out() -> None:
    """Their symbol numbers belong to .dynsym, the symbols that we read are those of .symtab."""
    data = small()
    dynsym = patched(data, section_field(data, 1, "sh_type"), elfbuild.DYNSYM)
    place = section_field(data, section_number(data, ".rel.text"), "sh_link")
    assert dict(object_file(patched(dynsym, place, 1), "demo.o").relocations) == {}


def test_a_read_file_can_go_to_another_process() -> None:
    """Workers get their objects pickled."""
    obj = object_file(small(), "demo.o")
    assert pickle.loads(pickle.dumps(obj)) == obj  # noqa: S301


def test_rows_behave_as_a_list() -> None:
    """Relocations are unpacked late; nobody may notice."""
    rows = object_file(small(), "demo.o").relocations[2]
    assert (len(rows), rows[1].type, [row.offset for row in rows[:1]]) == (2, 10, [4])
    assert rows == object_file(small(), "other.o").relocations[2]


def test_what_begins_otherwise_is_no_elf_file() -> None:
    """The magic number decides, nothing else is looked at."""
    assert (is_elf(small()), is_elf(b"\x7fELG"), is_elf(b"")) == (True, False, False)
    assert refusal(b"!<arch>\n") == (
        "demo.o: error[L002]: not an ELF file: it doesn't begin with 7f 45 4c 46"
    )


@pytest.mark.parametrize("size", [4, 15, 16, 40, 51])
def test_a_cut_header_is_refused(size: int) -> None:
    """The ELF header of class 32 has 52 bytes."""
    assert refusal(small()[:size]) == "demo.o: error[L002]: not a whole ELF header"


@pytest.mark.parametrize(("offset", "value"), [(4, 0), (4, 3), (5, 0), (5, 3)])
def test_an_unknown_class_or_byte_order_is_refused(offset: int, value: int) -> None:
    """EI_CLASS and EI_DATA are 1 or 2."""
    data = bytearray(small())
    data[offset] = value
    assert refusal(bytes(data)) == "demo.o: error[L002]: not a whole ELF header"


HEADER_CASES = [
    (
        "e_shoff",
        0xFFFFFFFF,
        ("section header table at 0xffffffff has 360 bytes and ends behind the file (664 bytes)"),
    ),
    ("e_shentsize", 64, "section headers have 64 bytes, expected 40"),
    ("e_shnum", 0xFF00, "has 65280 sections, at most 65279 are read"),
    (
        "e_shnum",
        0xFEFF,
        ("section header table at 0x130 has 2611160 bytes and ends behind the file (664 bytes)"),
    ),
    ("e_shstrndx", 9, "section name table has index 9, there are 9 sections"),
    ("e_shstrndx", 2, "section 2 holds section names, but isn't a string table"),
]


@pytest.mark.parametrize(("name", "value", "message"), HEADER_CASES)
def test_nonsense_in_the_elf_header_is_refused(name: str, value: int, message: str) -> None:
    """Each field that places a table is checked before the table is read."""
    data = small()
    assert refusal(patched(data, header_field(data, name), value)) == (
        f"demo.o: error[L002]: {message}"
    )


SECTION_CASES = [
    (
        ".text",
        "sh_size",
        0xFFFFFFFF,
        ("section '.text' at 0x3c has 4294967295 bytes and ends behind the file (664 bytes)"),
    ),
    (
        ".text",
        "sh_offset",
        0xFFFFFFF0,
        ("section '.text' at 0xfffffff0 has 20 bytes and ends behind the file (664 bytes)"),
    ),
    (".text", "sh_name", 0x1000, "section 2 has its name outside the table of names"),
    (
        ".symtab",
        "sh_entsize",
        24,
        ("symbol table '.symtab' has 96 bytes in entries of 24, expected entries of 16"),
    ),
    (
        ".symtab",
        "sh_entsize",
        0,
        ("symbol table '.symtab' has 96 bytes in entries of 0, expected entries of 16"),
    ),
    (
        ".symtab",
        "sh_size",
        95,
        ("symbol table '.symtab' has 95 bytes in entries of 16, expected entries of 16"),
    ),
    (
        ".symtab",
        "sh_link",
        77,
        ("symbol table '.symtab' has its names in section 77, there are 9 sections"),
    ),
    (
        ".symtab",
        "sh_link",
        2,
        ("symbol table '.symtab' has its names in section 2 ('.text'), which isn't a string table"),
    ),
    (".bss", "sh_type", 2, "has 2 symbol tables, expected one"),
    (".rel.text", "sh_info", 77, "'.rel.text' relocates section 77, there are 9 sections"),
    (
        ".rel.text",
        "sh_entsize",
        12,
        ("relocation section '.rel.text' has 16 bytes in entries of 12, expected entries of 8"),
    ),
    (
        ".rel.text",
        "sh_size",
        12,
        ("relocation section '.rel.text' has 12 bytes in entries of 8, expected entries of 8"),
    ),
    (".group", "sh_info", 77, "section group '.group' names what isn't there"),
    (".group", "sh_size", 48, "section groups name 11 members, there are 9 sections"),
    (
        ".group",
        "sh_entsize",
        8,
        ("section group '.group' has 8 bytes in entries of 8, expected entries of 4"),
    ),
    (".strtab", "sh_size", 0, "a symbol has its name outside the string table"),
    (
        ".strtab",
        "sh_size",
        5,
        ("the string table of symbol table '.symtab' doesn't end in a zero byte"),
    ),
]


@pytest.mark.parametrize(("section", "name", "value", "message"), SECTION_CASES)
def test_nonsense_in_a_section_header_is_refused(
    section: str, name: str, value: int, message: str
) -> None:
    """Every table is bounded by the file, every link leads to a section of the right kind."""
    data = small()
    place = section_field(data, section_number(data, section), name)
    assert refusal(patched(data, place, value)) == f"demo.o: error[L002]: {message}"


def test_the_section_count_may_be_in_the_first_section_header() -> None:
    """GABI, e_shnum: 0 with the count in sh_size, for files with many sections."""
    data = small()
    count = struct.unpack_from("<H", data, header_field(data, "e_shnum")[0])[0]
    data = patched(data, header_field(data, "e_shnum"), 0)
    assert object_file(data, "demo.o").sections == ()
    data = patched(data, section_field(data, 0, "sh_size"), count)
    assert len(object_file(data, "demo.o").sections) == count


def test_a_symbol_in_a_section_that_is_not_there_is_refused() -> None:
    """Reserved indices are fine, everything else must be a section."""
    data = elf(symbols=[Sym(name="lost", section=9)])
    assert refusal(data) == (
        "demo.o: error[L002]: symbol 1 ('lost') is in section 9, there are 4 sections"
    )


def test_a_long_section_index_without_its_table_is_refused() -> None:
    """SHN_XINDEX needs SHT_SYMTAB_SHNDX."""
    data = elf(symbols=[Sym(name="lost", section=elfbuild.SHN_XINDEX)])
    assert refusal(data) == (
        "demo.o: error[L002]: symbol 1 has its section in a table that isn't there"
    )


def test_a_relocation_against_a_symbol_behind_the_table_is_refused() -> None:
    """ELF32_R_SYM is an index in the linked symbol table."""
    text = Sec(name=".text", size=8, relocations=[Rel(offset=0, type=2, symbol=1)])
    assert refusal(elf(sections=[text])) == (
        "demo.o: error[L002]: '.rel.text' names a symbol behind the symbol table"
    )


def test_a_program_header_table_behind_the_file_is_refused() -> None:
    """E_phoff and e_phnum are bounded by the file, also where the count says 'more'."""
    data = elf(sections=[Sec(name=".text", size=4)], segments=[Seg(sections=[".text"])])
    many = patched(data, header_field(data, "e_phnum"), 0xFFFE)
    assert refusal(many) == (
        "demo.o: error[L002]: program header table at 0x34 has 2097088 bytes and ends behind the "
        f"file ({len(data)} bytes)"
    )
    more = patched(data, header_field(data, "e_phnum"), 0xFFFF)
    assert refusal(more) == (
        "demo.o: error[L002]: has 65535 program headers or more, at most 65534 are read"
    )
    wrong = patched(data, header_field(data, "e_phentsize"), 56)
    assert refusal(wrong) == "demo.o: error[L002]: program headers have 56 bytes, expected 32"


def test_a_segment_behind_the_file_is_refused() -> None:
    """P_offset and p_filesz are bounded by the file."""
    data = elf(sections=[Sec(name=".text", size=4)], segments=[Seg(sections=[".text"])])
    offset = struct.unpack_from("<I", data, 0x34 + 4)[0]
    long = patched(data, (0x34 + 16, "<I"), 0xFFFFFFFF)
    assert refusal(long) == (
        f"demo.o: error[L002]: segment at {offset:#x} has 4294967295 bytes and ends behind the "
        f"file ({len(data)} bytes)"
    )


def test_a_file_that_is_not_there_is_an_environment_error(tmp_path: Path) -> None:
    """Exit status 3 tells a missing file from a bad one."""
    with pytest.raises(MissingError) as caught:
        file_content(tmp_path / "absent.o", "build/absent.o")
    assert str(caught.value) == (
        "build/absent.o: error[L001]: can't read 'build/absent.o': No such file or directory"
    )


def test_a_folder_or_device_is_not_read(tmp_path: Path) -> None:
    """A device may have no end."""
    with pytest.raises(MissingError) as caught:
        file_content(tmp_path, "build")
    assert str(caught.value) == "build: error[L001]: can't read 'build': not a regular file"


def test_a_huge_file_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size is asked for first."""
    path = tmp_path / "huge.o"
    path.write_bytes(bytes(64))
    monkeypatch.setattr(read, "MAX_FILE_SIZE", 63)
    with pytest.raises(LlextError) as caught:
        file_content(path, "huge.o")
    assert str(caught.value) == "huge.o: error[L002]: file is larger than 0 MiB"


def test_reading_needs_no_heavy_module() -> None:
    """A verb that reads objects must not pay for pyelftools."""
    code = "import sys, west_llext.elf.read, west_llext.elf.symbols; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert [name for name in loaded if name.startswith(("elftools", "yaml", "subprocess"))] == []
