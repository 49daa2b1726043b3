# SPDX-License-Identifier: Apache-2.0
"""What starting costs: no module that a command doesn't need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ROOT, process
from support.project import demo_object, project

HEAVY = (
    *("yaml", "jsonschema", "elftools", "unicorn", "ninja", "ziglang", "west"),
    *("multiprocessing", "subprocess", "concurrent.futures", "asyncio", "socket", "ssl"),
)


def modules(folder: Path, *words: str, expected: int = 0) -> set[str]:
    """The modules that a command has imported when it ends."""
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from west_llext.cli.main import main\n"
        f"status = main({list(words)!r})\n"
        "sys.stdout.flush()\n"
        "print(f'\\n{status}', *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, check=True, text=True
    )
    status, *names = done.stdout.splitlines()[-1].split()
    assert status == str(expected), done.stderr
    return set(names)


def test_the_version_needs_nothing_but_argparse(tmp_path: Path) -> None:
    """Shell completion and version checks ask often."""
    found = modules(tmp_path, "--version")
    assert not found.intersection(HEAVY)
    assert not found & {"dataclasses", "west_llext.diagnostics", "west_llext.cli.render.text"}


def test_a_build_with_nothing_to_do_reads_no_manifest(tmp_path: Path) -> None:
    """It only compares contents, so neither YAML nor ELF has to be understood."""
    project(tmp_path)
    assert process("build", folder=tmp_path).status == 0
    found = modules(tmp_path, "build")
    assert not found.intersection(HEAVY)
    assert not found & {"argparse", "dataclasses", "enum", "pathlib", "re", "typing"}
    rooms = {"manifest.load", "elf.read", "link.resolve", "toolchain.run", "cli.render.text"}
    assert not found & {f"west_llext.{name}" for name in rooms}


@pytest.mark.parametrize("verb", ["exports", "check"])
def test_a_verb_does_not_import_what_another_one_needs(verb: str, tmp_path: Path) -> None:
    """The emulator belongs to `run`; the validator of JSON schemas to nobody here."""
    project(tmp_path)
    found = modules(tmp_path, verb)
    assert not found & {"unicorn", "west_llext.emulate.engine", "elftools", "west"}


def test_info_needs_no_yaml(tmp_path: Path) -> None:
    """It reads ELF files."""
    project(tmp_path)
    assert not modules(tmp_path, "info", "base.elf") & {"yaml", "jsonschema", "unicorn"}


def test_names_in_c_plus_plus_are_read_for_findings_that_have_some(tmp_path: Path) -> None:
    """Neither where there is nothing to say, nor for what is written in C."""
    project(tmp_path)
    reader = "west_llext.cxx.name_reader"
    assert reader not in modules(tmp_path, "check")
    (tmp_path / "demo.o").write_bytes(demo_object(wants="missing"))
    assert reader not in modules(tmp_path, "check", expected=1)
    (tmp_path / "demo.o").write_bytes(demo_object(wants="_ZN5sound4beepEi"))
    assert reader in modules(tmp_path, "check", expected=1)
