# SPDX-License-Identifier: Apache-2.0
"""Extensions for a base image that looks symbols up by SLID."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.cross import gcc
from support.linking import Case, data, extension, offer, thumb

from west_llext.link.resolve import Offered, Peer
from west_llext.model.elf import SHN_UNDEF
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

SOURCE = "int printk(void); int run(void) { return printk(); }"


def undefined(folder: Path, mode: Mode, *, by_slid: bool) -> list[tuple[str, int]]:
    """Names and values of the undefined symbols of a blob."""
    offered = offer([thumb("printk", 0x1000), data("unused", 0x2000)])
    assert offered.image is not None
    image = replace(offered.image, by_slid=by_slid)
    case = Case(extension=extension(mode=mode, exports=["run"]), base=replace(offered, image=image))
    linked = case.link(gcc(folder, SOURCE, "-mcpu=cortex-m3", "-mthumb").read_bytes()).linked
    return [(each.name, each.value) for each in linked.symbols if each.section == SHN_UNDEF]


def test_an_import_has_its_slid_for_a_value(tmp_path: Path) -> None:
    """As scripts/build/llext_inject_slids.py of Zephyr writes it; 0x87b31052 is in its tests."""
    assert undefined(tmp_path, Mode.RELOCATABLE, by_slid=True) == [("printk", 0x87B31052)]


def test_an_import_has_no_value_where_names_are_looked_up(tmp_path: Path) -> None:
    """A value there would be odd, and Zephyr's script refuses it."""
    assert undefined(tmp_path, Mode.RELOCATABLE, by_slid=False) == [("printk", 0)]


def test_a_bound_extension_imports_no_name(tmp_path: Path) -> None:
    """So it has no SLID either."""
    assert undefined(tmp_path, Mode.BOUND, by_slid=True) == []


#: Two names whose SHA-256 begin with the same four bytes; found by trying.
TWINS = ("sensor_read_45456", "sensor_read_46649")


def with_peer(
    folder: Path, exported: str, imported: str, *, by_slid: bool, mode: Mode
) -> list[str]:
    """What is said of an extension that imports from another one, whatever the base exports."""
    offered = offer([thumb(exported, 0x1000)])
    assert offered.image is not None
    image = replace(offered.image, by_slid=by_slid, exports={exported: 0x1001})
    case = Case(
        extension=extension(mode=mode, exports=["run"], imports_from=["lib"]),
        base=replace(offered, image=image),
        peers={
            "lib": Peer(
                name="lib",
                mode=Mode.RELOCATABLE,
                memory=None,
                exports={imported: Offered(Region.TEXT, 0, 1, True)},  # noqa: FBT003 (a record)
            )
        },
    )
    source = f"int {imported}(void); int run(void) {{ return {imported}(); }}"
    content = gcc(folder, source, "-mcpu=cortex-m3", "-mthumb").read_bytes()
    return [str(each) for each in case.link(content).findings]


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_an_import_that_the_base_would_answer_is_refused(mode: Mode, tmp_path: Path) -> None:
    """Its SLID is asked for first, before the name is looked up in other extensions."""
    (found,) = with_peer(tmp_path, *TWINS, by_slid=True, mode=mode)
    assert found == (
        "unit.o: error[S020]: extension 'ext' imports 'sensor_read_46649' from 'lib', which has "
        "the same SLID 0xE4EA6C74 as 'sensor_read_45456': the target would take that of the base "
        "image\nhint: rename 'sensor_read_46649'"
    )


def test_names_are_told_apart_where_names_are_looked_up(tmp_path: Path) -> None:
    """Only a table of SLIDs has collisions; other names have none."""
    assert with_peer(tmp_path, *TWINS, by_slid=False, mode=Mode.RELOCATABLE) == []
    assert with_peer(tmp_path, "a", "b", by_slid=True, mode=Mode.RELOCATABLE) == []
