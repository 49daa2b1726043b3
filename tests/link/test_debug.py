# SPDX-License-Identifier: Apache-2.0
"""Debug information of the twin: the bytes that GNU ld makes, and lines that binutils finds."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import elfbuild, gnuld, riscv
from support.compiling import available
from support.cross import gcc, tool, zig
from support.elfbuild import SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, Rel, Sec, Sym
from support.linking import Case, Outcome, extension, offer, packed, thumb
from support.tools import tools_of

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
EM_ARM = 40
ULEB128 = (60, 61)  # R_RISCV_SET_ULEB128, R_RISCV_SUB_ULEB128
UNITS = {
    "gcc-o0": ("-O0", "-g"),
    "gcc-o2-dwarf4": ("-O2", "-gdwarf-4"),
    "gcc-o2-dwarf5": ("-O2", "-gdwarf-5", "-ffunction-sections"),
    "gcc-macros": ("-O1", "-g3"),
    "gcc-compressed": ("-O1", "-g", "-gz"),
}
# without -mno-relax every length in the debug information is a difference of labels
RISCV_UNITS = {
    "rv32-o0": (32, "-O0", "-g", "-mno-relax"),
    "rv32-o2-relax": (32, "-O2", "-g", "-ffunction-sections"),
    "rv64-o2-dwarf4-relax": (64, "-O2", "-gdwarf-4"),
    "rv64-macros": (64, "-O1", "-g3", "-mno-relax"),
    "rv64-aligned-relax": (64, "-O2", "-g", "-falign-functions=32", "-falign-loops=16"),
}


ZIG_UNITS = {
    "zig": ("thumb-freestanding-eabi", "cortex_m3", "-g"),
    "rv32-zig": ("riscv32-freestanding", "generic_rv32+m+a+c+relax", "-g"),
    "rv64-zig-dwarf5": ("riscv64-freestanding", "generic_rv64+m+a+c+relax", "-gdwarf-5"),
}


OTHER_UNITS = {
    "aarch64-o2": ("aarch64-linux-gnu-", "-O2", "-g", "-fno-pic", "-ffunction-sections"),
    "x86-o2-dwarf4": ("x86_64-linux-gnu-", "-O2", "-gdwarf-4", "-m32", "-fno-pic"),
    "x86-64-macros": ("x86_64-linux-gnu-", "-O1", "-g3", "-fno-pic"),
    "xtensa-o2": ("xtensa-lx106-elf-", "-O2", "-g", "-mtext-section-literals"),
    "arc-o2": ("arc-linux-gnu-", "-O2", "-g", "-fno-pic", "-mno-sdata", "-ffunction-sections"),
}


@pytest.fixture(scope="module", params=[*UNITS, *RISCV_UNITS, *ZIG_UNITS, *OTHER_UNITS])
def unit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The object of SOURCE with debug information of several kinds."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    if name in ZIG_UNITS:
        target, cpu, debug_flag = ZIG_UNITS[name]
        flags = ("-target", target, f"-mcpu={cpu}", "-O1", debug_flag)
        return zig(folder, SOURCE, *flags).read_bytes()
    if name in OTHER_UNITS:
        prefix, *options = OTHER_UNITS[name]
        plain = ("-ffreestanding", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
        return gcc(folder, SOURCE, *plain, *options, prefix=prefix).read_bytes()
    if name in RISCV_UNITS:
        bits, *options = RISCV_UNITS[name]
        return riscv.compiled(folder, SOURCE, bits, *options)
    return gcc(folder, SOURCE, "-mcpu=cortex-m3", "-mthumb", *UNITS[name]).read_bytes()


def base(content: bytes) -> Sym:
    """What the object needs of its base image."""
    return (thumb if tools_of(content).machine == EM_ARM else riscv.function)("printk", 0x8000)


def linked(content: bytes, mode: Mode) -> Outcome:
    """The object with its twin's contents."""
    ident = object_file(content, "unit.o").ident
    made = extension(mode=mode, exports=["run"])
    return Case(extension=made, base=offer([base(content)], ident=ident)).link(content)


def debug_sections(content: bytes) -> dict[str, list[bytes]]:
    """Bytes of the debug sections, by name, uncompressed."""
    obj = object_file(content, "linked")
    found: dict[str, list[bytes]] = {}
    for index, section in enumerate(obj.sections):
        if section.name.startswith(".debug_"):
            raw = obj.content(index)
            if section.flags & 0x800:
                raw = zlib.decompress(raw[12 if obj.ident.bits == 32 else 24 :])
            found.setdefault(section.name, []).append(raw)
    return found


