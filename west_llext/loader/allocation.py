# SPDX-License-Identifier: Apache-2.0
"""The loader's allocations: from the modelled heaps, or at addresses that somebody gave."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from west_llext.loader.blocks import Blocks
from west_llext.loader.danger import WORK, Danger
from west_llext.loader.heap import Heap
from west_llext.loader.memory import Memory
from west_llext.loader.target import Target
from west_llext.model.members import plain_members
from west_llext.record import record

#: Largest region at a given address; the heap bounds the others.
MAX_REGION = 16 << 20


@plain_members
class Lifetime(Enum):
    """How long an allocation lives."""

    #: only during the load
    LOAD = "load"
    #: until the extension is unloaded
    EXTENSION = "extension"
    #: until whoever asked for it frees it
    CALLER = "caller"


@record(frozen=True, slots=True, kw_only=True)
class Allocation:
    """One allocation of a load.

    what: such as `text` or `section map`; size: bytes asked for; used: bytes of it that matter
    align: as asked for, 0 for none; overhead: bytes that the heap spends beside `size`
    address: 0 where there was no room
    """

    what: str
    size: int
    used: int
    align: int
    lifetime: Lifetime
    overhead: int
    address: int


class Pool(Protocol):
    """Memory that is given out: a heap, or blocks."""

    @property
    def live(self) -> int:
        """Bytes in use."""

    @property
    def peak(self) -> int:
        """The most since `reset_peak`."""

    def reset_peak(self) -> None:
        """Start to look for the most anew."""

    def allocate(self, size: int, align: int = 0) -> int:
        """Address of `size` bytes, or 0."""

    def free(self, address: int) -> None:
        """Give them back."""

    def overhead(self, address: int, size: int) -> int:
        """What they cost beside."""


class Allocator:
    """Gives out memory, and remembers what for.

    places: addresses for regions by name, which are then not looked for on the heap
    account: allocations of the load that is under way
    pools: every heap once
    """

    __slots__ = ("_pools", "account", "code", "data", "memory", "own", "places", "pools")

    def __init__(self, target: Target, memory: Memory, own: tuple[int, int] | None = None) -> None:
        """Fresh heaps, as the target's configuration has them, or one where somebody says."""
        self.memory = memory
        start, size = own or (target.heap.address, target.heap.size)
        self.own = _heap(target, start, size)
        self.data = self._pool(target, target.heap.data)
        self.code = self.data if target.heap.code is None else self._pool(target, target.heap.code)
        self.pools: list[Pool] = []
        for each in (self.own, self.data, self.code):
            if each not in self.pools:
                self.pools.append(each)
        self.places: Mapping[str, int] = {}
        self.account: list[Allocation] = []
        self._pools: dict[int, Pool] = {}

    @property
    def live(self) -> int:
        """Bytes in use in all of them."""
        return sum(each.live for each in self.pools)

    @property
    def peak(self) -> int:
        """The most in use in each of them, added."""
        return sum(each.peak for each in self.pools)

    def plain(self, what: str, size: int, lifetime: Lifetime) -> int:
        """Memory of the loader's own that nobody else looks into; address, or 0."""
        address = self._taken(self.own, size, 0)
        self._noted(what, (size, size), 0, lifetime, address)
        return address

    def region(self, what: str, size: int, used: int, align: int, *, code: bool) -> int:
        """Memory for a region; address, or 0."""
        address = self.places.get(what)
        if address is None:
            address = self._taken(self.code if code else self.data, size, align)
        elif size > MAX_REGION:
            raise Danger(WORK, f"region {what} has {size} bytes, at most {MAX_REGION} are modelled")
        self._noted(what, (size, used), align, Lifetime.EXTENSION, address)
        return address

    def free(self, address: int) -> None:
        """Give memory back; 0, and what was given, are nothing."""
        pool = self._pools.pop(address, None)
        if pool is not None:
            pool.free(address)
        self.memory.remove(address)

    def _pool(self, target: Target, place: tuple[int, int] | None) -> Pool:
        if place is None:
            return self.own
        start, size = place
        if target.heap.block:
            return Blocks(start=start, size=size, block=target.heap.block)
        return _heap(target, start, size)

    def _taken(self, pool: Pool, size: int, align: int) -> int:
        address = pool.allocate(size, align)
        if address:
            self._pools[address] = pool
        return address

    def _noted(
        self, what: str, sizes: tuple[int, int], align: int, lifetime: Lifetime, address: int
    ) -> None:
        pool = self._pools.get(address)
        size, used = sizes
        self.account.append(
            Allocation(
                what=what,
                size=size,
                used=used,
                align=align,
                lifetime=lifetime,
                overhead=0 if pool is None else pool.overhead(address, size),
                address=address,
            )
        )


def _heap(target: Target, start: int, size: int) -> Heap:
    return Heap(
        start=start,
        size=size,
        pointer=target.pointer,
        statistics=target.heap.statistics,
        clamps=target.rules.clamped_heap,
    )
