# SPDX-License-Identifier: Apache-2.0
"""Attributes that compilers write: the processor they mean, and what GNU ld says of a pair."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest
from support.cross import gcc, tool, zig
from support.elfbuild import elf

from west_llext.arch.arm_abi import core
from west_llext.arch.machine import Core
from west_llext.base.abi import abi_findings, abi_of
from west_llext.elf.read import object_file
from west_llext.model.base import Abi

SOURCE = "double half(double value) { return value / 2; }\n"

CORES = [
    ("-mcpu=cortex-m0", Core(blx=False, thumb2=False)),
    ("-mcpu=cortex-m1", Core(blx=False, thumb2=False)),
    ("-mcpu=cortex-m23", Core(blx=False, thumb2=False)),
    ("-mcpu=cortex-m3", Core(blx=False, thumb2=True)),
    ("-mcpu=cortex-m7+nofp", Core(blx=False, thumb2=True)),
    ("-mcpu=cortex-m33+nofp", Core(blx=False, thumb2=True)),
    ("-mcpu=cortex-m55+nofp", Core(blx=False, thumb2=True)),
    ("-mcpu=cortex-r5+nofp", Core(blx=True, thumb2=True)),
    ("-mcpu=cortex-a53+nofp", Core(blx=True, thumb2=True)),
    ("-mcpu=arm1156t2-s", Core(blx=True, thumb2=True)),
    ("-mcpu=arm926ej-s", Core(blx=True, thumb2=False)),
    ("-mcpu=arm7tdmi", Core(blx=False, thumb2=False)),
    ("-march=armv7", Core(blx=False, thumb2=True)),
]


def abi(path: Path) -> Abi:
    """What a compiled object says."""
    return abi_of(object_file(path.read_bytes(), path.name))


@pytest.mark.cross
@pytest.mark.parametrize(("flag", "expected"), CORES)
def test_the_core_follows_from_the_architecture(flag: str, expected: Core, tmp_path: Path) -> None:
    """LDR.W to the program counter came with v6T2 and is not in v6-M and v8-M.baseline; BLX
    (immediate) came with v5T and is in no M profile (Armv7-A/R ARM A8.8.25, Armv8-M ARM C2)."""
    found = abi(gcc(tmp_path, SOURCE, flag, "-mthumb"))
    assert core(found.ident, found.attributes) == expected


@pytest.mark.cross
@pytest.mark.parametrize(("flag", "expected"), CORES)
def test_the_assembler_agrees_about_the_core(flag: str, expected: Core, tmp_path: Path) -> None:
    """Gas takes an instruction where the processor has it (BLX in M profile as well, so that Arm
    state, which BLX leads to, is asked for)."""
    code = {"thumb2": ".thumb\nldr.w pc, [pc]", "blx": ".arm\nblx target"}
    for field, line in code.items():
        source = f".syntax unified\n{line}\n"
        command = [tool("gcc"), flag, "-x", "assembler", "-c", "-o", str(tmp_path / "made.o"), "-"]
        done = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
        assert (done.returncode == 0) is getattr(expected, field), (line, done.stderr)


def test_nothing_is_assumed_of_a_processor_that_nobody_names() -> None:
    """Veneers and jumps then take the forms that every core has."""
    ident = object_file(elf(), "plain.o").ident
    assert core(ident, {}) == Core(blx=False, thumb2=False)


HARD = "-mfloat-abi=hard"
FLAGS = {
    "m0": ("-mcpu=cortex-m0",),
    "m3": ("-mcpu=cortex-m3",),
    "m4 soft": ("-mcpu=cortex-m4", "-mfloat-abi=soft"),
    "m4 softfp": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=softfp"),
    "m4 hard": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", HARD),
    "m7 hard": ("-mcpu=cortex-m7", "-mfpu=fpv5-d16", HARD),
    "m33 hard": ("-mcpu=cortex-m33", HARD),
    "r5 hard": ("-mcpu=cortex-r5", HARD),
    "a9": ("-mcpu=cortex-a9", "-mfloat-abi=soft"),
    "enums": ("-mcpu=cortex-m3", "-fno-short-enums"),
    "wchar": ("-mcpu=cortex-m3", "-fshort-wchar"),
}


@pytest.mark.cross
def test_gnu_ld_complains_of_the_same_pairs(tmp_path: Path) -> None:
    """Of each pair of objects: float arguments, profiles, enums and wchar_t, as ld sees them.

    (Ld takes the larger processor where ours must run on the base's, so that isn't compared.)
    """
    source = f"enum kind {{ LOW }}; enum kind kind;\n{SOURCE}"
    made = {
        name: gcc(tmp_path, source, "-mthumb", *flags, name=f"{name.replace(' ', '_')}.c")
        for name, flags in FLAGS.items()
    }
    for ours, theirs in itertools.permutations(made, 2):
        command = [
            tool("ld"),
            "-r",
            "-o",
            str(tmp_path / "pair.o"),
            str(made[theirs]),
            str(made[ours]),
        ]
        printed = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        found = abi_findings("o", abi(made[ours]), "b", abi(made[theirs]))
        text = " ".join(each.message for each in found)
        expected = {
            "float": "VFP register arguments" in printed,
            "enums": "enums yet the output" in printed,
            "wchar_t": "-byte wchar_t" in printed,
        }
        if "conflicting architecture profiles" in printed:
            # ld stops here
            assert "it was built for" in text, (ours, theirs)
            continue
        said = {
            "float": "it passes floating-point arguments" in text,
            "enums": "its enums are" in text,
            "wchar_t": "its wchar_t has" in text,
        }
        assert said == expected, (ours, theirs, printed)


@pytest.mark.zig
def test_zig_without_a_unit_is_found(tmp_path: Path) -> None:
    """The target says eabihf, the processor has no unit: the code calls __aeabi_dmul."""
    target = ("-target", "thumb-freestanding-eabihf", "-g0")
    without = abi(zig(tmp_path, SOURCE, *target, "-mcpu=cortex_m4", name="without.c"))
    unit = abi(zig(tmp_path, SOURCE, *target, "-mcpu=cortex_m4+vfp4d16sp", name="unit.c"))
    assert [each.code for each in abi_findings("o", without, "b", unit)] == ["B013"]
    assert abi_findings("o", unit, "b", unit) == ()
