# SPDX-License-Identifier: Apache-2.0
"""The Arm row: which core runs code, how many instructions it is, what asks the host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.cross import gcc, output, tool, zig

from west_llext.elf.attributes import abi
from west_llext.elf.read import file_content, object_file
from west_llext.emulate import arm

ZIG = ("-target", "thumb-freestanding-eabi")
ZIG_HARD = ("-target", "thumb-freestanding-eabihf")


@pytest.mark.cross
@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (("-mcpu=cortex-m0", "-mthumb"), "Cortex-M0"),
        (("-mcpu=cortex-m0plus", "-mthumb"), "Cortex-M0"),
        (("-mcpu=cortex-m3", "-mthumb"), "Cortex-M3"),
        (("-mcpu=cortex-m4", "-mthumb"), "Cortex-M4"),
        (("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"), "Cortex-M4"),
        (("-mcpu=cortex-m7", "-mthumb"), "Cortex-M4"),  # named 7E-M: nothing tells it apart
        (("-mcpu=cortex-m33", "-mthumb"), "Cortex-M33"),
        (("-march=armv6-m", "-mthumb"), "Cortex-M0"),
        (("-march=armv7-m", "-mthumb"), "Cortex-M3"),
        (("-march=armv7e-m", "-mthumb"), "Cortex-M4"),
        (("-march=armv7e-m+fpv5", "-mthumb", "-mfloat-abi=hard"), "Cortex-M7"),
        (("-march=armv8-m.base", "-mthumb"), "Cortex-M33"),
        (("-march=armv8-m.main", "-mthumb"), "Cortex-M33"),
        (("-march=armv7-a", "-marm"), "Cortex-A15"),
        (("-march=armv7-a", "-mthumb"), "Cortex-A15"),
    ],
)
def test_core_is_chosen_by_what_gcc_says_of_its_code(
    flags: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    """By Tag_CPU_name where that is a core, else by architecture and profile."""
    path = gcc(tmp_path, "int f(void) { return 1; }\n", *flags)
    attributes = abi(object_file(file_content(path), "unit.o")).attributes
    assert arm.core(attributes, 0).name == name


@pytest.mark.zig
@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ((*ZIG, "-mcpu=cortex_m0plus"), "Cortex-M0"),
        ((*ZIG, "-mcpu=cortex_m3"), "Cortex-M3"),
        ((*ZIG_HARD, "-mcpu=cortex_m4+vfp4d16sp"), "Cortex-M4"),
        ((*ZIG, "-mcpu=cortex_m33"), "Cortex-M33"),
    ],
)
def test_core_is_chosen_by_what_zig_says_of_its_code(
    flags: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    """Clang writes the names of cores in lower case."""
    path = zig(tmp_path, "int f(void) { return 1; }\n", *flags)
    attributes = abi(object_file(file_content(path), "unit.o")).attributes
    assert arm.core(attributes, 0).name == name


def test_code_without_attributes_runs_on_the_most_capable_core() -> None:
    """Hand-written objects may have none."""
    assert arm.core({}, 0) is arm.M33


@pytest.mark.cross
@pytest.mark.parametrize(
    ("flags", "status"),
    [
        (("-mcpu=cortex-m0", "-mthumb"), 0x20),
        (("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"), 0x20),
        (("-march=armv7-a", "-marm"), 0),
    ],
)
def test_instructions_are_as_many_as_the_disassembler_shows(
    flags: tuple[str, ...], status: int, tmp_path: Path
) -> None:
    """GNU objdump prints a line for each; the constants behind the code are left out of both."""
    source = "int f(int a, float b) { return a * 1000 / (a + 3) % 77 ^ (int)(b * 3.0f); }\n"
    path = gcc(tmp_path, source, "-O2", *flags)
    listing = output(tool("objdump"), "-d", str(path))
    lines = re.findall(r"^ +([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)", listing, re.MULTILINE)
    code = [row for row in lines if row[2] != ".word"]
    size = sum(len(row[1].replace(" ", "")) // 2 for row in code)
    file = object_file(file_content(path), "unit.o")
    text = next(index for index, each in enumerate(file.sections) if each.name == ".text")
    assert arm.instruction_count(file.content(text)[:size], status) == len(code) > 5


@pytest.mark.parametrize(
    ("number", "memory", "status", "resume"),
    [
        (7, b"\xab\xbe", 0x20, 0x1003),  # bkpt 0xab
        (7, b"\xaa\xbe", 0x20, None),
        (7, b"", 0x20, None),
        (2, b"\xab\xdf", 0x20, 0x1001),  # svc 0xab
        (2, b"\xaa\xdf", 0x20, None),
        (2, b"\x56\x34\x12\xef", 0, 0x1000),  # svc 0x123456
        (2, b"\x57\x34\x12\xef", 0, None),
        (8, b"\xab\xbe", 0x20, None),  # exception return
    ],
)
def test_semihosting_request_is_told_by_its_instruction(
    number: int, memory: bytes, status: int, resume: int | None
) -> None:
    """BKPT 0xAB and SVC 0xAB in T32, SVC 0x123456 in A32; nothing else."""

    def read(address: int, size: int) -> bytes:
        # a breakpoint stops at its instruction, a supervisor call behind it
        start = 0x1000 if number == 7 else 0x1000 - len(memory)
        return memory[address - start : address - start + size] if address >= start else b""

    assert arm.semihosting(read, number, 0x1000, status) == resume
