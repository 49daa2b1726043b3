# SPDX-License-Identifier: Apache-2.0
"""How the declared memories are filled by the sections that have addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from west_llext.model.link import Linked
from west_llext.model.manifest import Memory
from west_llext.record import record


class Use(NamedTuple):
    """A section in a memory.

    memory: name of the memory
    address, size: where it is, and its bytes
    """

    memory: str
    extension: str
    address: int
    size: int


@record(frozen=True, slots=True, kw_only=True)
class Budget:
    """A memory and what is in it.

    used: bytes that hold something of an extension
    free: all others, those between two sections included
    largest_free: longest run of free bytes
    by_extension: (name, bytes), the largest first, then by name
    """

    memory: Memory
    used: int
    free: int
    largest_free: int
    by_extension: tuple[tuple[str, int], ...]


def memory_at(memories: Iterable[Memory], address: int) -> Memory | None:
    """The memory that an address is in."""
    for memory in memories:
        if memory.address <= address < memory.end:
            return memory
    return None


def uses(linked: Linked, memories: Sequence[Memory]) -> tuple[Use, ...]:
    """The sections of one extension that are in a memory; none where the target decides."""
    found = []
    for section in linked.sections:
        if section.address is not None and section.size:
            memory = memory_at(memories, section.address)
            if memory is not None:
                found.append(Use(memory.name, linked.name, section.address, section.size))
    return tuple(found)


def budgets(memories: Sequence[Memory], all_uses: Iterable[Use]) -> tuple[Budget, ...]:
    """One for each memory, in the order of the manifest."""
    by_memory: dict[str, list[Use]] = {memory.name: [] for memory in memories}
    for use in all_uses:
        by_memory[use.memory].append(use)
    return tuple(_budget(memory, by_memory[memory.name]) for memory in memories)


def _budget(memory: Memory, found: list[Use]) -> Budget:
    sizes: dict[str, int] = {}
    at = memory.address
    used = largest = 0
    for use in sorted(found, key=lambda use: (use.address, use.size)):
        sizes[use.extension] = sizes.get(use.extension, 0) + use.size
        largest = max(largest, use.address - at)
        # Only what isn't counted yet, should sections overlap.
        used += max(0, use.address + use.size - max(at, use.address))
        at = max(at, use.address + use.size)
    return Budget(
        memory=memory,
        used=used,
        free=memory.size - used,
        largest_free=max(largest, memory.end - at, 0),
        by_extension=tuple(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))),
    )
