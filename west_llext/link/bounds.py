# SPDX-License-Identifier: Apache-2.0
"""Symbols for the bounds of a section, which linkers make where a program asks for them.

Of a section whose name could be that of a variable in C, `__start_NAME` is the first byte and
`__stop_NAME` the one behind the last (GNU ld manual, "Orphan Sections"). Programs collect things
from several sources in such a section and walk through it. Partial links leave these symbols
undefined.
"""

from __future__ import annotations

from dataclasses import replace

from west_llext.model.elf import (
    SHF_ALLOC,
    SHF_TLS,
    SHN_UNDEF,
    STB_GLOBAL,
    STT_NOTYPE,
    STV_HIDDEN,
    ObjectFile,
    Symbol,
)
from west_llext.model.rows import symbol_columns

_START, _STOP = "__start_", "__stop_"
_GLOBAL = STB_GLOBAL << 4 | STT_NOTYPE


def with_bounds(obj: ObjectFile) -> ObjectFile:
    """The object with its own bounds defined; itself where it asks for none that it has."""
    named = [
        index
        for index, section in enumerate(obj.sections)
        if section.name.isidentifier()
        and section.name.isascii()
        and section.flags & (SHF_ALLOC | SHF_TLS) == SHF_ALLOC
    ]
    if not named:
        return obj
    made: dict[str, Symbol] = {}
    twice = set()
    for index in named:
        section = obj.sections[index]
        for prefix, value in ((_START, 0), (_STOP, section.size)):
            name = prefix + section.name
            twice.update({name} & made.keys())
            made[name] = Symbol(name, value, 0, _GLOBAL, STV_HIDDEN, index)
    # parts that a partial link keeps apart need not lie one behind the other
    columns = symbol_columns(obj.symbols)
    rows = zip(columns.names, columns.sections, strict=True)
    wanted = {
        index: made[name]
        for index, (name, section) in enumerate(rows)
        if section == SHN_UNDEF and name in made and name not in twice
    }
    if not wanted:
        return obj
    symbols = tuple(wanted.get(index, symbol) for index, symbol in enumerate(obj.symbols))
    return replace(obj, symbols=symbols)
