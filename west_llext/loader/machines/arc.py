# SPDX-License-Identifier: Apache-2.0
"""ARC, as arch/arc/core/elf.c relocates.

Nothing is checked. Branches get their addend twice; instructions have their halves swapped.
"""

from __future__ import annotations

from west_llext.loader.errnos import Errno
from west_llext.loader.headers import Header
from west_llext.loader.loading import Loading, Rela
from west_llext.loader.machines.place import Place

WORDS, S25H, S25W, WORD_ME = (4, 5), 16, 17, 27


def relocate(load: Loading, rel: Rela, header: Header) -> int:
    """Apply a relocation; 0 or an error."""
    at = Place(load, rel, header)
    held = at.get(4)
    result = at.resolve()
    if result:
        return result
    value = at.S + at.A
    distance = value + at.A - (at.P & ~3) & 0xFFFFFFFF
    if at.kind in WORDS:
        at.put(value, 4)
    elif at.kind == S25H:
        part = distance >> 1
        code = swapped(held) & ~0x07FEFFCF
        code |= (part & 0x3FF) << 17 | (part >> 10 & 0x3FF) << 6 | part >> 20 & 0xF
        at.put(swapped(code), 4)
    elif at.kind == S25W:
        part = distance >> 2
        code = swapped(held) & ~0x07FCFFCF
        code |= (part & 0x1FF) << 18 | (part >> 9 & 0x3FF) << 6 | part >> 19 & 0xF
        at.put(swapped(code), 4)
    elif at.kind == WORD_ME:
        at.put(swapped(value & 0xFFFFFFFF), 4)
    else:
        at.error(f"unknown relocation: {at.kind}")
        return -Errno.ENOEXEC
    return 0


def swapped(word: int) -> int:
    """A word with its halves swapped (middle-endian)."""
    return word >> 16 & 0xFFFF | (word & 0xFFFF) << 16
