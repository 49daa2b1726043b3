# SPDX-License-Identifier: Apache-2.0
"""The same extensions on every machine: built from a manifest, loaded, run in the emulator.

A base image, six extensions in C (tests/extensions), and what they print, which is the same
everywhere. A machine is one row of `BENCHES`.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from west_llext.app.build import UpToDate
from west_llext.app.calls import FunctionCall
from west_llext.app.run import RunRequest, run
from west_llext.elf.attributes import abi
from west_llext.elf.read import file_content, object_file
from west_llext.emulate.base import base_image
from west_llext.emulate.image import Chunk, Function, Image
from west_llext.emulate.memory import Access
from west_llext.emulate.result import Result
from west_llext.emulate.target import Target as Emulated
from west_llext.loader.storage import BufferLoader, Storage
from west_llext.loader.system import Loaded, System
from west_llext.loader.target import HeapPlan, Machine, Target
from west_llext.model.elf import STB_GLOBAL, ObjectFile

from .compiling import available
from .workshop import Buildable

SOURCES = Path(__file__).parents[1] / "extensions"
NAMES = ("calls", "tables", "start", "divide", "far", "weak")
EXPORTS = (
    *("printk", "base_add", "base_apply", "base_twice", "base_far", "base_counter"),
    *("base_squares", "base_name", "memcpy", "memset"),
)
_SCRIPT = """\
SECTIONS
{{
    . = {base:#x};
    .text : {{ *(.text*) *(.rodata* .srodata*) }}
    . = ALIGN(0x1000);
    .data : {{ *(.data* .sdata*) }}
    .bss : {{ *(.bss* .sbss* COMMON) }}
    /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab* .eh_frame* .comment .note*) }}
}}
"""
_MANIFEST = """\
version: 1
base:
  image: base.elf{toolchain}
  exports: [{{symbols: [{exports}]}}]
  memory:
    - {{name: near, address: {near:#x}, size: 64K, access: rwx}}
    - {{name: far, address: {far:#x}, size: 64K, access: rwx}}
defaults: {{mode: {mode}, compiler-runtime: toolchain}}
extensions:
"""
_EXTENSION = """\
  - name: {name}
    sources: [{name}.c]
    exports: [{name}_demo]
"""
_PLACE = """\
    place: {{text: {memory}, rodata: {memory}, data: {memory}, bss: {memory}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A machine, its compilers, and where things are on it.

    gcc: program; flags: that choose the processor, for gcc
    zig: the same for zig; empty where it doesn't have the machine
    base: where the base image is
    near, far: memories of extensions, one that plain calls reach the base image from, and one that
        they don't
    loader: what the loader's model calls it
    veneers: modes in which calls out of reach of `far` go through veneers
    emulator: program that runs it, where unicorn doesn't
    storage: that its loader wants blobs in
    helpers: of the compiler that the base image has in addition, as its toolchain's library lacks
        them
    """

    name: str
    bits: int
    gcc: str
    flags: Sequence[str]
    zig: Sequence[str]
    base: int
    near: int
    far: int
    loader: Machine
    veneers: Sequence[str] = ("relocatable", "bound", "prelocated")
    emulator: str | None = None
    storage: Storage = Storage.TEMPORARY
    helpers: Sequence[str] = ()


#: What compilers for Linux do by themselves and a base image must not have.
_PLAIN = ("-fno-pie", "-no-pie", "-fno-stack-protector", "-fcf-protection=none")
_RISCV_GCC = "riscv64-unknown-elf-gcc"
_MEDANY = ("-mcmodel=medany", "-msmall-data-limit=0")
#: One row a machine.
BENCHES = {
    each.name: each
    for each in (
        Bench(
            name="arm",
            bits=32,
            gcc="arm-none-eabi-gcc",
            flags=("-mcpu=cortex-m3", "-mthumb"),
            zig=("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3", "-fshort-enums"),
            base=0x00010000,
            near=0x00100000,
            far=0x20000000,
            loader=Machine.ARM,
        ),
        Bench(
            name="aarch64",
            bits=64,
            gcc="aarch64-linux-gnu-gcc",
            flags=("-mcpu=cortex-a53", *_PLAIN[:3]),
            zig=("-target", "aarch64-freestanding", "-mcpu=cortex_a53"),
            base=0x40000000,
            near=0x40100000,
            far=0x1_40000000,
            loader=Machine.ARM64,
        ),
        Bench(
            name="x86",
            bits=32,
            gcc="x86_64-linux-gnu-gcc",
            flags=("-m32", *_PLAIN),
            zig=("-target", "x86-freestanding", "-mcpu=i686"),
            base=0x00100000,
            near=0x00200000,
            far=0xE0000000,
            loader=Machine.X86,
            veneers=(),
        ),
        Bench(
            name="x86-64",
            bits=64,
            gcc="x86_64-linux-gnu-gcc",
            flags=("-m64", "-mno-red-zone", *_PLAIN),
            zig=("-target", "x86_64-freestanding", "-mno-red-zone"),
            base=0x00100000,
            near=0x00200000,
            far=0x90000000,
            loader=Machine.X86,
            veneers=("prelocated",),
        ),
        Bench(
            name="rv32",
            bits=32,
            gcc=_RISCV_GCC,
            flags=("-march=rv32imac", "-mabi=ilp32", *_MEDANY),
            zig=("-target", "riscv32-freestanding", "-mcpu=generic_rv32+m+a+c", "-mabi=ilp32"),
            base=0x80000000,
            near=0x80040000,
            far=0x20000000,
            loader=Machine.RISCV,
        ),
        Bench(
            name="rv64",
            bits=64,
            gcc=_RISCV_GCC,
            flags=("-march=rv64imafdc", "-mabi=lp64d", *_MEDANY),
            zig=(
                *("-target", "riscv64-freestanding", "-mcpu=generic_rv64+m+a+f+d+c"),
                *("-mabi=lp64d", "-mcmodel=medany"),
            ),
            base=0x80000000,
            near=0x80040000,
            far=0x1_80000000,
            loader=Machine.RISCV,
        ),
        Bench(
            name="xtensa",
            bits=32,
            gcc="xtensa-lx106-elf-gcc",
            flags=("-mlongcalls", "-mtext-section-literals"),
            zig=(),
            base=0x60000000,
            near=0x60010000,
            far=0x60800000,
            loader=Machine.XTENSA,
            emulator="qemu-system-xtensa",
            storage=Storage.WRITABLE,
            helpers=(
                *("__udivdi3", "__umoddi3", "__divdi3", "__udivsi3", "__umodsi3", "__divsi3"),
                *("__muldi3", "__umulsidi3", "__mulsf3", "__truncdfsf2"),
            ),
        ),
    )
}


class MachineProject(Buildable):
    """The base image and the extensions of one machine, by one compiler."""

    def __init__(self, root: Path, bench: Bench, compiler: str, mode: str) -> None:
        """`compiler` is `gcc`, which a build finds by itself, or `zig`, which it is told of."""
        self.root = root
        self.bench = bench
        self.compiler = compiler
        self.mode = mode

    @property
    def base(self) -> Path:
        """Its base image."""
        return self.root / "base.elf"

    def write(self) -> None:
        """Everything that a build starts from."""
        if self.bench.emulator:
            available(self.bench.emulator)
        (self.root / ".git").mkdir(parents=True, exist_ok=True)
        for path in SOURCES.glob("*.[ch]"):
            (self.root / path.name).write_bytes(path.read_bytes())
        zig = "\n  toolchain: {cc: zig}" if self.compiler == "zig" else ""
        text = _MANIFEST.format(
            toolchain=zig,
            exports=", ".join((*EXPORTS, *self.bench.helpers)),
            near=self.bench.near,
            far=self.bench.far,
            mode=self.mode,
        )
        for name in NAMES:
            text += _EXTENSION.format(name=name)
            if self.mode == "prelocated":
                text += _PLACE.format(memory="far" if name == "far" else "near")
        self.manifest.write_text(text, encoding="utf-8")
        if not self.base.exists():
            self.link_base()

    def link_base(self) -> None:
        """Compile and link the base image."""
        (self.root / "base.ld").write_text(_SCRIPT.format(base=self.bench.base), encoding="utf-8")
        if self.compiler == "zig":
            available("zig")
            command = [sys.executable, "-m", "ziglang", "cc", *self.bench.zig, "-g0"]
            command += ["-fno-sanitize=undefined", "-fno-unwind-tables"]
            command += ["-fno-asynchronous-unwind-tables", "-Wl,--no-gc-sections"]
        else:
            command = [available(self.bench.gcc), *self.bench.flags]
        command += ["-O1", "-ffreestanding", "-fno-builtin", "-fno-common", "-nostdlib", "-static"]
        command += ["-Wl,-T,base.ld", "-Wl,-e,printk", "-Wl,--build-id=none"]
        command += ["base.c", *(["rom.c", "-lgcc"] if self.bench.helpers else [])]
        command += ["-o", "base.elf"]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def blob(self, name: str) -> Path:
        """What was built of an extension."""
        return self.output / f"{name}.llext"

    def built(self) -> None:
        """Build everything; nothing may be complained of."""
        result = self.build(jobs=None)
        assert not isinstance(result, UpToDate)
        assert [str(each) for each in result.findings] == []

    def veneers(self, name: str) -> list[str]:
        """What the map says of veneers of an extension."""
        lines = (self.output / f"{name}.map").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if "veneer for" in line]


def expected() -> list[str]:
    """What the extensions return and print, line by line."""
    return (SOURCES / "expected.txt").read_text(encoding="utf-8").splitlines()


def printed(results: Mapping[str, Result]) -> list[str]:
    """Results in the form of `expected`."""
    lines = []
    for name, result in results.items():
        assert result.fault is None, f"{name}: {result.fault}"
        lines += [f"{name} {result.value & 0xFFFFFFFF}", *result.output.splitlines()]
    return lines


def run_prelocated(project: MachineProject) -> dict[str, Result]:
    """Every extension called by the use case `run`."""
    calls = tuple(FunctionCall(name, f"{name}_demo") for name in NAMES)
    result = run(
        RunRequest(
            base=project.base,
            blobs=tuple(project.blob(name) for name in NAMES),
            calls=calls,
            stand_ins=("printk",),
        )
    )
    assert [str(each) for each in result.findings] == []
    return {
        each.call.extension: each.result
        for each in result.called
        if not each.call.function.startswith("constructor")
    }


def run_loaded(project: MachineProject, turn: int) -> dict[str, Result]:
    """Every extension loaded by the model of the target's loader, and called.

    turn: 0 for where its heap has room, others for regions in places of their own
    """
    base = object_file(file_content(project.base), "base.elf")
    system = System(loader_target(project, base))
    emulated = Emulated(ident=base.ident, attributes=abi(base).attributes, replace=("printk",))
    emulated.load(base_image(base))
    entries = {}
    for number, name in enumerate(NAMES):
        loaded = system.load(
            buffer(system, project, name, number), name, places=places(project, turn, number)
        )
        log = [f"{each.level}: {each.text}" for each in loaded.log]
        assert (loaded.result, log) == (0, []), f"{name} {loaded.result} {log}"
        image = loaded_image(system, loaded, base, name)
        emulated.load(image)
        entries[name] = image.exports[f"{name}_demo"]
    assert all(each.result.returned for each in emulated.bring_up())
    return {name: emulated.call(address) for name, address in entries.items()}


def loader_target(project: MachineProject, base: ObjectFile) -> Target:
    """The target with its loader, as the base image would make it."""
    wanted = {*EXPORTS, *project.bench.helpers} if project.mode == "relocatable" else set()
    symbols = {
        each.name.encode(): each.value
        for each in base.symbols
        if each.section and each.binding == STB_GLOBAL and each.name in wanted
    }
    heap = HeapPlan(address=project.bench.near, size=0x10000)
    return Target(
        machine=project.bench.loader,
        bits=project.bench.bits,
        heap=heap,
        symbols=dict(sorted(symbols.items())),
    )


def buffer(system: System, project: MachineProject, name: str, number: int) -> BufferLoader:
    """A blob in a buffer of the application's."""
    return BufferLoader(
        memory=system.memory,
        address=project.bench.near + 0x100000 + number * 0x10000,
        data=project.blob(name).read_bytes(),
        storage=project.bench.storage,
        bits=project.bench.bits,
        bounded=system.target.rules.bounded_peek,
    )


def places(project: MachineProject, turn: int, number: int) -> dict[str, int] | None:
    """Addresses of an extension's regions, far from each other, the same ones every time."""
    if not turn:
        return None
    chance = random.Random(turn)  # noqa: S311 (any places will do)
    labels = ("text", "data", "rodata", "bss", "export", "preinit", "init", "fini")
    order = chance.sample(range(len(labels)), len(labels))
    start = project.bench.near + 0x400000 + chance.randrange(0x1000) * 0x100
    return {
        label: start + place * 0x100000 + number * 0x8000
        for label, place in zip(labels, order, strict=True)
    }


def loaded_image(system: System, loaded: Loaded, base: ObjectFile, name: str) -> Image:
    """An extension as the loader has put it into memory."""
    assert loaded.ext is not None
    ext, mem = loaded.ext, system.target.mem
    chunks = []
    for number, label in enumerate(mem.names):
        size, start = ext.mem_size[number], ext.mem[number]
        if size and label not in {"symtab", "strtab", "shstrtab"}:
            content = system.memory.read(start, size, label)
            access = Access.READ | (Access.EXECUTE if label == "text" else Access.WRITE)
            chunks.append(Chunk(label, start, size, content, access))
    exports = {
        system.memory.string(each.name, "a name").decode(): each.addr for each in ext.exp_tab
    }
    _, constructors = system.fn_table(ext, setup=True)
    return Image(
        name=name,
        file=f"{name}.llext",
        ident=base.ident,
        chunks=tuple(chunks),
        exports=exports,
        functions=tuple(sorted(Function(each, 0, text) for text, each in exports.items())),
        constructors=constructors,
    )
