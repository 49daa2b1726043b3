# SPDX-License-Identifier: Apache-2.0
"""Memory for the regions, and what is put into it (subsys/llext/llext_mem.c)."""

from __future__ import annotations

from west_llext.loader.danger import fault, outside, unknown
from west_llext.loader.errnos import Errno
from west_llext.loader.headers import (
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_HAS_RELOCS,
    SHF_WRITE,
    SHT_NOBITS,
    Header,
)
from west_llext.loader.image import in_image, is_one_image, prepare_image
from west_llext.loader.loading import Failed, Loading
from west_llext.loader.storage import Storage
from west_llext.loader.target import Machine, Protection
from west_llext.loader.wording import alternate, pointer, signed


def copy_strings(load: Loading) -> None:
    """The names come first: mapping sections needs them."""
    copy_region(load, load.target.mem.shstrtab)
    copy_region(load, load.target.mem.strtab)


def copy_regions(load: Loading) -> None:
    """Everything that isn't there yet."""
    if is_one_image(load):
        prepare_image(load)
    mem = load.ext.mem
    for number, region in enumerate(load.sects):
        if region.size and (not mem[number] or in_image(load, mem[number])):
            copy_region(load, number)


def copy_region(load: Loading, number: int) -> None:
    """Find a region a place, and fill it."""
    region, ext = load.sects[number], load.ext
    if not region.size:
        return
    ext.mem_size[number] = region.size
    if ext.image and in_image(load, ext.mem[number]):
        load.note_partition(number, ext.mem[number], region.size)
        _fill(load, number)
        return
    size, align = demanded(load, number)
    if _may_be_reused(load, region):
        if region.type != SHT_NOBITS:
            if _reused(load, number, size, align):
                return
        elif load.parm.pre_located and number != load.target.mem.veneer:
            ext.mem[number] = 0
            return
    if load.parm.pre_located and number != load.target.mem.veneer:
        raise Failed(-Errno.EFAULT)
    _allocated(load, number, size, align)


def demanded(load: Loading, number: int) -> tuple[int, int]:
    """Size and alignment that memory protection makes of a region's."""
    region, target = load.sects[number], load.target
    size, align = region.size, region.align
    if not region.flags & SHF_ALLOC:
        return size, align
    rule = target.rule
    if rule is Protection.NONE:
        return size, align
    if rule is Protection.POWER_OF_TWO:
        block = 1 << (max(size, align, target.page) - 1).bit_length()
        return block & target.mask, block & target.mask
    if rule is Protection.OTHER:
        load.fail(
            Errno.ENOTSUP,
            f"region {number}: no memory protection alignment rule for this architecture",
        )
    page = target.page
    return -(-size // page) * page & target.mask, max(align, page)


def _may_be_reused(load: Loading, region: Header) -> bool:
    storage = load.ldr.storage
    if storage is Storage.WRITABLE:
        return True
    return storage is Storage.PERSISTENT and not region.flags & (SHF_WRITE | SHF_HAS_RELOCS)


def _reused(load: Loading, number: int, size: int, align: int) -> bool:
    # whether the region can stay where the file has it
    ext, region = load.ext, load.sects[number]
    place = load.ldr.peek(region.offset)
    ext.mem[number] = place or 0
    if not place:
        return False
    aligned = _is_aligned(load, place, align)
    fetchable = number != load.target.mem.text or not load.target.harvard
    if (aligned or load.parm.pre_located) and fetchable:
        load.note_partition(number, place, size)
        return True
    if not fetchable:
        load.log.wrn(
            f"Cannot reuse ELF buffer for region {number}, not instruction memory: "
            f"{pointer(place)}-{pointer(place + region.size & load.target.mask)}"
        )
    if not aligned:
        load.log.wrn(
            f"Cannot peek region {number}: {pointer(place)} not aligned to {alternate(align)}"
        )
    return False


def _is_aligned(load: Loading, place: int, align: int) -> bool:
    # a remainder: of a division by 0, processors make the dividend, or an exception
    if align == 0:
        if load.target.machine in (Machine.X86, Machine.XTENSA):
            fault("the loader would divide by a region's alignment of 0")
        return False
    return place % align == 0


def _allocated(load: Loading, number: int, size: int, align: int) -> None:
    region, ext, bits = load.sects[number], load.ext, load.target.bits
    name = load.target.mem.names[number]
    block = load.target.heap.block
    if block:
        size = -(-size // block) * block
        if align == 0 or block % align:
            load.log.err(f"Requested alignment {align} not possible with block alignment {block}")
    code = bool(region.flags & SHF_EXECINSTR)
    ext.mem[number] = load.heap.region(name, size, region.size, align, code=code)
    if not ext.mem[number]:
        load.fail(
            Errno.ENOMEM,
            f"Failed allocating {signed(size, bits)} bytes {signed(align, bits)}-aligned "
            f"for region {number}",
        )
    ext.alloc_size = ext.alloc_size + size & load.target.mask
    load.note_partition(number, ext.mem[number], size)
    try:
        _fill(load, number)
    except Failed:
        load.heap.free(ext.mem[number])
        ext.mem[number] = 0
        raise
    ext.mem_on_heap[number] = True


def _fill(load: Loading, number: int) -> None:
    region, place = load.sects[number], load.ext.mem[number]
    what = f"region {load.target.mem.names[number]}"
    inside = in_image(load, place)
    if region.type == SHT_NOBITS:
        if not inside:
            load.memory.add(what, place, bytearray(region.size))
        load.work.cleared += region.size
        return
    # of a table of names this is what its header says, because nothing has been aligned yet
    pad = region.info if region.flags & SHF_ALLOC else 0
    if pad > region.size:
        outside(f"{pad:#x} bytes would be zeroed at the start of {what}, which has {region.size}")
    load.seek(region.offset + pad)
    raw = load.ldr.read(region.size - pad & load.target.mask)
    if isinstance(raw, int):
        raise Failed(raw)
    load.work.copied += len(raw)
    load.work.cleared += pad
    # behind the end of the file nothing is copied, and nothing is cleared
    content = bytearray(pad) + raw
    known = len(content)
    if inside:
        if known < region.size:
            unknown(f"{what} has {region.size} bytes, the file ends after {known}")
        load.memory.write(place, bytes(content), what)
        return
    load.memory.add(what, place, content.ljust(region.size, b"\0"), known)
