# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the C library and compiler helpers do what real ones do, called by compiled code.

The same program is linked by GNU ld twice: with the distribution's libgcc and our own plain C in
place of the library, and with stand-ins.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support import gnublob
from support.cross import gcc
from support.riscv import RISCV

from west_llext.elf.attributes import abi
from west_llext.elf.read import file_content, object_file
from west_llext.emulate.blob import blob_image
from west_llext.emulate.result import Result
from west_llext.emulate.standins_c import C
from west_llext.emulate.standins_kernel import KERNEL
from west_llext.emulate.target import Target

pytest.importorskip("unicorn")

ARM_FLAGS = ("-mcpu=cortex-m0", "-mthumb")
RV32_FLAGS = (
    "-march=rv32i", "-mabi=ilp32", "-mcmodel=medany", "-mno-relax", "-msmall-data-limit=0",
)  # fmt: skip
X86_FLAGS = (
    "-m32", "-fno-pie", "-no-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
    "-fcf-protection=none",
)  # fmt: skip
MACHINES = {
    "arm": ("arm-none-eabi-", ARM_FLAGS),
    "rv32": (RISCV, RV32_FLAGS),
    "x86": ("x86_64-linux-gnu-", X86_FLAGS),
}
PLACES = {"text": 0x80000000, "data": 0x80100000}

NUMBERS = """
typedef long long wide;
typedef unsigned long long uwide;
static const wide values[] = {0, 1, -1, 7, -7, 10, 1000000007, -1000000007,
    0x7fffffff, -0x7fffffff - 1, 0x123456789abcdefLL, -0x123456789abcdefLL};
#define COUNT (sizeof(values) / sizeof(values[0]))
static uwide mix(uwide sum, uwide value) { return (sum << 7 | sum >> 57) ^ value; }

wide check(void)
{
    volatile const wide *in = values;
    uwide sum = 1;
    for (unsigned i = 0; i < COUNT; i++)
        for (unsigned j = 0; j < COUNT; j++) {
            wide a = in[i], b = in[j];
            int x = (int)a, y = (int)b;
            sum = mix(sum, (uwide)(a * b));
            sum = mix(sum, a << (j * 5));
            sum = mix(sum, (uwide)a >> (j * 5));
            sum = mix(sum, a >> (j * 5));
            sum = mix(sum, (unsigned)(x * y));
            if (b != 0) {
                sum = mix(sum, a / b);
                sum = mix(sum, a % b);
                sum = mix(sum, (uwide)a / (uwide)b);
                sum = mix(sum, (uwide)a % (uwide)b);
            }
            if (y != 0 && (y != -1 || x != -0x7fffffff - 1)) {
                sum = mix(sum, x / y);
                sum = mix(sum, x % y);
                sum = mix(sum, (unsigned)x / (unsigned)y);
                sum = mix(sum, (unsigned)x % (unsigned)y);
            }
        }
    return sum;
}
"""


def result_of(blob: Path, host: Target, name: str) -> Result:
    """A call of a function of a blob."""
    image = blob_image(object_file(file_content(blob), blob.name), blob.stem)
    host.load(image)
    result = host.call(image.exports[name])
    assert result.fault is None, str(result.fault)
    return result


def host_for(path: Path) -> Target:
    """A target for an object's machine."""
    file = object_file(file_content(path), path.name)
    return Target(ident=file.ident, attributes=abi(file).attributes)


@pytest.mark.cross
@pytest.mark.parametrize("machine", MACHINES)
def test_helpers_calculate_as_libgcc_does(machine: str, tmp_path: Path) -> None:
    """Products, quotients, remainders and shifts of 32 and 64 bits, signed and unsigned."""
    prefix, flags = MACHINES[machine]
    made = gcc(tmp_path, NUMBERS, "-O1", *flags, prefix=prefix)
    file = object_file(file_content(made), made.name)
    needed = [each.name for each in file.symbols if each.name and not each.section and each.binding]
    helpers = [each for each in needed if each in C]
    # what takes numbers of other kinds comes from libgcc both times
    assert len(helpers) >= 4, needed
    common = {"exports": ["check"], "cpu": flags, "prefix": prefix, **PLACES}
    real = result_of(gnublob.linked(tmp_path, "real", [made], **common), host_for(made), "check")
    host = host_for(made)
    addresses = {each: host.address_of(each) or 0 for each in helpers}
    blob = gnublob.linked(tmp_path, "stood", [made], imports=addresses, **common)
    stood = result_of(blob, host, "check")
    assert stood.pair == real.pair
    assert stood.instructions < real.instructions


