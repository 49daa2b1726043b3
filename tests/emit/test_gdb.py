# SPDX-License-Identifier: Apache-2.0
"""The gdb script, run by gdb."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import compilers
from support.linked import prelocated, relocatable

from west_llext.emit import gdb
from west_llext.emit.gdb import DebugEntry
from west_llext.emit.twin import twin


def debugger() -> list[str]:
    """A gdb that knows Arm; skips the test where there is none."""
    for name in ("gdb-multiarch", "arm-none-eabi-gdb", "gdb"):
        if shutil.which(name) is not None:
            return [name, "-nx", "-batch", "-iex", "set architecture arm"]
    pytest.skip("gdb isn't installed")


def script(folder: Path, *, subfolder: str = "") -> Path:
    """The outputs of a build with two prelocated extensions and one that isn't."""
    out = folder / subfolder
    out.mkdir(exist_ok=True)
    motor = prelocated("motor", rom=0x21000800, ram=0x21040100)
    entries = []
    for linked in (relocatable(), prelocated(), motor):
        (out / f"{linked.name}.elf").write_bytes(twin(linked))
        entries.append(gdb.entry(linked, f"{linked.name}.elf"))
    path = out / "llext.gdb"
    path.write_text(gdb.text(entries, origin="llext.yml"))
    return path


def answers(folder: Path, path: Path, commands: Sequence[str], first: Sequence[str] = ()) -> str:
    words = [word for command in first for word in ("-ex", command)]
    words += ["-x", str(path)] + [word for command in commands for word in ("-ex", command)]
    return compilers.run(folder, [*debugger(), *words])


def test_prelocated_extensions_have_their_symbols_at_once(tmp_path: Path) -> None:
    """In the folder of the script; addresses from tests/support/linked.py."""
    where = ["0x21000100", "0x21000122", "0x21000820", "0x21040020", "0x21040100"]
    printed = answers(tmp_path, script(tmp_path), [f"info symbol {each}" for each in where])
    lines = printed.splitlines()[-len(where) :]
    assert [line.split(" of ")[0] for line in lines] == [
        "run in section .text",
        "step + 2 in section .text",
        "step in section .text",
        "state in section .data",
        "state in section .data",
    ]
    assert [line.rpartition("/")[2] for line in lines] == [
        *["filters.elf"] * 2,
        "motor.elf",
        "filters.elf",
        "motor.elf",
    ]


@pytest.mark.parametrize("subfolder", ["build", "ü b", "it's"])
def test_from_another_folder_a_variable_says_where_it_is(tmp_path: Path, subfolder: str) -> None:
    """gdb looks for files from its own folder on; only words of a command need quotes."""
    path = script(tmp_path, subfolder=subfolder)
    printed = answers(
        tmp_path,
        path,
        ["info symbol 0x21000100", "llext-hello 0x30000000 0x30001000 0x30002000 0x30003000"],
        [f'set $llext_dir = "{subfolder}"'],
    )
    assert "\nrun in section .text" in printed
    assert printed.count("add symbol table from file") == 3
    again = answers(path.parent, path, [f'llext "{path.parent.as_posix()}"'])
    assert again.count("add symbol table from file") == 4


@pytest.mark.parametrize("subfolder", ["", "build"])
def test_other_extensions_are_loaded_where_the_target_put_them(
    tmp_path: Path, subfolder: str
) -> None:
    """Addresses of .text, .rodata, .data and .bss, in this order."""
    path = script(tmp_path, subfolder=subfolder)
    printed = answers(
        tmp_path,
        path,
        [
            "llext-hello 0x30000000 0x30001000 0x30000000+0x2000 0x30003000",
            "info symbol 0x30000022",
            "info symbol 0x30002000",
        ],
        ['set $llext_dir = "build"'] if subfolder else [],
    )
    lines = printed.splitlines()[-2:]
    assert lines[0].startswith("step + 2 in section .text of")
    assert lines[1].startswith("state in section .data of")


def test_too_few_addresses_are_answered_with_the_usage(tmp_path: Path) -> None:
    """And `help` says the same."""
    path = script(tmp_path)
    printed = answers(tmp_path, path, ["llext-hello 0x30000000", "help llext-hello"])
    usage = "Usage: llext-hello TEXT RODATA DATA BSS"
    assert printed.splitlines().count(usage) == 2


def test_a_build_without_prelocated_extensions_has_a_script_that_works(tmp_path: Path) -> None:
    """An empty command is a command."""
    path = tmp_path / "llext.gdb"
    path.write_text(gdb.text([], origin="llext.yml"))
    assert answers(tmp_path, path, ["echo done\\n"]).splitlines()[-1] == "done"


def test_extensions_are_sorted_and_sections_in_gdbs_order() -> None:
    """.text is positional and first; empty sections have no symbols to place."""
    entries = [
        DebugEntry("b", "b.elf", ((".data", 0x30),)),
        DebugEntry("a", "x/a.elf", ((".text", 0x10), (".bss", 0x20))),
        DebugEntry("empty", "empty.elf", ()),
    ]
    lines = gdb.text(entries, origin="app/llext.yml").splitlines()
    assert lines[0] == "# Made by west-llext from app/llext.yml: symbols of loadable extensions."
    assert [line for line in lines if "add-symbol-file" in line] == [
        "  add-symbol-file $arg0/x/a.elf 0x10 -s .bss 0x20",
        "  add-symbol-file $arg0/b.elf -s .data 0x30",
    ]


@pytest.mark.parametrize(
    "entry",
    [
        DebugEntry("a\nshell reboot", "a.elf", ((".text", None),)),
        DebugEntry("a", 'a"; shell reboot', ((".text", 1),)),
        DebugEntry("a", "a.elf\nshell reboot", ((".text", 1),)),
        DebugEntry("a", "$(reboot).elf", ((".text", 1),)),
        DebugEntry("a", "a.elf", ((".text\nshell reboot", 1),)),
        DebugEntry("a", "%n.elf", ((".text", None),)),
        DebugEntry("größe", "a.elf", ((".text", None),)),
    ],
)
def test_a_hostile_name_never_becomes_a_command(entry: DebugEntry) -> None:
    """Manifests let none of these through; the script would refuse them all the same."""
    with pytest.raises(ValueError, match="not safe in a gdb script"):
        gdb.text([entry], origin="llext.yml")


def test_a_hostile_origin_stays_in_its_comment() -> None:
    """gdb comments end with the line."""
    text = gdb.text([], origin="x\nshell reboot\n")
    assert text.splitlines()[0] == (
        "# Made by west-llext from x?shell reboot?: symbols of loadable extensions."
    )
