# SPDX-License-Identifier: Apache-2.0
"""Whether code of an object can be linked with that of the base image."""

from __future__ import annotations

from pathlib import PurePath

from west_llext.arch.machine import Concern, Mismatch
from west_llext.arch.machines import machine_of
from west_llext.diagnostics import Diagnostic, Severity, Span
from west_llext.elf.attributes import abi
from west_llext.elf.headers import Headers
from west_llext.model.base import Abi
from west_llext.model.elf import Ident, ObjectFile

EM_XTENSA = 94

# e_machine of processors that Zephyr runs on (gABI, chapter 4, and its registry), for messages
_NAMES = {
    2: "SPARC", 3: "x86", 8: "MIPS", 40: "Arm", 62: "x86-64", 92: "OpenRISC", 93: "ARCompact",
    94: "Xtensa", 173: "RX", 183: "AArch64", 189: "MicroBlaze", 195: "ARCv2", 243: "RISC-V",
    253: "ARCv3 (64 bits)", 255: "ARCv3 (32 bits)",
}  # fmt: skip

_CODES = {
    Concern.FLOAT: "B013",
    Concern.PROCESSOR: "B014",
    Concern.CONVENTION: "B015",
    Concern.DATA: "B016",
}


def abi_of(file: ObjectFile | Headers) -> Abi:
    """What decides whether code of a file can be linked with other code.

    Raises LlextError (L002) where its build attributes can't be read.
    """
    return abi(file)


def abi_findings(
    object_name: str, object_abi: Abi, base_name: str, base_abi: Abi
) -> tuple[Diagnostic, ...]:
    """Everything that keeps an object from working with the base image."""
    at = Span(PurePath(object_name))
    ours, theirs = object_abi.ident, base_abi.ident
    if ours.machine != theirs.machine:
        message = (
            f"it is for {_machine(ours.machine)}, the base image '{base_name}' for "
            f"{_machine(theirs.machine)}"
        )
        hint = "compile with the base image's compiler"
        return (Diagnostic(code="B010", at=at, message=message, hint=hint),)
    found = []
    if ours.bits != theirs.bits:
        message = (
            f"it has {ours.bits}-bit addresses, the base image '{base_name}' has "
            f"{theirs.bits}-bit ones"
        )
        hint = "compile with the base image's -mabi or -m option"
        found.append(Diagnostic(code="B011", at=at, message=message, hint=hint))
    if ours.little != theirs.little:
        message = f"it is {_order(ours)}, the base image '{base_name}' is {_order(theirs)}"
        hint = "compile with " + ("-mlittle-endian" if theirs.little else "-mbig-endian")
        if ours.machine == EM_XTENSA:  # each core has one byte order, and so has its compiler
            hint = "compile with the base image's compiler"
        found.append(Diagnostic(code="B012", at=at, message=message, hint=hint))
    machine = machine_of(ours)
    if machine is not None and not found:
        found += [
            _diagnostic(at, base_name, each) for each in machine.mismatches(object_abi, base_abi)
        ]
    return tuple(found)


def _machine(number: int) -> str:
    name = _NAMES.get(number)
    return f"e_machine {number}" if name is None else f"{name} (e_machine {number})"


def _order(ident: Ident) -> str:
    return "little-endian" if ident.little else "big-endian"


def _diagnostic(at: Span, base_name: str, mismatch: Mismatch) -> Diagnostic:
    certain = mismatch.severity is Severity.ERROR
    verb = "can't be linked with" if certain else "may disagree with"
    return Diagnostic(
        code=_CODES[mismatch.concern],
        at=at,
        message=f"{verb} base image '{base_name}': {mismatch.text}",
        hint=mismatch.hint,
        severity=mismatch.severity,
    )
