# SPDX-License-Identifier: Apache-2.0
"""Extensions for Xtensa, built by the tool and executed by QEMU's lx106 beside a base image.

In all modes they print what the same objects print when GNU ld has linked them. The base image
calls what the words at TABLE point to; it prints through semihosting.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import xtensa
from support.cross import output, tool
from support.loads import load, logged, region, target

from west_llext.elf.read import object_file
from west_llext.link.arrange import SECTION_NAMES
from west_llext.loader.storage import Storage
from west_llext.loader.target import HeapPlan, Machine
from west_llext.model.elf import SHF_ALLOC, ObjectFile, SectionType

pytestmark = [pytest.mark.cross, pytest.mark.qemu]

PREFIX = "xtensa-lx106-elf-"
#: The loader's names of the regions, by those of sections.
REGIONS = {name: region.label for region, name in SECTION_NAMES.items()}
#: Where the base image looks for addresses of functions: constructors, then what is to be called.
TABLE = 0x60800000

BASE = r"""
typedef unsigned int word;
static int semihosting(int number, int first, word second, int third)
{
    register int a2 __asm__("a2") = number;
    register int a3 __asm__("a3") = first;
    register word a4 __asm__("a4") = second;
    register int a5 __asm__("a5") = third;
    __asm__ volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
    return a2;
}
int offset = 7;
int print(const char *text, int value)
{
    static char line[64];
    int size = 0;
    while (text[size]) { line[size] = text[size]; size++; }
    for (int digit = 28; digit >= 0; digit -= 4)
        line[size++] = "0123456789abcdef"[value >> digit & 15];
    line[size++] = '\n';
    semihosting(4, 1, (word)line, size);
    return size;
}
int plus(int value) { return value + offset; }
void main(void)
{
    int (**entry)(int) = *(int (***)(int))0x60800000 ? (void *)0x60800000 : 0;
    for (int n = 1; entry && *entry; n++) print("returned ", (*entry++)(n));
    semihosting(1, 0, 0, 0);
}
"""

START = """
    .section .start, "ax"
    .global start
    .align 4
    .word 0x60100000
start:
    l32r a1, start - 4
    call0 main
"""

SCRIPT = """
ENTRY(start)
SECTIONS {
    . = 0x60000000;
    .text : { *(.start) *(.literal .literal.* .text .text.*) *(.rodata .rodata.*) }
    .data : { *(.data .data.*) *(.bss .bss.* COMMON) }
}
"""

SOURCE = r"""
int print(const char *text, int value);
int plus(int value);
extern int offset;
static int made;
static int counts[4];
static const char *const names[] = { "zero ", "one ", "two ", "three " };
__attribute__((constructor)) static int construct(void) { made = 0x51; return 1; }
static int first(int x) { return x + 1; }
static int second(int x) { return x << 4; }
static int (*const table[])(int) = { first, second, plus };
static int *here = &counts[1];
__attribute__((noinline)) static int chosen(int x)
{
    switch (x) {
    case 0: return first(3);
    case 1: return plus(x);
    case 2: return 0x1234567;
    case 3: return offset;
    case 4: return made;
    case 5: return __builtin_popcount(offset);
    default: return -1;
    }
}
int run(int n)
{
    print("made ", made);
    for (int at = 0; at < 4; at++) print(names[at], at < 3 ? table[at](n) : *here);
    *here += n;
    print("counts ", counts[1]);
    for (int at = 0; at < 7; at++) print("chosen ", chosen(at));
    return plus(*here);
}
int again(int n) { return run(n + 1); }
"""

MANIFEST = """
version: 1
base:
  image: base.elf
  toolchain: {cc: xtensa-lx106-elf-gcc}
  exports: [{symbols: [print, plus, offset]}]
  memory: [{name: ram, address: 0x60200000, size: 256K, access: rwx}]
