# SPDX-License-Identifier: Apache-2.0
"""SLIDs of exported names: Zephyr's scripts/build/llext_slidlib.py is the reference."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from west_llext.diagnostics import Span
from west_llext.emit.slids import collisions
from west_llext.model.manifest import ExportGroup, Name
from west_llext.model.slid import shown, slid

TWINS = ("sensor_read_45456", "sensor_read_46649")


def groups(*names: str) -> list[ExportGroup]:
    """One group for each name, as lines of a manifest."""
    return [
        ExportGroup(group=None, symbols=(Name(name, Span(PurePath("llext.yml"), line, 5)),))
        for line, name in enumerate(names, 5)
    ]


@pytest.mark.parametrize(("expected", "size"), [("0x87B31052", 4), ("0x87B3105268827052", 8)])
def test_a_slid_as_zephyr_prints_it(expected: str, size: int) -> None:
    """Of `printk`; the short one is the beginning of the long one."""
    assert shown(slid("printk", size), size) == expected


def test_two_names_with_one_slid() -> None:
    """The later one is the error, the other a note."""
    (found,) = collisions(groups("printk", *TWINS), 4)
    assert str(found) == (
        "llext.yml:7:5: error[O032]: 'sensor_read_46649' and 'sensor_read_45456' have the same "
        "SLID 0xE4EA6C74, and the base image looks symbols up by it\n"
        "llext.yml:6:5: note: 'sensor_read_45456' is exported here\n"
        "hint: rename one of them, or export one of them under another name"
    )


def test_addresses_of_64_bits_have_longer_slids() -> None:
    """The same two names differ there; a name that is there twice is another error."""
    assert list(collisions(groups("printk", *TWINS, "printk"), 8)) == []
