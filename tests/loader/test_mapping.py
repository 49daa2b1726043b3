# SPDX-License-Identifier: Apache-2.0
"""Which section goes into which region, and what is refused."""

from __future__ import annotations

import pytest
from support.elfbuild import (
    ET_DYN,
    NOBITS,
    SHF_ALLOC,
    SHF_WRITE,
    Rel,
    Sec,
    Sym,
    patched,
    section_field,
    section_number,
)
from support.loads import CODE, NOTHING, code, extension, load, logged, region, target

from west_llext.loader.target import Veneers
from west_llext.loader.versions import NEWEST, Version

MAP = "E: Failed to map ELF sections, ret -8"
WRITABLE = SHF_ALLOC | SHF_WRITE
PREINIT, INIT, FINI = 16, 14, 15


def names(data: bytes, **changes: object) -> list[str]:
    """The regions that something was loaded into."""
    system, loaded = load(data, target(**changes))
    assert loaded.ext is not None, logged(loaded)
    known = zip(system.target.mem.names, loaded.ext.mem_size, strict=True)
    return [name for name, size in known if size and name not in ("symtab", "strtab", "shstrtab")]


def test_sections_go_by_type_and_flags() -> None:
    """Names don't matter, but for one."""
    data = extension(
        Sec(name=".text", flags=CODE, content=NOTHING),
        Sec(name=".a", flags=WRITABLE, size=4),
        Sec(name=".b", size=4),
        Sec(name=".c", type=NOBITS, flags=WRITABLE, size=4),
        Sec(name=".exported_sym", flags=WRITABLE, size=8),
        Sec(name=".p", type=PREINIT, flags=WRITABLE, content=bytes(4), entsize=4),
        Sec(name=".i", type=INIT, flags=WRITABLE, content=bytes(4), entsize=4),
        Sec(name=".f", type=FINI, flags=WRITABLE, content=bytes(4), entsize=4),
    )
    expected = ["text", "data", "rodata", "bss", "export", "preinit", "init", "fini"]
    assert names(data) == expected


def test_some_sections_are_not_loaded() -> None:
    """No address, no bytes, another type."""
    data = extension(
        Sec(name=".comment", flags=0, size=4),
        Sec(name=".empty"),
        Sec(name=".note", type=7, size=4),
    )
    assert names(data) == ["text"]


def test_thread_local_sections_are_data_in_older_releases() -> None:
    """From 4.5 on they aren't loaded."""
    data = extension(Sec(name=".tdata", flags=WRITABLE | 0x400, size=4))
    assert names(data) == ["text", "data"]
    assert names(data, version=Version(4, 5)) == ["text"]


@pytest.mark.parametrize("name", [".relro_padding", ".heap", ".stack"])
def test_padding_of_the_linker_is_left_out_by_newer_releases(name: str) -> None:
    """After 4.5."""
    data = extension(Sec(name=name, type=NOBITS, flags=WRITABLE, size=64))
    assert names(data, version=Version(4, 5)) == ["text", "bss"]
    assert names(data, version=NEWEST) == ["text"]


def test_constants_without_relocations_can_have_a_region_of_their_own() -> None:
    """CONFIG_LLEXT_RODATA_NO_RELOC; with relocations it is refused."""
    section = Sec(name=".llext.rodata.noreloc", size=8)
    assert names(extension(section), noreloc=True) == ["text", "noreloc"]
    assert names(extension(section)) == ["text", "rodata"]
    rels = [Rel(offset=0, type=2, symbol="f")]
    broken = Sec(name=".llext.rodata.noreloc", content=bytes(8), relocations=rels)
    _, loaded = load(extension(broken), target(noreloc=True))
    assert logged(loaded) == ["E: .llext.rodata.noreloc has relocations", MAP]


def test_sections_of_a_region_are_put_together() -> None:
    """With what lies between them in the file, and padding: `.text` is at 0x34."""
    data = extension(
        code(b"\x11" * 4),
        Sec(name=".text.b", flags=CODE, content=b"\x22" * 4, align=16),
        symbols=[Sym(name="f", type=2, section=".text.b")],
    )
    system, loaded = load(data)
    assert region(system, loaded, "text") == bytes(4) + b"\x11" * 4 + bytes(8) + b"\x22" * 4
    assert loaded.ext is not None
    assert loaded.ext.sect_offset[1:3] == [4, 16]


def test_a_region_is_moved_down_to_keep_what_is_aligned_in_the_file() -> None:
    """Padding in front of it: the file has `.text` at 0x34, aligned to 32."""
    data = extension(code(align=4))
    data = patched(data, section_field(data, 1, "sh_addralign"), 32)
    system, loaded = load(data)
    assert loaded.ext is not None
    assert region(system, loaded, "text") == bytes(0x14) + NOTHING
    assert (loaded.ext.mem[0] % 32, loaded.ext.sect_offset[1]) == (0, 0x14)


