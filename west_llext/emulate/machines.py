# SPDX-License-Identifier: Apache-2.0
"""Every machine that can be emulated, by e_machine and class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.emulate import arm
from west_llext.emulate.findings import described
from west_llext.emulate.machine import Machine
from west_llext.model.elf import Ident

MACHINES: Mapping[tuple[int, int], Machine] = {
    (machine.number, machine.bits): machine for machine in (arm.MACHINE,)
}


def machine_of(ident: Ident) -> Machine:
    """The machine that a file is for; raises LlextError (X002) where it can't be emulated."""
    machine = MACHINES.get((ident.machine, ident.bits))
    if machine is not None and ident.little:
        return machine
    known = ", ".join(
        f"{each.name} (machine {each.number}, {each.bits} bits, little endian)"
        for each in MACHINES.values()
    )
    finding = Diagnostic(
        code="X002",
        at=Span(PurePath("emulator")),
        message=f"{described(ident)} can't be emulated, expected one of: {known}",
    )
    raise LlextError([finding])
