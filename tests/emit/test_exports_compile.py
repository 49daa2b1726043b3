# SPDX-License-Identifier: Apache-2.0
"""The generated table, compiled, linked and asked."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import compilers, zephyrlike

from west_llext.emit import exports_c, exports_h
from west_llext.emit.exports_c import Flavour
from west_llext.model.manifest import Condition, ExportGroup, Name

#: Names that a compiler knows with a type, names that it defines as macros, and names of ours.
BUILT_IN = ["memcpy", "printf", "strlen", "abort", "malloc", "exit", "abs", "main"]
OWN = ["fn", "obj", "constant", "linux", "unix", "fn1", "fnB", "fn_b", "__aeabi_uldivmod"]
CONDITIONAL = ["sensor_read", "afterwards"]


def groups(*names: str, group: str | None = None, when: str | None = None) -> list[ExportGroup]:
    condition = None if when is None else Condition(text=when)
    return [ExportGroup(group=group, symbols=tuple(map(Name, names)), when=condition)]


TYPICAL = [
    *groups(*BUILT_IN, group="libc"),
    *groups(*OWN),
    *groups(*CONDITIONAL, group="sensors", when="CONFIG_SENSOR && CONFIG_LEVEL > 2"),
]
PROGRAM = """\
#include "llext_exports.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __linux__
#undef linux
#undef unix
#endif

int fn(int x); int fn(int x) { return x + 1; }
int fn1(void); int fn1(void) { return 1; }
int fnB(void); int fnB(void) { return 2; }
int fn_b(void); int fn_b(void) { return 3; }
int obj = 7, linux = 8, unix = 9;
extern const char constant[]; const char constant[] = "constant";
void __aeabi_uldivmod(void); void __aeabi_uldivmod(void) { }
void sensor_read(void); void sensor_read(void) { }
void afterwards(void); void afterwards(void) { }

static int bad;
static void same(const char *name, const void *address)
{
	if (west_llext_find(name) != address) { printf("wrong: %s\\n", name); bad = 1; }
}

