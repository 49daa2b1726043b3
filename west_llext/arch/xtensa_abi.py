# SPDX-License-Identifier: Apache-2.0
"""What the note of Xtensa tools says of code, and of code that doesn't fit.

Assemblers put a note into `.xtensa.info` with lines such as `ABI=1`; it is the only place that says
which calling convention code follows. e_flags hold no such thing.
Facts: gas/config/tc-xtensa.c and include/xtensa-config.h of GNU binutils 2.40 (XTHAL_ABI_WINDOWED is
0, XTHAL_ABI_CALL0 is 1; since 2.26 the note names the ABI).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum

from west_llext.arch.machine import Concern, Core, Mismatch
from west_llext.model.base import Abi
from west_llext.model.elf import Ident


class Key(IntEnum):
    """What the lines of the note are called; the numbers are ours."""

    ABI = 1
    USE_ABSOLUTE_LITERALS = 2


_WINDOWED, _CALL0 = 0, 1
_CONVENTIONS = {
    _WINDOWED: ("windowed", "-mabi=windowed"),
    _CALL0: ("CALL0", "-mabi=call0"),
}


def core(ident: Ident, attributes: Mapping[int, int | str]) -> Core:
    """What code may assume of the processor; that windows are used, where nothing is said."""
    del ident
    return Core(windowed=attributes.get(Key.ABI) != _CALL0)


def mismatches(obj: Abi, base: Abi) -> tuple[Mismatch, ...]:
    """Why code of an object can't run with, or be called by, that of the base image.

    Where a file says nothing, nothing is assumed.
    """
    return tuple(_differences(obj.attributes, base.attributes))


def _differences(obj: Mapping[int, int | str], base: Mapping[int, int | str]) -> Iterator[Mismatch]:
    ours, theirs = obj.get(Key.ABI), base.get(Key.ABI)
    if ours in _CONVENTIONS and theirs in _CONVENTIONS and ours != theirs:
        name, _ = _CONVENTIONS[ours]
        other, flag = _CONVENTIONS[theirs]
        yield Mismatch(
            concern=Concern.CONVENTION,
            text=f"it was compiled for the {name} calling convention, the base image for the "
            f"{other} one",
            hint=f"compile with {flag}",
        )
    if obj.get(Key.USE_ABSOLUTE_LITERALS) == 1 and base.get(Key.USE_ABSOLUTE_LITERALS) == 0:
        yield Mismatch(
            concern=Concern.CONVENTION,
            text="it addresses literals from a base register (LITBASE), which the base image "
            "leaves unset",
            hint="compile with -Wa,--no-absolute-literals",
        )
