# SPDX-License-Identifier: Apache-2.0
"""AArch64: one model for all processors, at EL1.

The emulator executes what Armv8.2 and parts of later versions have, also for processors that lack
it: it proves what code does, not that a core can run it.

Calls: Procedure Call Standard for the Arm 64-bit Architecture (AAPCS64), 2025Q1, section 6.8, and
appendix B for lists of arguments.
Semihosting requests: Semihosting for AArch32 and AArch64, 2.0, "The semihosting interface".
"""

from __future__ import annotations

from west_llext.emulate.machine import Attributes, Core, Illegal, ListForm, Machine, Reader

MAX = Core(name="Armv8-A", model="UC_CPU_ARM64_MAX", modes=("UC_MODE_ARM",))

_UNDEFINED = 1  # the exception of an instruction that isn't executed, as the emulator numbers it
_REQUEST = bytes.fromhex("00005ed4")  # HLT #0xF000
_FPEN = 0b11 << 20  # CPACR_EL1: floating point isn't trapped
_ARGUMENTS = tuple(f"X{number}" for number in range(8))


def core(_attributes: Attributes, _flags: int) -> Core:
    """The one model for all code."""
    return MAX


def return_code(_address: int) -> bytes:
    """RET."""
    return b"\xc0\x03\x5f\xd6"


def instruction_count(code: bytes, _status: int) -> int:
    """Every instruction has four bytes."""
    return len(code) // 4


def semihosting(read: Reader, number: int, counter: int, _status: int) -> int | None:
    """Where to go on after a semihosting request: HLT 0xF000."""
    return counter + 4 if number == _UNDEFINED and read(counter, 4) == _REQUEST else None


MACHINE = Machine(
    number=183,
    bits=64,
    name="AArch64",
    arch="UC_ARCH_ARM64",
    constants="arm64_const",
    prefix="UC_ARM64_REG_",
    core=core,
    arguments=_ARGUMENTS,
    result=("X0", "X1"),
    stack="SP",
    link="X30",
    counter="PC",
    status="NZCV",
    shown=(*(f"X{number}" for number in range(31)), "SP", "PC"),
    stack_alignment=16,
    paired=False,
    state_mask=0,
    return_code=return_code,
    # in the RAM of most boards, behind what images use, and in places where boards have nothing
    scratch=(0x9FF00000, 0x8FF00000, 0x7FF00000, 0x6FF00000, 0x3FF00000),
    instruction_count=instruction_count,
    semihosting=semihosting,
    waits=(b"\x5f\x20\x03\xd5", b"\x7f\x20\x03\xd5"),  # WFE, WFI
    setup=(("CPACR_EL1", _FPEN),),
    illegal=Illegal(exception=_UNDEFINED, ahead=0),
    float_arguments=tuple(f"D{number}" for number in range(8)),
    list_form=ListForm.AAPCS64,
)