int main(void)
{
	size_t i;

	same("memcpy", (const void *)memcpy);
	same("printf", (const void *)printf);
	same("malloc", (const void *)malloc);
	same("main", (const void *)main);
	same("fn", (const void *)fn);
	same("fn1", (const void *)fn1);
	same("fnB", (const void *)fnB);
	same("fn_b", (const void *)fn_b);
	same("obj", &obj);
	same("linux", &linux);
	same("constant", constant);
	same("", NULL); same("a", NULL); same("zzz", NULL); same("f", NULL); same("fn0", NULL);
	same("fn_", NULL); same("memcpyx", NULL); same("memcp", NULL); same("\\xff", NULL);
	same("fn\\xc3\\xbc", NULL); same("\\x01", NULL);
	for (i = 0; i < west_llext_export_count; i++) {
		same(west_llext_exports[i].name, west_llext_exports[i].addr);
		if (i && strcmp(west_llext_exports[i - 1].name, west_llext_exports[i].name) >= 0) bad = 1;
		printf("%s ", west_llext_exports[i].name);
	}
	if (west_llext_exports[i].name != NULL || west_llext_exports[i].addr != NULL) bad = 1;
	printf("%d\\n", WEST_LLEXT_EXPORT_COUNT);
	return bad;
}
"""


def table(folder: Path, exported: Sequence[ExportGroup], flavour: Flavour) -> None:
    for name, emit in (("llext_exports.c", exports_c.text), ("llext_exports.h", exports_h.text)):
        (folder / name).write_text(emit(exported, flavour=flavour, origin="llext.yml"))


def listed(names: Sequence[str]) -> str:
    return " ".join([*sorted(names), str(len(names))]) + "\n"


@pytest.mark.parametrize("standard", ["c99", "c11", "c17", "c2x", "gnu99", "gnu17"])
def test_the_table_compiles_without_any_warning(tmp_path: Path, standard: str) -> None:
    """By gcc for this machine and for Arm, optimised or not, with and without the condition."""
    table(tmp_path, TYPICAL, Flavour.STANDALONE)
    strict = (*compilers.GCC_WARNINGS, f"-std={standard}", "-c", "llext_exports.c", "-o", "x.o")
    on = ("-DCONFIG_SENSOR=1", "-DCONFIG_LEVEL=3")
    arm = [*compilers.arm_gcc(), *compilers.ARM_M3]
    for flags in (("-O2", "-fPIC"), ("-O0", *on), ("-Os", "-flto", *on)):
        compilers.run(tmp_path, [*compilers.gcc(), *strict, *flags])
        compilers.run(tmp_path, [*arm, *strict, *flags])


@pytest.mark.zig
def test_clang_has_nothing_to_say_of_the_table(tmp_path: Path) -> None:
    """With all of its warnings, but for style and for notes on layout and old standards."""
    table(tmp_path, TYPICAL, Flavour.STANDALONE)
    pedantry = ("padded", "pre-c11-compat", "unsafe-buffer-usage", "declaration-after-statement")
    flags = ["-Weverything", "-Werror", *(f"-Wno-{each}" for each in pedantry), "-c"]
    target = ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3"]
    for command in (compilers.zig("cc"), compilers.zig("cc", *target)):
        for standard in ("-std=c99", "-std=c17", "-std=c23"):
            compilers.run(tmp_path, [*command, *flags, standard, "llext_exports.c", "-o", "x.o"])


@pytest.mark.parametrize("flavour", Flavour)
def test_the_header_is_complete_and_also_cpp(tmp_path: Path, flavour: Flavour) -> None:
    """Included twice, first of all, in C and in C++."""
    table(tmp_path, TYPICAL, flavour)
    source = '#include "llext_exports.h"\n#include "llext_exports.h"\n'
    source += "int answer(void);\nint answer(void) { return WEST_LLEXT_EXPORT_COUNT; }\n"
    (tmp_path / "x.c").write_text(source)
    (tmp_path / "x.cpp").write_text(source)
    compilers.run(
        tmp_path, [*compilers.gcc(), *compilers.GCC_WARNINGS, "-std=c99", "-c", "x.c", "-o", "x.o"]
    )
    cpp = ["-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wold-style-cast", "-Wconversion"]
    for standard in ("-std=c++11", "-std=c++20"):
        compilers.run(
            tmp_path, [*compilers.gcc(), "-x", "c++", *cpp, standard, "-c", "x.cpp", "-o", "x.o"]
        )


@pytest.mark.parametrize("sign", ["-fsigned-char", "-funsigned-char"])
@pytest.mark.parametrize("flags", [[], ["-DCONFIG_SENSOR=1", "-DCONFIG_LEVEL=3"]])
def test_every_symbol_is_found_and_nothing_else(
    tmp_path: Path, sign: str, flags: list[str]
) -> None:
    """The program compares with the addresses that C gives it, and the order with strcmp()."""
    table(tmp_path, TYPICAL, Flavour.STANDALONE)
    (tmp_path / "main.c").write_text(PROGRAM)
    command = [*compilers.gcc(), "-std=gnu11", "-Wall", "-Wextra", "-Werror", sign, *flags]
    compilers.run(tmp_path, [*command, "main.c", "llext_exports.c", "-o", "program"])
    expected = BUILT_IN + OWN + (CONDITIONAL if flags else [])
    assert listed(expected) == compilers.run(tmp_path, [tmp_path / "program"])


@pytest.mark.parametrize("exported", [[], groups("sensor_read", when="CONFIG_SENSOR")])
def test_a_table_may_be_empty(tmp_path: Path, exported: list[ExportGroup]) -> None:
    """Nothing exported, or everything switched off."""
    table(tmp_path, exported, Flavour.STANDALONE)
    (tmp_path / "main.c").write_text(
        '#include "llext_exports.h"\n'
        'int main(void) { return west_llext_find("x") || west_llext_export_count'
        " || WEST_LLEXT_EXPORT_COUNT; }\n"
    )
    strict = [*compilers.gcc(), *compilers.GCC_WARNINGS, "-std=c99"]
    compilers.run(tmp_path, [*strict, "main.c", "llext_exports.c", "-o", "program"])
    compilers.run(tmp_path, [tmp_path / "program"])


def test_a_missing_symbol_is_a_link_error(tmp_path: Path) -> None:
    """Not a null pointer in the table."""
    import subprocess

    table(tmp_path, groups("no_such_function"), Flavour.STANDALONE)
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    command = [*compilers.gcc(), "main.c", "llext_exports.c", "-o", "program"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "undefined reference to `no_such_function'" in done.stderr


def test_other_files_may_be_optimised_at_link_time(tmp_path: Path) -> None:
    """Only the table itself has to be compiled without -flto, as its second line says."""
    table(tmp_path, TYPICAL, Flavour.STANDALONE)
    (tmp_path / "main.c").write_text(PROGRAM)
    gcc = compilers.gcc()
    compilers.run(tmp_path, [*gcc, "-O2", "-c", "llext_exports.c", "-fno-lto"])
    compilers.run(tmp_path, [*gcc, "-O2", "-flto", "main.c", "llext_exports.o", "-o", "program"])
    assert listed(BUILT_IN + OWN) == compilers.run(tmp_path, [tmp_path / "program"])


ARM_BASE = """\
int thumb_fn(int x); int thumb_fn(int x) { return x + 1; }
__attribute__((weak)) int weak_fn(int x); int weak_fn(int x) { return x; }
int variable = 3;
extern const char constant[]; const char constant[] = "constant";
__asm__(".thumb\\n.global typed\\n.type typed,%function\\ntyped: bx lr\\n"
	".global label\\nlabel: nop\\n");
