# SPDX-License-Identifier: Apache-2.0
"""Symbols of C++ in what commands say: beside each, once, what the source calls it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import command
from support.project import SYMBOLS, base_elf, demo_object, project

from west_llext.diagnostics import Diagnostic, LlextError, Related, Span

WANTED, THERE = "_ZN5sound4beepEj", "_ZN5sound4beepEi"
MESSAGE = (
    "extension 'demo' needs '_ZN5sound4beepEj' [sound::beep(unsigned int)] "
    "(at .text+0x0 and 1 more): nothing defines it"
)
HINT = "did you mean '_ZN5sound4beepEi' [sound::beep(int)]?"
FINDING = f"demo.o: error[S001]: {MESSAGE}\nhint: {HINT}\n1 error\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An extension that needs a function which the base image has for another type."""
    project(tmp_path)
    (tmp_path / "base.elf").write_bytes(base_elf({**SYMBOLS, THERE: 0x1031}))
    (tmp_path / "demo.o").write_bytes(demo_object(wants=WANTED))
    return tmp_path


def test_a_finding_says_what_c_plus_plus_calls_a_symbol(folder: Path) -> None:
    """In the message and in the hint, where the difference is one letter of the symbol."""
    assert command("check", folder=folder) == (1, FINDING, "")
    ran = command("build", folder=folder)
    assert (ran.status, ran.out, ran.err) == (1, "", FINDING)


def _json(text: str) -> tuple[str, str]:
    (found,) = json.loads(text)["findings"]
    return found["message"], found["hint"]


def _sarif(text: str) -> tuple[str, str]:
    (found,) = json.loads(text)["runs"][0]["results"]
    message, hint = found["message"]["text"].split("\nhint: ")
    return message, hint


def _github(text: str) -> tuple[str, str]:
    message, hint = text.strip().removeprefix("::error file=demo.o,title=S001::").split("%0A")
    return message, hint.removeprefix("hint: ")


@pytest.mark.parametrize(
    ("form", "read"), [("json", _json), ("sarif", _sarif), ("github", _github)]
)
def test_every_format_says_the_same(form: str, read: Any, folder: Path) -> None:
    """Messages are for people, wherever they are shown."""
    assert read(command("check", "--format", form, folder=folder).out) == (MESSAGE, HINT)


def test_data_has_symbols_as_they_are_in_files(folder: Path) -> None:
    """What programs read and look up; and the map, which `c++filt` can be given."""
    (folder / "demo.o").write_bytes(demo_object(wants=THERE))
    assert command("build", folder=folder).status == 0
    output = folder / "build" / "llext"
    assert THERE in (output / "demo.map").read_text(encoding="utf-8")
    built = (output / "llext-build.json").read_text(encoding="utf-8")
    assert THERE in built
    info = json.loads(command("info", str(output / "demo.llext"), "--json", folder=folder).out)
    assert "sound::" not in built + json.dumps(info)


def test_what_the_loader_would_log_is_explained_as_well(folder: Path) -> None:
    """In the finding; the log itself is what the target prints."""
    manifest = folder / "llext.yml"
    text = manifest.read_text(encoding="utf-8").replace("mode: bound", "mode: relocatable")
    manifest.write_text(text.replace("[printk,", f"[{THERE},"), encoding="utf-8")
    (folder / "demo.o").write_bytes(demo_object(wants=THERE))
    assert command("build", folder=folder).status == 0
    (folder / "other.elf").write_bytes(base_elf())
    target = ("--base", "other.elf", "--zephyr-version", "4.3", "--heap-size", "8K")
    ran = command("load", "build/llext/demo.llext", *target, folder=folder)
    assert ran.status == 1
    log = f"Undefined symbol with no entry in symbol table {THERE}, offset 20, link section 5"
    assert f"log      E: {log}\n" in ran.out
    assert ran.err.splitlines()[0] == (
        "build/llext/demo.llext: error[L020]: llext_load() of 'demo' returns -61 (ENODATA): "
        f"{log.replace(',', ' [sound::beep(int)],', 1)}"
    )


def test_a_fingerprint_is_that_of_the_symbol(folder: Path) -> None:
    """A service knows a finding again when more names can be read: 64 digits of the raw text."""
    raw = "S001\0demo.o\0" + MESSAGE.replace(" [sound::beep(unsigned int)]", "") + "\x001"
    text = command("check", "--format", "sarif", folder=folder).out
    (found,) = json.loads(text)["runs"][0]["results"]
    expected = hashlib.sha256(raw.encode()).hexdigest()
    assert found["partialFingerprints"] == {"westLlext/v1": expected}


def test_each_symbol_is_explained_once() -> None:
    """Where it comes first: message, then notes, then hint."""
    finding = Diagnostic(
        code="S001",
        at=Span(Path("a.o")),
        message="'f' needs '_Z1gv', not '_Z1gi'",
        related=(Related(at=Span(Path("b.o")), message="'_Z1gv' and '_Z1hv' are here"),),
        hint="remove '_Z1hv' and '_Zbroken'",
    )
    text = """\
a.o: error[S001]: 'f' needs '_Z1gv' [g()], not '_Z1gi' [g(int)]
b.o: note: '_Z1gv' and '_Z1hv' [h()] are here
hint: remove '_Z1hv' and '_Zbroken'"""
    assert str(finding) == text
    assert str(LlextError([finding, finding])) == f"{text}\n{text}"
    assert finding.message == "'f' needs '_Z1gv', not '_Z1gi'"
