# SPDX-License-Identifier: Apache-2.0
"""RISC-V, 32 and 64 bits: a core with I, M, A, F, D and C, in machine mode.

The emulator executes all of these also for processors that lack some, and knows no others (bit
manipulation, vectors): it proves what code does, not that a core can run it.

Calls: RISC-V calling conventions (psABI 1.0), "Integer Calling Convention" and "ILP32E".
Semihosting requests: RISC-V Semihosting 0.3, "Semihosting Trap Instruction Sequence".
"""

from __future__ import annotations

from dataclasses import replace

from west_llext.emulate.machine import INVALID, Attributes, Core, Illegal, Machine, Reader

RV32 = Core(name="RV32GC", model="UC_CPU_RISCV32_ANY", modes=("UC_MODE_RISCV32",))
RV64 = Core(name="RV64GC", model="UC_CPU_RISCV64_ANY", modes=("UC_MODE_RISCV64",))

_EF_RISCV_RVE = 0x8
#: SLLI x0, x0, 0x1F; EBREAK; SRAI x0, x0, 7: a request to whoever runs the target.
_REQUEST = bytes.fromhex("1310f001 73001000 13507040")
_EBREAK_AT = 4
_MSTATUS_FS = 1 << 13  # the floating-point unit is on, its registers are those of a reset
_ILLEGAL_INSTRUCTION = 2  # mcause (Privileged ISA, "Machine Cause Register")
_TEMPORARY = tuple(f"T{number}" for number in range(7))
_SAVED = tuple(f"S{number}" for number in range(12))
_ARGUMENTS = tuple(f"A{number}" for number in range(8))


def core_32(_attributes: Attributes, _flags: int) -> Core:
    """The one model for all code of 32 bits."""
    return RV32


def core_64(_attributes: Attributes, _flags: int) -> Core:
    """The one model for all code of 64 bits."""
    return RV64


def return_code(_address: int) -> bytes:
    """JALR x0, 0(ra)."""
    return b"\x67\x80\x00\x00"


def instruction_count(code: bytes, _status: int) -> int:
    """How many instructions the bytes are: a halfword that ends in 0b11 has another one behind it.

    Unprivileged ISA, "Expanded Instruction-Length Encoding".
    """
    count = offset = 0
    while offset + 2 <= len(code):
        offset += 4 if code[offset] & 0b11 == 0b11 else 2
        count += 1
    return count


def semihosting(read: Reader, number: int, counter: int, _status: int) -> int | None:
    """Where to go on after a semihosting request: EBREAK between two shifts that do nothing."""
    if number != INVALID or read(counter - _EBREAK_AT, len(_REQUEST)) != _REQUEST:
        return None
    return counter + 4


MACHINE_32 = Machine(
    number=243,
    bits=32,
    name="RISC-V",
    arch="UC_ARCH_RISCV",
    constants="riscv_const",
    prefix="UC_RISCV_REG_",
    core=core_32,
    arguments=_ARGUMENTS,
    result=("A0", "A1"),
    stack="SP",
    link="RA",
    counter="PC",
    status="MSTATUS",
    shown=(*_ARGUMENTS, *_TEMPORARY, *_SAVED, "GP", "TP", "SP", "RA", "PC"),
    stack_alignment=16,
    paired=True,  # of variadic arguments; all stand-ins have others of two words only first
    state_mask=0,
    return_code=return_code,
    # in the RAM of most boards, behind what images use, and in places where boards have nothing
    scratch=(0x9FF00000, 0x8FF00000, 0x7FF00000, 0x6FF00000, 0x3FF00000),
    instruction_count=instruction_count,
    semihosting=semihosting,
    waits=(b"\x73\x00\x50\x10",),  # WFI
    setup=(("MSTATUS", _MSTATUS_FS),),
    # what code of the base image counts from, once its linker has relaxed it
    of_base=(("GP", "__global_pointer$"),),
    illegal=Illegal(exception=_ILLEGAL_INSTRUCTION, ahead=4),
)
# no register pair begins where the stack couldn't
MACHINE_32E = replace(MACHINE_32, arguments=_ARGUMENTS[:6], stack_alignment=4, paired=False)
MACHINE_64 = replace(MACHINE_32, bits=64, core=core_64)


def machine_32(flags: int) -> Machine:
    """The machine for the calling convention that e_flags name."""
    return MACHINE_32E if flags & _EF_RISCV_RVE else MACHINE_32
