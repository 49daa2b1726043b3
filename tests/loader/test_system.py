# SPDX-License-Identifier: Apache-2.0
"""What applications call: loads and unloads, names, tables, functions, domains, heaps."""

from __future__ import annotations

import struct

import pytest
from support.elfbuild import (
    ET_DYN,
    FUNC,
    NOBITS,
    OBJECT,
    SHF_ALLOC,
    SHF_WRITE,
    Rel,
    Sec,
    Sym,
    patched,
    section_field,
    section_number,
)
from support.loads import BUFFER, CODE, NOTHING, code, extension, load, logged, region, target

from west_llext.loader.danger import Danger
from west_llext.loader.domain import MemDomain, complaints
from west_llext.loader.headers import Header
from west_llext.loader.log import Log
from west_llext.loader.storage import BufferLoader, FileLoader, Storage
from west_llext.loader.system import System
from west_llext.loader.target import Protection
from west_llext.loader.versions import NEWEST, Version

WRITABLE = SHF_ALLOC | SHF_WRITE


def exporting(*names: str, value: int = 0) -> bytes:
    """A file that exports functions of these names, in this order."""
    text = "".join(f"{name}\0" for name in names)
    rels, symbols = [], []
    for row, name in enumerate(names):
        symbols += [
            Sym(name=name, value=value + 4 * row + 1, type=FUNC, section=".text"),
            Sym(name=f"n{row}", value=text.index(f"{name}\0"), binding=0, section=".rodata"),
        ]
        rels += [
            Rel(offset=8 * row, type=2, symbol=f"n{row}"),
            Rel(offset=8 * row + 4, type=2, symbol=name),
        ]
    return extension(
        code(NOTHING * (len(names) + 1)),
        Sec(name=".rodata", content=text.encode(), align=1),
        Sec(name=".exported_sym", content=bytes(8 * len(names)), relocations=rels),
        symbols=symbols,
    )


def test_only_15_bytes_of_a_name_count() -> None:
    """A second load of what is taken for the same name returns the use count, and loads nothing."""
    system, first = load(extension(), name="a_name_of_16_byt")
    _, second = load(b"", system, name="a_name_of_16_byX")
    assert (first.result, second.result, second.ext) == (0, 1, first.ext)
    assert first.ext is not None
    assert (first.ext.name, first.ext.use_count) == (b"a_name_of_16_by", 2)
    assert system.by_name("a_name_of_16_by") is first.ext
    assert system.by_name("a_name_of_16_b") is None


def test_an_extension_that_is_used_stays() -> None:
    """Unloading counts down; the last one frees, and another one is a danger."""
    system, loaded = load(extension())
    load(extension(), system)
    assert loaded.ext is not None
    assert [system.unload(loaded.ext), system.unload(loaded.ext)] == [1, 0]
    assert (system.heap.live, system.by_name("demo")) == (0, None)
    with pytest.raises(Danger) as danger:
        system.unload(loaded.ext)
    assert danger.value.message == (
        "extension 'demo' isn't loaded any more, and would be freed twice"
    )


def test_iterating_ends_with_what_a_function_returns() -> None:
    """In the order of the loads."""
    system, _ = load(extension(), name="one")
    load(extension(), system, name="two", buffer=BUFFER + 4096)
    seen = []
    assert system.iterate(lambda ext: seen.append(ext.name) or 0) == 0  # type: ignore[func-returns-value]
    assert seen == [b"one", b"two"]
    assert system.iterate(lambda ext: 7 if ext.name == b"one" else 8) == 7


def test_symbols_are_found_in_a_table_or_in_the_base_image() -> None:
    """0 for none."""
    system, loaded = load(exporting("b", "a"), target(symbols={b"printk": 0x4511}))
    assert loaded.ext is not None
    text = loaded.ext.mem[0]
    assert system.find_sym(loaded.ext.exp_tab, "a") == text + 5
    assert system.find_sym(loaded.ext.exp_tab, "c") == 0
    assert (system.find_sym(None, "printk"), system.find_sym(None, "a")) == (0x4511, 0)


