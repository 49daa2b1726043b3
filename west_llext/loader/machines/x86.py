# SPDX-License-Identifier: Apache-2.0
"""x86 and x86-64, as arch/x86/core/elf.c relocates.

Nothing is checked. On x86-64 R_X86_64_64 writes 4 of its 8 bytes; on x86 the place is read before
the symbol is looked up.
"""

from __future__ import annotations

from west_llext.loader.errnos import Errno
from west_llext.loader.headers import Header
from west_llext.loader.loading import Loading, Rela
from west_llext.loader.machines.place import Place

ABSOLUTE = {32: (1,), 64: (1, 10, 11)}
RELATIVE = {32: (2,), 64: (2, 4)}


def relocate(load: Loading, rel: Rela, header: Header) -> int:
    """Apply a relocation; 0 or an error."""
    bits = load.target.bits
    at = Place(load, rel, header)
    held = at.get(4) if bits == 32 else 0
    result = at.resolve()
    if result:
        return result
    value = at.S + (held if bits == 32 else at.A)
    if at.kind in RELATIVE[bits]:
        at.put(value - at.P, 4)
    elif at.kind in ABSOLUTE[bits]:
        at.put(value, 4)
    else:
        at.error(f"unknown relocation: {at.kind}")
        return -Errno.ENOEXEC
    return 0
