# SPDX-License-Identifier: Apache-2.0
"""Every machine that we know; its file is imported when somebody asks for it.

Tables of relocations take a while to make, and a build is for one machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from west_llext.arch.machine import Machine
from west_llext.model.elf import Ident

#: e_machine (gABI, chapter 4) and class (32 or 64).
Key = tuple[int, int]


class Machines(Mapping[Key, Machine]):
    """Machines by e_machine and class."""

    def __init__(self, places: Mapping[Key, str]) -> None:
        """`places`: file and name of each, such as `arm.MACHINE`."""
        self._places = places

    def __getitem__(self, key: Key) -> Machine:
        """The machine; raises KeyError for one that we don't know."""
        return _imported(self._places[key])

    def __iter__(self) -> Iterator[Key]:
        """Every key, in the order in which they were given."""
        return iter(self._places)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._places)


@cache
def _imported(place: str) -> Machine:
    file, _, name = place.partition(".")
    found: Machine = getattr(import_module(f"west_llext.arch.{file}"), name)
    return found


MACHINES = Machines(
    {
        (183, 64): "aarch64.MACHINE",
        (40, 32): "arm.MACHINE",
        (243, 32): "riscv.MACHINE_32",
        (243, 64): "riscv.MACHINE_64",
        (3, 32): "x86.MACHINE",
        (62, 64): "x86_64.MACHINE",
        (94, 32): "xtensa.MACHINE",
        (195, 32): "arc.MACHINE",
        (93, 32): "arc.MACHINE_700",
    }
)

#: Those whose instructions are drawn in another way for big-endian code.
BIG_ENDIAN = Machines(
    {
        (94, 32): "xtensa.MACHINE_BIG",
        (195, 32): "arc.MACHINE_BIG",
        (93, 32): "arc.MACHINE_700_BIG",
    }
)


def machine_of(ident: Ident) -> Machine | None:
    """The machine of an ELF file; None where we don't know it."""
    key = ident.machine, ident.bits
    return MACHINES.get(key) if ident.little else BIG_ENDIAN.get(key, MACHINES.get(key))
