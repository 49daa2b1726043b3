# SPDX-License-Identifier: Apache-2.0
"""Every machine that can be emulated, by e_machine and class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.emulate import aarch64, arm, riscv, x86, xtensa
from west_llext.emulate.findings import described
from west_llext.emulate.machine import Machine
from west_llext.model.elf import Ident

MACHINES: Mapping[tuple[int, int], Machine] = {
    (machine.number, machine.bits): machine
    for machine in (
        *(aarch64.MACHINE, arm.MACHINE, riscv.MACHINE_32, riscv.MACHINE_64),
        *(x86.MACHINE_32, x86.MACHINE_64, xtensa.MACHINE),
    )
}

#: By the same: (e_flags) to the machine, where calls differ.
_VARIANTS: Mapping[tuple[int, int], Callable[[int], Machine]] = {(243, 32): riscv.machine_32}


def machine_of(ident: Ident) -> Machine:
    """The machine that a file is for; raises LlextError (X002) where it can't be emulated."""
    key = ident.machine, ident.bits
    machine = MACHINES.get(key)
    if machine is not None and ident.little:
        return _VARIANTS[key](ident.flags) if key in _VARIANTS else machine
    known = ", ".join(
        f"{each.name} (machine {each.number}, {each.bits} bits)" for each in MACHINES.values()
    )
    finding = Diagnostic(
        code="X002",
        at=Span(PurePath("emulator")),
        message=f"{described(ident)} can't be emulated, expected one of these, little endian: "
        f"{known}",
    )
    raise LlextError([finding])
