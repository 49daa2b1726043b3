# SPDX-License-Identifier: Apache-2.0
"""Extensions for a base image that looks symbols up by SLID."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.cross import gcc
from support.linking import Case, data, extension, offer, thumb

from west_llext.model.elf import SHN_UNDEF
from west_llext.model.manifest import Mode

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