LIBRARY = """
typedef __SIZE_TYPE__ size_t;
void *memcpy(void *, const void *, size_t), *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t), *memchr(const void *, int, size_t);
int memcmp(const void *, const void *, size_t), strcmp(const char *, const char *);
int strncmp(const char *, const char *, size_t), snprintf(char *, size_t, const char *, ...);
size_t strlen(const char *), strnlen(const char *, size_t);
char *strcpy(char *, const char *), *strncpy(char *, const char *, size_t);
char *strcat(char *, const char *), *strchr(const char *, int), *strrchr(const char *, int);
void *calloc(size_t, size_t), *realloc(void *, size_t), *malloc(size_t);
void *aligned_alloc(size_t, size_t);
void free(void *);
static char text[32], other[32];
#define EXPECT(what) do { if (!(what)) return __LINE__; } while (0)

int check(void)
{
    EXPECT(strcpy(text, "abcabc") == text && strlen(text) == 6 && strnlen(text, 4) == 4);
    EXPECT(memmove(text + 2, text, 5) == text + 2 && strcmp(text, "ababcab") == 0);
    EXPECT(strcmp(text, "ababcb") < 0 && strcmp(text, "ab") > 0 && strcmp("", "") == 0);
    EXPECT(strcmp("\\x80", "a") > 0 && memcmp("\\x80", "a", 1) > 0);
    EXPECT(strncmp(text, "abx", 2) == 0 && strncmp(text, "abx", 3) < 0 && !strncmp("a", "b", 0));
    EXPECT(memcmp(text, "abab\\0", 4) == 0 && memcmp(text, "b", 0) == 0);
    EXPECT(strncpy(other, "xy", 5) == other && memcmp(other, "xy\\0\\0", 5) == 0);
    EXPECT(memcpy(other + 2, "zz", 3) == other + 2 && strcat(other, "!") == other);
    EXPECT(strcmp(other, "xyzz!") == 0);
    EXPECT(strchr(other, 'z') == other + 2 && strrchr(other, 'z') == other + 3);
    EXPECT(strchr(other, '?') == 0 && strchr(other, 0) == other + 5);
    EXPECT(strrchr(other, '?') == 0 && strrchr(other, 0) == other + 5);
    EXPECT(memchr(other, 'z', 2) == 0 && memchr(other, 'z', 3) == other + 2);
    EXPECT(memset(other, 0x141, 3) == other && strcmp(other, "AAAz!") == 0);
    EXPECT(snprintf(other, 4, "%d", 12345) == 5 && strcmp(other, "123") == 0);
    unsigned char *a = calloc(3, 7), *b = malloc(8), *c = aligned_alloc(256, 16);
    EXPECT(a && b && c && a != b && (size_t)c % 256 == 0 && a[20] == 0);
    memset(b, 9, 8);
    b = realloc(b, 4096);
    EXPECT(b && b[7] == 9 && realloc(b, 1 << 30) == 0 && realloc(0, 1) != 0);
    free(a);
    free(b);
    free(0);
    return 0;
}
"""


@pytest.mark.cross
@pytest.mark.parametrize("machine", MACHINES)
def test_the_library_does_what_c_says(machine: str, tmp_path: Path) -> None:
    """C17, 7.24 and 7.22.3; the result is 0, or the line of the first surprise."""
    prefix, flags = MACHINES[machine]
    made = gcc(tmp_path, LIBRARY, "-O1", "-fno-builtin", *flags, prefix=prefix)
    file = object_file(file_content(made), made.name)
    host = host_for(made)
    needed = [each.name for each in file.symbols if each.name and not each.section and each.binding]
    addresses = {each: host.address_of(each) or 0 for each in needed if each in {**C, **KERNEL}}
    blob = gnublob.linked(
        *(tmp_path, "demo", [made]),
        exports=["check"],
        imports=addresses,
        cpu=flags,
        prefix=prefix,
        **PLACES,
    )
    assert result_of(blob, host, "check").value == 0
