# SPDX-License-Identifier: Apache-2.0
"""The other side: GNU ld, one process an extension, as cheap as we know how to make it.

Each process gets one object and a linker script that defines just the symbols which that object
needs and says where each section goes; finding those symbols and addresses out isn't counted.
`xargs` starts the processes: it is written in C and costs little more than the starts themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import elf32
from benchmarks.tools import program, tool
from benchmarks.workload import Workload

#: No alignment to pages, so that the files are small; nothing of this is slower than without it.
OPTIONS = ("--nmagic", "-e", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What GNU ld is told: the arguments of each process but its output, by extension."""

    arguments: Mapping[str, Sequence[str]]


def links(workload: Workload) -> Links:
    """Linker scripts that put every extension where its blob has it; the workload is built."""
    scripts = workload.folder / "scripts"
    scripts.mkdir()
    values = _values(workload.base)
    arguments = {}
    for name in workload.names:
        path = scripts / f"{name}.ld"
        needed = elf32.imports(workload.object(name).read_bytes())
        symbols = {each: values[each] for each in needed}
        path.write_text(script(symbols, _places(workload, name)), encoding="utf-8")
        arguments[name] = (*OPTIONS, "-T", str(path), str(workload.object(name)))
    return Links(arguments=arguments)


def script(symbols: Mapping[str, int], where: Mapping[str, elf32.Section]) -> str:
    """A linker script with the needed symbols and the places of the sections."""
    lines = [f"{name} = {value:#x};" for name, value in symbols.items()]
    names = (".text", ".rodata", ".data", ".bss")
    lines.append("SECTIONS {")
    lines += [f"  {name} {where[name].addr:#x} : {{ *({name}) }}" for name in names]
    lines += ["  /DISCARD/ : { *(.comment) }", "}", ""]
    return "\n".join(lines)


def command_lines(given: Links, names: Sequence[str], output: Path) -> str:
    """What `xargs` reads: a line for each process."""
    # no blank at the end of a line: it would make the next line part of this one
    return "".join(
        " ".join([*given.arguments[name], "-o", str(output / f"{name}.elf")]) + "\n"
        for name in names
    )


def ninja_file(given: Links, output: Path) -> str:
    """The same links for ninja."""
    lines = ["rule ld", f"  command = {tool('ld')} $words -o $out"]
    for name, words in given.arguments.items():
        lines.append(f"build {output / name}.elf: ld {words[-1]} | {words[-2]}")
        lines.append(f"  words = {' '.join(words)}")
    return "\n".join([*lines, ""])


def driver(jobs: int) -> list[str]:
    """The command that starts GNU ld once for each line of its standard input."""
    return [program("xargs"), "-P", str(jobs), "-L", "1", tool("ld")]


def idle_driver(jobs: int) -> list[str]:
    """The same command with a program that does nothing: what the starts cost by themselves."""
    return [program("xargs"), "-P", str(jobs), "-L", "1", program("true")]


def just_symbols(workload: Workload, base: Path, folder: Path) -> list[str]:
    """The usual way, for the first extension: all symbols of a base image, by `-R`."""
    name = workload.names[0]
    path = folder / "just-symbols.ld"
    path.write_text(script({}, _places(workload, name)), encoding="utf-8")
    named = ["-T", path.name, "-R", str(base), str(workload.object(name))]
    return [tool("ld"), *OPTIONS, *named, "-o", "just-symbols.elf"]


def _places(workload: Workload, name: str) -> Mapping[str, elf32.Section]:
    blob = workload.folder / workload.output / f"{name}.llext"
    return elf32.loaded(blob.read_bytes())


def _values(base: Path) -> Mapping[str, int]:
    # of the global symbols, with the Thumb bit
    return {
        each.name: each.value
        for each in elf32.symbols(base.read_bytes())
        if each.info >> 4 == elf32.STB_GLOBAL
    }
