# SPDX-License-Identifier: Apache-2.0
"""Zephyr 3.5 looks for what an extension exports among its global functions."""

from __future__ import annotations

import pytest
from support import elfbuild, loads
from support.elfbuild import FUNC, Sym
from support.linking import Case, extension, offer

from west_llext.emit.blob import blob
from west_llext.loader.versions import Version
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

OBJECT = elfbuild.elf(
    sections=[loads.code(loads.NOTHING * 3)],
    symbols=[
        Sym(name=name, value=4 * number + 1, size=4, type=FUNC, section=".text")
        for number, name in enumerate(("run", "helper", "stop"))
    ],
)


def exported(version: str, loader: Version, mode: Mode) -> tuple[dict[str, int], bool]:
    """What is found after loading, by offset into .text; and whether the blob has a table."""
    case = Case(
        extension=extension(mode=mode, exports=["run", "stop"]),
        base=offer([], zephyr_version=version),
    )
    linked = case.link(OBJECT, "demo.o").linked
    content = blob(linked)
    system, loaded = loads.load(content, loads.target(version=loader))
    assert loaded.ext is not None, loads.logged(loaded)
    text = loaded.ext.mem[system.target.mem.text]
    found = {
        system.memory.string(each.name, "a name").decode(): each.addr - text
        for each in loaded.ext.exp_tab
    }
    return found, linked.section(Region.EXPORT) is not None


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
@pytest.mark.parametrize(
    ("version", "loader", "table"),
    [
        ("3.5.0", Version(3, 5), False),
        ("3.5.99", Version(3, 5), False),
        ("3.7.0", Version(3, 7), True),
        ("4.3.0", Version(4, 3), True),
        ("3.50.0", Version(4, 3), True),
    ],
)
def test_what_the_manifest_exports_is_found(
    version: str, loader: Version, *, table: bool, mode: Mode
) -> None:
    """And nothing else, in the form that the release looks for."""
    assert exported(version, loader, mode) == ({"run": 1, "stop": 9}, table)
