# SPDX-License-Identifier: Apache-2.0
"""The first steps of a load: header, section headers, tables."""

from __future__ import annotations

import pytest
from support.elfbuild import (
    EM_RISCV,
    ET_EXEC,
    Sym,
    header_field,
    patched,
    section_field,
    section_number,
)
from support.loads import extension, load, logged, target

from west_llext.loader.danger import Danger
from west_llext.loader.storage import Storage
from west_llext.loader.target import HeapPlan
from west_llext.loader.versions import NEWEST, Version

FAILED = "E: Failed to load basic ELF data, ret -8"
LOST = [
    "E: Some sections are missing or present multiple times!",
    "E: Failed to find important ELF tables, ret -8",
]


def test_what_is_no_elf_file_is_shown_byte_by_byte() -> None:
    """Eight bytes a line, as the minimal log has them; missing ones are zeros."""
    _, loaded = load(b"\x7fELX abc")
    assert (loaded.result, logged(loaded)) == (
        -8,
        [
            "E: Invalid ELF, magic does not match",
            "E: 7f 45 4c 58 20 61 62 63 |.ELX abc",
            "E: 00 00 00 00 00 00 00 00 |........",
            FAILED,
        ],
    )


def test_an_executable_is_refused() -> None:
    """ET_REL and ET_DYN only."""
    _, loaded = load(extension(file_type=ET_EXEC))
    assert (loaded.result, logged(loaded)) == (-8, ["E: Unsupported ELF file type 2", FAILED])


def test_headers_of_the_other_class_have_the_wrong_size() -> None:
    """Nothing else tells a 64-bit file, before 4.6."""
    _, loaded = load(extension(bits=64))
    assert loaded.result == -8
    assert logged(loaded)[-1] == FAILED


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        (4, 2, "ELF class 2 does not match this build"),
        (5, 2, "ELF endianness 2 does not match this build"),
        (18, EM_RISCV, "ELF e_machine 243 is not supported on this architecture"),
    ],
)
def test_newer_releases_look_for_whom_a_file_is(place: int, value: int, line: str) -> None:
    """Class, byte order, machine; the release of the records takes them all."""
    data = bytearray(extension())
    data[place] = value
    _, loaded = load(bytes(data), target(version=NEWEST))
    assert (loaded.result, logged(loaded)) == (-8, [f"E: {line}", FAILED])
    _, loaded = load(bytes(data))
    assert loaded.result == 0


def test_a_file_without_sections_needs_no_memory_and_gets_none() -> None:
    """An empty allocation can't be had."""
    data = patched(extension(), header_field(extension(), "e_shnum"), 0)
    _, loaded = load(data)
    expected = [
        "E: Failed to allocate section map, size 0",
        "E: Failed to load basic ELF data, ret -12",
    ]
    assert (loaded.result, logged(loaded)) == (-12, expected)


def test_a_map_that_does_not_fit_is_refused() -> None:
    """8 bytes a section, and room for `struct llext` alone."""
    data = extension()
    small = target(heap=HeapPlan(address=0x20001000, size=270))
    _, loaded = load(data, small)
    expected = [
        "E: Failed to allocate section map, size 40",
        "E: Failed to load basic ELF data, ret -12",
    ]
    assert (loaded.result, logged(loaded)) == (-12, expected)
    tiny = target(heap=HeapPlan(address=0x20001000, size=200))
    _, loaded = load(data, tiny)
    expected = ["E: Not enough memory for extension metadata"]
    assert (loaded.result, logged(loaded)) == (-12, expected)


def test_section_headers_behind_the_end_are_a_danger() -> None:
    """The buffer can be peeked at without bounds."""
    with pytest.raises(Danger) as danger:
        load(extension()[:-20])
    expected = "section header 4 at 0x21000120 has 40 bytes and ends behind the file"
    assert (danger.value.code, danger.value.message) == ("L021", expected)


def test_a_file_without_symbols_is_refused() -> None:
    """Stripped; newer releases say what is missing."""
    data = extension()
    number = section_number(data, ".symtab")
    data = patched(data, section_field(data, number, "sh_type"), 1)
    _, loaded = load(data)
    assert (loaded.result, logged(loaded)) == (-8, LOST)
    _, loaded = load(data, target(version=Version(4, 5)))
    warning = "W: ELF has no symbol table, it may have been stripped"
    assert (loaded.result, logged(loaded)) == (-8, [warning, *LOST])