def linker(content: bytes) -> list[str]:
    """GNU ld; lld for numbers of variable length, which GNU ld 2.40 doesn't know."""
    tools = tools_of(content)
    rows = [row for each in object_file(content, "unit.o").relocations.values() for row in each]
    if tools.machine == riscv.EM_RISCV and any(row.type in ULEB128 for row in rows):
        return [sys.executable, "-m", "ziglang", "ld.lld", tools.link[0], "--no-relax"]
    return [tool("ld", tools.prefix), *tools.link]


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
    lines = [f"printk = {base(content).value:#x};", "SECTIONS {"]
    lines += [
        f"  .{region.label} {addresses[region]:#x} : {{ {what} }}"
        for region, what in names.items()
        if region in addresses
    ]
    lines.append("  /DISCARD/ : { *(.ARM.exidx* .rel.ARM.exidx* .exported_sym) }")
    control.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")
    command = [*linker(content), "--nmagic", "-e", "0", "-T", control.name]
    command += [unit.name, "-o", made.name]
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
    """GNU ld links the twin to the same debug sections as the object itself.

    Where gdb couldn't do that, the twin has been linked already.
    """
    made = linked(unit, mode)
    if made.linked.debug_addresses:
        places = zip(made.linked.sections, made.linked.debug_addresses, strict=True)
        where = {section.region: address for section, address in places}
        same(debug_sections(twin(made.linked)), by_ld(tmp_path, unit, where))
        return
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
    address = (made.linked.address(run) or 0) & ~(tools_of(unit).machine == EM_ARM)
    done = subprocess.run(
        [tool("addr2line", tools_of(unit).prefix), "-f", "-e", str(path), f"{address:#x}"],
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


def test_a_debug_section_that_unpacks_to_many_times_its_object_is_left_out() -> None:
    """A file of 256 KiB can't cost 256 MiB; that of a compiler is a third of what it unpacks to."""
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(4))
    content = elfbuild.elf(sections=[text, *map(compressed, (1 << 20, 20_000))])
    assert 20_000 < 64 * len(content) < 1 << 20
    made = linked_without_exports(content)
    assert [len(each.content) for each in made.linked.debug] == [20_000]


def linked_without_exports(content: bytes) -> Outcome:
    """Any object."""
    return Case(extension=extension(), base=offer([base(content)])).link(content)


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


def differences(mode: Mode, *rows: Rel) -> list[bytes]:
    """Debug sections of a RISC-V object with eight bytes of debug information."""
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(8))
    variables = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=bytes(8))
    content = b"1234\xff\xff\xff\xff"
    info = Sec(name=".debug_info", flags=0, content=content, align=1, relocations=rows)
    file = elfbuild.elf(
        machine=riscv.EM_RISCV,
        flags=1,
        sections=[text, variables, info],
        symbols=[
            Sym(name="first", section=".text"),
            Sym(name="last", section=".text", value=6),
            Sym(name="other", section=".data", value=4),
        ],
    )
    base_image = offer([], ident=riscv.ident(32))
    made = Case(extension=extension(mode=mode), base=base_image).link(file)
    return [each.content for each in made.linked.debug]


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_a_difference_of_labels_needs_no_address(mode: Mode) -> None:
    """R_RISCV_SET32, R_RISCV_SUB32, in each mode; the order of other places doesn't matter."""
    rows = (
        Rel(offset=4, type=56, symbol="last", addend=1),
        Rel(offset=4, type=39, symbol="first", addend=0),
    )
    assert differences(mode, *rows) == [b"1234\7\0\0\0"]