def test_newer_releases_sort_what_is_exported() -> None:
    """Older ones leave it as the file has it."""
    for release, expected in ((Version(4, 4), "cab"), (Version(4, 5), "abc")):
        system, loaded = load(exporting(*"cab"), target(version=release))
        assert loaded.ext is not None
        found = "".join(
            system.memory.string(each.name, "a name").decode() for each in loaded.ext.exp_tab
        )
        assert found == expected


def test_half_an_export_is_dropped() -> None:
    """Silently."""
    data = extension(Sec(name=".exported_sym", content=bytes(12)))
    _, loaded = load(data)
    assert loaded.ext is not None
    assert len(loaded.ext.exp_tab) == 1


def test_all_globals_can_be_exported() -> None:
    """CONFIG_LLEXT_IMPORT_ALL_GLOBALS: functions and objects, by their names in the file."""
    data = extension(symbols=[Sym(name="o", type=OBJECT, section=".text", value=2)])
    system, loaded = load(data, target(all_globals=True))
    assert loaded.ext is not None
    assert system.find_sym(loaded.ext.exp_tab, "o") == loaded.ext.mem[0] + 2


def test_all_globals_have_a_row_also_where_they_are_undefined() -> None:
    """Of 8 bytes each; the last stays empty."""
    data = extension(symbols=[Sym(name="u", type=FUNC)])
    _, loaded = load(data, target(all_globals=True))
    assert loaded.ext is not None
    assert [each.size for each in loaded.account if each.what == "export table"] == [16]
    assert [bool(each.name) for each in loaded.ext.exp_tab] == [True, False]


def test_a_table_of_exports_that_does_not_fit_is_not_read() -> None:
    """Its memory comes first: 8,190 rows of 8 bytes are more than the heap has."""
    data = extension(Sec(name=".exported_sym", content=bytes(8)))
    number = section_number(data, ".exported_sym")
    data = patched(data, section_field(data, number, "sh_size"), 8190 * 8)
    _, loaded = load(data, storage=Storage.WRITABLE)
    assert (loaded.result, logged(loaded)) == (-12, ["E: Failed to export, ret -12"])


def test_a_base_image_by_slid_is_asked_for_a_number() -> None:
    """The first 4 bytes of SHA-256 of `printk` are 87b31052; it is the symbol's value."""
    on = target(symbols={b"printk": 0x4511}, by_slid=True)
    rel = [Rel(offset=0, type=2, symbol="printk")]
    data = extension(
        code(bytes(4), relocations=rel), symbols=[Sym(name="printk", value=0x87B31052)]
    )
    system, loaded = load(data, on)
    assert region(system, loaded, "text").hex() == "11450000"
    assert system.find_sym(None, str(0x87B31052)) == 0x4511
    unprepared = extension(code(bytes(4), relocations=rel), symbols=[Sym(name="printk")])
    assert load(unprepared, on)[1].result == -61


def test_a_function_is_called_by_its_name() -> None:
    """Whoever runs code gets the address; an unknown name is -ENOENT, once -EINVAL."""
    system, loaded = load(exporting("go"))
    assert loaded.ext is not None
    called: list[int] = []
    assert system.call_fn(loaded.ext, "go", called.append) == 0
    assert called == [loaded.ext.mem[0] + 1]
    assert system.call_fn(loaded.ext, "stop", called.append) == -2
    old, first = load(extension(), target(version=Version(3, 7)))
    assert first.ext is not None
    assert old.call_fn(first.ext, "stop", called.append) == -22


def arrays(*setup: int) -> bytes:
    """A file with functions to set up (addresses in `.text`, or anywhere for others)."""
    rels = [Rel(offset=4 * n, type=2, symbol="start") for n in range(len(setup))]
    table = Sec(
        name=".init_array",
        type=14,
        flags=WRITABLE,
        content=struct.pack(f"<{len(setup)}I", *setup),
        entsize=4,
        relocations=rels,
    )
    symbols = [Sym(name="start", binding=0, section=".text")]
    return extension(code(NOTHING * 4), table, symbols=symbols)


