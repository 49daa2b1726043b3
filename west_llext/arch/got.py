# SPDX-License-Identifier: Apache-2.0
"""The start of a global offset table, as code that counts from it names it."""

from __future__ import annotations

from dataclasses import replace

from west_llext.model.elf import SHN_ABS, SHN_UNDEF, ObjectFile, Symbol

#: What all psABIs call it. It isn't for the base image to define.
TABLE = "_GLOBAL_OFFSET_TABLE_"


def with_table(obj: ObjectFile) -> ObjectFile:
    """The object with the start of the table at address 0, if it needs it."""
    symbols = tuple(
        [
            symbol._replace(section=SHN_ABS, value=0) if is_table(symbol) else symbol
            for symbol in obj.symbols
        ]
    )
    return obj if symbols == obj.symbols else replace(obj, symbols=symbols)


def is_table(symbol: Symbol) -> bool:
    """Whether a symbol stands for the start of the table."""
    return symbol.name == TABLE and symbol.section == SHN_UNDEF
