# SPDX-License-Identifier: Apache-2.0
"""The objects of the benchmark: one is compiled, the others differ from it in their names.

Names of equal length are put over each other in the string table, so that a thousand different
objects cost no more than writing them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks import elf32
from benchmarks.tools import tool

#: Functions and variables of the base image that an extension uses; together its imports.
CALLS = VARIABLES = 40
#: Functions in its table of pointers; makes 120 relocations with GCC 12.
POINTERS = 37
RELOCATIONS = 120
_STEPS = 8
_FLAGS = ("-mcpu=cortex-m3", "-mthumb", "-Os", "-ffreestanding", "-Wall", "-Wextra", "-Werror")

# `%` and a letter stand for the names and numbers of one call
_STATEMENTS = (
    "x += %f(%v + x);\n\tx = x << 7 ^ x >> 3;",
    "%v = %f(x) & 0x7fff;\n\tx ^= %v * %n;",
    "if (%v > x)\n\t\tx = %f(x >> 1) + %n;\n\telse\n\t\tx -= %n << 2;",
    "x -= %v * %f(3 * x);\n\t%v += x / %n;",
    "for (int i = 0; i < %n; i++)\n\t\tx ^= %f(x + i) - (%v >> i);",
)


def function_name(number: int) -> str:
    """A function of the base image; negative numbers are those of the template."""
    return f"subsys_function_{_digits(number)}"


def variable_name(number: int) -> str:
    """A variable of the base image; likewise."""
    return f"subsys_variable_{_digits(number)}"


def entry_name(number: int) -> str:
    """What an extension exports; likewise."""
    return f"extension_run_{_digits(number)}"


def _digits(number: int) -> str:
    return f"{number:06}" if number >= 0 else f"P{-number:05}"


def source() -> str:
    """The C source of the template."""
    functions = [function_name(-1 - each) for each in range(CALLS)]
    variables = [variable_name(-1 - each) for each in range(VARIABLES)]
    lines = ["typedef int unary(int);"]
    lines += [f"extern unary {each};" for each in functions]
    lines += [f"extern int {each};" for each in variables]
    lines += [
        "static const unsigned char weights[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9};",
        "static int history[8] = {1, 1, 2, 3, 5, 8, 13, 21};",
        "static int totals[16];",
        "static unary *const table[] = {",
        *(f"\t{each}," for each in functions[:POINTERS]),
        "};",
    ]
    calls = CALLS // _STEPS
    for step in range(_STEPS):
        share = range(step * calls, (step + 1) * calls)
        lines += [f"static __attribute__((noinline)) int step_{step}(int x)", "{"]
        lines += [_statement(each, functions[each], variables[each]) for each in share]
        lines += ["\treturn x;", "}"]
    lines += [
        f"int {entry_name(-1)}(int x)",
        "{",
        "\tfor (int i = 0; i < 8; i++) {",
        "\t\tx += table[(weights[i] + x) & 31](history[i]);",
        "\t\thistory[i] = x;",
        "\t}",
        *(f"\ttotals[x & 15] += step_{each}(x);" for each in range(_STEPS)),
        "\treturn totals[0];",
        "}",
        "",
    ]
    return "\n".join(lines)


def _statement(number: int, function: str, variable: str) -> str:
    text = _STATEMENTS[number % len(_STATEMENTS)].replace("%f", function).replace("%v", variable)
    return "\t" + text.replace("%n", str(number + 3))


def compiled(folder: Path) -> bytes:
    """The template's object."""
    (folder / "template.c").write_text(source(), encoding="utf-8")
    command = [tool("gcc"), *_FLAGS, "-c", "template.c", "-o", "template.o"]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "template.o").read_bytes()


class Template:
    """The compiled template, and where its names are."""

    def __init__(self, data: bytes) -> None:
        """`data` is the template's object."""
        self.data = data
        self.places = {
            each.name: each.name_offset for each in elf32.symbols(data) if "_P" in each.name
        }

    def renamed(self, names: Mapping[str, str]) -> bytes:
        """The object with other names of equal lengths."""
        made = bytearray(self.data)
        for old, new in names.items():
            assert len(old) == len(new), (old, new)
            made[self.places[old] : self.places[old] + len(new)] = new.encode()
        return bytes(made)


def names(extension: int, functions: int, variables: int) -> dict[str, str]:
    """The names of an extension by those of the template.

    functions, variables: how many the base image has
    """
    found = {entry_name(-1): entry_name(extension)}
    for each in range(CALLS):
        spread = extension * 37 + each * 211
        found[function_name(-1 - each)] = function_name(spread % functions)
        found[variable_name(-1 - each)] = variable_name((spread + each) % variables)
    return found