def test_functions_that_set_up_run_in_order() -> None:
    """Then the application's, then those that clean up."""
    system, loaded = load(arrays(5, 1))
    assert loaded.ext is not None
    text, ran = loaded.ext.mem[0], []
    assert system.bringup(loaded.ext, ran.append, Log()) == 0
    assert ran == [text + 5, text + 1]
    assert system.teardown(loaded.ext, ran.append, Log()) == 0
    log = Log()
    system.bootstrap(loaded.ext, lambda: ran.append(0), ran.append, log)
    assert (ran[2:], log.lines) == ([text + 5, text + 1, 0], [])


@pytest.mark.parametrize(("release", "ran"), [((4, 3), 0), ((4, 5), 1)])
def test_a_function_outside_of_the_code_stops_it(release: tuple[int, int], ran: int) -> None:
    """-EFAULT; in newer releases those in front of it have run."""
    system, loaded = load(arrays(1, 0x1000), target(version=Version(*release)))
    assert loaded.ext is not None
    called: list[int] = []
    log = Log()
    assert system.bringup(loaded.ext, called.append, log) == -14
    there = loaded.ext.mem[0] + 0x1000
    expected = [f"bringup function 1 ({there:#x}) outside text region"]
    expected += ["Failed to get function table: -14"] * (release == (4, 3))
    assert ([each.text for each in log.lines], len(called)) == (expected, ran)
    log = Log()
    system.bootstrap(loaded.ext, lambda: called.append(0), called.append, log)
    assert log.lines[-1].text == "Failed to call init functions: -14"
    assert 0 not in called


def test_sections_can_be_looked_at() -> None:
    """By name; offsets, headers, regions; errors are negative."""
    data = extension(code(), Sec(name=".data", flags=WRITABLE, size=4))
    system, loaded = load(data, keep_section_info=True)
    look, mem = loaded.inspection, system.target.mem
    assert look is not None
    assert loaded.ext is not None
    loader = BufferLoader(
        memory=system.memory, address=BUFFER, data=data, storage=Storage.TEMPORARY, bits=32
    )
    assert (look.find_section(loader, ".data"), look.find_section(loader, ".x")) == (0x38, -2)
    assert look.find_section(FileLoader(data), ".data") == -134
    assert (look.section_shndx(".data"), look.section_shndx("")) == (2, -2)
    header = look.get_section_header(".data")
    assert isinstance(header, Header)
    assert (header.size, look.get_section_header(".x")) == (4, -2)
    info = look.get_region_info(mem.data)
    assert not isinstance(info, int)
    assert (info.address, info.size) == (loaded.ext.mem[mem.data], 4)
    assert look.get_region_info(11) == -22
    section = look.get_section_info(2)
    assert not isinstance(section, int)
    assert (section.region, section.offset) == (mem.data, 0)
    assert look.get_section_info(99) == -22
    table = look.get_section_info(5)
    assert not isinstance(table, int)
    assert table.region == mem.shstrtab
    assert len(look.headers) == 6
    before = loaded.ext.alloc_size
    assert system.free_inspection_data(loaded.ext) == 0
    assert before - loaded.ext.alloc_size == 6 * 8
    assert look.get_section_info(2) == -134
    assert system.unload(loaded.ext) == 0
    assert system.heap.live == 0