def test_strings_in_front_of_their_symbols_are_not_found_by_older_releases() -> None:
    """Clang's order; from 4.5 on any order does."""
    data = extension()
    symbols, strings = (section_number(data, name) for name in (".symtab", ".strtab"))
    swapped = _swapped(data, symbols, strings)
    _, loaded = load(swapped)
    assert (loaded.result, logged(loaded)) == (-8, LOST)
    _, loaded = load(swapped, target(version=Version(4, 5)))
    assert loaded.result == 0


def _swapped(data: bytes, first: int, second: int) -> bytes:
    # the file with two section headers changed places, and the link followed
    at, _ = section_field(data, 0, "sh_name")
    rows = [data[at + 40 * each : at + 40 * (each + 1)] for each in (first, second)]
    out = bytearray(data)
    out[at + 40 * first : at + 40 * (first + 1)] = rows[1]
    out[at + 40 * second : at + 40 * (second + 1)] = rows[0]
    return patched(bytes(out), section_field(bytes(out), second, "sh_link"), first)


def test_a_link_behind_the_sections_is_refused_by_newer_releases() -> None:
    """With the index, and the count."""
    data = extension()
    number = section_number(data, ".symtab")
    data = patched(data, section_field(data, number, "sh_link"), 77)
    _, loaded = load(data, target(version=Version(4, 5)))
    assert (loaded.result, logged(loaded)) == (
        -8,
        [
            "E: String table index 77 out of bounds, section count 5",
            "E: Failed to find important ELF tables, ret -8",
        ],
    )


@pytest.mark.parametrize(("field", "value"), [("sh_entsize", 24), ("sh_size", 33)])
def test_a_symbol_table_of_odd_entries_is_refused(field: str, value: int) -> None:
    """16 bytes each."""
    data = extension()
    number = section_number(data, ".symtab")
    _, loaded = load(patched(data, section_field(data, number, field), value))
    assert (loaded.result, logged(loaded)) == (
        -8,
        ["E: Invalid symbol table", "E: Failed to find important ELF tables, ret -8"],
    )


def test_a_symbol_table_is_not_checked_before_4_3() -> None:
    """Half an entry is passed over; entries of another size would hit the stack (PR #96181)."""
    data = extension(symbols=[Sym(name="last", section=".text")])
    on, number = target(version=Version(4, 2)), section_number(data, ".symtab")
    assert load(patched(data, section_field(data, number, "sh_size"), 40), on)[1].result == 0
    with pytest.raises(Danger) as danger:
        load(patched(data, section_field(data, number, "sh_entsize"), 24), on)
    expected = "the symbol table has entries of 24 bytes, and the loader would read them into 16"
    assert (danger.value.code, danger.value.message) == ("L021", expected)


def test_names_must_be_in_their_table() -> None:
    """4.3 checks all of them first, newer releases each in its turn."""
    data = extension()
    data = patched(data, section_field(data, 1, "sh_name"), 9999)
    _, loaded = load(data)
    assert (loaded.result, logged(loaded)) == (
        -8,
        [
            "E: Invalid section name index 9999 in section 1",
            "E: Failed to validate ELF section names, ret -8",
        ],
    )
    _, loaded = load(data, target(version=Version(4, 5)))
    assert (loaded.result, logged(loaded)) == (
        -8,
        [
            "E: section 1 has out of bounds string table index 9999 for section name",
            "E: Failed to map ELF sections, ret -8",
        ],
    )


def test_tables_stay_in_the_file_where_it_stays_in_memory() -> None:
    """Symbols need an address that is a multiple of 4."""
    system, loaded = load(extension(), storage=Storage.PERSISTENT)
    assert loaded.ext is not None
    mem = system.target.mem
    tables = (mem.symtab, mem.strtab, mem.shstrtab)
    assert not any(loaded.ext.mem_on_heap[each] for each in tables)
    system, loaded = load(extension(), storage=Storage.PERSISTENT, buffer=0x21000002)
    assert loaded.ext is not None
    assert [loaded.ext.mem_on_heap[each] for each in tables] == [True, False, False]
    assert logged(loaded) == [
        "W: Cannot peek region 0: 0x21000036 not aligned to 0x4",
        "W: Cannot peek region 5: 0x2100003a not aligned to 0x4",
    ]
