# SPDX-License-Identifier: Apache-2.0
"""The three modes of one extension that has everything: the target ends with GNU ld's bytes.

relocatable and bound blobs are loaded here, at three placements each, by a loader that was written
after Zephyr's.
"""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import gnuld, hostloader, sameness
from support.cross import gcc, tool, zig
from support.elfbuild import Sym
from support.linking import Case, Outcome, Sizes, data, extension, offer, thumb

from west_llext.emit.blob import blob
from west_llext.emit.twin import twin
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

SOURCE = """
typedef unsigned int word;
extern int printk(const char *, ...);
extern void *memcpy(void *, const void *, word);
extern unsigned long long __aeabi_uldivmod(unsigned long long, unsigned long long);
extern int ticks;
extern const int limits[4];
__attribute__((weak)) extern int absent(int);
__attribute__((weak)) extern int present(int);

static int calls;
static int history[7];
int common;
int shared = 5;
static const char *const names[] = {"one", "two", "three", "four"};
static int *const slots[] = {&calls, &history[3], &shared, &ticks};
static int twice(int x) { return 2 * x; }
int thrice(int x) { return 3 * x + calls; }
static int (*const table[])(int) = {twice, thrice, absent, present};
static int (*current)(int) = twice;
const void *volatile anywhere = &limits[2];

__attribute__((constructor)) static void start(void) { printk("start"); }
__attribute__((constructor(200))) static void early(void) { printk("early"); }
__attribute__((destructor)) static void stop(void) { calls = 3; }

int run(int which, unsigned long long big)
{
    int here[4];
    memcpy(here, limits, sizeof here);
    if (absent) {
        calls += absent(which);
    }
    if (present) {
        calls += present(which);
    }
    switch (which) {
    case 0: common++; break;
    case 1: history[which]++; break;
    case 2: current = thrice; break;
    case 3: current = twice; break;
    case 4: shared += ticks; break;
    case 5: shared -= limits[3]; break;
    default: printk("%s %d", names[which & 3], which);
    }
    calls += *slots[which & 3] + table[which & 1](which) + current(which);
    return printk("%d %s", here[which & 3], names[calls & 3]) + (int)(big / 10);
}

struct entry { const char *name; const void *address; };
static const struct entry export_run
    __attribute__((section(".exported_sym"), used)) = {"run", (const void *)run};
"""

NEAR = 0x00200000  # within reach of the extension's .text


def symbols(start: int) -> list[Sym]:
    """The base image: functions from an address on, and variables in RAM."""
    names = ("printk", "memcpy", "__aeabi_uldivmod", "present", "__gnu_thumb1_case_uqi")
    functions = [thumb(name, start + 0x100 * number) for number, name in enumerate(names)]
    return [*functions, data("ticks", 0x20001000), data("limits", start + 0x8000)]


def placements(count: int) -> list[Mapping[Region, int]]:
    """Places for each region, near each other and far apart; the same ones every time."""
    chance = random.Random(count)  # noqa: S311 (any places will do)
    regions = [each for each in Region if each.label not in {"symtab", "strtab", "shstrtab"}]
    found = []
    for _ in range(count):
        starts = {each: chance.randrange(0x20008000, 0x2FFF0000, 64) for each in regions}
        starts[Region.TEXT] = chance.randrange(0x00010000, 0x00110000, 64)
        found.append(starts)
    return found


UNITS = {
    "m0": ("-mcpu=cortex-m0", "-mthumb", "-Os"),
    "m3": ("-mcpu=cortex-m3", "-mthumb", "-O1"),
    "m3-long-calls": ("-mcpu=cortex-m3", "-mthumb", "-O2", "-mlong-calls"),
    "m4f-sections": (
        "-mcpu=cortex-m4",
        "-mfloat-abi=hard",
        "-O2",
        "-ffunction-sections",
        "-fdata-sections",
    ),
    "m33-pure": ("-mcpu=cortex-m33", "-mthumb", "-O1", "-mpure-code"),
    "m0-common": ("-mcpu=cortex-m0", "-mthumb", "-O0", "-fcommon"),
    "m3-unwind": ("-mcpu=cortex-m3", "-mthumb", "-O1", "-funwind-tables", "-g"),
}
ZIGS = {
    "zig-m3": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3", "-Os"),
    "zig-m0": (
        "-target",
        "thumb-freestanding-eabi",
        "-mcpu=cortex_m0",
        "-O1",
        "-ffunction-sections",
    ),
}


@pytest.fixture(scope="module", params=[*UNITS, *ZIGS])
def unit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The object of SOURCE, for several processors, flags and compilers."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    if name in ZIGS:
        return zig(
            folder, SOURCE, *ZIGS[name], "-ffreestanding", "-fno-stack-protector"
        ).read_bytes()
    return gcc(folder, SOURCE, *UNITS[name], "-ffreestanding").read_bytes()


def theirs(
    folder: Path, content: bytes, made: Outcome, where: Mapping[Region, int], base: list[Sym]
) -> sameness.Linked:
    """What GNU ld makes; COMMON symbols are told where we put them."""
    lines = ""
    for index, offset in made.first.arranged.commons.items():
        name = made.first.obj.symbols[index].name
        lines += f"{name} = {where[Region.BSS] + offset:#x};\n"
    return gnuld.linked(
        folder,
        content,
        layout=sameness.layout(made),
        addresses=where,
        symbols=base,
        assignments=lines,
    )


