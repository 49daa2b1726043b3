# SPDX-License-Identifier: Apache-2.0
"""What addresses are counted from, and which values can be computed because of it.

Each region and the absolute addresses are a space. A value that doesn't depend on its place can be
computed when its symbol is in the absolute space; one that does, when symbol and place are in the
same space, because the loader keeps distances inside a region. In prelocated mode there is just
the absolute space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import add
from typing import NamedTuple

from west_llext.arch.table import Row
from west_llext.link.job import Job
from west_llext.link.targets import Kind
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

#: A space that is no region: all addresses, none, the thread-local block; one that no symbol is in.
ABSOLUTE_SPACE, NO_SPACE, THREAD_SPACE, NOWHERE = -1, -2, -3, -4

# by kind of a target that is in no region, or whose region has an address
_LOST = {Kind.NAMED, Kind.UNLOADED, Kind.MISSING, Kind.TLS}
_SPACES = [NO_SPACE if kind in _LOST else ABSOLUTE_SPACE for kind in Kind]
_SPACES[Kind.THREAD] = THREAD_SPACE
# of targets that are in no region, or in one without an address
_STARTS: dict[Region | None, int] = dict.fromkeys((None, *Region), 0)


class Located(NamedTuple):
    """Where the symbols of an extension are, each list by index in its symbol table.

    spaces: numbers of regions, or one of the constants above
    values: S in that space, without the Thumb bit; thumbs: that bit
    functions: whether it is known to be one
    zeros: indices of undefined weak symbols
    """

    spaces: Sequence[int]
    values: Sequence[int]
    thumbs: Sequence[int]
    functions: Sequence[bool]
    zeros: frozenset[int]


def located(job: Job) -> Located:
    """Where every symbol is."""
    if not job.targets:
        return Located([], [], [], [], frozenset())
    # whole columns, without a step for each of thousands of symbols
    kinds, _, offsets, thumbs, functions, regions, _ = zip(*job.targets, strict=True)
    spaces, values = list(map(_SPACES.__getitem__, kinds)), list(offsets)
    if job.mode is Mode.PRELOCATED:
        starts = _STARTS.copy()
        for each, start in job.addresses.items():
            starts[each] = start
        values = list(map(add, offsets, map(starts.__getitem__, regions)))
    else:
        spaces = [
            space if region is None else int(region)
            for space, region in zip(spaces, regions, strict=True)
        ]
    for index in _all(Kind.PEER, kinds):
        target = job.targets[index]
        found = job.peer_address(target.provider or "", target.name)
        values[index] = found - target.thumb
    return Located(spaces, values, thumbs, functions, frozenset(_all(Kind.ZERO, kinds)))


def _all(wanted: Kind, kinds: Sequence[Kind]) -> list[int]:
    # mostly there is none, which takes a tenth of the time to see
    return [index for index, kind in enumerate(kinds) if kind is wanted] if wanted in kinds else []


def bases(job: Job) -> Mapping[Region, tuple[int, int]]:
    """By region: the space of its places, and the address of its first byte there."""
    if job.mode is Mode.PRELOCATED:
        return {region: (ABSOLUTE_SPACE, job.addresses[region]) for region in job.arranged.outputs}
    return {region: (int(region), 0) for region in job.arranged.outputs}


def required(here: int) -> tuple[int, int, int, int]:
    """Spaces that a symbol has to be in for a value to be computed, by what has to be known for it.

    here: the space of the place
    """
    both = ABSOLUTE_SPACE if here == ABSOLUTE_SPACE else NOWHERE
    return ABSOLUTE_SPACE, here, both, THREAD_SPACE


def known(row: Row, there: int, here: int) -> bool:
    """Whether a value can be computed, by the spaces of its symbol and its place."""
    return there == required(here)[row.space]
