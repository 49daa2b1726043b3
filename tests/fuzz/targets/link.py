# SPDX-License-Identifier: Apache-2.0
"""The whole link of a damaged object, in all modes, up to every file that would be written.

The first byte chooses the mode, and that of the extension that it imports from. A third extension
imports from it. What comes out has to be a file that our own reader takes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import PurePath
from random import Random

from tests.fuzz.elf_steps import elf_mutated
from tests.fuzz.objects import Kind, attribute_sections, base, kinds, machine, objects
from tests.fuzz.target import Target, scratch
from tests.support.elfbuild import FUNC, SHF_ALLOC, SHF_EXECINSTR, Rel, Sec, Sym, elf
from west_llext.app.blob_info import blob_info
from west_llext.app.inputs import Inputs, inputs
from west_llext.app.linking import Outcome, link_all
from west_llext.app.made import made
from west_llext.app.requests import Request
from west_llext.app.session import Task
from west_llext.app.surroundings import occupied, surroundings
from west_llext.diagnostics import LlextError, has_errors
from west_llext.elf.read import object_file
from west_llext.emit.aside import Ready
from west_llext.link.extension import Purpose
from west_llext.model.manifest import Mode

_MODES = tuple(Mode)
_MANIFEST = """\
version: 1
base:
  image: base.elf
  memory:
    - {{name: rom, address: 0x00100000, size: 1M, access: rx}}
    - {{name: ram, address: 0x20100000, size: 1M, access: rw}}
defaults:
  place: {{text: rom, rodata: rom, data: ram, bss: ram}}
extensions:
  - {{name: unit, objects: [unit.o], mode: {mode}, exports: [run, shared], imports-from: [peer]}}
  - {{name: peer, objects: [peer.o], mode: {other}, exports: [peer_run]}}
  - {{name: user, objects: [user.o], mode: {mode}, imports-from: [unit]}}
"""


def seeds() -> dict[str, bytes]:
    """Objects of every machine in every mode."""
    found = {}
    for name, data in objects():
        if "whole" in name:
            for number, mode in enumerate(_MODES):
                found[f"{name} {mode.value}"] = bytes([number * 5]) + data
        else:
            found[name] = bytes([len(found) % 12]) + data
    return found


def kind_of(data: bytes) -> Kind:
    """The kind of base image that suits an object; the first one where none does."""
    machine = int.from_bytes(data[18:20], "big" if data[5:6] == b"\2" else "little")
    key = machine, 64 if data[4:5] == b"\2" else 32, data[5:6] != b"\2"
    known = {(each.machine, each.bits, each.little): each for each in kinds()}
    return known.get(key, kinds()[0])


@cache
def _start(kind: Kind, mode: Mode, other: Mode) -> Inputs:
    # everything but the object
    folder = scratch(f"link-{kind.label}-{mode.value}-{other.value}".replace(" ", "-"))
    (folder / "base.elf").write_bytes(base(kind))
    (folder / "peer.o").write_bytes(_small(kind, defined="peer_run", needed="printk"))
    (folder / "user.o").write_bytes(_small(kind, defined="use", needed="run"))
    text = _MANIFEST.format(mode=mode.value, other=other.value)
    (folder / "llext.yml").write_text(text, encoding="utf-8")
    return inputs(Request(manifest=folder / "llext.yml", display="llext.yml", output=folder))


def _small(kind: Kind, *, defined: str, needed: str) -> bytes:
    # an object that defines one function and has a pointer to another
    known = machine(kind)
    number = 2 if known is None else known.absolute_word
    addend = 0 if known is None or known.explicit_addends else None
    row = Rel(offset=0, type=number, symbol=needed, addend=addend)
    sections = [
        Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, size=16),
        Sec(name=".rodata", content=bytes(8), align=8, relocations=[row]),
        *attribute_sections(kind),
    ]
    return elf(
        machine=kind.machine,
        bits=kind.bits,
        little=kind.little,
        flags=kind.flags,
        sections=sections,
        symbols=[Sym(name=defined, size=8, type=FUNC, section=".text"), Sym(name=needed)],
    )


def run(data: bytes) -> bool:
    """Link, and make every file."""
    choice, content = data[0] if data else 0, data[1:]
    start = _start(
        kind_of(content), _MODES[choice // 4 % len(_MODES)], _MODES[choice % 4 % len(_MODES)]
    )
    outcome = _linked(start, content)
    assert all(str(each) for each in outcome.findings)
    if has_errors(outcome.findings):
        return False
    _look_at(start, outcome, len(content))
    return True


def linked(content: bytes, mode: Mode) -> tuple[Inputs, Outcome]:
    """What a build starts from, and what comes of an object."""
    start = _start(kind_of(content), mode, mode)
    return start, _linked(start, content)


def report(start: Inputs, outcome: Outcome) -> str:
    """The build's `llext-build.json`."""
    return str(made(start, outcome.products, {}).files["llext-build.json"])


def blob(content: bytes, mode: Mode) -> bytes:
    """The blob of a good object."""
    _, outcome = linked(content, mode)
    assert not has_errors(outcome.findings), [str(each) for each in outcome.findings]
    found = dict(outcome.products[0].files)["unit.llext"]
    assert isinstance(found, bytes)
    return found


def _linked(start: Inputs, content: bytes) -> Outcome:
    folder = start.manifest.root
    (folder / "unit.o").write_bytes(content)
    image = start.base.image
    return link_all(
        [Task(each, folder / f"{each.name}.o", f"{each.name}.o") for each in start.extensions],
        surroundings(start.manifest, start.base, Purpose.BUILD, PurePath()),
        start.manifest.base.memories,
        occupied=occupied(image),
        earlier={},
        jobs=1,
    )


def _look_at(start: Inputs, outcome: Outcome, size: int) -> None:
    # what comes out is for our own readers, too
    whole = made(start, outcome.products, {})
    for name, content in whole.files.items():
        assert not isinstance(content, Ready)
        assert len(content) < 8 * size + (1 << 20), name
        if name.endswith((".llext", ".elf")):
            assert isinstance(content, bytes)
            blob = object_file(content, name)
            if name.endswith(".llext"):
                blob_info(blob, content)
    json.loads(str(whole.files["llext-build.json"]))


def shown(data: bytes) -> str:
    """What is said of the object."""
    try:
        obj = object_file(data[1:], "unit.o")
    except LlextError as err:
        return f"{err}\n"
    return "".join(f"{number:3} {each}\n" for number, each in enumerate(obj.sections))


def mutate(data: bytes, dice: Random) -> bytes:
    """Another object, mostly in the same mode."""
    choice = data[:1] if dice.randrange(8) else dice.randbytes(1)
    return choice + elf_mutated(data[1:], dice)


TARGET = Target(name="link", seeds=seeds, run=run, mutate=mutate, shown=shown)