def check(
    folder: Path, content: bytes, made: Outcome, where: Mapping[Region, int], base: list[Sym]
) -> int:
    """Nothing is different; the number of branches that went through veneers."""
    ours = sameness.memory(made, base, where)
    found = sameness.compared(made, ours, theirs(folder, content, made, where, base), where)
    assert found.different == []
    assert found.regions >= 7
    exported = ours[Region.EXPORT]
    entries = {}
    for name, address in struct.iter_unpack("<2I", exported):
        text = ours[Region.RODATA][name - where[Region.RODATA] :]
        entries[text.split(b"\0")[0].decode()] = address
    expected = {
        each.name: where[made.linked.sections[each.section].region] + each.offset
        for each in made.linked.exports
    }
    assert expected == entries
    assert entries["run"] & 1 == 1
    assert entries["shared"] & 1 == 0
    return found.veneers


def case(mode: Mode, base: list[Sym], **options: object) -> Case:
    """A link of the extension, which exports what its source and its manifest say."""
    made = extension(mode=mode, exports=["shared", "thrice"])
    return Case(extension=made, base=offer(base), **options)  # type: ignore[arg-type]  # named after the fields


@pytest.mark.cross
@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_a_blob_without_a_known_heap_loads_anywhere(
    unit: bytes, mode: Mode, tmp_path: Path
) -> None:
    """Every call of the base image goes through a veneer, and none is left for the loader."""
    base = symbols(NEAR)
    content = gnuld.unmerged(unit)
    made = case(mode, base).link(content)
    assert {"R_ARM_THM_CALL", "R_ARM_THM_JUMP24"} & made.linked.left.keys() == set()
    for where in placements(3):
        veneers = check(tmp_path, content, made, where, base)
        assert veneers == sum(map(len, made.second.stubs.by_place.values()))


@pytest.mark.cross
@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_a_blob_for_a_heap_in_reach_needs_no_veneers(
    unit: bytes, mode: Mode, tmp_path: Path
) -> None:
    """The heap is near the base image: what is left is what depends on the place."""
    base = symbols(NEAR)
    content = gnuld.unmerged(unit)
    made = case(mode, base, heap=(0x00010000, 0x00120000)).link(content)
    for where in placements(3):
        assert check(tmp_path, content, made, where, base) == 0


@pytest.mark.cross
def test_a_prelocated_blob_is_what_gnu_ld_makes(unit: bytes, tmp_path: Path) -> None:
    """At three placements; the blob has nothing left to do."""
    base = symbols(NEAR)
    content = gnuld.unmerged(unit)
    for where in placements(3):
        chosen = where

        def place(sizes: Sizes) -> Mapping[Region, int]:
            return {region: chosen[region] for region in sizes}  # noqa: B023 (used at once)

        windows = {"text": (0x00010000, 0x00120000)}
        made = case(Mode.PRELOCATED, base, place=place, windows=windows).link(content)
        assert made.linked.left == {}
        assert check(tmp_path, content, made, where, base) == 0


@pytest.mark.cross
@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_readelf_reads_blob_and_twin_without_a_warning(
    unit: bytes, mode: Mode, tmp_path: Path
) -> None:
    """binutils' reader complains of what it finds odd."""
    made = case(mode, symbols(NEAR)).link(unit)
    for name, content in (("blob", blob(made.linked)), ("twin", twin(made.linked))):
        path = tmp_path / name
        path.write_bytes(content)
        done = subprocess.run(
            [tool("readelf"), "-aW", str(path)], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        assert "arning" not in done.stdout.replace("-Warning", "")


@pytest.mark.cross
def test_bound_mode_leaves_no_name_to_look_up(unit: bytes) -> None:
    """Base symbols are absolute; what doesn't depend on the place is applied."""
    made = case(Mode.BOUND, symbols(NEAR), heap=(0x00010000, 0x00120000)).link(unit)
    named = case(Mode.RELOCATABLE, symbols(NEAR), heap=(0x00010000, 0x00120000)).link(unit)
    read = hostloader.read(blob(made.linked))
    assert [name for name, _, _, _, section in read.symbols[1:] if section == 0] == []
    assert sum(made.linked.left.values()) < sum(named.linked.left.values())
    assert made.linked.identity is not None
    assert named.linked.identity is None


@pytest.mark.cross
def test_constructors_run_in_the_order_of_their_priority(unit: bytes) -> None:
    """.init_array.00200 comes before .init_array."""
    made = case(Mode.PRELOCATED, symbols(NEAR)).link(unit)
    section = made.linked.section(Region.INIT)
    assert section is not None
    names = {
        symbol.value: symbol.name
        for symbol in made.linked.all_symbols
        if symbol.section == 1 and symbol.name in {"start", "early"}
    }
    text = made.addresses[Region.TEXT]
    order = [names[word - text] for (word,) in struct.iter_unpack("<I", section.content)]
    assert order == ["early", "start"]