"""
ARM_LAYOUT = """\
SECTIONS {
	. = 0x10000;
	.rodata : { *(.rodata*) }
	.text : { *(.text*) }
	.data : { *(.data*) *(.bss*) }
	/DISCARD/ : { *(.ARM.ex*) }
}
"""
ARM_NAMES = ["thumb_fn", "weak_fn", "variable", "constant", "typed", "label", "__aeabi_uldivmod"]


def linked_addresses(folder: Path, image: Path) -> dict[str, int]:
    """The table as it is in a linked Arm image: name to address."""
    content = folder / "memory.bin"
    compilers.run(folder, ["arm-none-eabi-objcopy", "-O", "binary", image, content])
    memory = content.read_bytes()
    start = symbols(folder, image)["west_llext_exports"] - 0x10000
    found = {}
    for name, address in struct.iter_unpack("<II", memory[start : start + 8 * len(ARM_NAMES)]):
        text = memory[name - 0x10000 :]
        found[text[: text.index(b"\0")].decode()] = address
    return found


def symbols(folder: Path, image: Path) -> dict[str, int]:
    """Values as they are in the symbol table (readelf, unlike nm, shows the Thumb bit)."""
    rows = compilers.run(folder, ["arm-none-eabi-readelf", "-sW", image]).splitlines()
    fields = [row.split() for row in rows]
    return {row[7]: int(row[1], 16) for row in fields if len(row) == 8 and row[0][:-1].isdigit()}


@pytest.mark.cross
@pytest.mark.parametrize("linker", ["gnu", "lld"])
@pytest.mark.parametrize("instructions", ["-mthumb", "-marm"])
def test_the_linker_puts_the_thumb_bit_into_the_table(
    tmp_path: Path, linker: str, instructions: str
) -> None:
    """AAELF32 R_ARM_ABS32 is (S + A) | T: by the symbol's own type, whatever we declared it as.

    The compiler helper comes out of libgcc only because the table asks for it.
    """
    table(tmp_path, groups(*ARM_NAMES), Flavour.STANDALONE)
    (tmp_path / "base.c").write_text(ARM_BASE)
    gcc = [*compilers.arm_gcc(), "-mcpu=cortex-a9", "-Os"]
    compilers.run(tmp_path, [*gcc, instructions, "-c", "base.c"])
    compilers.run(tmp_path, [*gcc, "-mthumb", "-c", "llext_exports.c"])
    libgcc = compilers.run(tmp_path, [*gcc, "-print-libgcc-file-name"]).strip()
    (tmp_path / "image.ld").write_text(ARM_LAYOUT)
    ld = {
        "gnu": lambda: ["arm-none-eabi-ld"],
        "lld": lambda: compilers.zig("ld.lld", "-m", "armelf"),
    }
    parts = ["-T", "image.ld", "-e", "0x10000", "base.o", "llext_exports.o", libgcc, "-o", "image"]
    compilers.run(tmp_path, [*ld[linker](), *parts])
    values = symbols(tmp_path, tmp_path / "image")
    found = linked_addresses(tmp_path, tmp_path / "image")
    assert {name: values[name] for name in sorted(ARM_NAMES)} == found
    assert found["thumb_fn"] & 1 == (instructions == "-mthumb")
    assert [found[name] & 1 for name in ("variable", "constant", "typed")] == [0, 0, 1]


ZEPHYR_PROGRAM = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef linux
#undef unix
struct entry { const char *name; const void *addr; };
extern const struct entry __start_exports[], __stop_exports[];
int fn(int x); int fn(int x) { return x + 1; }
int fn1, fnB, fn_b, obj = 7, linux = 8, unix = 9, __aeabi_uldivmod;
const char constant[] = "constant";
int sensor_read, afterwards;
int main(void)
{
	const struct entry *each;
	for (each = __start_exports; each < __stop_exports; each++) {
		if (!strcmp(each->name, "memcpy") && each->addr != (const void *)memcpy) return 1;
		if (!strcmp(each->name, "obj") && each->addr != &obj) return 1;
		printf("%s ", each->name);
	}
	printf("%d\\n", (int)(__stop_exports - __start_exports));
	return 0;
}
"""


