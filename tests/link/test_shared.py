# SPDX-License-Identifier: Apache-2.0
"""Shared objects for Xtensa, made by GNU ld, as what an extension is made of.

In every mode memory is in the end what a dynamic linker makes of the shared object with each region
at the same address.
"""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support import sameness
from support.cross import gcc, tool
from support.elfbuild import (
    DYNSYM,
    ET_DYN,
    FUNC,
    NOBITS,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    Rel,
    Sec,
    Seg,
    Sym,
    elf,
)
from support.linking import Case, Outcome, Sizes, data, extension, offer
from support.loads import load, logged, region, target
from support.sharedobject import SharedObject

from west_llext.loader.storage import Storage
from west_llext.loader.target import HeapPlan, Machine
from west_llext.model.elf import Ident
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

PREFIX = "xtensa-lx106-elf-"
IDENT = Ident(machine=94, bits=32, little=True, flags=0x300)

SOURCE = r"""
struct entry { const char *name; const void *address; };
#define EXPORT(name) static const struct entry entry_##name \
    __attribute__((section(".exported_sym"), used)) = {#name, (const void *)(name)}
int printk(const char *, ...);
extern int ticks, limits[8];
static int counter = 3;
int shared = 7;
int zeros[10];
int *inside = &zeros[3], *outside = &limits[2];
static int list[4] = {1, 2, 3, 4};
int *end = list + 4;
const char *names[] = {"one", "two"};
static int helper(int x) { return x * counter + shared; }
__attribute__((noinline)) int other(int x) { return x + ticks; }
int (*table[])(int) = {helper, other, 0};
__attribute__((section(".text.far"), noinline)) int far(int x) { return list[x & 3] + counter; }
__attribute__((section(".init.code"), noinline)) int early(int x) { return far(x) + x; }
int run(int x)
{
    zeros[x & 3]++;
    printk("hello %d %s\n", x, names[x & 1]);
    switch (x) {
    case 0: return 5;
    case 1: return other(9);
    case 2: return early(17);
    case 3: return helper(3);
    case 4: return 99;
    case 5: return -3;
    }
    for (int *each = list; each != end; each++) counter += *each;
    return table[x & 1](x) + other(x) + *inside + *outside;
}
EXPORT(run);
EXPORT(helper);
"""
WEAK = """
__attribute__((weak)) extern int absent, present;
__attribute__((weak, visibility("hidden"))) extern int nowhere;
int *never = &absent, *perhaps = &present, *hidden = &nowhere;
"""
BASE = (
    data("printk", 0x40100010),
    data("ticks", 0x3FFE0004),
    data("limits", 0x3FFE0100),
    data("present", 0x3FFE0200),
)
SYMBOLS = {each.name: each.value for each in BASE}


