# SPDX-License-Identifier: Apache-2.0
"""One object for each machine, all of the same C source, with every usual kind of reference."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

#: Functions of the extension; the base image has as many, and as many variables.
FUNCTIONS = 30
_FLAGS = ("-O2", "-ffreestanding", "-fno-asynchronous-unwind-tables", "-fno-stack-protector")
_PLAIN_RISCV = ("-mno-relax", "-msmall-data-limit=0")


class Target(NamedTuple):
    """What compiles for a machine: prefix of the tools' names, and flags."""

    prefix: str
    flags: Sequence[str]


#: By name; the first is what the others are compared with.
TARGETS: Mapping[str, Target] = {
    "arm": Target("arm-none-eabi-", ("-mcpu=cortex-m3", "-mthumb")),
    "aarch64": Target("aarch64-linux-gnu-", ("-fno-pic", "-mno-outline-atomics")),
    "riscv32": Target("riscv64-unknown-elf-", ("-march=rv32imac", "-mabi=ilp32", *_PLAIN_RISCV)),
    "riscv64": Target(
        "riscv64-unknown-elf-",
        ("-march=rv64imac", "-mabi=lp64", "-mcmodel=medany", *_PLAIN_RISCV),
    ),
    "xtensa": Target("xtensa-lx106-elf-", ()),
    "x86": Target("x86_64-linux-gnu-", ("-m32", "-fno-pic", "-fcf-protection=none")),
    "x86-64": Target("x86_64-linux-gnu-", ("-m64", "-fno-pic", "-fcf-protection=none")),
    "arc": Target("arc-linux-gnu-", ("-fno-pic", "-mno-sdata")),
}

_FUNCTION = """\
__attribute__((noinline)) int own_function_{0}(int x)
{{
	base_variable_{0} += x;
	own_variable_{0}[x & 7] += base_function_{0}(x);
	switch (x) {{
	case 0: x = base_function_{1}(3); break;
	case 1: x += own_variable_{2}[2]; break;
	case 2: base_variable_{3}--; break;
	case 3: x ^= 55; break;
	case 4: x = base_function_{4}(x * 3); break;
	case 5: x += 99; break;
	default: x = own_variable_{0}[1];
	}}
	return x + own_function_{5}(x - 1);
}}
"""


def source() -> str:
    """The C source: calls, variables, tables of both, jump tables, strings."""
    numbers = range(FUNCTIONS)
    lines = []
    for each in numbers:
        lines += [
            f"extern int base_function_{each}(int);",
            f"extern int base_variable_{each};",
            f"static int own_variable_{each}[8];",
            f"int own_function_{each}(int);",
            f'const char *name_{each} = "{each}";',
        ]
    for each in numbers:
        others = [(each + step) % FUNCTIONS for step in (1, 3, 5, 9, FUNCTIONS - 1)]
        lines.append(_FUNCTION.format(each, *others))
    functions = ", ".join(f"own_function_{each}, base_function_{each}" for each in numbers)
    variables = ", ".join(f"&own_variable_{each}[1], &base_variable_{each}" for each in numbers)
    lines.append(f"int (*const functions[])(int) = {{{functions}}};")
    lines.append(f"int *const variables[] = {{{variables}}};")
    return "\n".join([*lines, ""])


def compiled(folder: Path, name: str) -> bytes | None:
    """The object for a machine; None where there is no compiler for it."""
    target = TARGETS[name]
    compiler = shutil.which(f"{target.prefix}gcc")
    if compiler is None:
        return None
    (folder / "unit.c").write_text(source(), encoding="utf-8")
    command = [compiler, *_FLAGS, *target.flags, "-c", "unit.c", "-o", "unit.o"]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "unit.o").read_bytes()