defaults: {cflags: [-Os], compiler-runtime: toolchain}
extensions:
  - {name: late, sources: [unit.c], exports: [run, again]}
  - {name: bound, mode: bound, sources: [unit.c], exports: [run, again]}
  - name: fixed
    mode: prelocated
    sources: [unit.c]
    exports: [run, again]
    place: {text: ram, rodata: ram, data: ram, bss: ram}
  - {name: so-late, compiler-runtime: base, objects: [unit.so], exports: [run, again]}
  - {name: so-bound, mode: bound, compiler-runtime: base, objects: [unit.so], exports: [run, again]}
  - name: so-fixed
    mode: prelocated
    compiler-runtime: base
    objects: [unit.so]
    exports: [run, again]
    place: {text: ram, rodata: ram, data: ram, bss: ram}
"""

#: What `run` prints for the number that it is given; counted by hand.
RUN = """\
made 00000051
zero {plus_1:08x}
one {shifted:08x}
two {plus_7:08x}
three {before:08x}
counts {after:08x}
chosen 00000004
chosen 00000008
chosen 01234567
chosen 00000007
chosen 00000051
chosen 00000003
chosen ffffffff
"""


def run_text(number: int, before: int) -> str:
    """What a call of `run` prints."""
    return RUN.format(
        plus_1=number + 1,
        shifted=number << 4,
        plus_7=number + 7,
        before=before,
        after=before + number,
    )


#: A constructor, then run(2) and again(3): the first call's number is 1.
EXPECTED = (
    "returned 00000001\n"
    + run_text(2, 0)
    + "returned 00000009\n"
    + run_text(4, 2)
    + "returned 0000000d\n"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base image and six extensions, built; half of them of a shared object."""
    folder = tmp_path_factory.mktemp("xtensa")
    for name, text in {
        "base.c": BASE,
        "start.S": START,
        "base.ld": SCRIPT,
        "unit.c": SOURCE,
        "llext.yml": MANIFEST,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = [tool("gcc", PREFIX), "-Os", "-ffreestanding", "-nostdlib", "-Wl,-T,base.ld"]
    command += ["-Wl,--no-warn-rwx-segments", "base.c", "start.S", "-o", "base.elf", "-lgcc"]
    subprocess.run(command, cwd=folder, check=True)
    command = [tool("gcc", PREFIX), "-Os", "-fPIC", "-mlongcalls", "-shared", "-nostdlib"]
    subprocess.run([*command, "unit.c", "-o", "unit.so", "-lgcc"], cwd=folder, check=True)
    subprocess.run([sys.executable, "-m", "west_llext", "build", "-q"], cwd=folder, check=True)
    return folder


class Memory:
    """An extension's regions, at their addresses."""

    def __init__(self, regions: Mapping[str, tuple[int, bytes]]) -> None:
        """`regions` has address and bytes by name of a section."""
        self.regions = regions

    def words(self, name: str) -> list[int]:
        """The words of a region."""
        content = self.regions[name][1]
        return list(struct.unpack(f"<{len(content) // 4}I", content))

    def text(self, address: int) -> str:
        """The string at an address."""
        for start, content in self.regions.values():
            if start <= address < start + len(content):
                return content[address - start :].split(b"\0")[0].decode()
        raise AssertionError(hex(address))

    def entries(self) -> list[int]:
        """Constructors, `run` and `again`, as the target's loader finds them."""
        table = self.words(".exported_sym")
        exports = dict(zip(map(self.text, table[::2]), table[1::2], strict=True))
        return [*self.words(".init_array"), exports["run"], exports["again"]]


def blob(project: Path, name: str) -> ObjectFile:
    """A blob that was built."""
    path = project / "build" / "llext" / f"{name}.llext"
    return object_file(path.read_bytes(), path.name)


def regions(made: ObjectFile) -> dict[str, tuple[int, bytes]]:
    """Address and bytes of what the loader takes, by name of the section."""
    return {
        section.name: (
            section.addr,
            made.content(index) if section.type != SectionType.NOBITS else bytes(section.size),
        )
        for index, section in enumerate(made.sections)
        if section.flags & SHF_ALLOC and not section.name.startswith(".dyn")
    }


def completed(project: Path, name: str) -> Memory:
    """A blob that the loader has put at addresses of its own choice, far from the base image."""
    path = project / "build" / "llext" / f"{name}.llext"
    made = regions(blob(project, name))
    places = {each: 0x60300000 + 0x1000 * number for number, each in enumerate(made)}
    labels = {REGIONS[each]: place for each, place in places.items()}
    memory, looked_up = xtensa.completed(path.read_bytes(), labels, names_of(project).get)
    assert looked_up == (set() if name.endswith("bound") else {"print", "plus", "offset"})
    return Memory({each: (places[each], memory.get(REGIONS[each], made[each][1])) for each in made})


def modelled(project: Path, name: str) -> Memory:
    """A blob that the model of Zephyr's loader has loaded from writable memory."""
    names = names_of(project)
    symbols = {each.encode(): names[each] for each in ("offset", "plus", "print")}
    heap = HeapPlan(address=0x60500000, size=64 << 10)
    on = target(machine=Machine.XTENSA, heap=heap, symbols=symbols)
    data = (project / "build" / "llext" / f"{name}.llext").read_bytes()
    system, made = load(data, on, storage=Storage.WRITABLE, buffer=0x60300000)
    assert (made.result, logged(made)) == (0, [])
    assert made.ext is not None
    places = dict(zip(system.target.mem.names, made.ext.mem, strict=False))
    return Memory(
        {
            section: (places[label], region(system, made, label))
            for section, label in REGIONS.items()
            if places.get(label)
        }
    )


def names_of(project: Path, name: str = "base.elf") -> dict[str, int]:
    """Addresses of an image's symbols."""
    rows = (line.split() for line in output(tool("nm", PREFIX), str(project / name)).splitlines())
    return {row[2]: int(row[0], 16) for row in rows if len(row) == 3}


def printed(project: Path, memory: Mapping[int, bytes], entries: list[int]) -> str:
    """What the base image prints, with that in memory and those functions to call."""
    program = shutil.which("qemu-system-xtensa")
    if program is None:
        pytest.skip("qemu-system-xtensa isn't installed")
    command = [program, "-machine", "sim", "-cpu", "lx106", "-m", "16M", "-display", "none"]
    command += ["-monitor", "none", "-serial", "none", "-semihosting", "-kernel", "base.elf"]
    # the core begins at its reset vector else
    start = names_of(project)["start"]
    command += ["-device", f"loader,addr={start:#x},cpu-num=0"]
    table = struct.pack(f"<{len(entries) + 1}I", *entries, 0)
    for address, content in {**memory, TABLE: table}.items():
        file = f"{address:x}.bin"
        (project / file).write_bytes(content)
        command += ["-device", f"loader,file={file},addr={address:#x},force-raw=on"]
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout


@pytest.mark.parametrize("name", ["fixed", "so-fixed"])
def test_a_prelocated_extension_runs(name: str, project: Path) -> None:
    """Where it was placed; every call of the base image goes through a veneer, or a literal."""
    memory = Memory(regions(blob(project, name)))
    assert printed(project, dict(memory.regions.values()), memory.entries()) == EXPECTED


@pytest.mark.parametrize("name", ["bound", "late", "so-bound", "so-late"])
def test_an_extension_runs_wherever_it_is_loaded(name: str, project: Path) -> None:
    """With each region where the loader likes."""
    memory = completed(project, name)
    assert printed(project, dict(memory.regions.values()), memory.entries()) == EXPECTED


@pytest.mark.parametrize("name", ["bound", "late", "so-bound", "so-late"])
def test_what_the_model_of_the_loader_makes_runs(name: str, project: Path) -> None:
    """That is, `west-llext load` and the blobs agree about every relocation."""
    memory = modelled(project, name)
    assert printed(project, dict(memory.regions.values()), memory.entries()) == EXPECTED


def test_what_gnu_ld_links_prints_the_same(project: Path) -> None:
    """The same object, linked within the reach of its calls."""
    linked = project / "linked.elf"
    merged = "build/llext/obj/fixed/merged.o"
    command = [tool("ld", PREFIX), "--no-relax", "-Ttext=0x60040000", "-e", "0", "-R", "base.elf"]
    command += ["--no-warn-rwx-segments", merged, "-o", linked.name]
    subprocess.run(command, cwd=project, check=True)
    made = object_file(linked.read_bytes(), linked.name)
    names = names_of(project, linked.name)
    memory = Memory(regions(made))
    # its own default script leaves them where the compiler has put them
    entries = [*memory.words(".ctors"), names["run"], names["again"]]
    assert printed(project, dict(memory.regions.values()), entries) == EXPECTED