@pytest.mark.parametrize(
    ("sections", "result", "line"),
    [
        (
            (
                Sec(name=".a", flags=WRITABLE, size=4, type=NOBITS),
                Sec(name=".b", flags=WRITABLE, size=4, type=NOBITS),
            ),
            -134,
            "Multiple SHT_NOBITS sections are not supported",
        ),
        (
            (
                Sec(name=".i", type=INIT, flags=WRITABLE, content=bytes(4), entsize=4),
                Sec(name=".j", type=INIT, flags=WRITABLE, content=bytes(4), entsize=4),
            ),
            -8,
            "Region 9 redefined",
        ),
        (
            (Sec(name=".text", flags=CODE, content=NOTHING), Sec(name=".t", flags=7, size=4)),
            -8,
            "Unsupported section flags 0x7 / 0x6 for .t (region 0)",
        ),
        (
            (
                Sec(name=".text", flags=CODE, content=NOTHING),
                Sec(name=".a", size=4),
                Sec(name=".text.b", flags=CODE, size=4),
            ),
            -8,
            "Region 0 ELF file range (0x34-0x3f) overlaps with 2 (0x38-0x3b)",
        ),
        (
            (Sec(name=".i", type=INIT, flags=WRITABLE, content=bytes(6), entsize=4),),
            -8,
            "Invalid .i array in section 2",
        ),
        (
            (Sec(name=".i", type=INIT, flags=WRITABLE, content=bytes(8)),),
            -8,
            "Invalid .i array in section 2",
        ),
    ],
    ids=["bss", "init", "flags", "interleaved", "half", "entsize"],
)
def test_what_cannot_be_mapped_is_refused(
    sections: tuple[Sec, ...], result: int, line: str
) -> None:
    """In the loader's words."""
    _, loaded = load(extension(*sections))
    expected = [f"E: {line}", f"E: Failed to map ELF sections, ret {result}"]
    assert (loaded.result, logged(loaded)) == (result, expected)


def test_newer_releases_take_arrays_of_no_entry_size() -> None:
    """And say more of the others."""
    on = target(version=Version(4, 5))
    loose = Sec(name=".i", type=INIT, flags=WRITABLE, content=bytes(6))
    assert load(extension(loose), on)[1].result == 0
    odd = Sec(name=".i", type=INIT, flags=WRITABLE, content=bytes(6), entsize=2)
    line = "E: Invalid .i array entry size 2 in section 2"
    assert logged(load(extension(odd), on)[1]) == [line, MAP]
    half = Sec(name=".i", type=INIT, flags=WRITABLE, content=bytes(6), entsize=4)
    line = "E: Invalid .i array size 6 not multiple of entry size 4 in section 2"
    assert logged(load(extension(half), on)[1]) == [line, MAP]


def test_an_alignment_that_is_no_power_of_two_is_refused_by_newer_releases() -> None:
    """After 4.5."""
    data = extension()
    data = patched(data, section_field(data, 1, "sh_addralign"), 12)
    assert load(data)[1].result == 0
    _, loaded = load(data, target(version=NEWEST))
    assert logged(loaded) == ["E: Region 0 has invalid alignment 0xc", MAP]


def test_addresses_of_a_shared_object_must_follow_its_offsets() -> None:
    """Sections of one region; and no two regions may share addresses."""
    base = Sec(name=".text", flags=CODE, content=NOTHING, addr=0x1000)
    far = Sec(name=".text.b", flags=CODE, content=NOTHING, addr=0x2000)
    data = extension(base, far, file_type=ET_DYN, symbol_table=11)
    line = "E: Incompatible section addresses for .text.b (region 0)"
    assert logged(load(data)[1]) == [line, MAP]
    twin = Sec(name=".data", flags=WRITABLE, content=NOTHING, addr=0x1002)
    data = extension(base, twin, file_type=ET_DYN, symbol_table=11)
    line = "E: Region 0 VMA range (0x1000-0x1003) overlaps with 1 (0x1002-0x1005)"
    assert logged(load(data)[1]) == [line, MAP]
    low = Sec(name=".text", flags=CODE, content=NOTHING, addr=0x10)
    data = extension(low, file_type=ET_DYN, symbol_table=11)
    data = patched(data, section_field(data, 1, "sh_addralign"), 64)
    assert logged(load(data)[1]) == ["E: Bad section alignment in region 0", MAP]


def test_one_string_table_may_hold_all_names_since_4_5() -> None:
    """As clang writes them; before, the regions overlap."""
    data = extension()
    number = section_number(data, ".shstrtab")
    data = patched(data, section_field(data, section_number(data, ".symtab"), "sh_link"), number)
    on = target(version=Version(4, 5))
    assert load(data, on)[1].result == 0
    assert load(data)[1].result == -8


def test_a_detached_section_stays_out_of_its_region() -> None:
    """The application says which; it must be in memory."""
    data = extension(code(b"\x11" * 4), Sec(name=".cold", flags=CODE, content=b"\x22" * 4))
    cold = section_number(data, ".cold")
    place = section_field(data, cold, "sh_offset")
    data = patched(data, section_field(data, cold, "sh_entsize"), 77)
    assert place[0]

    def detached(header: object) -> bool:
        return getattr(header, "entsize", 0) == 77

    system, loaded = load(data, section_detached=detached)
    assert region(system, loaded, "text") == b"\x11" * 4
    _, loaded = load(data, target(harvard=True), section_detached=detached)
    line = "W: Unknown if ELF buffer's detached text section .cold is in instruction memory; "
    assert logged(loaded) == [f"{line}proceeding..."]
    _, loaded = load(data, target(harvard=True, version=Version(4, 5)), section_detached=detached)
    line = (
        "E: ELF buffer's detached text section .cold not in instruction memory: "
        "0x21000038-0x2100003c"
    )
    assert logged(loaded) == [line, MAP]


def test_veneers_shift_the_numbers_of_the_regions() -> None:
    """The region of veneers is the fourth."""
    sections = (
        Sec(name=".a", flags=WRITABLE, size=4, type=NOBITS),
        Sec(name=".i", type=INIT, flags=WRITABLE, content=bytes(4), entsize=4),
        Sec(name=".j", type=INIT, flags=WRITABLE, content=bytes(4), entsize=4),
    )
    on = target(version=Version(4, 4), veneers=Veneers.MAINLINE)
    assert logged(load(extension(*sections), on)[1])[0] == "E: Region 10 redefined"
