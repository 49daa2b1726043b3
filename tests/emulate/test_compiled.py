# SPDX-License-Identifier: Apache-2.0
"""Compiled code in the emulator: compilers decide what it is, C decides what comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import gnublob
from support.cross import PREFIX, gcc, zig
from support.riscv import RISCV

from west_llext.elf.attributes import abi
from west_llext.elf.read import file_content, object_file
from west_llext.emulate.blob import blob_image
from west_llext.emulate.target import Target

pytest.importorskip("unicorn")

GCC_CORES = {
    "Cortex-M0": ("-mcpu=cortex-m0", "-mthumb"),
    "Cortex-M3": ("-mcpu=cortex-m3", "-mthumb"),
    "Cortex-M4": ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    "Cortex-M7": ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16"),
    "Cortex-M33": ("-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=softfp", "-mfpu=fpv5-sp-d16"),
    "Cortex-A15": ("-mcpu=cortex-a15", "-marm", "-mfloat-abi=soft"),
}
RISCV_CORES = {
    "rv32i": ("RV32GC", "-march=rv32i", "-mabi=ilp32"),
    "rv32imac": ("RV32GC", "-march=rv32imac", "-mabi=ilp32"),
    "rv32imafc": ("RV32GC", "-march=rv32imafc", "-mabi=ilp32f"),
    "rv32e": ("RV32GC", "-march=rv32e", "-mabi=ilp32e"),
    "rv64imac": ("RV64GC", "-march=rv64imac", "-mabi=lp64"),
    "rv64imafdc": ("RV64GC", "-march=rv64imafdc", "-mabi=lp64d"),
}
# as Zephyr builds: memory above what medlow code reaches with 32 bits of address
RISCV_FLAGS = ("-mcmodel=medany", "-mno-relax", "-msmall-data-limit=0")
RISCV_PLACES = {"text": 0x80000000, "data": 0x80100000}
#: What compilers for Linux do by themselves and bare code must not have.
BARE = ("-fno-pie", "-no-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables")
NO_CET = (*BARE, "-fcf-protection=none")
LINUX_CORES = {
    "aarch64": ("Armv8-A", "aarch64-linux-gnu-", ("-mcpu=cortex-a53", *BARE)),
    "aarch64-lse": ("Armv8-A", "aarch64-linux-gnu-", ("-march=armv8.2-a", *BARE)),
    "x86": ("x86", "x86_64-linux-gnu-", ("-m32", *NO_CET)),
    "x86-sse": ("x86", "x86_64-linux-gnu-", ("-m32", "-msse2", "-mfpmath=sse", *NO_CET)),
    "x86-64": ("x86-64", "x86_64-linux-gnu-", ("-m64", "-mno-red-zone", *NO_CET)),
    "x86-64-v2": ("x86-64", "x86_64-linux-gnu-", ("-march=x86-64-v2", *NO_CET)),
}
ZIG_CORES = {
    "Cortex-M0": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0plus"),
    "Cortex-M3": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3"),
    "Cortex-M33": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m33"),
}

ARITHMETIC = """
static int state = 5;
static long long zeroed;
static int add(int a, int b) { return a + b; }
static int times(int a, int b) { return a * b; }
static int (*const table[])(int, int) = {add, times};

int compute(int which, int a, int b)
{
    state++;
    zeroed += (long long)table[which](a, b) * state;
    return (int)zeroed;
}

long long divided(int high, unsigned low, int divisor)
{
    return (((long long)high << 32) | low) / divisor;
}

int rounded(int a)
{
    volatile float x = (float)a;
    return (int)(x * 1.5f + 0.25f);
}
"""
NAMES = ("compute", "divided", "rounded")
PLACES = {"text": 0x10000000, "data": 0x20000000}


def target_with(blob: Path) -> tuple[Target, dict[str, int]]:
    """A target with one extension and no base image, and the extension's exports."""
    file = object_file(file_content(blob), blob.name)
    made = Target(ident=file.ident, attributes=abi(file).attributes)
    image = blob_image(file, blob.stem)
    made.load(image)
    assert all(each.result.returned for each in made.bring_up())
    return made, dict(image.exports)