@pytest.mark.parametrize("release", zephyrlike.SYMBOL_H)
@pytest.mark.parametrize("lookup", [[], ["-DCONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID=1"]])
def test_zephyrs_macros_get_each_symbol_under_its_own_name(
    tmp_path: Path, release: str, lookup: list[str]
) -> None:
    """In each form that the macros ever had; `linux` is 1 by default, `obj` made a macro here."""
    include = zephyrlike.include_folder(tmp_path, release)
    table(tmp_path, TYPICAL, Flavour.ZEPHYR)
    (tmp_path / "main.c").write_text(ZEPHYR_PROGRAM)
    config = ["-DCONFIG_LLEXT=1", "-DCONFIG_SENSOR=1", "-DCONFIG_LEVEL=9", *lookup]
    config += [f"-DCONFIG_LLEXT_EXPORT_SYMBOL_GROUP_{name}=1" for name in ("UNASSIGNED", "SENSORS")]
    config += ["-DCONFIG_LLEXT_EXPORT_SYMBOL_GROUP_LIBC=1"]
    gcc = [*compilers.gcc(), "-std=gnu11", "-Wall", "-Wextra", "-Werror", *config]
    compilers.run(tmp_path, [*gcc, "-Dobj=other", "-I", include, "-c", "llext_exports.c"])
    compilers.run(tmp_path, [*gcc, "main.c", "llext_exports.o", "-o", "program"])
    printed = compilers.run(tmp_path, [tmp_path / "program"]).split()
    assert sorted(printed[:-1]) == sorted(BUILT_IN + OWN + CONDITIONAL)
    assert int(printed[-1]) == len(BUILT_IN + OWN + CONDITIONAL)
    arm = [*compilers.arm_gcc(), *compilers.ARM_M3, "-std=c99", "-Wall", "-Wextra", "-Werror"]
    compilers.run(tmp_path, [*arm, *config, "-I", include, "-c", "llext_exports.c"])


def test_a_group_that_is_switched_off_stays_out(tmp_path: Path) -> None:
    """Since 4.4, by the setting of the group; symbols without a group belong to UNASSIGNED."""
    include = zephyrlike.include_folder(tmp_path, "4.4")
    table(tmp_path, TYPICAL, Flavour.ZEPHYR)
    (tmp_path / "main.c").write_text(ZEPHYR_PROGRAM)
    config = ["-DCONFIG_LLEXT=1", "-DCONFIG_LLEXT_EXPORT_SYMBOL_GROUP_UNASSIGNED=1"]
    gcc = [*compilers.gcc(), "-std=gnu11", "-Wall", "-Wextra", "-Werror", *config, "-I", include]
    compilers.run(tmp_path, [*gcc, "main.c", "llext_exports.c", "-o", "program"])
    printed = compilers.run(tmp_path, [tmp_path / "program"]).split()
    assert sorted(printed[:-1]) == sorted(OWN)


def test_a_group_of_the_manifest_alone_is_exported(tmp_path: Path) -> None:
    """Since 4.4 a group without a setting would be left out; here it has its condition."""
    include = zephyrlike.include_folder(tmp_path, "4.4")
    table(tmp_path, groups("fn", group="own-group"), Flavour.ZEPHYR)
    gcc = [*compilers.gcc(), "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", include]
    compilers.run(tmp_path, [*gcc, "-DCONFIG_LLEXT=1", "-c", "llext_exports.c"])
    assert "__llext_sym_fn" in compilers.run(tmp_path, ["nm", "llext_exports.o"])


@pytest.mark.parametrize("release", zephyrlike.SYMBOL_H)
def test_without_llext_there_is_no_table(tmp_path: Path, release: str) -> None:
    """And nothing that would have to be linked."""
    include = zephyrlike.include_folder(tmp_path, release)
    table(tmp_path, TYPICAL, Flavour.ZEPHYR)
    gcc = [*compilers.gcc(), "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", include]
    compilers.run(tmp_path, [*gcc, "-c", "llext_exports.c"])
    assert compilers.run(tmp_path, ["nm", "llext_exports.o"]) == ""
