# SPDX-License-Identifier: Apache-2.0
"""Lines of places in objects, against addr2line, and when the table is damaged."""

from __future__ import annotations

import re
import struct
import time
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path, PurePath

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.counting import LINEAR, growth
from support.cross import PREFIX, gcc, output, tool, zig
from support.elfbuild import SHF_ALLOC, SHF_EXECINSTR, Rel, Sec, Sym, elf

from west_llext.diagnostics import Span
from west_llext.elf import dwarf
from west_llext.elf.dwarf import line_of
from west_llext.elf.read import object_file
from west_llext.model.elf import SHF_EXECINSTR as EXECINSTR
from west_llext.model.elf import ObjectFile

HEADER = "static inline int thrice(int y)\n{\n\ty *= 3;\n\treturn y + 7;\n}\n"
SOURCE = """#include "inner.h"
extern int needed(int);
extern int variable;
static int local(int x)
{
    return needed(x) + thrice(x);
}
int entry(int x)
{
    for (int i = 0; i < x; i++) {
        x += local(i);
    }
    return x + variable;
}
"""

CASES = [
    ("gcc", ("-gdwarf-2",)),
    ("gcc", ("-gdwarf-3", "-O2")),
    ("gcc", ("-gdwarf-4", "-ffunction-sections", "-Os")),
    ("gcc", ("-gdwarf-5", "-ffunction-sections", "-Og")),
    ("gcc", ("-gdwarf-5", "-mbig-endian")),
    ("zig", ("-gdwarf-4", "-O1")),
    ("zig", ("-gdwarf-5", "-ffunction-sections", "-O1")),
]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder with a source and the header that it includes from another folder."""
    (tmp_path / "src").mkdir()
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "inner.h").write_text(HEADER)
    return tmp_path


def compiled(compiler: str, folder: Path, flags: tuple[str, ...], name: str = "unit") -> Path:
    """The object of SOURCE, compiled as a user would from the folder above `src`."""
    place = ("-mthumb", "-Iinc", *flags)
    if compiler == "gcc":
        return gcc(folder, SOURCE, "-mcpu=cortex-m3", *place, name=f"src/{name}.c")
    target = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3")
    return zig(folder, SOURCE, *target, *place, name=f"src/{name}.c")


def by_addr2line(path: Path, folder: Path, section: str, places: range) -> list[str]:
    """`FILE:LINE` of each place, with the path as seen from the folder; `?` for unknown ones."""
    command = (tool("addr2line"), "-j", section, "-e", str(path))
    lines = output(*command, *(hex(place) for place in places)).splitlines()
    plain = (re.sub(r" \(discriminator .*", "", line) for line in lines)
    return [line.removeprefix(f"{folder}/").replace(":?", ":0") for line in plain]


def by_us(obj: ObjectFile, index: int, places: range) -> list[str]:
    """The same from our table."""
    found = (line_of(obj, index, place) for place in places)
    return ["??:0" if each is None else f"{each.file.as_posix()}:{each.line}" for each in found]


def same(path: Path, folder: Path) -> set[str]:
    """Compare every second byte of the code; gives the places that were named."""
    obj = object_file(path.read_bytes(), path.name)
    named: set[str] = set()
    for index, section in enumerate(obj.sections):
        if section.flags & EXECINSTR and section.size:
            places = range(0, section.size, 2)
            ours = by_us(obj, index, places)
            assert ours == by_addr2line(path, folder, section.name, places)
            named |= set(ours)
    return named


@pytest.mark.cross
@pytest.mark.zig
@pytest.mark.parametrize(("compiler", "flags"), CASES, ids=str)
def test_lines_are_those_that_addr2line_prints(
    compiler: str, flags: tuple[str, ...], sources: Path
) -> None:
    """DWARF 2 to 5, several sections in one table, lines of an included file."""
    named = same(compiled(compiler, sources, flags), sources)
    assert {"src/unit.c:6", "src/unit.c:13", "inc/inner.h:4"} & named
    assert len(named) > 3


@pytest.mark.cross
@pytest.mark.zig
@pytest.mark.parametrize(("compiler", "flags"), CASES, ids=str)
def test_columns_are_those_that_pyelftools_reads(
    compiler: str, flags: tuple[str, ...], sources: Path
) -> None:
    """Of every place where a row of the table begins; both compilers record them."""
    data = compiled(compiler, sources, flags).read_bytes()
    obj = object_file(data, "unit.o")
    sections = [n for n, each in enumerate(obj.sections) if each.flags & EXECINSTR and each.size]
    units = ELFFile(BytesIO(data)).get_dwarf_info().iter_CUs()
    programs = [ELFFile(BytesIO(data)).get_dwarf_info().line_program_for_CU(unit) for unit in units]
    expected: dict[tuple[int, int], tuple[int, int]] = {}
    number = 0
    for state in (entry.state for each in programs if each for entry in each.get_entries()):
        if state is None:
            continue
        if state.end_sequence:
            number += 1
        else:
            column = state.column if state.line else 0
            expected[sections[number], state.address] = state.line, column
    found = {place: line_of(obj, *place) for place in expected}
    assert {place: (each.line, each.column) for place, each in found.items() if each} == expected
    assert len({column for _, column in expected.values()}) > 3


@pytest.mark.cross
def test_lines_of_merged_objects_are_those_that_addr2line_prints(sources: Path) -> None:
    """Ld -r puts the tables of several units behind one another."""
    parts = []
    for version in (2, 3, 4, 5):
        names = (f"-Dlocal=local{version}", f"-Dentry=entry{version}")
        flags = (f"-gdwarf-{version}", *names)
        parts.append(compiled("gcc", sources, flags, name=f"unit{version}"))
    merged = sources / "merged.o"
    output(tool("ld"), "-r", "-o", str(merged), *map(str, parts))
    named = same(merged, sources)
    assert {f"src/unit{version}.c:6" for version in (2, 3, 4, 5)} <= named


MACHINES = [
    ("aarch64-linux-gnu-", ("-fno-pic",)),
    ("riscv64-unknown-elf-", ("-march=rv32imac", "-mabi=ilp32")),
    ("riscv64-unknown-elf-", ("-march=rv32imac", "-mabi=ilp32", "-mno-relax")),
    ("riscv64-unknown-elf-", ("-mcmodel=medany",)),
    ("x86_64-linux-gnu-", ("-m32", "-fno-pic")),
    ("x86_64-linux-gnu-", ("-fno-pic",)),
    ("xtensa-lx106-elf-", ("-mlongcalls", "-mtext-section-literals")),
    ("arc-linux-gnu-", ()),
]


@pytest.mark.cross
@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize(("prefix", "flags"), MACHINES, ids=str)
def test_lines_on_other_machines_are_those_that_readelf_prints(
    prefix: str, flags: tuple[str, ...], version: int, sources: Path
) -> None:
    """Words with a part of the addend in the place, and differences that a linker would change."""
    parts = []
    for number in range(2):
        names = (f"-D{name}={name}{number}" for name in ("local", "entry", "thrice"))
        given = ("-Iinc", f"-gdwarf-{version}", "-O1", "-fno-inline", "-ffunction-sections")
        given = (*given, *names, *flags)
        parts.append(gcc(sources, SOURCE, *given, name=f"src/unit{number}.c", prefix=prefix))
    merged = sources / "merged.o"
    emulation = ("-melf32lriscv",) if "-march=rv32imac" in flags else ()
    emulation = ("-melf_i386",) if "-m32" in flags else emulation
    output(tool("ld", prefix), "-r", *emulation, "-o", str(merged), *map(str, parts))
    assert same_as_readelf(parts[0], prefix) > 10
    assert same_as_readelf(merged, prefix) > 20


def same_as_readelf(path: Path, prefix: str = PREFIX) -> int:
    """Compare each place where a row of the table begins; gives their number.

    Every section of functions has a sequence of its own, in its order.
    """
    obj = object_file(path.read_bytes(), path.name)
    code = [n for n, section in enumerate(obj.sections) if section.name.startswith(".text.")]
    printed = output(tool("readelf", prefix), "--debug-dump=decodedline", str(path))
    rows = re.findall(r"^(\S+)\s+(\d+|-)\s+(0x[0-9a-f]+|0)\b.*$", printed, re.MULTILINE)
    expected: dict[tuple[int, int], tuple[str, int]] = {}
    for name, line, addr in rows:
        if line == "-":
            code.pop(0)
        else:  # of several in one place the last one counts
            expected[code[0], int(addr, 16)] = name.rpartition("/")[2], int(line)
    found = {place: line_of(obj, *place) for place in expected}
    named = {place: (each.file.name, each.line) for place, each in found.items() if each}
    assert (named, code) == (expected, [])
    return len(expected)


@pytest.mark.cross
@pytest.mark.zig
def test_a_sequence_begins_in_the_file_that_the_standard_says(sources: Path) -> None:
    """DWARF 5, 6.2.2: the file register begins at 1, also where files count from 0.

    Addr2line 2.40 gets this wrong (it says unit.c for all of `thrice`), readelf gets it right.
    """
    path = compiled("zig", sources, ("-gdwarf-5", "-ffunction-sections"))
    assert same_as_readelf(path) > 10


@pytest.mark.cross
def test_lines_of_a_linked_image_are_those_that_addr2line_prints(sources: Path) -> None:
    """Without relocations the table holds addresses; ours are offsets in a section."""
    part = compiled("gcc", sources, ("-gdwarf-5",))
    image = sources / "image.elf"
    symbols = ("--defsym=needed=0x1001", "--defsym=variable=0x2000")
    output(tool("ld"), "-Ttext=0x20000000", "-e", "entry", *symbols, "-o", str(image), str(part))
    obj = object_file(image.read_bytes(), "image.elf")
    index = [section.name for section in obj.sections].index(".text")
    # ld puts a veneer behind the code, which has no line
    size = object_file(part.read_bytes(), "unit.o").sections[1].size
    places = range(0, size, 2)
    addresses = [hex(0x20000000 + place) for place in places]
    printed = output(tool("addr2line"), "-e", str(image), *addresses).splitlines()
    expected = [re.sub(r" \(.*", "", line).removeprefix(f"{sources}/") for line in printed]
    assert by_us(obj, index, places) == expected


@pytest.mark.cross
def test_the_recorded_path_is_not_changed(tmp_path: Path) -> None:
    """With -ffile-prefix-map nothing of this machine is in the table, so none can come out."""
    path = gcc(
        tmp_path, "int f(void)\n{\n\treturn 1;\n}\n", "-g", f"-ffile-prefix-map={tmp_path}=/src"
    )
    obj = object_file(path.read_bytes(), "unit.o")
    assert line_of(obj, 1, 0) == Span(PurePath("unit.c"), 2, 1)
    assert str(tmp_path).encode() not in path.read_bytes()


def first_use(obj: ObjectFile, name: str) -> tuple[int, int]:
    """Section and offset of the first relocation of loaded code or data against a symbol."""
    symbol = [each.name for each in obj.symbols].index(name)
    return min(
        (section, row.offset)
        for section, rows in obj.relocations.items()
        for row in rows
        if obj.sections[section].flags & SHF_ALLOC and row.symbol == symbol
    )


@pytest.mark.cross
def test_the_first_use_of_a_symbol_has_a_line(sources: Path) -> None:
    """What a message about an undefined symbol points at."""
    path = compiled("gcc", sources, ("-gdwarf-5", "-O0", "-mlong-calls"))
    obj = object_file(path.read_bytes(), "unit.o")
    section, offset = first_use(obj, "needed")
    assert obj.sections[section].name == ".text"
    assert line_of(obj, section, offset) is not None


LITERALS = [(), ("-mtext-section-literals",), ("-ffunction-sections", "-mlongcalls")]


@pytest.mark.cross
@pytest.mark.parametrize("flags", LITERALS, ids=str)
def test_a_literal_has_the_line_of_the_code_that_reads_it(
    flags: tuple[str, ...], sources: Path
) -> None:
    """The table of an Xtensa object speaks of instructions only; addresses are in literals."""
    given = ("-Iinc", "-g", "-O1", *flags)
    path = gcc(sources, SOURCE, *given, name="src/unit.c", prefix="xtensa-lx106-elf-")
    obj = object_file(path.read_bytes(), "unit.o")
    span = line_of(obj, *first_use(obj, "variable"))
    assert span is not None
    assert (span.file, span.line) == (PurePath("src/unit.c"), 13)


def table(program: bytes, *, version: int = 4) -> bytes:
    """A .debug_line with one unit: file `a.c`, lines one apart, instructions of 2 bytes."""
    lengths = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
    head = bytes([2, 1, 1, 0xFB, 14, 13]) + lengths + b"\0a.c\0\0\0\0\0"
    body = struct.pack("<HI", version, len(head)) + head + program
    return struct.pack("<I", len(body)) + body


SET_ADDRESS = b"\x00\x05\x02\0\0\0\0"
END = b"\x00\x01\x01"


def with_table(content: bytes, *, at: int | None = None) -> ObjectFile:
    """An object with such a table, whose address at `at` is relocated against .text."""
    relocations = [] if at is None else [Rel(offset=at, type=2, symbol="start")]
    data = elf(
        sections=[
            Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, size=64),
            Sec(name=".debug_line", flags=0, content=content, align=1, relocations=relocations),
        ],
        symbols=[Sym(name="start", section=".text", value=8)],
    )
    return object_file(data, "demo.o")


def test_a_table_made_by_hand_reads_as_the_standard_says() -> None:
    """DWARF 4, 6.2.5: set_address, special opcodes, advance_pc, const_add_pc, end_sequence."""
    first = table(b"")
    program = SET_ADDRESS + b"\x03\x09\x01" + b"\x20" + b"\x02\x04\x01" + b"\x08\x01" + END
    obj = with_table(table(program), at=len(first) + 3)
    # the symbol is at 8; 0x20 is (32 - 13) = 19: 1 unit on, line + 19 % 14 - 5
    assert [line_of(obj, 1, at) for at in (7, 8, 9, 10, 17, 18)] == [
        None,
        *[Span(PurePath("a.c"), 10)] * 5,
    ]
    assert line_of(obj, 1, 0x40) is None


def test_a_line_that_no_file_has_is_not_known() -> None:
    """Before the first, or behind any that an editor could show; as is line 0, "no line"."""
    first = table(b"")
    for line, column in ((b"\x03\x7e", b""), (b"\x03\xff\xff\xff\xff\x0f", b"\x05\x07")):
        obj = with_table(
            table(SET_ADDRESS + line + column + b"\x01\x02\x10" + END), at=len(first) + 3
        )
        assert line_of(obj, 1, 8) == Span(PurePath("a.c"))


ODD = {
    "nothing": b"",
    "cut": table(SET_ADDRESS + b"\x01" + END)[:-4],
    "no size": struct.pack("<I", 0) + bytes(60),
    "huge": struct.pack("<I", 0xFFFFFFF0) + bytes(60),
    "version 9": table(b"", version=9),
    "no line range": table(SET_ADDRESS + b"\x01" + END).replace(b"\xfb\x0e", b"\xfb\x00", 1),
    "operand of many bytes": table(SET_ADDRESS + b"\x02" + b"\x80" * 40),
    "a file that isn't there": table(SET_ADDRESS + b"\x04\x63\x01" + END),
    "header behind the unit": table(b"").replace(struct.pack("<I", 29), b"\xff\xff\0\0", 1),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_table_says_nothing(case: str) -> None:
    """Debug information must never keep an object from being linked."""
    assert line_of(with_table(ODD[case]), 1, 0) is None


def test_what_comes_before_the_damage_is_used() -> None:
    """A unit is good even where the next one isn't."""
    good = table(SET_ADDRESS + b"\x01\x02\x10" + END)
    obj = with_table(good + b"\xff\xff", at=len(table(b"")) + 3)
    assert line_of(obj, 1, 8) == Span(PurePath("a.c"), 1)


