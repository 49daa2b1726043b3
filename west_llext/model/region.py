# SPDX-License-Identifier: Apache-2.0
"""The memory regions of Zephyr's loader."""

from __future__ import annotations

from enum import IntEnum

from west_llext.model.members import plain_members


@plain_members
class Region(IntEnum):
    """`enum llext_mem` (include/zephyr/llext/llext.h), without the optional regions.

    The order is the loader's own; it is also the order in which blobs hold their sections.
    """

    TEXT = 0
    DATA = 1
    RODATA = 2
    BSS = 3
    EXPORT = 4
    SYMTAB = 5
    STRTAB = 6
    SHSTRTAB = 7
    PREINIT = 8
    INIT = 9
    FINI = 10

    @property
    def label(self) -> str:
        """Name as manifests and reports spell it."""
        return self.name.lower()


#: Regions that a manifest places; the others go where RODATA goes.
PLACEABLE = (Region.TEXT, Region.RODATA, Region.DATA, Region.BSS)
