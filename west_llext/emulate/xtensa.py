# SPDX-License-Identifier: Apache-2.0
"""Xtensa with the CALL0 ABI, little endian: QEMU's lx106.

Windowed code isn't run: it needs handlers for registers that go to the stack and come back, which a
kernel sets up.

Calls: Xtensa ISA Reference Manual, 8.1.5 "CALL0 ABI" (arguments in a2 to a7, a 64-bit one in an
even register), 4.4.1.5 (causes of exceptions). va_list: GCC's gcc/config/xtensa/xtensa.c.
"""

from __future__ import annotations

from pathlib import PurePath

from west_llext.arch.xtensa_abi import Key
from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.emulate.faults import FaultKind
from west_llext.emulate.machine import Attributes, Core, ListForm, Machine, Qemu, Reader
from west_llext.emulate.memory import Access, Range

_CALL0 = 1
LX106 = Core(name="lx106", model="", modes=())
#: Registers in the order of QEMU's core-lx106 (gdb-config.inc.c), those that are needed.
_REGISTERS = {
    **{f"A{number}": number for number in range(16)},
    "PC": 16, "SAR": 17, "PS": 21, "EPC1": 28, "VECBASE": 41, "EXCCAUSE": 42, "EXCVADDR": 48,
}  # fmt: skip
_USER_VECTOR_MODE = 0x20  # PS.UM
_VECBASE = 0x40000000
#: Kernel, user and double exceptions.
_VECTORS = (_VECBASE + 0x30, _VECBASE + 0x50, _VECBASE + 0x70)
#: Causes: an illegal instruction, and no answer to an instruction fetch, a load or a store.
_ILLEGAL, _FETCH, _DATA = 0, frozenset({2, 12, 14}), frozenset({3, 13, 15})
_MEMORY = Range(0x60000000, 0x64000000, Access.READ | Access.WRITE | Access.EXECUTE)
_READ_CLOCK = bytes.fromhex("40ea03")  # rsr.ccount a4
#: Cycles of an instruction of 1,024 ns at 40 MHz.
_CYCLES = 40.96


def core(attributes: Attributes, _flags: int) -> Core:
    """The one model; raises LlextError (X002) for windowed code."""
    abi = attributes.get(Key.ABI)
    if abi is not None and abi != _CALL0:
        finding = Diagnostic(
            code="X002",
            at=Span(PurePath("emulator")),
            message="windowed code of Xtensa can't be emulated, expected the CALL0 ABI",
            hint="run it on the target, or in QEMU with the base image: qemu-system-xtensa",
        )
        raise LlextError([finding])
    return LX106


def return_code(_address: int) -> bytes:
    """RET."""
    return bytes.fromhex("800000")


def instruction_count(_code: bytes, _status: int) -> int:
    """Nothing: the processor's clock tells."""
    return 0


def no_semihosting(_read: Reader, _number: int, _counter: int, _status: int) -> int | None:
    """No instruction is a request."""
    return None


def fault_kind(cause: int, code: bytes) -> FaultKind:
    """What an exception of this cause is, raised by the instruction that begins with the bytes."""
    if cause == _ILLEGAL:
        return FaultKind.INSTRUCTION
    if cause in _FETCH:
        return FaultKind.FETCH
    if cause not in _DATA:
        return FaultKind.EXCEPTION
    # S8I, S16I, S32I, S32C1I, S32RI; S32I.N
    low, high = code[0] & 15 if code else 0, code[1] >> 4 if len(code) > 1 else 0
    stores = (low == 2 and high in {4, 5, 6, 14, 15}) or low == 9
    return FaultKind.WRITE if stores else FaultKind.READ


MACHINE = Machine(
    number=94,
    bits=32,
    name="Xtensa",
    arch="",
    constants="",
    prefix="",
    core=core,
    arguments=("A2", "A3", "A4", "A5", "A6", "A7"),
    result=("A2", "A3"),
    stack="A1",
    link="A0",
    counter="PC",
    status="PS",
    shown=(*(f"A{number}" for number in range(16)), "PC", "SAR", "PS"),
    stack_alignment=16,
    paired=True,
    state_mask=0,
    return_code=return_code,
    scratch=(0x63F00000, 0x62F00000, 0x61F00000),
    instruction_count=instruction_count,
    semihosting=no_semihosting,
    waits=(),
    list_form=ListForm.XTENSA,
    qemu=Qemu(
        program="qemu-system-xtensa",
        words=("-machine", "sim", "-cpu", "lx106", "-m", "64M"),
        registers=_REGISTERS,
        memory=_MEMORY,
        vectors=_VECTORS,
        exception=("EPC1", "EXCCAUSE", "EXCVADDR"),
        kind=fault_kind,
        start=(("PS", _USER_VECTOR_MODE), ("VECBASE", _VECBASE)),
        clock=(_READ_CLOCK, "A4"),
        cycles=_CYCLES,
        ahead=1,
    ),
)
