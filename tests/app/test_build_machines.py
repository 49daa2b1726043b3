# SPDX-License-Identifier: Apache-2.0
"""The same extensions on every machine, in every mode: they print the same everywhere.

The manifest names a base image and nothing else: compiler and flags follow from it. What isn't
linked to the end is loaded by the model of the target's loader, at several places.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.benches import BENCHES, MachineProject, expected, printed, run_loaded, run_prelocated

pytest.importorskip("unicorn")

#: (machine, compiler), as parameters.
BUILDS = [
    pytest.param(name, compiler, marks=mark, id=f"{name}-{compiler}")
    for name, bench in BENCHES.items()
    for compiler, mark in (("gcc", pytest.mark.cross), ("zig", pytest.mark.zig))
    if compiler == "gcc" or bench.zig
]
MODES = ("relocatable", "bound", "prelocated")


@pytest.fixture(scope="module")
def project_of(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, str, str], MachineProject]:
    """Projects that have been built, each once."""
    known: dict[tuple[str, str, str], MachineProject] = {}

    def project(name: str, compiler: str, mode: str) -> MachineProject:
        key = name, compiler, mode
        if key not in known:
            root = tmp_path_factory.mktemp("-".join(key)) / "project"
            made = MachineProject(root, BENCHES[name], compiler, mode)
            made.built()
            known[key] = made
        return known[key]

    return project


Projects = Callable[[str, str, str], MachineProject]


@pytest.mark.parametrize(("name", "compiler"), BUILDS)
def test_prelocated_extensions_print_what_c_says(
    name: str, compiler: str, project_of: Projects
) -> None:
    """Calls, tables, pointers, constructors, 64-bit division, veneers, weak references."""
    project = project_of(name, compiler, "prelocated")
    assert printed(run_prelocated(project)) == expected()
    assert bool(project.veneers("far")) is (project.mode in project.bench.veneers)


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("mode", ["relocatable", "bound"])
@pytest.mark.parametrize(("name", "compiler"), BUILDS)
def test_loaded_extensions_print_what_c_says(
    name: str, compiler: str, mode: str, turn: int, project_of: Projects
) -> None:
    """A bound one needs no table of the base image's symbols."""
    project = project_of(name, compiler, mode)
    assert printed(run_loaded(project, turn)) == expected()
    assert bool(project.veneers("far")) is (project.mode in project.bench.veneers)


WORDS = {
    "arm-gcc": "-march=armv7-m -mthumb -mfloat-abi=soft",
    "arm-zig": "-target thumb-freestanding-eabi -mcpu=generic+v7m",
    "aarch64-gcc": "-mno-outline-atomics -fno-pic",
    "aarch64-zig": "-target aarch64-freestanding -mno-outline-atomics",
    "x86-gcc": "-m32 -fno-pic",
    "x86-zig": "-target x86-freestanding -mcpu=i686",
    "x86-64-gcc": "-m64 -mno-red-zone",
    "x86-64-zig": "-target x86_64-freestanding -mno-red-zone",
    "rv32-gcc": "-march=rv32imac -mabi=ilp32 -mno-relax -msmall-data-limit=0",
    "rv32-zig": "-target riscv32-freestanding -mcpu=generic_rv32+m+a+c -mabi=ilp32 -mno-relax",
    "rv64-gcc": "-march=rv64imafdc_zicsr -mabi=lp64d -mcmodel=medany -mno-relax",
    "xtensa-gcc": "-mabi=call0 -fno-pic",
    "rv64-zig": "-target riscv64-freestanding -mabi=lp64d -mcmodel=medany -mno-relax",
}


@pytest.mark.parametrize(("name", "compiler"), BUILDS)
def test_the_base_image_decides_about_compiler_and_flags(
    name: str, compiler: str, project_of: Projects
) -> None:
    """By its build attributes; whatever compiled it, the object fits (B010 to B016)."""
    project = project_of(name, compiler, "relocatable")
    path = project.output / "obj" / "compile_commands.json"
    words = json.loads(path.read_text(encoding="utf-8"))[0]["arguments"]
    program = "zig" if compiler == "zig" else BENCHES[name].gcc
    assert Path(words[0]).name.removesuffix(".exe") == program
    assert set(WORDS[f"{name}-{compiler}"].split()) <= set(words)
    assert [str(each) for each in project.check_as_it_is().findings] == []


@pytest.mark.cross
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BENCHES)
def test_the_command_runs_what_was_built(name: str, mode: str, project_of: Projects) -> None:
    """`west-llext run`, in the folder of the manifest; loaded as the target's loader would."""
    project = project_of(name, "gcc", mode)
    command = [sys.executable, "-m", "west_llext", "run", "--stand-in", "printk"]
    done = subprocess.run(
        [*command, "start:start_demo", "weak:weak_demo"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "constructors: 1 2 3, 9",
        "start:start_demo = 3 (0x3)",
        "weak: 1 1 0",
        "table: 1 1 2",
        "there: 1 42",
        "weak:weak_demo = 0 (0x0)",
    ]
