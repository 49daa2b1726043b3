# SPDX-License-Identifier: Apache-2.0
"""Memory for user threads: partitions and domains (kernel/mem_domain.c)."""

from __future__ import annotations

from collections.abc import Iterator

from west_llext.loader.errnos import Errno
from west_llext.loader.extension import Llext, Partition
from west_llext.loader.log import Log
from west_llext.loader.target import Protection, Target
from west_llext.loader.wording import pointer


class MemDomain:
    """A `k_mem_domain`.

    address: of the structure; most: partitions that it takes
    """

    __slots__ = ("address", "most", "partitions")

    def __init__(self, *, address: int, most: int) -> None:
        self.address = address
        self.most = most
        self.partitions: list[Partition] = []

    def add_partition(self, part: Partition) -> int:
        """0, -EINVAL for one without bytes, -ENOSPC where there is no room for one more."""
        if part.size <= 0:
            return -Errno.EINVAL
        if len(self.partitions) >= self.most:
            return -Errno.ENOSPC
        self.partitions.append(part)
        return 0


def add_domain(target: Target, ext: Llext, domain: MemDomain, log: Log) -> int:
    """Add what an extension has to a domain (llext_add_domain); -ENOSYS without user threads."""
    if not target.userspace:
        return -Errno.ENOSYS
    for number in range(target.mem.bss + 1):
        if not ext.mem_size[number]:
            continue
        result = domain.add_partition(ext.parts.get(number, Partition("", 0, 0, "")))
        if result:
            log.err(f"Failed adding memory partition {number} to domain {pointer(domain.address)}")
            return result
    return 0


def complaints(target: Target, ext: Llext) -> Iterator[str]:
    """What the memory protection can't do with the partitions of an extension, or only badly."""
    rule = target.rule
    for part in ext.parts.values():
        place = f"partition of region {part.region} at {part.start:#x}"
        if rule is Protection.POWER_OF_TWO:
            fits = part.size.bit_count() == 1 and part.start % part.size == 0
            if not fits:
                yield f"{place} has {part.size} bytes, expected a power of two and a multiple of it"
        elif rule is not Protection.NONE and (part.start % target.page or part.size % target.page):
            yield f"{place} has {part.size} bytes, expected multiples of {target.page}"
    count = len(ext.parts)
    if count > target.partitions:
        yield f"there are {count} partitions, and a domain takes {target.partitions}"