def check_arithmetic(blob: Path, core: str) -> None:
    """The values are those that C gives: 6 * (3 + 4) = 42, 42 + 7 * (3 * 4) = 126 and so on."""
    made, exports = target_with(blob)
    assert made.core.name == core
    assert made.call(exports["compute"], 0, 3, 4).value & 0xFFFFFFFF == 42
    assert made.call(exports["compute"], 1, 3, 4).value & 0xFFFFFFFF == 126
    for high, divisor in ((7, 10), (-1, 2)):
        result = made.call(exports["divided"], high, 0, divisor)
        quotient = result.pair if made.machine.bits == 32 else result.value
        assert quotient == (high << 32) // divisor % (1 << 64)
    assert made.call(exports["rounded"], 7).value == 10


@pytest.mark.cross
@pytest.mark.parametrize("core", GCC_CORES)
@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
def test_gcc_code_computes_what_c_says(core: str, level: str, tmp_path: Path) -> None:
    """Calls through tables, .data, .bss, a 64-bit division of libgcc, floating point."""
    flags = GCC_CORES[core]
    made = gcc(tmp_path, ARITHMETIC, level, *flags)
    blob = gnublob.linked(tmp_path, "demo", [made], exports=NAMES, cpu=flags, **PLACES)
    check_arithmetic(blob, core)


@pytest.mark.cross
@pytest.mark.zig
@pytest.mark.parametrize("core", ZIG_CORES)
def test_zig_code_computes_what_c_says(core: str, tmp_path: Path) -> None:
    """The same from clang, linked with the helpers of libgcc."""
    made = zig(tmp_path, ARITHMETIC, "-Os", *ZIG_CORES[core])
    blob = gnublob.linked(
        tmp_path, "demo", [made], exports=NAMES, cpu=GCC_CORES[core][:2], **PLACES
    )
    check_arithmetic(blob, core)


@pytest.mark.cross
@pytest.mark.parametrize("core", RISCV_CORES)
@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
def test_gcc_code_for_riscv_computes_what_c_says(core: str, level: str, tmp_path: Path) -> None:
    """The floating-point unit is on, which it isn't after a reset."""
    name, *cpu = RISCV_CORES[core]
    flags = (*cpu, *RISCV_FLAGS)
    made = gcc(tmp_path, ARITHMETIC, level, *flags, prefix=RISCV)
    blob = gnublob.linked(
        *(tmp_path, "demo", [made]), exports=NAMES, cpu=flags, prefix=RISCV, **RISCV_PLACES
    )
    check_arithmetic(blob, name)


@pytest.mark.cross
@pytest.mark.parametrize("core", LINUX_CORES)
@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
def test_gcc_code_for_linux_machines_computes_what_c_says(
    core: str, level: str, tmp_path: Path
) -> None:
    """AArch64, x86 and x86-64: floating point works as it is, on the stack and in registers."""
    name, prefix, flags = LINUX_CORES[core]
    made = gcc(tmp_path, ARITHMETIC, level, *flags, prefix=prefix)
    blob = gnublob.linked(
        *(tmp_path, "demo", [made]), exports=NAMES, cpu=flags, prefix=prefix, **PLACES
    )
    check_arithmetic(blob, name)


PRINTING = """
#include <stdarg.h>
int printf(const char *, ...);
int vprintf(const char *, va_list);
int snprintf(char *, __SIZE_TYPE__, const char *, ...);
int puts(const char *);
int putchar(int);
long long k_uptime_get(void);
int k_msleep(int);
void k_busy_wait(unsigned);
void *k_malloc(__SIZE_TYPE__);
void k_free(void *);

/* more than any registers hold, of both kinds, in turns */
#define CROWD(print) print("%d %.1f %d %.1f %d %.1f %d %.1f %d %.1f %d %.1f %d %.1f %d %.1f " \\
    "%d %.1f %lld %.1f %d\\n", 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, \\
    9, 9.5, 10LL, 10.5, 11)

static int forwarded(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int count = vprintf(format, list);
    va_end(list);
    return count;
}

int talk(void)
{
    char *text = k_malloc(16);
    int size = snprintf(text, 16, "%s-%d", "abcdefghijkl", 12345);
    printf("%d %lld %s %c %5.2f %x\\n", -1, 1LL << 40, "text", 'x', 2.5, 0xbeefu);
    printf("%s %d\\n", text, size);
    forwarded("%d %llu %s %f\\n", 7, ~0ULL, "list", 0.5);
    CROWD(printf);
    CROWD(forwarded);
    k_free(text);
    puts("line");
    putchar('!');
    k_msleep(1500);
    k_busy_wait(500000);
    printf("%lld\\n", k_uptime_get());
    return size;
}
"""
TALK = """-1 1099511627776 text x  2.50 beef
abcdefghijkl-12 18
7 18446744073709551615 list 0.500000
1 1.5 2 2.5 3 3.5 4 4.5 5 5.5 6 6.5 7 7.5 8 8.5 9 9.5 10 10.5 11
1 1.5 2 2.5 3 3.5 4 4.5 5 5.5 6 6.5 7 7.5 8 8.5 9 9.5 10 10.5 11
line
!2000
"""
STAND_INS = (
    "printf",
    "vprintf",
    "snprintf",
    "puts",
    "putchar",
    "k_uptime_get",
    "k_msleep",
    "k_busy_wait",
    "k_malloc",
    "k_free",
)


