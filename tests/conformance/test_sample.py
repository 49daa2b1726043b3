# SPDX-License-Identifier: Apache-2.0
"""A fixed sample of the long comparison: `python -m tests.conformance` takes all objects."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.compare import Verdict, compared, spots
from tests.conformance.corpus import LIBRARIES, Member, chosen
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

#: How many processors of each machine there are objects for.
PROCESSORS = Counter(each.machine for each in LIBRARIES.values())
#: Libraries of Linux: half of their objects use what extensions can't have.
POSITION_INDEPENDENT = {"a64-linux", "amd64", "archs", "i386", "rv64-linux"}


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
@pytest.mark.parametrize("arch", LIBRARIES)
def test_every_region_is_what_gnu_ld_makes(arch: str, mode: Mode, tmp_path: Path) -> None:
    """100 objects of each machine; what is left for the target is applied here."""
    count = -(-100 // PROCESSORS[LIBRARIES[arch].machine])
    members = chosen(count, [arch])
    assert len(members) == count
    found = [compared(each, mode, tmp_path) for each in members]
    wrong = [f"{each.member}: {each.reason}" for each in found if each.verdict is Verdict.DIFFERENT]
    assert wrong == []
    equal = [each for each in found if each.verdict is Verdict.EQUAL]
    assert len(equal) >= count * (4 if arch in POSITION_INDEPENDENT else 8) // 10
    assert sum(each.bytes for each in equal) > 100 * count
    assert all(each.reason for each in found if each.verdict is Verdict.SKIPPED)


def test_the_target_could_load_an_object_anywhere_and_a_failure_can_be_repeated() -> None:
    """Three addresses of every region, the same ones each time; others for another object."""
    sizes = {
        Region.TEXT: (40, 4),
        Region.DATA: (8, 8),
        Region.RODATA: (9, 1),
        Region.BSS: (64, 32),
    }
    unit, other = (Member("v7-m", "libc.a", name, 7, b"") for name in ("abs.o", "div.o"))
    found = list(spots(sizes, unit, 0x08001000, 0x10000))
    assert found == list(spots(sizes, unit, 0x08001000, 0x10000))
    assert found != list(spots(sizes, other, 0x08001000, 0x10000))
    assert len(found) == 3
    for region, (_, align) in sizes.items():
        addresses = {each[region] for each in found}
        assert len(addresses) == 3
        assert not any(address % align for address in addresses)
    assert all(0x08001000 <= each[Region.TEXT] <= 0x08011000 for each in found)
