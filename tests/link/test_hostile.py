# SPDX-License-Identifier: Apache-2.0
"""Damaged objects: findings, or a blob that the loader accepts; never a traceback or gigabytes.

Real objects are changed where it hurts: in section headers, symbols and relocations.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import acceptance, riscv
from support.cross import gcc, tool
from support.gnuld import SectionTable
from support.linking import ARM, Case, data, extension, offer, thumb

from west_llext.diagnostics import LlextError, has_errors
from west_llext.elf.read import object_file
from west_llext.emit.blob import blob
from west_llext.emit.twin import twin
from west_llext.link.place import Need, placement
from west_llext.model.elf import Ident, ObjectFile
from west_llext.model.manifest import Memory, Mode
from west_llext.model.region import PLACEABLE, Region

pytestmark = pytest.mark.cross

SOURCE = """
extern int printk(const char *, ...);
extern int ticks;
__attribute__((weak)) extern int absent(int);
int common[3];
static int counter;
static const char *const names[] = {"one", "two"};
int (*current)(int) = absent;
__attribute__((constructor)) static void start(void) { counter = ticks; }
int run(int which)
{
    common[which & 1]++;
    return printk(names[which & 1], &counter, current) + absent(which);
}
struct entry { const char *name; const void *address; };
static const struct entry export_run
    __attribute__((section(".exported_sym"), used)) = {"run", (const void *)run};
"""
XTENSA = "xtensa-lx106-elf-"
SHARED = Ident(machine=94, bits=32, little=True, flags=0x300)
FLAGS = ("-mcpu=cortex-m3", "-mthumb", "-O1", "-fcommon", "-ffunction-sections")
BASE = (thumb("printk", 0x1000), data("ticks", 0x20000000))
LIMIT = 1 << 30


@pytest.fixture(autouse=True, scope="module")
def bounded_memory() -> Iterator[None]:
    """An allocation of a gigabyte fails, so that the test does."""
    if sys.platform != "linux":
        yield
        return
    import resource

    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * 4096
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture(scope="module", params=["arm", "rv32", "rv64", "xtensa"])
def unit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small object with everything in it; RISC-V with differences, a table and padding.

    That of Xtensa is a shared one.
    """
    folder = tmp_path_factory.mktemp("unit")
    if request.param == "arm":
        return gcc(folder, SOURCE, *FLAGS, "-g", "-gz").read_bytes()
    if request.param == "xtensa":
        made = gcc(folder, SOURCE, "-fPIC", "-mlongcalls", "-g", prefix=XTENSA)
        command = [tool("gcc", XTENSA), "-shared", "-nostdlib", made.name, "-o", "unit.so"]
        subprocess.run(command, cwd=folder, check=True)
        return (folder / "unit.so").read_bytes()
    flags = ("-fcommon", "-ffunction-sections", "-fPIC", "-falign-functions=16", "-g", "-gz")
    return riscv.compiled(folder, SOURCE, 32 if request.param == "rv32" else 64, *flags)


class Tables:
    """Where the tables of an object are, to change them."""

    def __init__(self, content: bytes) -> None:
        """Of a whole object that nothing was changed in yet."""
        self.table = SectionTable(content)
        rows = [self.table.row(content, each) for each in range(self.table.count)]
        self.symbols = next(row for row in rows if row[1] in {2, 11})
        self.relocations = [row for row in rows if row[1] in {4, 9}]

    def places(self, kind: str) -> list[int]:
        """Offsets of the words of a kind of table."""
        start = self.table.start
        if kind == "section":
            return list(range(start, start + self.table.header.size * self.table.count, 4))
        if kind == "symbol":
            return list(range(self.symbols[4], self.symbols[4] + self.symbols[5], 4))
        if kind == "relocation":
            return [at for row in self.relocations for at in range(row[4], row[4] + row[5], 4)]
        return list(range(52, start, 4))


VALUES = st.one_of(
    st.integers(0, 64),
    st.sampled_from(
        [0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFF1, 0xFFF2, 0xFF00, 0x10000, 0x30003]
    ),
    st.integers(0, 0xFFFFFFFF),
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["section", "symbol", "relocation", "section", "symbol", "content"]),
        st.integers(0, 1 << 20),
        st.sampled_from(["word", "low half", "high half", "byte"]),
        VALUES,
    ),
    min_size=1,
    max_size=6,
)

Change = tuple[str, int, str, int]


def changed(content: bytes, changes: list[Change]) -> bytes:
    """The object with some words of its tables changed."""
    found = bytearray(content)
    tables = Tables(content)
    for kind, number, width, value in changes:
        places = tables.places(kind)
        at = places[number % len(places)]
        if width == "word":
            struct.pack_into("<I", found, at, value)
        elif width == "byte":
            found[at + value % 4] = value >> 2 & 0xFF
        else:
            struct.pack_into("<H", found, at + (2 if width == "high half" else 0), value & 0xFFFF)
    return bytes(found)


def no_line(obj: ObjectFile, section: int, offset: int) -> None:
    """Nothing is known of lines; the places have to be in the object."""
    assert 0 <= section < len(obj.sections)
    assert offset >= 0


def link(content: bytes, mode: Mode) -> None:
    """All the way; whatever is wrong must be a finding."""
    ident = ARM
    if riscv.EM_RISCV in content[18:19]:
        ident = riscv.ident(32 * content[4])
    elif SHARED.machine in content[18:19]:
        ident = SHARED
    made = extension(
        mode=mode,
        exports=["run", "common"],
        place=dict.fromkeys(PLACEABLE, "ram") if mode is Mode.PRELOCATED else None,
    )
    memory = Memory(name="ram", address=0x10000, size=1 << 24, access="rwx")
    unplaced = []

    def place(sizes: dict[Region, tuple[int, int]]) -> dict[Region, int]:
        found = placement([Need(extension=made, regions=sizes)], [memory])
        unplaced.extend(found.findings)
        addresses = found.by_extension().get("ext", {})
        return {region: addresses.get(region, 0) for region in sizes}

    case = Case(
        extension=made,
        base=offer(BASE, ident=ident),
        place=place,  # type: ignore[arg-type]  # a Mapping is a dict here
        windows={"ram": (memory.address, memory.end)},
        line=no_line,
    )
    try:
        outcome = case.link(content)
    except LlextError:
        return
    if outcome.record is None or has_errors(outcome.findings) or unplaced:
        assert all(str(each) for each in [*outcome.findings, *unplaced])
        return
    file = blob(outcome.record)
    assert len(file) < len(content) * 8 + (1 << 20)
    twin(outcome.record)
    if outcome.record.sections and ident == ARM:
        problems = acceptance.problems(file)
        assert problems == [], problems


def test_the_object_itself_is_fine(unit: bytes) -> None:
    """Or nothing of what follows would mean anything."""
    for mode in Mode:
        made = extension(mode=mode, exports=["run", "common"])
        base = offer(BASE, ident=object_file(unit, "unit.o").ident)
        assert Case(extension=made, base=base).link(unit).findings == []


@given(changes=CHANGES, mode=st.sampled_from(Mode))
@settings(
    max_examples=250,
    deadline=5000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_changed_tables_are_findings_or_a_good_blob(
    unit: bytes, changes: list[Change], mode: Mode
) -> None:
    """Whatever the words say."""
    link(changed(unit, changes), mode)


@given(cut=st.integers(0, 1 << 16), mode=st.sampled_from(Mode))
@settings(max_examples=50, deadline=5000)
def test_a_file_that_ends_early_is_a_finding(unit: bytes, cut: int, mode: Mode) -> None:
    """At every length."""
    link(unit[: cut % len(unit)], mode)
