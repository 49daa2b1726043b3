# SPDX-License-Identifier: Apache-2.0
"""`.ctors` and `.dtors` become arrays, as GNU ld makes them."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from support.cross import gcc, tool
from support.elfbuild import (
    FUNC,
    LOCAL,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    Rel,
    Sec,
    Sym,
    elf,
)
from support.linking import Case, Outcome, extension, offer

from west_llext.elf.read import object_file
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

XTENSA = "xtensa-lx106-elf-"
SOURCE = """
extern int last;
#define MAKE(number, how) how static void f##number(void) { last = number; }
MAKE(1, __attribute__((constructor)))
MAKE(2, __attribute__((constructor(300))))
MAKE(3, __attribute__((constructor)))
MAKE(4, __attribute__((constructor(200))))
MAKE(5, __attribute__((destructor)))
MAKE(6, __attribute__((destructor)))
MAKE(7, __attribute__((destructor(300))))
int last;
"""
SCRIPT = """
SECTIONS {
    . = 0x10000;
    .text : { *(.literal*) *(.text*) }
    .data : { *(.data*) *(.bss*) }
    .init_array : { *(SORT_BY_INIT_PRIORITY(.init_array.*) SORT_BY_INIT_PRIORITY(.ctors.*))
                    *(.init_array .ctors) }
    .fini_array : { *(SORT_BY_INIT_PRIORITY(.fini_array.*) SORT_BY_INIT_PRIORITY(.dtors.*))
                    *(.fini_array .dtors) }
    /DISCARD/ : { *(*) }
}
"""


def pointers(*words: int, name: str = ".ctors", rel: bool = True, more: int = 0) -> bytes:
    """An Arm object with functions, and their addresses in a section of that name."""
    rows = [
        Rel(offset=4 * index, type=2, symbol=f"f{number}", addend=None if rel else 0)
        for index, number in enumerate(words)
    ]
    functions = [
        Sym(name=f"f{number}", value=8 * number | 1, type=FUNC, section=".text", binding=LOCAL)
        for number in range(8)
    ]
    return elf(
        sections=[
            Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(64)),
            Sec(
                name=name,
                flags=SHF_ALLOC | SHF_WRITE,
                content=bytes(4 * len(words) + more),
                relocations=rows,
            ),
        ],
        symbols=functions,
    )


def made_of(content: bytes) -> Outcome:
    """The object, prelocated."""
    return Case(extension=extension(), base=offer([])).link(content, "demo.o")


def functions(made: Outcome, region: Region) -> list[int]:
    """Numbers of the functions in a region."""
    section = made.linked.section(region)
    start = made.addresses[Region.TEXT]
    content = b"" if section is None else section.content
    return [(word - start) // 8 for (word,) in struct.iter_unpack("<I", content)]


def test_the_words_are_turned_round() -> None:
    """The last one of `.ctors` runs first, as the first one of `.init_array` does."""
    made = made_of(pointers(1, 2, 3))
    assert functions(made, Region.INIT) == [3, 2, 1]
    assert made.linked.section(Region.DATA) is None


def test_destructors_are_turned_round_as_well() -> None:
    """The last one of `.fini_array` runs first."""
    assert functions(made_of(pointers(1, 2, name=".dtors")), Region.FINI) == [2, 1]


@pytest.mark.parametrize(
    ("name", "region"),
    [
        (".ctors.65435", Region.INIT),
        (".ctors.x", Region.INIT),
        (".ctors.99999999999", Region.INIT),
        (".ctorsx", Region.DATA),
        (".data.ctors", Region.DATA),
    ],
)
def test_only_the_names_of_compilers_are_meant(name: str, region: Region) -> None:
    """A number is a priority; anything else in its place is none."""
    made = made_of(pointers(5, name=name))
    assert functions(made, region) == [5]


def test_half_a_pointer_is_no_constructor() -> None:
    """The section stays what it is: data."""
    made = made_of(pointers(1, name=".ctors", more=2))
    assert made.linked.section(Region.INIT) is None
    assert len(made.content(Region.DATA)) == 6


def test_an_odd_relocation_is_left_where_it_is() -> None:
    """Damaged objects are linked as they are, or refused, but never by accident."""
    odd = Sec(
        name=".ctors",
        flags=SHF_ALLOC | SHF_WRITE,
        content=bytes(8),
        relocations=[Rel(offset=2, type=2, symbol="f")],
    )
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(8))
    made = made_of(elf(sections=[text, odd], symbols=[Sym(name="f", section=".text")]))
    start = made.addresses[Region.TEXT]
    assert made.content(Region.INIT) == bytes(2) + struct.pack("<I", start) + bytes(2)


@pytest.mark.cross
def test_the_order_is_that_of_gnu_ld(tmp_path: Path) -> None:
    """Priorities first, then the rest; the compiler for Xtensa writes `.ctors`."""
    made = gcc(tmp_path, SOURCE, "-Os", "-fno-toplevel-reorder", prefix=XTENSA)
    assert any(each.name == ".ctors" for each in object_file(made.read_bytes(), "").sections)
    (tmp_path / "unit.ld").write_text(SCRIPT, encoding="utf-8")
    command = [tool("ld", XTENSA), "--no-relax", "-e", "0", "--no-warn-rwx-segments"]
    command += ["-T", "unit.ld", "unit.o", "-o", "unit.elf"]
    subprocess.run(command, cwd=tmp_path, check=True)
    theirs = object_file((tmp_path / "unit.elf").read_bytes(), "unit.elf")
    ours = made_of(made.read_bytes())
    for region, name in ((Region.INIT, ".init_array"), (Region.FINI, ".fini_array")):
        index = next(at for at, each in enumerate(theirs.sections) if each.name == name)
        expected = _names(theirs.content(index), {s.value: s.name for s in theirs.symbols})
        own = object_file(made.read_bytes(), "unit.o")
        arranged = ours.first.arranged
        start = ours.addresses[Region.TEXT]
        places = {
            start + arranged.home[s.section][1] + s.value: s.name  # type: ignore[index]
            for s in own.symbols
            if s.name.startswith("f") and arranged.home[s.section]
        }
        assert _names(ours.content(region), places) == expected
        assert len(expected) == (4 if region is Region.INIT else 3)


def _names(content: bytes, names: dict[int, str]) -> list[str]:
    return [names[word] for (word,) in struct.iter_unpack("<I", content)]


def test_modes_that_leave_relocations_leave_them_in_the_array() -> None:
    """With the offsets of the turned words."""
    case = Case(extension=extension(mode=Mode.BOUND), base=offer([]))
    made = case.link(pointers(1, 2)).linked.section(Region.INIT)
    assert made is not None
    assert [row.offset for row in made.relocations] == [0, 4]