@pytest.mark.parametrize("release", [(3, 5), (3, 7), (4, 3)])
def test_the_data_of_a_file_are_measured(release: tuple[int, int]) -> None:
    """From `.rodata` at 0x34 to the end of `.exported_sym` at 0x44, whatever lies between."""
    data = extension(
        Sec(name=".rodata", size=4), code(), Sec(name=".exported_sym", content=bytes(8))
    )
    at = [section_field(data, number, "sh_offset") for number in (1, 2, 3)]
    assert [struct.unpack_from("<I", data, place)[0] for place, _ in at] == [0x34, 0x38, 0x3C]
    _, loaded = load(data, target(version=Version(*release)))
    assert loaded.inspection is not None
    assert loaded.inspection.prog_data_size == 0x3C + 8 - 0x34
    assert [each.type for each in loaded.inspection.headers[:4]] == [0, 1, 1, 1]


def test_without_data_there_is_one_byte_of_them() -> None:
    """0 + 0 - 0xffffffff, as `prog_data_size` was computed."""
    loaded = load(extension(code()))[1]
    assert loaded.inspection is not None
    assert loaded.inspection.prog_data_size == 1


def test_partitions_go_into_a_domain() -> None:
    """Code, data, constants, zeros, each with what may be done; -ENOSYS without user threads."""
    data = extension(
        code(),
        Sec(name=".data", flags=WRITABLE, size=4),
        Sec(name=".rodata", size=4),
        Sec(name=".bss", type=NOBITS, flags=WRITABLE, size=4),
    )
    protected = {"protection": Protection.POWER_OF_TWO, "userspace": True}
    system, loaded = load(data, target(version=Version(4, 4), **protected))
    assert loaded.ext is not None
    domain, log = MemDomain(address=0x20000100, most=8), Log()
    assert system.add_domain(loaded.ext, domain, log) == 0
    assert [(each.size, each.attributes) for each in domain.partitions] == [
        (32, "P_RX_U_RX"),
        (32, "P_RW_U_RW"),
        (32, "P_RO_U_RO"),
        (32, "P_RW_U_RW"),
    ]
    assert list(complaints(system.target, loaded.ext)) == []
    small = MemDomain(address=0x20000100, most=3)
    assert system.add_domain(loaded.ext, small, log) == -28
    assert log.lines[0].text == "Failed adding memory partition 3 to domain 0x20000100"
    plain, other = load(data)
    assert other.ext is not None
    assert plain.add_domain(other.ext, domain, log) == -88


def test_partitions_that_cannot_be_are_reported() -> None:
    """A region that stays in the file is where the file has it."""
    on = target(version=Version(4, 4), protection=Protection.PAGE, userspace=True, partitions=1)
    data = extension(code(bytes(40)), Sec(name=".data", flags=WRITABLE, size=4))
    system, loaded = load(data, on, storage=Storage.WRITABLE, buffer=BUFFER + 12, pre_located=True)
    assert loaded.ext is not None
    assert list(complaints(system.target, loaded.ext)) == [
        "partition of region data at 0x21000068 has 32 bytes, expected multiples of 32",
        "there are 2 partitions, and a domain takes 1",
    ]
    message = (
        "partition of region data at 0x21000068 has 32 bytes, expected a power of two and a "
        "multiple of it"
    )
    assert list(complaints(target(protection=Protection.POWER_OF_TWO), loaded.ext)) == [message]


def test_a_partition_of_no_bytes_is_reported() -> None:
    """2**32 doesn't fit a `uintptr_t`: what an alignment above half of that is rounded up to."""
    on = target(protection=Protection.POWER_OF_TWO)
    data = extension(code())
    data = patched(data, section_field(data, 1, "sh_addralign"), 0x80000001)
    _, loaded = load(data, on, storage=Storage.WRITABLE, pre_located=True)
    assert loaded.ext is not None
    assert list(complaints(on, loaded.ext)) == [
        (
            "partition of region text at 0x21000034 has 0 bytes, expected a power of two and a "
            "multiple of it"
        )
    ]


