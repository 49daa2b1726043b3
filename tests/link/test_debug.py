# SPDX-License-Identifier: Apache-2.0
"""Debug information of the twin: the bytes that GNU ld makes, and lines that binutils finds."""

from __future__ import annotations

import struct
import subprocess
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import elfbuild, gnuld
from support.cross import gcc, tool, zig
from support.elfbuild import SHF_ALLOC, SHF_EXECINSTR, Rel, Sec, Sym
from support.linking import Case, Outcome, extension, offer, packed, thumb

from west_llext.elf.read import object_file
from west_llext.emit.twin import twin
from west_llext.link import debug
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

SOURCE = """\
extern int printk(const char *, ...);
static int calls[3];
int shared = 5;

static int __attribute__((noinline)) twice(int x)
{
    calls[x & 1]++;
    return 2 * x;
}

int run(int x)
{
    if (x > 3) {
        printk("large");
    }
    return twice(x) + shared;
}

static inline int helper(int x) { return x * 3; }
int more(int x) { return helper(x) + twice(x + 1); }
"""
BASE = (thumb("printk", 0x8000),)
UNITS = {
    "gcc-o0": ("-O0", "-g"),
    "gcc-o2-dwarf4": ("-O2", "-gdwarf-4"),
    "gcc-o2-dwarf5": ("-O2", "-gdwarf-5", "-ffunction-sections"),
    "gcc-macros": ("-O1", "-g3"),
    "gcc-compressed": ("-O1", "-g", "-gz"),
}


@pytest.fixture(scope="module", params=[*UNITS, "zig"])
def unit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The object of SOURCE with debug information of several kinds."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    if name == "zig":
        flags = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3", "-O1", "-g")
        return zig(folder, SOURCE, *flags).read_bytes()
    return gcc(folder, SOURCE, "-mcpu=cortex-m3", "-mthumb", *UNITS[name]).read_bytes()


def linked(content: bytes, mode: Mode) -> Outcome:
    """The object with its twin's contents."""
    return Case(extension=extension(mode=mode, exports=["run"]), base=offer(BASE)).link(content)


def debug_sections(content: bytes) -> dict[str, list[bytes]]:
    """Bytes of the debug sections, by name, uncompressed."""
    obj = object_file(content, "linked")
    found: dict[str, list[bytes]] = {}
    for index, section in enumerate(obj.sections):
        if section.name.startswith(".debug_"):
            raw = obj.content(index)
            if section.flags & 0x800:
                raw = zlib.decompress(raw[12:])
            found.setdefault(section.name, []).append(raw)
    return found


