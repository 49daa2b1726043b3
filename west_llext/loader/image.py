# SPDX-License-Identifier: Apache-2.0
"""Shared objects in one piece, as releases after 4.5 load them (llext_prepare_et_dyn_image).

Distances between code and data stay as they were linked, so that position-independent code works.
"""

from __future__ import annotations

from west_llext.loader.errnos import Errno
from west_llext.loader.headers import ET_DYN, SHF_ALLOC, SHT_NULL
from west_llext.loader.loading import Loading
from west_llext.loader.target import Machine, Protection
from west_llext.loader.wording import pointer


def is_one_image(load: Loading) -> bool:
    """Whether this load is of that kind."""
    return (
        load.target.rules.one_image
        and load.hdr.type == ET_DYN
        and load.target.machine is not Machine.XTENSA
        and not load.parm.pre_located
    )


def prepare_image(load: Loading) -> None:
    """Allocate the piece, and give every region its place in it."""
    if load.target.harvard:
        load.fail(
            Errno.ENOTSUP, "ET_DYN shared libraries are not supported on Harvard architectures"
        )
    parts = _parts(load)
    low = min((load.sects[each].addr for each in parts), default=0)
    high = max((load.sects[each].addr + load.sects[each].size for each in parts), default=0)
    if high <= low:
        load.fail(Errno.ENOEXEC, "ET_DYN file has no allocatable program sections")
    align = max(4, _least_alignment(load), *(load.sects[each].align for each in parts))
    start = low // align * align
    size = high - start
    if load.target.protection is Protection.MMU:
        size = -(-size // load.target.page) * load.target.page
    whole = size
    if load.target.heap.block:
        whole = -(-size // load.target.heap.block) * load.target.heap.block
    place = load.heap.region("image", whole, size, align, code=True)
    if not place:
        load.fail(Errno.ENOMEM, f"Failed to allocate {whole} bytes for ET_DYN image")
    load.memory.add("the image", place, bytearray(size))
    load.work.cleared += size
    ext = load.ext
    ext.image, ext.bias = place, place - start & load.target.mask
    ext.alloc_size += whole
    for each in parts:
        ext.mem[each] = load.sects[each].addr + ext.bias & load.target.mask
        ext.mem_size[each] = load.sects[each].size


def in_image(load: Loading, address: int) -> bool:
    """Whether an address lies in the piece."""
    ext = load.ext
    if not ext.image:
        return False
    block = load.memory.block(ext.image)
    return block is not None and ext.image <= address < block.end


def check_pages(load: Loading) -> None:
    """Say which pages would have to be both executable and writable (llext_adjust_mmu_permissions).

    The load succeeds all the same, and the code of such a page can't run.
    """
    ext, mem, page = load.ext, load.target.mem, load.target.page
    block = load.memory.block(ext.image) if ext.image else None
    if load.target.protection is not Protection.MMU or load.parm.pre_located or block is None:
        return
    code, *data = (_pages(load, each) for each in (mem.text, mem.data, mem.bss))
    for start in range(ext.image, block.end, page):
        number = start // page
        if number in code and any(number in each for each in data):
            load.log.err(f"ET_DYN page {pointer(start)} is both executable and writable")


def _pages(load: Loading, region: int) -> range:
    # numbers of the pages that a region has a part of
    start, page = load.ext.mem[region], load.target.page
    return range(start // page, -(-(start + load.ext.mem_size[region]) // page) if start else 0)


def _parts(load: Loading) -> list[int]:
    mem = load.target.mem
    program = (mem.text, mem.data, mem.rodata, mem.bss, mem.export)
    return [
        each
        for each in sorted((*program, mem.preinit, mem.init, mem.fini))
        if load.sects[each].type != SHT_NULL
        and load.sects[each].size
        and load.sects[each].flags & SHF_ALLOC
    ]


def _least_alignment(load: Loading) -> int:
    least = 4096 if load.target.machine is Machine.ARM64 else 4
    return max(least, load.target.page) if load.target.protection is Protection.MMU else least
