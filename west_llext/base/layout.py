# SPDX-License-Identifier: Apache-2.0
"""Where in the target's memory the loader can put an extension."""

from __future__ import annotations

from west_llext.model.base import BaseImage

#: Memory of the loader's heaps for regions of extensions (subsys/llext): the metadata heap holds
#: none. K_HEAP_DEFINE puts `kheap_` before the heap's name, SYS_MEM_BLOCKS_DEFINE
#: `_sys_mem_blocks_buf_`.
HEAPS = (
    "kheap_llext_heap",  # 3.5 to 4.4
    "kheap_llext_ext_heap",  # 4.5
    "kheap_llext_instr_heap",  # CONFIG_HARVARD
    "kheap_llext_data_heap",
    "_sys_mem_blocks_buf_llext_ext_heap",  # CONFIG_LLEXT_HEAP_MEMBLK
    "llext_instr_heap_buf",  # with CONFIG_HARVARD
    "llext_data_heap_buf",
)

#: Zephyr's loader.
LOADER = "llext_load"

_WRITABLE = 2


def load_window(base: BaseImage) -> tuple[int, int] | None:
    """The half-open address range in which the loader can put regions; None where it isn't known.

    That is the loader's heap. Where Zephyr's loader has none of its own (CONFIG_LLEXT_HEAP_DYNAMIC)
    it is the memory that the image writes to: the heap that the application hands over lies there,
    too. Of the loader of another base nothing is known.
    """
    found = [symbol for name in HEAPS if (symbol := base.symbols.get(name)) is not None]
    ranges = [(each.value, each.value + each.size) for each in found if each.size]
    if not ranges and base.symbols.get(LOADER) is not None:
        ranges = [
            (each.vaddr, each.vaddr + each.memsz)
            for each in base.segments
            if each.flags & _WRITABLE and each.memsz
        ]
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)
