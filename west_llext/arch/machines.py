# SPDX-License-Identifier: Apache-2.0
"""Every machine that we know."""

from __future__ import annotations

from collections.abc import Mapping

from west_llext.arch import aarch64, arc, arm, riscv, x86, x86_64, xtensa
from west_llext.arch.machine import Machine
from west_llext.model.elf import Ident

#: By e_machine and class (32 or 64).
MACHINES: Mapping[tuple[int, int], Machine] = {
    (machine.number, machine.bits): machine
    for machine in (
        *(aarch64.MACHINE, arm.MACHINE, riscv.MACHINE_32, riscv.MACHINE_64),
        *(x86.MACHINE, x86_64.MACHINE, xtensa.MACHINE, arc.MACHINE, arc.MACHINE_700),
    )
}

#: Those whose instructions are drawn in another way for big-endian code, by e_machine and class.
BIG_ENDIAN: Mapping[tuple[int, int], Machine] = {
    (machine.number, machine.bits): machine
    for machine in (xtensa.MACHINE_BIG, arc.MACHINE_BIG, arc.MACHINE_700_BIG)
}


def machine_of(ident: Ident) -> Machine | None:
    """The machine of an ELF file; None where we don't know it."""
    key = ident.machine, ident.bits
    return MACHINES.get(key) if ident.little else BIG_ENDIAN.get(key, MACHINES.get(key))
