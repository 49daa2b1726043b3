# SPDX-License-Identifier: Apache-2.0
"""x86 and x86-64: a processor with SSE up to 4.2, without AVX, in protected or long mode.

The emulator executes all of these also for processors that lack some: it proves what code does, not
that a core can run it.

Calls: System V ABI, Intel386 supplement 1.1, section 2.2; AMD64 supplement 1.0, section 3.2, and
3.5.7 for lists of arguments.
"""

from __future__ import annotations

from west_llext.emulate.machine import Attributes, Core, ListForm, Machine, Reader
from west_llext.emulate.x86_length import instructions_32, instructions_64

MODEL_32 = Core(name="x86", model="UC_CPU_X86_NEHALEM", modes=("UC_MODE_32",))
MODEL_64 = Core(name="x86-64", model="UC_CPU_X86_NEHALEM", modes=("UC_MODE_64",))

_CR4_SSE = 1 << 9 | 1 << 10  # OSFXSR, OSXMMEXCPT: SSE is on (SDM volume 3, 2.5)
_CR4_PAE = 1 << 5  # long mode has it
_WAITS = (b"\xf4",)  # HLT
_CALLS = ("UC_X86_INS_SYSCALL", "UC_X86_INS_SYSENTER")
#: in places where boards have little, first those behind the RAM of small ones
_SCRATCH = (0x3FF00000, 0x2FF00000, 0x7FF00000, 0x6FF00000, 0x1FF00000)


def core_32(_attributes: Attributes, _flags: int) -> Core:
    """The one model for all code of 32 bits."""
    return MODEL_32


def core_64(_attributes: Attributes, _flags: int) -> Core:
    """The one model for all code of 64 bits."""
    return MODEL_64


def return_code(_address: int) -> bytes:
    """RET."""
    return b"\xc3"


def count_32(code: bytes, _status: int) -> int:
    """How many instructions of 32-bit code the bytes are."""
    return instructions_32(code)


def count_64(code: bytes, _status: int) -> int:
    """How many instructions of 64-bit code the bytes are."""
    return instructions_64(code)


def no_semihosting(_read: Reader, _number: int, _counter: int, _status: int) -> int | None:
    """Nobody defined such requests for x86."""
    return None


MACHINE_32 = Machine(
    number=3,
    bits=32,
    name="x86",
    arch="UC_ARCH_X86",
    constants="x86_const",
    prefix="UC_X86_REG_",
    core=core_32,
    arguments=(),
    result=("EAX", "EDX"),
    stack="ESP",
    link=None,
    counter="EIP",
    status="EFLAGS",
    shown=("EAX", "EBX", "ECX", "EDX", "ESI", "EDI", "EBP", "ESP", "EIP", "EFLAGS"),
    stack_alignment=16,
    paired=False,
    state_mask=0,
    return_code=return_code,
    scratch=_SCRATCH,
    instruction_count=count_32,
    semihosting=no_semihosting,
    waits=_WAITS,
    calls=_CALLS,
    setup=(("CR4", _CR4_SSE),),
)
MACHINE_64 = Machine(
    number=62,
    bits=64,
    name="x86-64",
    arch="UC_ARCH_X86",
    constants="x86_const",
    prefix="UC_X86_REG_",
    core=core_64,
    arguments=("RDI", "RSI", "RDX", "RCX", "R8", "R9"),
    result=("RAX", "RDX"),
    stack="RSP",
    link=None,
    counter="RIP",
    status="EFLAGS",
    shown=(
        *("RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP"),
        *(f"R{number}" for number in range(8, 16)),
        *("RSP", "RIP", "EFLAGS"),
    ),
    stack_alignment=16,
    paired=False,
    state_mask=0,
    return_code=return_code,
    scratch=_SCRATCH,
    instruction_count=count_64,
    semihosting=no_semihosting,
    waits=_WAITS,
    calls=_CALLS,
    setup=(("CR4", _CR4_SSE | _CR4_PAE),),
    float_arguments=tuple(f"XMM{number}" for number in range(8)),
    list_form=ListForm.AMD64,
)
