# SPDX-License-Identifier: Apache-2.0
"""What addresses are counted from, and which values can be computed because of it.

Each region and the absolute addresses are a space. A value that doesn't depend on its place can be
computed when its symbol is in the absolute space; one that does, when symbol and place are in the
same space, because the loader keeps distances inside a region. In prelocated mode there is just
the absolute space.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from west_llext.arch.formula import Space
from west_llext.arch.table import Row
from west_llext.link.job import Job
from west_llext.link.targets import Kind
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

#: A space that is no region: all addresses, none, the thread-local block.
ABSOLUTE_SPACE, NO_SPACE, THREAD_SPACE = -1, -2, -3

# by kind of a target that is in no region, or whose region has an address
_LOST = {Kind.NAMED, Kind.UNLOADED, Kind.MISSING, Kind.TLS}
_SPACES = [NO_SPACE if kind in _LOST else ABSOLUTE_SPACE for kind in Kind]
_SPACES[Kind.THREAD] = THREAD_SPACE


class Located(NamedTuple):
    """Where the symbols of an extension are, each list by index in its symbol table.

    spaces: numbers of regions, or one of the constants above
    values: S in that space, without the Thumb bit; thumbs: that bit
    """

    spaces: list[int]
    values: list[int]
    thumbs: list[int]


def located(job: Job) -> Located:
    """Where every symbol is."""
    targets, addresses = job.targets, job.addresses
    if job.mode is Mode.PRELOCATED:
        starts = [addresses.get(region, 0) for region in Region]
        values = [each[2] if each[5] is None else each[2] + starts[each[5]] for each in targets]
        spaces = [_SPACES[each[0]] for each in targets]
    else:
        values = [each[2] for each in targets]
        spaces = [_SPACES[each[0]] if each[5] is None else each[5] for each in targets]
    for index, target in enumerate(targets):
        if target[0] is Kind.PEER:
            found = job.peer_address(target.provider or "", target.name)
            values[index] = found - target.thumb
    return Located(spaces, values, [each[3] for each in targets])


def bases(job: Job) -> Mapping[Region, tuple[int, int]]:
    """By region: the space of its places, and the address of its first byte there."""
    if job.mode is Mode.PRELOCATED:
        return {region: (ABSOLUTE_SPACE, job.addresses[region]) for region in job.arranged.outputs}
    return {region: (int(region), 0) for region in job.arranged.outputs}


def known(row: Row, there: int, here: int) -> bool:
    """Whether a value can be computed, by the spaces of its symbol and its place."""
    match row.space:
        case Space.ABSOLUTE:
            return there == ABSOLUTE_SPACE
        case Space.DISTANCE:
            return there == here
        case Space.BOTH:
            return there == here == ABSOLUTE_SPACE
        case Space.THREAD:
            return there == THREAD_SPACE