@pytest.fixture(scope="module", params=["-Os", "-O0"])
def made_by_ld(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The shared object."""
    return linked_shared(tmp_path_factory.mktemp("shared"), SOURCE + WEAK, request.param)


def linked_shared(folder: Path, source: str, *flags: str) -> bytes:
    """What GNU ld makes of a source, as Zephyr's build links it."""
    unit = gcc(folder, source, "-fPIC", "-mlongcalls", *flags, prefix=PREFIX)
    command = [tool("gcc", PREFIX), "-shared", "-nostdlib", "-nodefaultlibs", unit.name]
    subprocess.run([*command, "-o", "unit.so"], cwd=folder, check=True)
    return (folder / "unit.so").read_bytes()


def spots(sizes: Sizes, turn: int) -> dict[Region, int]:
    """Every region somewhere."""
    chance = random.Random(turn)  # noqa: S311  nothing secret
    found = {}
    for number, (each, (_, align)) in enumerate(sorted(sizes.items())):
        start = 0x20000000 + (number << 24) + chance.randrange(1 << 20)
        found[each] = (start + align - 1) & -align
    return found


def case(content: bytes, mode: Mode, turn: int = 0, exports: Sequence[str] = ("other",)) -> Outcome:
    """The shared object, linked."""
    return Case(
        extension=extension(mode=mode, exports=exports),
        base=offer(BASE, ident=IDENT),
        place=lambda sizes: spots(sizes, turn),
    ).link(content, "unit.so")


@pytest.mark.cross
@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_memory_is_what_a_dynamic_linker_makes_of_it(
    mode: Mode, turn: int, made_by_ld: bytes
) -> None:
    """Wherever the regions are. The export that the manifest adds is behind the others."""
    made = case(made_by_ld, mode, turn)
    where = made.addresses or spots(made.second.sizes(), turn)
    ours = sameness.memory(made, BASE, where)
    places = {each.label: address for each, address in where.items()}
    theirs = SharedObject(made_by_ld).loaded(places, SYMBOLS.get)
    assert theirs.keys() == {each.label for each in ours}
    for each, content in ours.items():
        expected = theirs[each.label]
        if each is Region.BSS:
            assert made.second.sizes()[each][0] == len(expected)
        else:
            assert content[: len(expected)] == expected, each
            assert len(content) - len(expected) == {Region.EXPORT: 8, Region.RODATA: 6}.get(each, 0)


@pytest.mark.cross
def test_what_is_left_depends_on_the_mode(made_by_ld: bytes) -> None:
    """The loader gets R_XTENSA_32 in an ET_REL; without procedure linkage, of which it knows."""
    for mode, left in ((Mode.RELOCATABLE, True), (Mode.BOUND, True), (Mode.PRELOCATED, False)):
        record = case(made_by_ld, mode).linked
        assert set(record.left) == ({"R_XTENSA_32"} if left else set())
        assert [each.name for each in record.exports] == ["helper", "other", "run"]
        imports = {each.name for each in record.imports}
        assert imports == {"absent", "limits", "present", "printk", "ticks"}
    names = [each.name for each in case(made_by_ld, Mode.BOUND).linked.symbols if each.name]
    assert names == ["helper"]


@pytest.mark.cross
def test_the_loader_makes_the_same_of_the_shared_object(tmp_path: Path) -> None:
    """Its model leaves the regions in the file, in writable memory; weak symbols get nothing."""
    content = linked_shared(tmp_path, SOURCE, "-Os")
    on = target(
        machine=Machine.XTENSA,
        heap=HeapPlan(address=0x60500000, size=64 << 10),
        symbols={name.encode(): value for name, value in SYMBOLS.items()},
    )
    system, loaded = load(content, on, storage=Storage.WRITABLE, buffer=0x60300000)
    assert (loaded.result, logged(loaded)) == (0, [])
    assert loaded.ext is not None
    made = case(content, Mode.RELOCATABLE, exports=())
    places = dict(zip(system.target.mem.names, loaded.ext.mem, strict=False))
    where = {each: places[each.label] for each in made.second.sizes()}
    ours = sameness.memory(made, BASE, where)
    assert {each.label for each in ours} == {"text", "data", "rodata", "bss", "export"}
    for each in ours.keys() - {Region.BSS}:
        theirs = region(system, loaded, each.label)
        # between sections the loader has whatever is there in the file
        for _, start, size in made.first.arranged.outputs[each].pieces:
            assert ours[each][start : start + size] == theirs[start : start + size], each


RET = bytes.fromhex("0df00000")  # ret.n, and a gap
TEXT = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, addr=0x1000, content=RET * 4)


def by_hand(
    *sections: Sec,
    symbols: Sequence[Sym] = (),
    little: bool = True,
    together: Sequence[str] = (),
) -> Outcome:
    """A shared object that was laid out by hand, linked.

    together: names of sections that have the same distances in the file as in memory
    """
    content = elf(
        sections=sections,
        symbols=symbols,
        file_type=ET_DYN,
        symbol_table=DYNSYM,
        machine=94,
        flags=0x300,
        little=little,
        segments=[Seg(sections=together)] if together else (),
    )
    ident = Ident(machine=94, bits=32, little=little, flags=0x300)
    return Case(extension=extension(), base=offer(BASE, ident=ident)).link(content, "unit.so")


def words(*values: int, order: str = "<") -> bytes:
    """Words of 32 bits."""
    return struct.pack(f"{order}{len(values)}I", *values)


def pointers(*relocations: Rel, addr: int = 0x2000, content: bytes | None = None) -> Sec:
    """A section of data whose words are relocated."""
    return Sec(
        name=".data",
        flags=SHF_ALLOC | SHF_WRITE,
        addr=addr,
        content=bytes(16) if content is None else content,
        relocations=relocations,
    )


def texts(made: Outcome) -> list[str]:
    """What was found."""
    return [str(each) for each in made.findings]


@pytest.mark.parametrize("little", [True, False])
def test_dynamic_relocations_are_applied_as_their_names_say(*, little: bool) -> None:
    """Counted by hand: RELATIVE adds to the place, GLOB_DAT and JMP_SLOT replace it, 32 adds."""
    order = "<" if little else ">"
    relocations = (
        Rel(offset=0x2000, type=5, addend=0),  # to .text+0x4
        Rel(offset=0x2004, type=5, addend=4),  # to .data+0x8: the word and the addend
        Rel(offset=0x2008, type=3, symbol="run", addend=0),
        Rel(offset=0x200C, type=4, symbol="printk", addend=0),
        Rel(offset=0x2010, type=1, symbol="limits", addend=8),
        Rel(offset=0x2014, type=2, addend=1),  # RTLD, which is ignored
        Rel(offset=0, type=0, addend=0),  # NONE, with which GNU ld fills the table up
    )
    held = words(0x1004, 0x2004, 0x11111111, 0x22222222, 0x100, 0x33333333, order=order)
    data_ = pointers(*relocations, content=held)
    run = Sym(name="run", value=0x1008, type=FUNC, section=".text")
    made = by_hand(
        TEXT, data_, symbols=[run, Sym(name="printk"), Sym(name="limits")], little=little
    )
    text, start = made.addresses[Region.TEXT], made.addresses[Region.DATA]
    assert made.content(Region.DATA) == words(
        text + 4,
        start + 8,
        text + 8,
        SYMBOLS["printk"],
        SYMBOLS["limits"] + 8 + 0x100,
        0x33333333,
        order=order,
    )
    assert made.linked.applied == {"R_XTENSA_32": 5}


