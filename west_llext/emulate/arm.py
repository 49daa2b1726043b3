# SPDX-License-Identifier: Apache-2.0
"""Arm, 32 bits: Cortex-M, and A32 code on a Cortex-A.

The emulator executes Thumb-2 and floating-point instructions also on cores that lack them, and
unaligned loads that a real core refuses: it proves what code does, not that a core can run it.

Build attributes: Addenda to, and Errata in, the ABI for the Arm Architecture (ADDENDA32), 2023Q3,
section 3.3. Calls: Procedure Call Standard (AAPCS32), 2023Q3, sections 6.1 to 6.5.
Semihosting requests: Semihosting for AArch32 and AArch64, 2.0, "The semihosting interface".
"""

from __future__ import annotations

from west_llext.emulate.machine import Attributes, Core, Machine, Reader

_M_PROFILE = ("UC_MODE_THUMB", "UC_MODE_MCLASS")

M0 = Core(name="Cortex-M0", model="UC_CPU_ARM_CORTEX_M0", modes=_M_PROFILE)
M3 = Core(name="Cortex-M3", model="UC_CPU_ARM_CORTEX_M3", modes=_M_PROFILE)
M4 = Core(name="Cortex-M4", model="UC_CPU_ARM_CORTEX_M4", modes=_M_PROFILE)
M7 = Core(name="Cortex-M7", model="UC_CPU_ARM_CORTEX_M7", modes=_M_PROFILE)
M33 = Core(name="Cortex-M33", model="UC_CPU_ARM_CORTEX_M33", modes=_M_PROFILE)
A15 = Core(name="Cortex-A15", model="UC_CPU_ARM_CORTEX_A15", modes=("UC_MODE_ARM",))

# Tag_CPU_name in lower case: the nearest model that has all of its instructions
_BY_NAME = {
    "cortex-m0": M0,
    "cortex-m0plus": M0,
    "cortex-m1": M0,
    "cortex-m3": M3,
    "cortex-m4": M4,
    "cortex-m7": M7,
    "cortex-m23": M33,
    "cortex-m33": M33,
    "cortex-m35p": M33,
}
_TAG_CPU_NAME, _TAG_CPU_ARCH, _TAG_CPU_ARCH_PROFILE, _TAG_FP_ARCH = 5, 6, 7, 10
# Tag_CPU_arch: v6-M, v6S-M; v7E-M; v8-M.baseline, v8-M.mainline, v8.1-M.mainline
_V6_M, _V7E_M, _V8_M = frozenset({11, 12}), 13, frozenset({16, 17, 21})
# Tag_FP_arch: those of Armv8, which Cortex-M7 has and Cortex-M4 lacks
_FP_V8 = frozenset({7, 8})

_THUMB_STATE = 0x20  # CPSR.T
_SUPERVISOR_CALL, _BREAKPOINT = 2, 7  # exceptions, as the emulator numbers them


def core(attributes: Attributes, _flags: int) -> Core:
    """The model for code with these build attributes; Cortex-M33 where there are none."""
    named = _BY_NAME.get(str(attributes.get(_TAG_CPU_NAME, "")).lower())
    if named is not None:
        return named
    arch = attributes.get(_TAG_CPU_ARCH)
    if arch is None or arch in _V8_M:
        return M33
    if arch in _V6_M:
        return M0
    if arch == _V7E_M:
        return M7 if attributes.get(_TAG_FP_ARCH) in _FP_V8 else M4
    if attributes.get(_TAG_CPU_ARCH_PROFILE) in {ord("M"), "M"}:
        return M3
    return A15


def return_code(address: int) -> bytes:
    """BX LR, in the instruction set that bit 0 of the address names."""
    return b"\x70\x47" if address & 1 else b"\x1e\xff\x2f\xe1"


def instruction_count(code: bytes, status: int) -> int:
    """How many A32 or Thumb instructions the bytes are."""
    if not status & _THUMB_STATE:
        return len(code) // 4
    count = offset = 0
    while offset + 2 <= len(code):
        # a halfword that begins with 0b11101, 0b11110 or 0b11111 has a second one behind it
        offset += 4 if code[offset + 1] >= 0b11101_000 else 2
        count += 1
    return count


def semihosting(read: Reader, number: int, counter: int, status: int) -> int | None:
    """Where to go on after a semihosting request: BKPT 0xAB, SVC 0xAB (T32), SVC 0x123456 (A32)."""
    if number == _BREAKPOINT:  # stops at the instruction
        return (counter + 2) | 1 if read(counter, 2) == b"\xab\xbe" else None
    if number != _SUPERVISOR_CALL:  # stops behind the instruction
        return None
    if status & _THUMB_STATE:
        return counter | 1 if read(counter - 2, 2) == b"\xab\xdf" else None
    return counter if read(counter - 4, 4) == b"\x56\x34\x12\xef" else None


MACHINE = Machine(
    number=40,
    bits=32,
    name="Arm",
    arch="UC_ARCH_ARM",
    constants="arm_const",
    prefix="UC_ARM_REG_",
    core=core,
    arguments=("R0", "R1", "R2", "R3"),
    result=("R0", "R1"),
    stack="SP",
    link="LR",
    counter="PC",
    status="CPSR",
    shown=(*(f"R{number}" for number in range(13)), "SP", "LR", "PC", "CPSR"),
    stack_alignment=8,
    paired=True,
    state_mask=1,
    return_code=return_code,
    # external RAM and, last, a device region: boards have little there, and all can be executed
    scratch=(0x9FF00000, 0x8FF00000, 0x7FF00000, 0x6FF00000, 0x3FF00000),
    instruction_count=instruction_count,
    semihosting=semihosting,
    # WFE and WFI: T16, T32, A32
    waits=(
        *(b"\x20\xbf", b"\xaf\xf3\x02\x80", b"\x02\xf0\x20\xe3"),
        *(b"\x30\xbf", b"\xaf\xf3\x03\x80", b"\x03\xf0\x20\xe3"),
    ),
    # the forms of YIELD
    hints=((b"\x10\xbf", 1), (b"\xaf\xf3\x01\x80", 1), (b"\x01\xf0\x20\xe3", 0)),
)
