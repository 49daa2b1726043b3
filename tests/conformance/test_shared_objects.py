# SPDX-License-Identifier: Apache-2.0
"""Members of the C library for Xtensa, each made a shared object by GNU ld, then an extension.

Those that call functions of others directly, have pointers in constants or lack a hidden symbol are
left out: GNU ld makes no shared objects of them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import partial

import pytest

from tests.conformance.compare import LOADS, spots
from tests.conformance.corpus import Member, chosen
from tests.support import sameness
from tests.support.cross import tool
from tests.support.elfbuild import OBJECT, SHN_ABS, Sym
from tests.support.linking import Case, Sizes, extension, offer
from tests.support.sharedobject import SharedObject
from west_llext.elf.read import object_file
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

#: Members that are tried; about a third of them can be linked.
TRIED = 240
TEXT = 0x08000000


@pytest.fixture(scope="module")
def shared_objects(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Member, bytes]]:
    """What GNU ld links."""
    folder = tmp_path_factory.mktemp("shared")
    found = []
    for member in chosen(TRIED, ["lx106"]):
        (folder / "unit.o").write_bytes(member.content)
        command = [tool("ld", "xtensa-lx106-elf-"), "-shared", "unit.o", "-o", "unit.so"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            found.append((member, (folder / "unit.so").read_bytes()))
    assert len(found) >= TRIED // 4
    return found


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_memory_is_what_a_dynamic_linker_makes_of_it(
    mode: Mode, shared_objects: list[tuple[Member, bytes]]
) -> None:
    """At three addresses of every region."""
    compared = 0
    for member, content in shared_objects:
        obj = object_file(content, str(member))
        base = _base(obj)
        values = {each.name: each.value for each in base}
        for turn in range(LOADS):
            place = partial(_place, member, turn)
            case = Case(
                extension=extension(mode=mode), base=offer(base, ident=obj.ident), place=place
            )
            made = case.link(obj)
            where = made.addresses or place(made.second.sizes())
            ours = sameness.memory(made, base, where)
            places = {region.label: address for region, address in where.items()}
            theirs = SharedObject(content).loaded(places, values.get)
            for region in ours.keys() - {Region.BSS}:
                # unwind tables are left out
                for _, start, size in made.first.arranged.outputs[region].pieces:
                    right = theirs[region.label][start : start + size]
                    assert ours[region][start : start + size] == right, (str(member), region)
                    compared += size
    assert compared > 10000


def _place(member: Member, turn: int, sizes: Sizes) -> Mapping[Region, int]:
    return list(spots(sizes, member, TEXT, 1 << 20))[turn]


def _base(obj: ObjectFile) -> list[Sym]:
    names = [each.name for each in obj.symbols if each.name and not each.section]
    return [
        Sym(name=each, value=0x40100000 + 16 * number, type=OBJECT, section=SHN_ABS)
        for number, each in enumerate(names)
    ]