def test_a_word_may_point_to_the_end_of_a_section() -> None:
    """As a pointer behind an array does; where another section begins there, it is that one's."""
    ends = (Rel(offset=0x2000, type=5, addend=0x1010), Rel(offset=0x2004, type=5, addend=0x2010))
    more = Sec(name=".data.more", flags=SHF_ALLOC | SHF_WRITE, addr=0x2010, content=bytes(4))
    made = by_hand(TEXT, pointers(*ends), more)
    text, start = made.addresses[Region.TEXT], made.addresses[Region.DATA]
    assert made.content(Region.DATA) == words(text + 16, start + 16, 0, 0, 0)


def test_sections_of_a_region_keep_their_distance() -> None:
    """And their remainder by the largest alignment: what was applied counts on both."""
    first = replace(TEXT, addr=0x1024, content=RET * 2)
    second = replace(TEXT, name=".text.b", addr=0x1060, content=RET, align=32)
    made = by_hand(first, second, together=[".text", ".text.b"])
    assert made.content(Region.TEXT) == bytes(4) + RET * 2 + bytes(0x34) + RET


def test_a_relocation_where_nothing_is_says_so() -> None:
    """R005, once for each type."""
    outside = (
        Rel(offset=0x3000, type=5, addend=0),
        Rel(offset=0x0, type=5, addend=0),
        Rel(offset=0x4000, type=99, addend=0),
    )
    assert texts(by_hand(TEXT, pointers(*outside))) == [
        """\
unit.so: error[R005]: R_XTENSA_RELATIVE at address 0x3000, where the file has no section (and 1 \
more like it)""",
        "unit.so: error[R005]: relocation type 99 at address 0x4000, where the file has no section",
    ]


def test_a_relocation_over_the_end_of_its_section_says_so() -> None:
    """R005, as in a relocatable object."""
    over = (Rel(offset=0x200E, type=5, addend=0x1000),)
    assert texts(by_hand(TEXT, pointers(*over))) == [
        "unit.so: error[R005]: R_XTENSA_RELATIVE at .data+0xe changes 4 bytes, '.data' has 0x10"
    ]


def test_a_word_that_points_to_where_nothing_is_says_so() -> None:
    """R006; also where something is that the target doesn't load."""
    dynamic = Sec(name=".dynamic", type=6, flags=SHF_ALLOC | SHF_WRITE, addr=0x3000, size=8)
    astray = (
        Rel(offset=0x2000, type=5, addend=0x8000),
        Rel(offset=0x2004, type=5, addend=0),
        Rel(offset=0x2008, type=5, addend=0x3004),
    )
    assert texts(by_hand(TEXT, pointers(*astray), dynamic)) == [
        """\
unit.so: error[R006]: R_XTENSA_RELATIVE at .data+0x0 refers to address 0x8000, where the file has \
no section that is loaded (and 2 more like it)"""
    ]


def test_sections_that_the_linker_put_apart_say_so() -> None:
    """L014, as the loader's "Incompatible section addresses"; BSS has no place in the file."""
    far = replace(TEXT, name=".text.far", addr=0x9000)
    blank = Sec(name=".bss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, addr=0xA000, size=4)
    assert texts(by_hand(TEXT, far, blank, replace(blank, name=".bss2", addr=0xA010))) == [
        """\
unit.so: error[L014]: section '.text.far' is at 0x9000 and '.text' at 0x1000, which isn't how far \
they are apart in the file
hint: link the shared object with the linker's own script""",
        """\
unit.so: error[L014]: section '.bss2' is at 0xa010 and '.bss' at 0xa000, which isn't how far they \
are apart in the file
hint: link the shared object with the linker's own script""",
    ]


def test_a_relocatable_object_cant_have_dynamic_relocations() -> None:
    """R001: no address of the file is one of a section there."""
    content = elf(
        sections=[replace(TEXT, addr=0), pointers(Rel(offset=0, type=5, addend=0), addr=0)],
        machine=94,
        flags=0x300,
    )
    made = Case(extension=extension(), base=offer(BASE, ident=IDENT)).link(content)
    assert texts(made) == [
        """\
unit.o: error[R001]: R_XTENSA_RELATIVE at .data+0x0 against '' can't be used in an extension: a \
dynamic relocation, which only shared objects have
hint: link the object again, with -shared or with ld -r"""
    ]