def by_ld(folder: Path, content: bytes, addresses: Mapping[Region, int]) -> dict[str, list[bytes]]:
    """Debug sections as GNU ld links them, with the loaded sections where we put them."""
    unit, made, control = folder / "in.o", folder / "out.elf", folder / "link.ld"
    unit.write_bytes(gnuld.unmerged(content))
    names = {
        Region.TEXT: "*(.text .text.*)",
        Region.DATA: "*(.data .data.*)",
        Region.RODATA: "*(.rodata .rodata.*)",
        Region.BSS: "*(.bss .bss.* COMMON)",
    }
    lines = [f"printk = {0x8001:#x};", "SECTIONS {"]
    lines += [
        f"  .{region.label} {addresses[region]:#x} : {{ {what} }}"
        for region, what in names.items()
        if region in addresses
    ]
    lines.append("  /DISCARD/ : { *(.ARM.exidx* .rel.ARM.exidx*) }")
    control.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")
    command = [tool("ld"), "--nmagic", "-e", "0", "-T", control.name, unit.name, "-o", made.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return debug_sections(made.read_bytes())


def same(ours: Mapping[str, list[bytes]], theirs: Mapping[str, list[bytes]]) -> None:
    """Equal bytes, and one section of each name."""
    assert ours.keys() == theirs.keys()
    for name, sections in theirs.items():
        assert ours[name] == sections, name
        assert len(sections) == 1


def test_debug_sections_of_a_prelocated_extension_are_those_of_gnu_ld(
    unit: bytes, tmp_path: Path
) -> None:
    """Every address and every offset in them."""
    made = linked(unit, Mode.PRELOCATED)
    ours = debug_sections(twin(made.linked))
    assert len(ours) >= 4
    same(ours, by_ld(tmp_path, unit, made.addresses))


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_the_twin_of_a_blob_without_a_place_gets_its_addresses_later(
    unit: bytes, mode: Mode, tmp_path: Path
) -> None:
    """GNU ld links the twin to the same debug sections as the object itself."""
    made = linked(unit, mode)
    sizes = {region: (size, align) for region, (size, align) in made.second.sizes().items()}
    where = packed({region: sizes[region] for region in sizes if region is not Region.EXPORT})
    ours = by_ld(tmp_path, twin(made.linked), where)
    same(ours, by_ld(tmp_path, unit, where))


def test_binutils_finds_the_lines_of_a_prelocated_extension(unit: bytes, tmp_path: Path) -> None:
    """Function and line of an address on the target, from the twin alone."""
    made = linked(unit, Mode.PRELOCATED)
    path = tmp_path / "twin.elf"
    path.write_bytes(twin(made.linked))
    run = next(each for each in made.linked.exports if each.name == "run")
    address = (made.linked.address(run) or 0) & ~1
    done = subprocess.run(
        [tool("addr2line"), "-f", "-e", str(path), f"{address:#x}"],
        capture_output=True,
        text=True,
        check=True,
    )
    function, _, place = done.stdout.strip().partition("\n")
    assert function == "run"
    assert place.endswith(("unit.c:11", "unit.c:12", "unit.c:13"))
    assert done.stderr == ""


def compressed(size: int) -> Sec:
    """A debug section that unpacks to zeros."""
    packed_bytes = struct.pack("<3I", 1, size, 1) + zlib.compress(bytes(size), 9)
    return Sec(name=".debug_info", flags=0x800, content=packed_bytes, align=1)


def test_debug_sections_that_unpack_to_too_much_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All together: a file of a few kilobytes can't cost gigabytes."""
    monkeypatch.setattr(debug, "MAX_UNPACKED", 1000)
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(4))
    sizes = [600, 700, 400, 1, 0]
    content = elfbuild.elf(sections=[text, *map(compressed, sizes)])
    made = linked_without_exports(content)
    assert [len(each.content) for each in made.linked.debug] == [600 + 400]


def linked_without_exports(content: bytes) -> Outcome:
    """Any object."""
    return Case(extension=extension(), base=offer(BASE)).link(content)


@pytest.mark.parametrize(
    "raw", [b"", b"\1\0\0\0", b"\1" + bytes(30), b"\1" + bytes(11) + b"x\x9c!"]
)
def test_debug_sections_that_cannot_be_unpacked_are_left_out(raw: bytes) -> None:
    """Damaged debug information costs the debugger something, not the build."""
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(4))
    bad = Sec(name=".debug_line", flags=0x800, content=raw, align=1)
    good = Sec(name=".debug_str", flags=0, content=b"text", align=1)
    made = linked_without_exports(elfbuild.elf(sections=[text, bad, good]))
    assert [each.name for each in made.linked.debug] == [".debug_str"]


def test_relocations_of_debug_sections_that_make_no_sense_are_left_alone() -> None:
    """Places outside, types that aren't known, symbols of sections that aren't there."""
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(4))
    rows = [
        Rel(offset=6, type=2, symbol="run"),
        Rel(offset=0, type=250, symbol="run"),
        Rel(offset=0, type=26, symbol="run"),
        Rel(offset=4, type=2, symbol="odd"),
    ]
    info = Sec(name=".debug_info", flags=0, content=b"12345678", align=1, relocations=rows)
    symbols = [Sym(name="run", section=".text"), Sym(name="odd", section=0xFF05, value=3)]
    made = linked_without_exports(elfbuild.elf(sections=[text, info], symbols=symbols))
    assert [each.content for each in made.linked.debug] == [b"1234\0\0\0\0"]