@pytest.mark.parametrize(
    "rows",
    [
        # R_RISCV_ADD32 and R_RISCV_SUB32 of two regions, whose distance nobody knows
        [
            Rel(offset=0, type=35, symbol="other", addend=0),
            Rel(offset=0, type=39, symbol="first", addend=0),
        ],
        # one of two at the end of the section
        [
            Rel(offset=6, type=34, symbol="last", addend=0),
            Rel(offset=6, type=39, symbol="first", addend=0),
        ],
        # R_RISCV_SET_ULEB128 of a number that doesn't end
        [
            Rel(offset=4, type=60, symbol="last", addend=0),
            Rel(offset=4, type=61, symbol="first", addend=0),
        ],
    ],
)
def test_a_difference_that_makes_no_sense_is_left_alone(rows: list[Rel]) -> None:
    """As any other damaged debug information."""
    assert differences(Mode.RELOCATABLE, *rows) == [b"1234\xff\xff\xff\xff"]


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("-mcpu=cortex-m3", "-mthumb"), "ldr.w pc, [pc]"),
        (("-mcpu=cortex-m0", "-mthumb"), "push {r4}"),
        (("-mcpu=cortex-a9", "-marm"), "ldr pc, [pc, #-4]"),
    ],
    ids=["thumb2", "thumb1", "arm"],
)
def test_a_disassembler_tells_the_address_of_a_veneer_from_its_code(
    flags: tuple[str, ...], code: str, tmp_path: Path
) -> None:
    """By mapping symbols (AAELF32, "Mapping symbols"), as in what a compiler makes."""
    text = "int far(int); int further(int); int run(int x) { return far(x) + further(x) + 1; }\n"
    content = gcc(tmp_path, text, *flags, "-Os").read_bytes()
    base = [thumb("far", 0x20001000), thumb("further", 0x20002000)]
    case = Case(extension=extension(mode=Mode.PRELOCATED), base=offer(base), place=packed)
    (tmp_path / "twin.elf").write_bytes(twin(case.link(content).linked))
    command = [tool("objdump"), "-d", str(tmp_path / "twin.elf")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = [line.split(".word")[1].strip() for line in printed.splitlines() if ".word" in line]
    assert words == ["0x20001001", "0x20002001"]
    assert " ".join(printed.split()).count(code) >= 2
    assert "__veneer_far" in printed


GDB_UNITS = {
    "arm": ("arm-none-eabi-", ("-mcpu=cortex-m3", "-mthumb")),
    "aarch64": ("aarch64-linux-gnu-", ("-fno-pic",)),
    "rv32": ("riscv64-unknown-elf-", ("-march=rv32imac", "-mabi=ilp32", "-mno-relax")),
    "rv64": ("riscv64-unknown-elf-", ("-mcmodel=medany", "-mno-relax")),
    "x86": ("x86_64-linux-gnu-", ("-m32", "-fno-pic", "-fcf-protection=none")),
    "x86-64": ("x86_64-linux-gnu-", ("-fno-pic", "-fcf-protection=none")),
    "xtensa": ("xtensa-lx106-elf-", ("-mlongcalls",)),
    "arc": ("arc-linux-gnu-", ("-fno-pic", "-mno-sdata")),
}


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
@pytest.mark.parametrize("name", GDB_UNITS)
def test_gdb_finds_lines_and_variables_at_the_addresses_that_it_is_told(
    name: str, mode: Mode, tmp_path: Path
) -> None:
    """Of an extension without a place too: gdb can't relocate objects of each machine itself."""
    prefix, flags = GDB_UNITS[name]
    flags = (*flags, "-g", "-O1", "-ffreestanding", "-fno-stack-protector")
    content = gcc(tmp_path, SOURCE, *flags, prefix=prefix).read_bytes()
    obj = object_file(content, "unit.o")
    case = Case(extension=extension(mode=mode), base=offer([base(content)], ident=obj.ident))
    made = case.link(content)
    (tmp_path / "twin.elf").write_bytes(twin(made.linked))
    regions = (Region.TEXT, Region.DATA, Region.RODATA, Region.BSS)
    places = dict(made.addresses) or {each: 0x60000 + 0x1000 * each for each in regions}
    sections = [each for each in made.linked.sections if each.region in regions]
    words = " ".join(f"-s {each.name} {places[each.region]:#x}" for each in sections)
    values = {each.name: each.value for each in made.linked.all_symbols}
    thumb_bit = int(obj.ident.machine == EM_ARM)
    run = places[Region.TEXT] + (values["run"] & ~thumb_bit)
    shared = places[Region.DATA] + values["shared"]
    commands = [
        "set confirm off",
        f"add-symbol-file twin.elf {words}",
        f"info line *{run:#x}",
        "print &shared",
        "print sizeof(calls)",
    ]
    command = [
        available("gdb-multiarch"),
        "-nx",
        "-batch",
        *(word for each in commands for word in ("-ex", each)),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f'Line 12 of "unit.c" starts at address {run:#x} <run>' in done.stdout
    assert f"$1 = (int *) {shared:#x} <shared>" in done.stdout
    assert "$2 = 12" in done.stdout
    assert done.stderr == ""