PRINTERS = {
    "Cortex-M0": (PREFIX, GCC_CORES["Cortex-M0"], PLACES),
    "Cortex-M4": (PREFIX, GCC_CORES["Cortex-M4"], PLACES),
    **{
        core: (RISCV, (*RISCV_CORES[core][1:], *RISCV_FLAGS), RISCV_PLACES)
        for core in ("rv32imac", "rv32imafc", "rv32e", "rv64imac", "rv64imafdc")
    },
    **{core: (*LINUX_CORES[core][1:], PLACES) for core in ("aarch64", "x86", "x86-64")},
}


@pytest.mark.cross
@pytest.mark.parametrize("core", PRINTERS)
def test_stand_ins_take_arguments_as_compilers_pass_them(core: str, tmp_path: Path) -> None:
    """64-bit arguments in even registers or on the stack, va_list a pointer, or a record of areas.

    AAPCS32; RISC-V, "Integer Calling Convention", of variadic arguments; AAPCS64; x86 psABIs.
    """
    prefix, flags, places = PRINTERS[core]
    made = gcc(tmp_path, PRINTING, "-Os", "-fno-builtin", *flags, prefix=prefix)
    nothing = gcc(tmp_path, "", *flags, name="nothing.c", prefix=prefix)
    ident = object_file(file_content(nothing), "nothing.o").ident
    host = Target(ident=ident, attributes=abi(object_file(file_content(made), "")).attributes)
    addresses = {name: host.address_of(name) or 0 for name in STAND_INS}
    blob = gnublob.linked(
        *(tmp_path, "demo", [made]),
        exports=["talk"],
        imports=addresses,
        cpu=flags,
        prefix=prefix,
        **places,
    )
    image = blob_image(object_file(file_content(blob), "demo.llext"), "demo")
    host.load(image)
    result = host.call(image.exports["talk"])
    assert (result.output, result.value, result.fault) == (TALK, 18, None)


CONSTRUCTORS = """
int order;
__attribute__((constructor(102))) static void second(void) { order = order * 10 + 2; }
__attribute__((constructor(101))) static void first(void) { order = order * 10 + 1; }
__attribute__((constructor)) static void third(void) { order = order * 10 + 3; }
int get(void) { return order; }
"""


@pytest.mark.cross
def test_constructors_run_in_the_order_of_their_priority(tmp_path: Path) -> None:
    """The array is in the linker's order; we run it from its start to its end."""
    made = gcc(tmp_path, CONSTRUCTORS, "-Os", *gnublob.CPU)
    blob = gnublob.linked(tmp_path, "demo", [made], exports=["get"], **PLACES)
    target, exports = target_with(blob)
    assert target.call(exports["get"]).value == 123


SUPERVISOR_CALL = """
int ask(const char *text)
{
    register int r0 __asm__("r0") = 4;
    register const char *r1 __asm__("r1") = text;
    __asm__ volatile("svc %2" : "+r"(r0) : "r"(r1), "i"(NUMBER) : "memory", "lr");
    return 5;
}
const char *text(void) { return "asked"; }
"""


@pytest.mark.cross
@pytest.mark.parametrize(
    ("mode", "number"), [("-marm", 0x123456), ("-mthumb", 0xAB)], ids=["A32", "T32"]
)
def test_supervisor_call_is_a_semihosting_request(mode: str, number: int, tmp_path: Path) -> None:
    """Cores that aren't Cortex-M ask with SVC."""
    flags = ("-mcpu=cortex-a15", mode, "-mfloat-abi=soft")
    made = gcc(tmp_path, SUPERVISOR_CALL, "-Os", f"-DNUMBER={number}", *flags)
    blob = gnublob.linked(tmp_path, "demo", [made], exports=["ask", "text"], cpu=flags, **PLACES)
    target, exports = target_with(blob)
    result = target.call(exports["ask"], target.call(exports["text"]).value)
    assert (result.value, result.output, result.fault) == (5, "asked", None)
