# SPDX-License-Identifier: Apache-2.0
"""Constructors in `.ctors` and `.dtors`: run in the order in which they always were."""

from __future__ import annotations

import struct
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support import elfbuild
from support.cross import tool
from support.elfbuild import FUNC, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, Rel, Sec, Sym
from support.linking import Case, Outcome, extension, offer, packed
from support.oracle import assembled, compiled

from west_llext.model.manifest import Mode
from west_llext.model.region import Region

ABS32 = 2
#: As GNU ld's own script for arm-none-eabi has it.
SCRIPT = """\
SECTIONS {
  .text 0x10000 : { *(.text) }
  .init_array 0x20000 : {
    KEEP (*(SORT_BY_INIT_PRIORITY(.init_array.*) SORT_BY_INIT_PRIORITY(.ctors.*)))
    KEEP (*(.init_array .ctors))
  }
  .fini_array 0x30000 : {
    KEEP (*(SORT_BY_INIT_PRIORITY(.fini_array.*) SORT_BY_INIT_PRIORITY(.dtors.*)))
    KEEP (*(.fini_array .dtors))
  }
}
"""
PLACES = {Region.TEXT: 0x10000, Region.INIT: 0x20000, Region.FINI: 0x30000}


def linked(content: bytes, mode: Mode = Mode.PRELOCATED) -> Outcome:
    """The object, at the addresses of the script."""
    return Case(
        extension=extension(mode=mode),
        base=offer(()),
        place=lambda sizes: {**packed(sizes), **PLACES},
        windows={"text": (0x10000, 0x11000)},
    ).link(content)


def by_ld(folder: Path, content: bytes) -> dict[str, bytes]:
    """What GNU ld makes of the arrays of an object."""
    (folder / "unit.o").write_bytes(content)
    (folder / "unit.ld").write_text(SCRIPT)
    command = [tool("ld"), "-T", "unit.ld", "unit.o", "-o", "unit.elf"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    file = ELFFile(BytesIO((folder / "unit.elf").read_bytes()))
    sections = [file.get_section_by_name(name) for name in (".init_array", ".fini_array")]
    return {each.name: each.data() for each in sections if each is not None}


def source(*sections: str, entries: int = 2) -> str:
    """Assembler with functions `f0`, `f1` and so on, and pointers to them in sections."""
    lines = [".text", ".thumb"]
    count = len(sections) * entries
    for number in range(count):
        lines += [".thumb_func", f".type f{number}, %function", f"f{number}: bx lr", "nop"]
    for number, name in enumerate(sections):
        lines.append(f'.section {name}, "aw", {array_type(name)}')
        lines += [f".word f{number * entries + entry}" for entry in range(entries)]
    return "\n".join(lines)


def array_type(name: str) -> str:
    """How the assembler calls the type of a section."""
    return "%" + name.split(".")[1] if "array" in name else "%progbits"


@pytest.mark.cross
@pytest.mark.parametrize(
    "sections",
    [
        [".ctors"],
        [".dtors"],
        [".ctors.65435", ".ctors.00001", ".ctors", ".ctors.65034"],
        [".ctors", ".init_array", ".dtors", ".fini_array"],
        [".ctors.65435", ".init_array.00100", ".init_array.00050", ".init_array", ".ctors"],
        [".dtors.00010", ".dtors", ".dtors.65535"],
    ],
    ids=", ".join,
)
def test_the_arrays_are_what_gnu_ld_makes_of_them(sections: list[str], tmp_path: Path) -> None:
    """The entries of a section in reverse, priorities counted from the other end."""
    content = assembled(tmp_path, source(*sections, entries=3))
    made = linked(content).linked
    ours = {
        f".{name}_array": section.content
        for name, region in (("init", Region.INIT), ("fini", Region.FINI))
        if (section := made.section(region)) is not None
    }
    assert ours == by_ld(tmp_path, content)
    assert made.section(Region.DATA) is None


@pytest.mark.cross
def test_what_a_compiler_for_an_older_abi_makes_is_run(tmp_path: Path) -> None:
    """gcc -mabi=apcs-gnu."""
    text = "static void one(void) { } void (*volatile last)(void);\n"
    text += "__attribute__((constructor)) static void start(void) { last = one; }\n"
    text += "__attribute__((destructor)) static void stop(void) { last = 0; }\n"
    made = linked(compiled(tmp_path, text, "-mabi=apcs-gnu")).linked
    for region in (Region.INIT, Region.FINI):
        section = made.section(region)
        assert section is not None
        (address,) = struct.unpack("<I", section.content)
        assert address & ~1 in range(0x10000, 0x11000)


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_addends_move_with_their_entries(mode: Mode) -> None:
    """Each place holds one of its own."""
    rows = [Rel(offset=4 * number, type=ABS32, symbol="code") for number in range(3)]
    content = elfbuild.elf(
        sections=[
            Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(64)),
            Sec(
                name=".ctors",
                flags=SHF_ALLOC | SHF_WRITE,
                content=struct.pack("<3I", 0x10, 0x20, 0x30),
                relocations=rows,
            ),
        ],
        symbols=[Sym(name="code", value=1, type=FUNC, section=".text")],
    )
    made = linked(content, mode)
    start = PLACES[Region.TEXT] if mode is Mode.PRELOCATED else 0
    words = struct.unpack("<3I", made.content(Region.INIT))
    assert [start + each | 1 for each in (0x30, 0x20, 0x10)] == [each | 1 for each in words]


def test_half_a_pointer_is_refused_as_in_any_array() -> None:
    """L013, with the name that it has then."""
    section = Sec(name=".ctors", flags=SHF_ALLOC | SHF_WRITE, content=bytes(6))
    content = elfbuild.elf(sections=[section], symbols=[Sym(name="x", section=".ctors")])
    assert [str(each) for each in linked(content).findings] == [
        "unit.o: error[L013]: section '.init_array' has 6 bytes, expected pointers of 4"
    ]


@pytest.mark.parametrize("name", [".ctorsx", ".ctor", ".ctors_end", ".data.ctors"])
def test_other_sections_are_data(name: str) -> None:
    """Only these names mean anything."""
    section = Sec(name=name, flags=SHF_ALLOC | SHF_WRITE, content=bytes(8))
    content = elfbuild.elf(sections=[section], symbols=[Sym(name="x", section=name)])
    made = linked(content).linked
    assert [each.region for each in made.sections] == [Region.DATA]
