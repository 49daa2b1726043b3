# SPDX-License-Identifier: Apache-2.0
"""The base image of the benchmark: as many global symbols as wanted, and little behind them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.template import function_name, variable_name
from benchmarks.tools import tool

FLASH, RAM = 0x0, 0x20000000
#: Words at the start, where a processor has its vectors: no symbol has address 0.
_VECTORS = 64
#: Bytes a symbol for what the tool has to read past: debug information, in a real image.
_FILLER = 150


def source(count: int) -> str:
    """Assembler source with `count` global symbols: as many functions as variables."""
    return "\n".join([*_lines(count // 2), ""])


def _lines(each_kind: int) -> Iterator[str]:
    yield ".syntax unified\n.cpu cortex-m3\n.thumb"
    yield ".eabi_attribute Tag_CPU_unaligned_access, 1  @ as GCC says of its objects\n.text"
    yield f".fill {_VECTORS}, 4, 0"
    for number in range(each_kind):
        name = function_name(number)
        yield f".global {name}\n.type {name}, %function\n{name}: adds r0, {number % 256}\nbx lr"
        yield f".size {name}, 4"
    yield ".data"
    for number in range(each_kind):
        name = variable_name(number)
        yield f".global {name}\n.type {name}, %object\n.size {name}, 4\n{name}: .word {number}"
    yield f'.section .debug_filler, "", %progbits\n.fill {each_kind * 2 * _FILLER}, 1, 0x5a'


def build(folder: Path, count: int) -> Path:
    """Assemble and link a base image with `count` symbols."""
    made = folder / f"base{count}.elf"
    (folder / "base.s").write_text(source(count), encoding="utf-8")
    subprocess.run([tool("as"), "base.s", "-o", "base.o"], cwd=folder, check=True)
    where = [f"-Ttext={FLASH:#x}", f"-Tdata={RAM:#x}", "-e", function_name(0)]
    command = [tool("ld"), *where, "--no-warn-rwx-segments", "base.o", "-o", made.name]
    subprocess.run(command, cwd=folder, check=True)
    for name in ("base.s", "base.o"):
        (folder / name).unlink()
    return made