def test_an_application_can_bring_the_heap() -> None:
    """CONFIG_LLEXT_HEAP_DYNAMIC: nothing loads before, and it can't be taken back too early."""
    system = System(target(dynamic_heap=True))
    _, loaded = load(extension(), system)
    assert (loaded.result, logged(loaded)) == (
        -12,
        ["E: Not enough memory for extension metadata"],
    )
    assert system.heap_uninit() == -17
    assert system.heap_init(0x30000000, 8192) == 0
    assert system.heap_init(0x30000000, 8192) == -17
    _, loaded = load(extension(), system)
    assert loaded.ext is not None
    assert 0x30000000 < loaded.ext.mem[0] < 0x30002000
    assert system.heap_uninit() == -16
    system.unload(loaded.ext)
    assert system.heap_uninit() == 0
    fixed = System(target())
    assert (fixed.heap_init(0, 0), fixed.heap_uninit()) == (-88, -88)


def test_a_failed_load_keeps_the_counts_of_its_providers() -> None:
    """And a provider that is unloaded first is left with a count of 0, which underflows."""
    system, prov = load(exporting("give"), name="prov")
    rels = [Rel(offset=0, type=2, symbol="give"), Rel(offset=4, type=2, symbol="lost")]
    broken = extension(
        code(bytes(8), relocations=rels), symbols=[Sym(name="give"), Sym(name="lost")]
    )
    assert load(broken, system, name="cons", buffer=BUFFER + 4096)[1].result == -61
    assert prov.ext is not None
    assert prov.ext.use_count == 2


def test_an_empty_symbol_table_cannot_be_allocated() -> None:
    """-ENOMEM: there must be a global function or object."""
    data = extension(symbols=[Sym(name="f", binding=0, type=FUNC, section=".text")])
    _, loaded = load(data)
    line = "E: Failed to allocate extension symbol table, ret -12"
    assert (loaded.result, logged(loaded)) == (-12, [line])


def test_prelocated_names_are_looked_for_in_the_file() -> None:
    """In a shared object rightly; the export's name is at 0x2000 as it was linked."""
    data = extension(
        Sec(name=".text", flags=CODE, content=NOTHING, addr=0x1000),
        Sec(name=".rodata", content=b"go\0\0", addr=0x2000),
        Sec(name=".exported_sym", content=struct.pack("<II", 0x2000, 0x1001), addr=0x2010),
        symbols=[Sym(name="f", value=0x1001, type=FUNC, section=".text")],
        file_type=ET_DYN,
        symbol_table=11,
    )
    system, loaded = load(data, storage=Storage.WRITABLE, pre_located=True)
    assert loaded.ext is not None
    assert system.find_sym(loaded.ext.exp_tab, "go") == 0x1001


def test_names_that_lead_nowhere_are_a_danger_once_they_are_compared() -> None:
    """An export that wasn't relocated, and another load that looks for a symbol."""
    system, first = load(exporting("give"), name="prov", relocate_local=False)
    assert first.result == 0
    rel = [Rel(offset=0, type=2, symbol="x")]
    data = extension(code(bytes(4), relocations=rel), symbols=[Sym(name="x")])
    with pytest.raises(Danger) as danger:
        load(data, system, name="cons", buffer=BUFFER + 4096)
    assert (danger.value.code, danger.value.message) == (
        "L024",
        "the name of a symbol would be at 0x0, which is no address of the extension",
    )


@pytest.mark.parametrize("release", [Version(3, 5), Version(3, 7), Version(4, 1), NEWEST])
def test_every_release_loads_a_plain_extension(release: Version) -> None:
    """With the regions of its time, and gives back what it took."""
    data = extension(
        code(bytes(4), relocations=[Rel(offset=0, type=2, symbol="printk")]),
        Sec(name=".rodata", content=b"text"),
        symbols=[Sym(name="printk")],
    )
    system, loaded = load(data, target(version=release, symbols={b"printk": 0x4511}))
    assert (loaded.result, logged(loaded)) == (0, [])
    assert region(system, loaded, "text").hex() == "11450000"
    assert loaded.ext is not None
    assert system.unload(loaded.ext) == 0
    assert system.heap.live == 0
