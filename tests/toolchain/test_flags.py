# SPDX-License-Identifier: Apache-2.0
"""gcc's flags, for gcc, clang and zig (manuals of gcc 12 and clang 22; zig by its own errors)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.compiling import Project, available

from west_llext.toolchain.flags import (
    GCC_ONLY,
    Kind,
    Language,
    default_flags,
    driver_words,
    language,
    merge_flags,
    reproducible_flags,
    spoken,
    unasked_flags,
    wants_merge,
)
from west_llext.toolchain.options import misplaced, options

ARM, RISCV32, RISCV64, AARCH64 = (40, 32), (243, 32), (243, 64), (183, 64)
X86, X86_64 = (3, 32), (62, 64)


def zig_words(flags: str, machine: tuple[int, int] = ARM, triple: str | None = None) -> str:
    """What zig is told of a target."""
    words = driver_words(Kind.ZIG, "zig", Language.C, flags.split(), machine=machine, triple=triple)
    return " ".join(words[2:])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("-mcpu=cortex-m0plus -mthumb", "-target thumb-freestanding-eabi -mcpu=cortex_m0plus"),
        ("-mcpu=cortex-m3 -mthumb", "-target thumb-freestanding-eabi -mcpu=cortex_m3"),
        ("-mcpu=cortex-m3", "-target thumb-freestanding-eabi -mcpu=cortex_m3"),
        (
            "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard",
            "-target thumb-freestanding-eabihf -mcpu=cortex_m4+vfp4d16sp",
        ),
        (
            "-mcpu=cortex-m4 -mfloat-abi=hard",
            "-target thumb-freestanding-eabihf -mcpu=cortex_m4+vfp4d16sp",
        ),
        (
            "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=softfp",
            "-target thumb-freestanding-eabi -mcpu=cortex_m4+vfp4d16sp -mfloat-abi=softfp",
        ),
        (
            "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=soft",
            "-target thumb-freestanding-eabi -mcpu=cortex_m4",
        ),
        (
            "-mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard",
            "-target thumb-freestanding-eabihf -mcpu=cortex_m7+fp_armv8d16",
        ),
        (
            "-mcpu=cortex-m33+nodsp -mfpu=fpv5-sp-d16 -mfloat-abi=hard",
            "-target thumb-freestanding-eabihf -mcpu=cortex_m33+fp_armv8d16sp-dsp",
        ),
        (
            "-mcpu=cortex-m55 -mfloat-abi=hard",
            "-target thumb-freestanding-eabihf -mcpu=cortex_m55+fp_armv8d16+mve_fp",
        ),
        (
            "-mcpu=cortex-m55+nomve.fp -mfloat-abi=hard",
            "-target thumb-freestanding-eabihf -mcpu=cortex_m55+fp_armv8d16-mve_fp",
        ),
        ("-march=armv7-m -mthumb", "-target thumb-freestanding-eabi -mcpu=generic+v7m"),
        (
            "-march=armv7e-m+fp -mfloat-abi=hard",
            "-target thumb-freestanding-eabihf -mcpu=generic+v7em+vfp4d16sp",
        ),
        (
            "-march=armv8-m.main+fp.dp -mfloat-abi=hard",
            "-target thumb-freestanding-eabihf -mcpu=generic+v8m_main+fp_armv8d16",
        ),
        ("-mcpu=arm7tdmi", "-target arm-freestanding-eabi -mcpu=arm7tdmi-vfp2sp"),
        ("-mcpu=cortex-a7 -mthumb", "-target thumb-freestanding-eabi -mcpu=cortex_a7-vfp2sp"),
        ("-mcpu=cortex-a7 -mthumb -marm", "-target arm-freestanding-eabi -mcpu=cortex_a7-vfp2sp"),
        (
            "-mcpu=cortex-r5 -mbig-endian",
            "-target armeb-freestanding-eabi -mcpu=cortex_r5-vfp2sp",
        ),
        (
            "-march=armv7-a -mfpu=vfpv3-d16 -mfloat-abi=hard",
            "-target arm-freestanding-eabihf -mcpu=generic+v7a+vfp3d16-d32",
        ),
        ("", "-target arm-freestanding-eabi"),
        ("-mcpu=cortex-m3 -mcpu=cortex-m0", "-target thumb-freestanding-eabi -mcpu=cortex_m0"),
        (
            "-mcpu=cortex-m0.small-multiply",
            "-target thumb-freestanding-eabi -mcpu=cortex_m0",
        ),
    ],
)
def test_zig_is_told_of_arm_processors_by_features(flags: str, expected: str) -> None:
    """Zig has no `-mfpu` and no `-march`; hyphens separate features."""
    assert zig_words(flags) == expected


@pytest.mark.parametrize(
    ("flags", "machine", "expected"),
    [
        (
            "-march=rv32imac_zicsr -mabi=ilp32",
            RISCV32,
            "-target riscv32-freestanding -mcpu=generic_rv32+m+a+c+zicsr",
        ),
        (
            "-march=rv32imac_zicsr_zifencei",
            RISCV32,
            "-target riscv32-freestanding -mcpu=generic_rv32+m+a+c+zicsr+zifencei",
        ),
        (
            "-march=rv32im -mno-strict-align",
            RISCV32,
            "-target riscv32-freestanding -mcpu=generic_rv32+m+unaligned_scalar_mem",
        ),
        (
            "-march=rv32im -mno-strict-align -mstrict-align",
            RISCV32,
            "-target riscv32-freestanding -mcpu=generic_rv32+m",
        ),
        ("-march=rv32e", RISCV32, "-target riscv32-freestanding -mcpu=generic_rv32+e-i"),
        (
            "-march=rv64gc",
            RISCV64,
            "-target riscv64-freestanding -mcpu=generic_rv64+m+a+f+d+c+zicsr+zifencei",
        ),
        (
            "-march=rv32i2p1_m2p0_c2p0",
            RISCV32,
            "-target riscv32-freestanding -mcpu=generic_rv32+m+c",
        ),
        ("-mcpu=sifive-e31", RISCV32, "-target riscv32-freestanding -mcpu=sifive_e31"),
        ("-mcpu=cortex-a53", AARCH64, "-target aarch64-freestanding -mcpu=cortex_a53"),
        (
            "-mcpu=cortex-a53+crc+nofp",
            AARCH64,
            "-target aarch64-freestanding -mcpu=cortex_a53+crc-fp_armv8",
        ),
        ("-march=armv8.2-a", AARCH64, "-target aarch64-freestanding -mcpu=generic+v8_2a"),
        ("-m32", X86, "-target x86-freestanding -mcpu=i686"),
        ("-m32 -march=pentium4", X86, "-target x86-freestanding -mcpu=pentium4"),
        ("-m64", X86_64, "-target x86_64-freestanding"),
        ("-march=x86-64-v2", X86_64, "-target x86_64-freestanding -mcpu=x86_64_v2"),
    ],
)
def test_zig_is_told_of_other_processors(
    flags: str, machine: tuple[int, int], expected: str
) -> None:
    """ISA strings become generic processors with features."""
    assert zig_words(flags, machine) == expected


@pytest.mark.zig
@pytest.mark.parametrize("core", [
    "cortex-m0", "cortex-m0plus", "cortex-m1", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m23",
    "cortex-m33", "cortex-m35p", "cortex-m55", "cortex-m85", "cortex-a7", "cortex-r5",
])  # fmt: skip
def test_zig_knows_every_core_that_zephyr_boards_have(core: str, tmp_path: Path) -> None:
    """An unknown processor or feature stops zig; so does a flag that it doesn't know."""
    project = Project(tmp_path, available("zig"), f"-mcpu={core}", "-mfloat-abi=soft")
    program = str(project.compiler().path)
    words = driver_words(Kind.ZIG, program, Language.C, [f"-mcpu={core}"], machine=ARM, triple=None)
    source = project.write("a.c", "int a(void) { return 1; }\n")
    done = subprocess.run(
        [*words, "-MD", "-MF", "a.d", "-c", str(source.path), "-o", "a.o"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_given_triple_stands_and_the_processor_still_comes_from_the_flags() -> None:
    """`toolchain.target` in the manifest."""
    expected = "-target arm-freestanding-eabihf -mcpu=cortex_m3"
    assert zig_words("-mcpu=cortex-m3", triple="arm-freestanding-eabihf") == expected


def test_clang_takes_a_triple_and_gccs_machine_flags() -> None:
    """clang, "Cross-compilation using Clang": `--target`, then `-mcpu`, `-mfpu`, `-mfloat-abi`."""
    flags = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
    words = driver_words(Kind.CLANG, "clang", Language.C, flags, machine=ARM, triple=None)
    assert words == ("clang", "--target=arm-none-eabi")
    assert tuple(spoken(Kind.CLANG, Language.C, flags, machine=ARM)) == flags


def test_zig_compiles_cpp_with_its_other_command() -> None:
    """`zig cc` and `zig c++` find different headers."""
    for tongue, command in ((Language.C, "cc"), (Language.CPP, "c++"), (Language.ASSEMBLER, "cc")):
        words = driver_words(Kind.ZIG, "zig", tongue, (), machine=ARM, triple=None)
        assert words[:2] == ("zig", command)


@pytest.mark.parametrize("kind", [Kind.CLANG, Kind.ZIG])
def test_flags_that_only_gcc_knows_are_dropped_for_others(kind: Kind) -> None:
    """Each has its reason in the table; with what stands for a `*` written out."""
    flags = [each.replace("*", "x") for each in GCC_ONLY]
    kept = tuple(spoken(kind, Language.C, ["-DA", *flags, "-DB"], machine=ARM))
    # an option that takes a word takes the next one along
    assert set(kept) <= {"-DA", "-DB"}
    assert kept[0] == "-DA"


def test_gcc_gets_its_own_flags_as_they_are() -> None:
    """Nothing is mapped where nothing has to be."""
    flags = ("--param", "x=1", "-specs=nano.specs", "-mcpu=cortex-m3", "-fno-builtin-printf")
    assert tuple(spoken(Kind.GCC, Language.C, flags, machine=ARM)) == flags


def test_zig_forgets_no_single_builtin() -> None:
    """Its driver takes `-fno-builtin-NAME` and does nothing about it."""
    kept = tuple(spoken(Kind.ZIG, Language.C, ["-fno-builtin-puts"], machine=ARM))
    assert kept == ("-Xclang", "-fno-builtin-puts")


@pytest.mark.parametrize(
    "folder",
    [
        "/usr/lib/gcc/arm-none-eabi/12.2.1/include",
        "/opt/sdk/arm-zephyr-eabi/lib/gcc/arm-zephyr-eabi/12.2.0/include-fixed/",
        "C:\\sdk\\lib\\gcc\\arm-none-eabi\\12.2.1\\include",
    ],
)
def test_gccs_own_headers_are_kept_from_others(folder: str) -> None:
    """They use gcc's builtins; an extension development kit lists them all the same."""
    flags = ("-isystem", folder, f"-I{folder}", "-isystem", "/zephyr/include")
    kept = ("-isystem", "/zephyr/include")
    assert tuple(spoken(Kind.ZIG, Language.C, flags, machine=ARM)) == kept
    assert tuple(spoken(Kind.GCC, Language.C, flags, machine=ARM)) == flags


def test_flags_of_another_language_are_dropped() -> None:
    """One list of flags serves all sources; gcc warns of the wrong ones and clang stops."""
    flags = ("-std=c11", "-std=gnu++17", "-fno-rtti", "-Wstrict-prototypes", "-Wall")
    kept = {
        tongue: " ".join(spoken(Kind.GCC, tongue, flags, machine=ARM))
        for tongue in (Language.C, Language.CPP, Language.ASSEMBLER)
    }
    assert kept == {
        Language.C: "-std=c11 -Wstrict-prototypes -Wall",
        Language.CPP: "-std=gnu++17 -fno-rtti -Wall",
        Language.ASSEMBLER: "-Wstrict-prototypes -Wall",
    }


def test_a_level_of_optimisation_is_chosen_only_where_nobody_chose() -> None:
    """Upstream takes `-Os` away from extensions and so builds them at -O0."""
    assert tuple(unasked_flags(["-Wall", "-g0"], ARM)) == ("-Os",)
    assert tuple(unasked_flags(["-O0", "-g0"], ARM)) == ()


def test_debug_information_is_made_unless_somebody_speaks_of_it() -> None:
    """Without it no message could name a source line, and no debugger could show one."""
    assert tuple(unasked_flags(["-O2"], ARM)) == ("-g",)
    for flag in ("-g0", "-g3", "-ggdb", "-gdwarf-4"):
        assert tuple(unasked_flags(["-O2", flag], ARM)) == ()


def test_code_for_rv64_reaches_ram_where_nobody_chose_how() -> None:
    """RAM begins at 0x80000000; medlow ends at 0x7fffffff (psABI, "Code models")."""
    assert "-mcmodel=medany" in unasked_flags(["-O2"], RISCV64)
    assert "-mcmodel=medany" not in unasked_flags(["-O2"], RISCV32)
    assert list(unasked_flags(["-O2", "-g", "-mcmodel=medlow"], RISCV64)) == []


def test_extensions_are_told_that_they_are() -> None:
    """Zephyr's headers make EXPORT_SYMBOL an extension's export by LL_EXTENSION_BUILD."""
    for kind in Kind:
        for tongue in Language:
            assert "-DLL_EXTENSION_BUILD" in default_flags(kind, tongue, 40)


def test_riscv_code_must_not_count_on_relaxation_or_gp() -> None:
    """Zephyr's own flags for extensions: -mno-relax -msmall-data-limit=0."""
    assert "-mno-relax" in default_flags(Kind.GCC, Language.C, 243)
    assert "-msmall-data-limit=0" in default_flags(Kind.ZIG, Language.C, 243)
    assert "-mno-relax" not in default_flags(Kind.GCC, Language.C, 40)
    assert "-mno-sdata" in default_flags(Kind.GCC, Language.C, 195)


def test_folders_and_chance_stay_out_of_objects() -> None:
    """gcc's assembler wants -fdebug-prefix-map; only gcc has a random seed."""
    maps = [("/proj", "w"), ("/proj/p", ".")]
    common = "-ffile-prefix-map=/proj=w -ffile-prefix-map=/proj/p=."
    flags = {
        (kind, tongue): " ".join(reproducible_flags(kind, tongue, maps=maps, seed="s"))
        for kind, tongue in (
            (Kind.GCC, Language.C), (Kind.GCC, Language.ASSEMBLER), (Kind.ZIG, Language.C)
        )
    }  # fmt: skip
    assert flags == {
        (Kind.GCC, Language.C): f"{common} -frandom-seed=s",
        (Kind.GCC, Language.ASSEMBLER): "-ffile-prefix-map=/proj=w -fdebug-prefix-map=/proj=w "
        "-ffile-prefix-map=/proj/p=. -fdebug-prefix-map=/proj/p=.",
        (Kind.ZIG, Language.C): common,
    }


def test_merging_is_told_of_the_machine_and_of_lto() -> None:
    """gcc, "Link Options": -flinker-output=nolto-rel makes machine code of LTO objects."""
    flags = ("-mcpu=cortex-m3", "-O2", "-Wall", "-flto=auto")
    expected = ("-mcpu=cortex-m3", "-O2", "-flto=auto", "-flinker-output=nolto-rel")
    assert tuple(merge_flags(flags)) == expected
    assert tuple(merge_flags(flags[:3])) == ("-mcpu=cortex-m3",)
    assert [wants_merge(kind, flags) for kind in Kind] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.c", Language.C), ("a.C", Language.CPP), ("a.cpp", Language.CPP),
        ("a.CPP", Language.CPP),
        ("a.cc", Language.CPP), ("a.cxx", Language.CPP), ("a.s", Language.ASSEMBLER),
        ("a.S", Language.ASSEMBLER_CPP), ("a.rs", None), ("c", None), ("a.o", None),
    ],
)  # fmt: skip
def test_the_suffix_tells_the_language(name: str, expected: Language | None) -> None:
    """gcc, "Overall Options": .c, .C, .s and .S differ by case."""
    assert language(name) is expected


def test_options_keep_their_words_together() -> None:
    """A value may be the next word."""
    words = ["-I", "a", "-Ib", "-imacros", "x.h", "-D", "A=1", "-O2", "-include"]
    expected = [("-I", "a"), ("-Ib",), ("-imacros", "x.h"), ("-D", "A=1"), ("-O2",), ("-include",)]
    assert list(options(words)) == expected


@pytest.mark.parametrize(
    "flag",
    ["-c", "-S", "-E", "-o", "-ox.o", "-MD", "-MMD", "-MF", "-MFx", "-MT", "-save-temps",
     "-save-temps=obj", "@file", "other.c", "-DX=a\nb", "-x"],
)  # fmt: skip
def test_flags_that_are_the_plans_are_noticed(flag: str) -> None:
    """What is made of a source, and where, isn't for a flag to say."""
    assert [word for word, _ in misplaced(["-O2", flag])] == [flag]


def test_flags_for_users_are_not_noticed() -> None:
    """Values of options may look like files."""
    flags = ["-O2", "-I", "include", "-imacros", "autoconf.h", "-DX=1", "-Wall"]
    assert list(misplaced(flags)) == []
