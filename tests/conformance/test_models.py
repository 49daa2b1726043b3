# SPDX-License-Identifier: Apache-2.0
"""One C source by every code model and processor, each equal to GNU ld in every mode.

The libraries of the long comparison are compiled in one way each.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.compare import Verdict, compared
from tests.conformance.corpus import Member
from tests.support.cross import gcc
from west_llext.model.manifest import Mode

pytestmark = pytest.mark.cross

SOURCE = """
extern int outside(int), other(const char *, ...);
extern int variable, array[16];
__attribute__((weak)) extern int perhaps(int);
static int own[8] = {1, 2, 3, 5, 8}, empty[64];
int shared = 5, common[3];
const char *names[] = {"one", "two", "three"};
__attribute__((noinline)) static int twice(int x) { return 2 * x + own[x & 7] + variable; }
__attribute__((noinline)) int thrice(int x) { shared += x; return outside(x) + twice(x); }
int (*const table[])(int) = {twice, thrice, outside, perhaps};
int *const places[] = {&own[2], &shared, &array[3], &empty[60]};
int run(int x)
{
    if (perhaps) variable += perhaps(x);
    switch (x) {
    case 0: return other(names[x & 1], x);
    case 1: empty[x & 63] += variable; break;
    case 2: variable--; break;
    case 3: x ^= array[7]; break;
    case 4: x = outside(x * 3) + common[1]; break;
    case 5: x += 99; break;
    case 6: return twice(x);
    default: *places[x & 3] = table[x & 3](x);
    }
    return thrice(x) + table[x & 1](x);
}
"""
_X86_64, _ARC = "x86_64-linux-gnu-", "arc-linux-gnu-"
_AARCH64, _XTENSA = "aarch64-linux-gnu-", "xtensa-lx106-elf-"
_RISCV, _ARM = "riscv64-unknown-elf-", "arm-none-eabi-"
_PLAIN = ("-ffreestanding", "-fno-asynchronous-unwind-tables", "-fno-stack-protector")
#: What a compiler is always given.
ALWAYS = {
    _X86_64: ("-fno-pic", "-fcf-protection=none"),
    _AARCH64: ("-fno-pic", "-mno-outline-atomics"),
    _RISCV: ("-mno-relax", "-msmall-data-limit=0"),
    _ARC: ("-fno-pic", "-mno-sdata"),
}
#: Prefix of the compiler's name, and flags of models and processors.
MODELS = [
    (_X86_64, "-m32"),
    (_X86_64, "-m32 -O0 -mregparm=3"),
    (_X86_64, "-m32 -fPIC"),
    (_X86_64, "-mcmodel=small"),
    (_X86_64, "-mcmodel=small -O0"),
    (_X86_64, "-mcmodel=kernel"),
    (_X86_64, "-mcmodel=medium -mlarge-data-threshold=4"),
    (_X86_64, "-mcmodel=large"),
    (_X86_64, "-fpie"),
    (_X86_64, "-fPIC"),
    (_AARCH64, "-mcmodel=small"),
    (_AARCH64, "-mcmodel=large"),
    (_AARCH64, "-fPIC"),
    (_AARCH64, "-fpic"),
    (_RISCV, "-march=rv32e -mabi=ilp32e"),
    (_RISCV, "-march=rv32im -mabi=ilp32 -mcmodel=medany"),
    (_RISCV, "-march=rv32imafdc -mabi=ilp32d -O0"),
    (_RISCV, "-march=rv32imac -mabi=ilp32 -fPIC"),
    (_RISCV, "-march=rv32imac -mabi=ilp32 -mrelax -falign-functions=16"),
    (_RISCV, "-march=rv64imafdc -mabi=lp64d -mcmodel=medany"),
    (_RISCV, "-march=rv64imac -mabi=lp64 -mcmodel=medany -fPIC"),
    (_RISCV, "-march=rv64imac -mabi=lp64 -mcmodel=medany -mrelax -falign-functions=16"),
    (_ARM, "-mcpu=cortex-m0 -mthumb"),
    (_ARM, "-mcpu=cortex-m3 -mthumb -mlong-calls"),
    (_ARM, "-mcpu=cortex-m3 -mthumb -mslow-flash-data"),
    (_ARM, "-mcpu=cortex-m33 -mthumb -mpure-code"),
    (_ARM, "-mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-d16 -mword-relocations"),
    (_ARM, "-mcpu=arm926ej-s -marm"),
    (_ARM, "-mcpu=cortex-a9 -marm"),
    (_ARM, "-mcpu=cortex-r5 -marm -mlong-calls"),
    (_XTENSA, "-mno-longcalls"),
    (_XTENSA, "-mlongcalls"),
    (_XTENSA, "-mtext-section-literals"),
    (_XTENSA, "-fPIC -mlongcalls -O0"),
    (_ARC, "-mcpu=archs"),
    (_ARC, "-mcpu=archs -mlong-calls"),
    (_ARC, "-mcpu=archs -mmedium-calls -O0"),
    (_ARC, "-mcpu=arc700"),
]


#: GNU ld makes a constant of the address of an own symbol there; the link does so only where that
#: never moves, and makes LEA elsewhere.
_MOVED = {(_X86_64, "-fPIC")}
CASES = [
    pytest.param(prefix, flags, mode, id=f"{prefix[:-1]} {flags} {mode.value}")
    for prefix, flags in MODELS
    for mode in ([Mode.PRELOCATED] if (prefix, flags) in _MOVED else Mode)
]


@pytest.mark.parametrize(("prefix", "flags", "mode"), CASES)
def test_code_of_every_model_is_what_gnu_ld_makes(
    prefix: str, flags: str, mode: Mode, tmp_path: Path
) -> None:
    """What is left for the target is applied at three addresses."""
    options = (*_PLAIN, "-O2", *ALWAYS.get(prefix, ()), *flags.split())
    content = gcc(tmp_path, SOURCE, *options, prefix=prefix).read_bytes()
    arch = "v5te" if "arm926" in flags else "model"
    found = compared(
        Member(arch, prefix, flags, MODELS.index((prefix, flags)), content), mode, tmp_path
    )
    assert (found.verdict, found.reason) == (Verdict.EQUAL, "")
    assert found.regions >= (4 if mode is Mode.PRELOCATED else 12)
