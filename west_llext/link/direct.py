# SPDX-License-Identifier: Apache-2.0
"""How near the targets of an object are, for references that need no table then.

As with veneers, every address counts that the extension and the target may get.
"""

from __future__ import annotations

from collections.abc import Callable

from west_llext.arch.machine import Nearness
from west_llext.link.targets import Kind, Target
from west_llext.link.veneers import Reach, Window
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

_LOW = 1 << 31
#: How far a signed 32-bit distance reaches, less what an instruction counts from behind its place.
_NEAR = (1 << 31) - 16
#: What has an address that can be near or low.
_KNOWN = frozenset({Kind.ABSOLUTE, Kind.NAMED, Kind.PEER, Kind.ZERO})


def direct(
    obj: ObjectFile,
    targets: list[Target],
    reach: Reach,
    own: Callable[[Region], Window | None],
) -> ObjectFile:
    """The object without references through a table that need none.

    own: where a region of the extension can be; None for anywhere
    """
    if reach.machine.without_table is None:
        return obj

    def nearness(symbol: int) -> Nearness:
        return _nearness(targets[symbol], reach, own)

    return reach.machine.without_table(obj, nearness)


def _nearness(target: Target, reach: Reach, own: Callable[[Region], Window | None]) -> Nearness:
    if target.kind is Kind.OWN and target.region is not None:
        # the compiler's own references to other regions are as long
        found = Nearness.NEAR | _low(own(target.region))
        return found | Nearness.FIXED if reach.mode is Mode.PRELOCATED else found
    if target.kind not in _KNOWN:
        return Nearness.NOTHING
    there, text = reach.window(target), reach.text
    if target.kind is Kind.ZERO:
        there = 0, 1
    found = _low(there)
    if target.provider is None:
        found |= Nearness.FIXED
    if there is None or text is None:
        return found
    if there[1] - text[0] < _NEAR and text[1] - there[0] < _NEAR:
        found |= Nearness.NEAR
    return found


def _low(window: Window | None) -> Nearness:
    return Nearness.LOW if window is not None and window[1] <= _LOW else Nearness.NOTHING