def test_a_large_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither many rows nor many bytes cost more than a second."""
    rows = table(SET_ADDRESS + b"\x20" * (dwarf.MAX_TABLE - 200) + END)
    begin = time.process_time()
    assert line_of(with_table(rows, at=len(table(b"")) + 3), 1, 8) is None
    assert line_of(with_table(rows + bytes(400)), 1, 8) is None
    assert time.process_time() - begin < 2
    monkeypatch.setattr(dwarf, "MAX_ROWS", 10)
    few = table(SET_ADDRESS + b"\x20" * 9 + END)
    assert line_of(with_table(few, at=len(table(b"")) + 3), 1, 10) is not None


def test_tables_are_bounded_together() -> None:
    """A file can have 65,000 of them, each as large as one may be."""
    line = table(SET_ADDRESS + b"\x01\x02\x10" + END)
    unknown = dwarf.MAX_TABLE // 2  # a unit of version 9, which is stepped over
    half = line + struct.pack("<IH", unknown, 9) + bytes(unknown - 2)
    names = ("first", "second", "third")
    data = elf(
        sections=[
            *(Sec(name=f".{name}", flags=SHF_ALLOC | SHF_EXECINSTR, size=64) for name in names),
            *(
                Sec(
                    name=".debug_line",
                    flags=0,
                    content=content,
                    align=1,
                    relocations=[Rel(offset=len(table(b"")) + 3, type=2, symbol=name)],
                )
                for name, content in zip(names, (half, half, line), strict=True)
            ),
        ],
        symbols=[Sym(name=name, section=f".{name}") for name in names],
    )
    obj = object_file(data, "demo.o")
    assert [line_of(obj, each, 0) is not None for each in (1, 2, 3)] == [True, False, True]


def peak(obj: ObjectFile) -> int:
    """Bytes that reading its table takes at most."""
    tracemalloc.start()
    try:
        line_of(obj, 1, 8)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_address_of_many_bytes_is_none() -> None:
    """Each of 2,000 rows would have a number of 100 KB."""
    size = 100_001
    length = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
    wide = b"\x00" + length + b"\x02" + b"\xff" * (size - 1)
    obj = with_table(table(wide + b"\x20" * 2000 + END))
    assert peak(obj) < 4 << 20
    assert line_of(obj, 1, 8) is None


def test_files_of_one_long_folder_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """10,000 files in a folder with a name of 20 KB: 200 MB of names."""
    monkeypatch.setattr(dwarf, "MAX_NAMES", 1 << 20)
    files = b"a.c\0\1\0\0" * 10_000
    lengths = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
    head = bytes([2, 1, 1, 0xFB, 14, 13]) + lengths + b"x" * 20_000 + b"\0\0" + files + b"\0"
    program = SET_ADDRESS + b"\x01\x02\x10" + END
    body = struct.pack("<HI", 4, len(head)) + head + program
    obj = with_table(table(program) + struct.pack("<I", len(body)) + body)
    assert peak(obj) < 4 << 20
    # the first unit, whose address isn't relocated, is good
    assert line_of(obj, 1, 8) == Span(PurePath("a.c"), 1)


def test_names_in_another_section_are_found_at_once() -> None:
    """Four times as many names and sections take four times the work, not sixteen times."""

    def case(size: int) -> Callable[[], object]:
        lengths = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
        program = SET_ADDRESS + b"\x01\x02\x10" + END
        names = bytes([1, 1, 0x08, 1]) + b"src\0"
        names += bytes([1, 1, 0x1F]) + bytes([size & 0x7F | 0x80, size >> 7]) + bytes(4 * size)
        head = bytes([2, 1, 1, 1, 0xFB, 14, 13]) + lengths + names
        body = struct.pack("<HBBI", 5, 4, 0, len(head)) + head + program
        sections = [Sec(name=f".text.{each}", size=4) for each in range(size)]
        table_of_5 = struct.pack("<I", len(body)) + body
        data = elf(
            sections=[
                *sections,
                Sec(name=".debug_line", flags=0, content=table_of_5, align=1),
                Sec(name=".debug_line_str", flags=0, content=b"a.c\0", align=1),
            ]
        )
        obj = object_file(data, "demo.o")
        assert line_of(obj, 1, 0) == Span(PurePath("a.c"), 1)

        def read() -> None:
            dwarf._kept.cache_clear()
            line_of(obj, 1, 0)

        return read

    assert growth(case, 100) < LINEAR


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An object with a table of DWARF 5."""
    folder = tmp_path_factory.mktemp("dwarf")
    (folder / "inc").mkdir()
    (folder / "src").mkdir()
    (folder / "inc" / "inner.h").write_text(HEADER)
    return compiled("gcc", folder, ("-gdwarf-5", "-ffunction-sections")).read_bytes()


@pytest.mark.cross
@given(
    damage=st.lists(
        st.tuples(st.integers(0, 1 << 16), st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xFF])),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_table_gives_a_line_or_none(real: bytes, damage: list[tuple[int, int]]) -> None:
    """Nothing is raised, whatever the bytes of the debug sections are."""
    obj = object_file(real, "unit.o")
    places = [
        section for section in obj.sections if section.name in {".debug_line", ".debug_line_str"}
    ]
    data = bytearray(real)
    for at, value in damage:
        section = places[at % len(places)]
        data[section.offset + at % section.size] = value
    damaged = object_file(bytes(data), "unit.o")
    for index, section in enumerate(damaged.sections):
        if section.flags & EXECINSTR:
            found = line_of(damaged, index, 4)
            if found is not None:
                assert len(found.file.as_posix()) <= 2 * dwarf.MAX_NAME + 1
                assert 0 <= found.line < 1 << 31
                assert 0 <= found.column < 1 << 31
