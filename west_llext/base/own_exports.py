# SPDX-License-Identifier: Apache-2.0
"""What the base image's own sources export with Zephyr's EXPORT_SYMBOL, beside our table.

A name in both would be in the target's table twice: wasted at best, and where symbols are looked up
by SLID Zephyr's build stops at it. Each entry is an object of its own, `__llext_sym_NAME` since 3.7
and `NAME_sym` before, in an input section that is named after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from west_llext.elf.symbols import LocalObjects
from west_llext.model.base import SymbolIndex

#: The file that our own table is compiled from.
TABLE_SOURCE = "llext_exports.c"

_START, _END = "_llext_const_symbol_list_start", "_llext_const_symbol_list_end"
_PREFIX, _SUFFIX = "__llext_sym_", "_sym"
# STRUCT_SECTION_ITERABLE puts an underscore behind the name
_SECTION = rb"\._llext_const_symbol\.static\.([A-Za-z_][A-Za-z0-9_.$]{0,4095})_\0"


def own_exports(objects: LocalObjects, index: SymbolIndex) -> frozenset[str]:
    """Names that sources other than our table export in a linked image.

    Empty where the image has no table, or was stripped of its local symbols.
    """
    start, end = index.get(_START), index.get(_END)
    if start is None or end is None:
        return frozenset()
    found: set[str] = set()
    for file, name, value in objects():
        # names and groups have objects with the same prefix elsewhere
        if file != TABLE_SOURCE and start.value <= value < end.value:
            found.update(_exported(name))
    return frozenset(found)


def exported_in(data: bytes) -> Iterator[str]:
    """Names that objects export, before they are linked; `data` is an object or an archive of some.

    The names of sections are all that is looked at, wherever in the file they are.
    """
    for match in re.finditer(_SECTION, data):
        yield from _exported(match[1].decode("ascii"))


def _exported(entry: str) -> Iterator[str]:
    # what an entry of that name exports
    if entry.startswith(_PREFIX):
        yield entry[len(_PREFIX) :]
    elif entry.endswith(_SUFFIX):
        yield entry[: -len(_SUFFIX)]
