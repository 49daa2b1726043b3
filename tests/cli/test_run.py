# SPDX-License-Identifier: Apache-2.0
"""`run` on the command line: from a manifest, and from files alone."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from support.commands import command
from support.elfbuild import FUNC, OBJECT, SHF_ALLOC, Sec, Sym, elf
from support.project import SHF_EXECINSTR, project

from west_llext.cli.verbs.run import _split
from west_llext.manifest.schema import text as schema_text

pytest.importorskip("unicorn")

CALL = "demo:demo_run"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built project whose `demo_run` adds its two arguments."""
    project(tmp_path, mode="prelocated")
    code = bytes.fromhex("4018 7047")  # adds r0, r0, r1; bx lr (ARMv6-M ARM, A6.7.3, A6.7.15)
    unit = elf(
        sections=[Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=code)],
        symbols=[Sym(name="demo_run", value=1, size=4, type=FUNC, section=".text")],
    )
    (tmp_path / "demo.o").write_bytes(unit)
    ran = command("build", "-q", folder=tmp_path)
    assert ran.status == 0, ran.err
    return tmp_path


def test_a_call_shows_what_it_returns(folder: Path) -> None:
    """In decimal and in hexadecimal; unsigned, and as an errno where it can be one."""
    ran = command("run", CALL, "3", "4", CALL, "-1", "0", folder=folder)
    expected = "demo:demo_run 3 4 = 7 (0x7)\ndemo:demo_run -1 0 = 4294967295 (0xffffffff, -1)\n"
    assert ran == (0, expected, "")
    ran = command("run", CALL, "-4095", "0", CALL, "-4096", "0", folder=folder)
    assert ran.out == (
        "demo:demo_run -4095 0 = 4294963201 (0xfffff001, -4095)\n"
        "demo:demo_run -4096 0 = 4294963200 (0xfffff000)\n"
    )


def test_a_variable_is_not_called(folder: Path) -> None:
    """X009, before anything runs: there would be a fault, and the registers of it."""
    code = bytes.fromhex("4018 7047")
    unit = elf(
        sections=[
            Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=code),
            Sec(name=".rodata", flags=SHF_ALLOC, content=bytes(8)),
        ],
        symbols=[
            Sym(name="demo_run", value=1, size=4, type=FUNC, section=".text"),
            Sym(name="demo_api", size=8, type=OBJECT, section=".rodata"),
        ],
    )
    (folder / "demo.o").write_bytes(unit)
    manifest = folder / "llext.yml"
    text = manifest.read_text(encoding="utf-8").replace("[demo_run]", "[demo_run, demo_api]")
    manifest.write_text(text, encoding="utf-8")
    assert command("build", "-q", folder=folder).status == 0
    ran = command("run", "demo:demo_api", "3", folder=folder)
    expected = (
        "build/llext/demo.llext: error[X009]: 'demo_api' of 'demo' is no function: it is in "
        "'.rodata'\n1 error\n"
    )
    assert ran == (1, "", expected)


def test_files_alone_are_enough(folder: Path) -> None:
    """Without a manifest: base image and blobs."""
    (folder / "llext.yml").unlink()
    words = ("run", "--base", "base.elf", "build/llext/demo.llext", CALL, "0x10", "1")
    assert command(*words, folder=folder) == (0, "demo:demo_run 16 1 = 17 (0x11)\n", "")


def test_quiet_shows_only_what_was_printed(folder: Path) -> None:
    """For comparing with an expected output; this function prints nothing."""
    assert command("run", "-q", CALL, "3", "4", folder=folder) == (0, "", "")


def test_verbose_tells_the_core_and_the_instructions(folder: Path) -> None:
    """Two instructions."""
    ran = command("run", "-v", CALL, "3", "4", folder=folder)
    assert ran.out.endswith(f"\n{CALL} 3 4: 2 instructions\n")


def test_json_has_every_call(folder: Path) -> None:
    """As the schema has it."""
    ran = command("run", "--json", CALL, "3", "4", folder=folder)
    document = json.loads(ran.out)
    jsonschema.validate(document, json.loads(schema_text("llext-report.schema.json")))
    (call,) = document["result"]["calls"]
    assert (call["value"], call["instructions"], call["fault"]) == (7, 2, None)


def test_an_unknown_function_is_named(folder: Path) -> None:
    """X009, and the nearest one."""
    ran = command("run", "demo:demo_rum", folder=folder)
    expected = (
        "build/llext/demo.llext: error[X009]: extension 'demo' exports no 'demo_rum', it exports: "
        "'demo_run'\nhint: did you mean 'demo_run'?\n1 error\n"
    )
    assert ran == (1, "", expected)


@pytest.mark.parametrize(
    ("blobs", "calls", "words"),
    [
        ([], [], []),
        (["a.llext"], [], ["a.llext"]),
        (["a.llext", "b/c.llext"], ["a:f", "1"], ["a.llext", "b/c.llext", "a:f", "1"]),
        (["C:/a.llext"], ["a:f"], ["C:/a.llext", "a:f"]),
        (["C:\\a.llext"], ["a:f"], ["C:\\a.llext", "a:f"]),
        ([], ["a:f", "1", "b:g"], ["a:f", "1", "b:g"]),
    ],
)
def test_blobs_come_before_calls(blobs: list[str], calls: list[str], words: list[str]) -> None:
    """A drive letter makes no call."""
    found, rest = _split(words)
    assert (found, list(rest)) == (tuple(Path(each) for each in blobs), calls)
