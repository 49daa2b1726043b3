# SPDX-License-Identifier: Apache-2.0
"""Compiler flags: our own, and what gcc's flags become for each kind of compiler.

Manifests, build directories and users write gcc's flags, whatever compiles in the end. Nothing
else in the tool knows that compilers differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from west_llext.model.options import options
from west_llext.toolchain.machines import (
    EM_AARCH64,
    EM_ARC_COMPACT2,
    EM_RISCV,
    EM_X86_64,
    TARGETS,
)
from west_llext.toolchain.zig import spoken_for, zig_target


class Kind(Enum):
    """Whose command line a compiler has."""

    GCC = "gcc"
    CLANG = "clang"
    ZIG = "zig"


class Language(Enum):
    """What a source file is written in."""

    C = "C"
    CPP = "C++"
    #: assembler that goes through the preprocessor
    ASSEMBLER_CPP = "assembler with preprocessor"
    ASSEMBLER = "assembler"


#: what has functions to call
_CODE = (Language.C, Language.CPP)

_SUFFIXES = {
    ".c": Language.C,
    ".cc": Language.CPP,
    ".cp": Language.CPP,
    ".cpp": Language.CPP,
    ".cxx": Language.CPP,
    ".c++": Language.CPP,
    ".C": Language.CPP,
    ".S": Language.ASSEMBLER_CPP,
    ".sx": Language.ASSEMBLER_CPP,
    ".s": Language.ASSEMBLER,
}
#: Every suffix that a source may have, for messages
SUFFIXES = tuple(sorted(_SUFFIXES))

#: What every source of an extension is compiled with; a user's flag comes later and wins.
_DEFAULTS = (
    # an extension is loaded anywhere but has no global offset table: the loader has none to give
    "-fno-pic",
    "-fno-pie",
    # tentative definitions get a place of their own, as everything else
    "-fno-common",
    # nobody unwinds on the target; tables would be relocated for nothing
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    # a compiler that a distribution has hardened would call what few bases export
    "-fno-stack-protector",
    # the unit that the link can drop or move
    "-ffunction-sections",
    "-fdata-sections",
    # __DATE__ and __TIME__ make every build another one
    "-Wdate-time",
)

#: printf stays printf: the base exports what the source calls, not puts, putchar and fwrite
_CODE_DEFAULTS = ("-fno-builtin-printf", "-fno-builtin-fprintf")

_CPP_DEFAULTS = (
    "-fno-exceptions",
    "-fno-rtti",
    # no lock to import for a local static, and destructors in .fini_array, where the loader looks
    # (clang: see at_exit.py)
    "-fno-threadsafe-statics",
    "-fno-use-cxa-atexit",
)

_KIND_DEFAULTS = {
    Kind.GCC: (),
    # flags written for gcc may have no meaning here: that is no reason to warn of each source
    Kind.CLANG: ("-Wno-unused-command-line-argument", "-Wno-unknown-warning-option"),
    Kind.ZIG: (
        "-Wno-unused-command-line-argument",
        "-Wno-unknown-warning-option",
        # zig instruments unoptimised code with calls to __ubsan_handle_*
        "-fno-sanitize=undefined",
        # zig's bare metal targets switch off every builtin: fabsf would become an import
        "-fhosted",
    ),
}

_MACHINE_DEFAULTS = {
    # nothing on the way to the target relaxes, and gp belongs to the base
    EM_RISCV: ("-mno-relax", "-msmall-data-limit=0"),
    # the small data base is the base image's
    EM_ARC_COMPACT2: ("-mno-sdata",),
    # helpers that look for instructions of the processor need somebody who runs their constructor
    EM_AARCH64: ("-mno-outline-atomics",),
    # interrupts use the stack of whoever they interrupt
    EM_X86_64: ("-mno-red-zone",),
}

_FOR_CPP = frozenset({
    "-fno-exceptions", "-fexceptions", "-fno-rtti", "-frtti", "-fno-threadsafe-statics",
    "-fthreadsafe-statics", "-fno-use-cxa-atexit", "-fuse-cxa-atexit", "-fcheck-new",
    "-fno-nonansi-builtins", "-fvisibility-inlines-hidden", "-Wno-register", "-Weffc++",
    "-Woverloaded-virtual", "-Wnon-virtual-dtor",
})  # fmt: skip
_FOR_C = frozenset({
    "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wold-style-definition", "-Wbad-function-cast",
    "-Wnested-externs", "-Wdeclaration-after-statement", "-Wno-pointer-sign", "-Wpointer-sign",
    "-Wno-implicit-int", "-Wno-implicit-function-declaration", "-Wc++-compat",
    "-Werror=implicit-function-declaration", "-Werror=implicit-int",
})  # fmt: skip

#: gcc's own flags that others refuse or misread, with why nothing is lost; a `*` at the end stands
#: for the rest of the word
GCC_ONLY = {
    "-fno-printf-return-value": "gcc's own optimisation",
    "-fprintf-return-value": "gcc's own optimisation",
    "-moverride=*": "gcc's tuning",
    "-mtune=*": "tuning; clang names cores in another way",
    "--param": "gcc's tuning",
    "--param=*": "gcc's tuning",
    "-fno-reorder-functions": "placement is ours",
    "-freorder-functions": "placement is ours",
    "-fno-reorder-blocks*": "gcc's own optimisation",
    "-freorder-blocks*": "gcc's own optimisation",
    "-fno-toplevel-reorder": "placement is ours",
    "-fno-defer-pop": "gcc's own optimisation",
    "-fdefer-pop": "gcc's own optimisation",
    "-fno-tree-*": "gcc's own optimisation",
    "-ftree-*": "gcc's own optimisation",
    "-fno-ipa-*": "gcc's own optimisation",
    "-fipa-*": "gcc's own optimisation",
    "-fira-*": "gcc's register allocator",
    "-fno-ira-*": "gcc's register allocator",
    "-fconserve-stack": "gcc's own optimisation",
    "-fno-schedule-insns*": "gcc's scheduler",
    "-fschedule-insns*": "gcc's scheduler",
    "-fgcse*": "gcc's own optimisation",
    "-fno-gcse*": "gcc's own optimisation",
    "-fno-code-hoisting": "gcc's own optimisation",
    "-fno-move-loop-invariants": "gcc's own optimisation",
    "-fno-allow-store-data-races": "clang never introduces one",
    "-fallow-store-data-races": "clang never introduces one",
    "-fstrict-volatile-bitfields": "what clang does on Arm",
    "-fno-strict-volatile-bitfields": "gcc's own choice",
    "-fsingle-precision-constant": "gcc's own language option",
    "-fzero-init-padding-bits=*": "gcc's own language option",
    "-fno-stack-limit": "gcc's default",
    "-fno-diagnostics-show-caret": "how messages look",
    "-fno-diagnostics-show-labels": "how messages look",
    "-fno-diagnostics-show-line-numbers": "how messages look",
    "-fdiagnostics-color*": "how messages look",
    "-fmax-errors=*": "how many messages there are",
    "-fdump-*": "gcc's listings",
    "-fanalyzer*": "gcc's analyser",
    "-fuse-linker-plugin": "nothing is linked here",
    "-fno-plt": "there is no PLT",
    "-flto*": "objects must hold machine code; only gcc can make it when they are merged",
    "-fno-fat-lto-objects": "objects must hold machine code",
    "-ffat-lto-objects": "objects hold machine code",
    "-fstack-clash-protection": "not for these machines",
    "-specs": "gcc's libraries",
    "--specs": "gcc's libraries",
    "-specs=*": "gcc's libraries",
    "--specs=*": "gcc's libraries",
    "-mword-relocations": "movw/movt pairs are relocated as well",
    "-mslow-flash-data": "gcc's own code generation",
    "-mthumb-interwork": "what clang does",
    "-mno-thumb-interwork": "what clang does",
    "-mapcs-frame": "gcc's own stack frames",
    "-mno-apcs-frame": "gcc's own stack frames",
    "-mtpcs-frame": "gcc's own stack frames",
    "-mno-sched-prolog": "gcc's scheduler",
    "-mpoke-function-name": "gcc's stack dumps",
    "-masm-syntax-unified": "the only syntax of clang",
    "-mfp16-format=*": "the only format of clang is IEEE",
    "-mstructure-size-boundary=*": "the AAPCS decides",
    "-mabort-on-noreturn": "gcc's own code generation",
    "-mbranch-cost=*": "gcc's tuning",
    "-mprint-tune-info": "gcc's listings",
    "-mflip-thumb": "gcc's own tests",
    "-mbe8": "a flag of the last link",
    "-mno-cmse": "gcc's default",
    "-mtls-dialect=*": "extensions have no thread-local storage",
    "-mneon-for-64bits": "gcc's own code generation",
    "-mvectorize-with-neon-*": "gcc's own code generation",
    "-mno-fix-cortex-a53*": "gcc's workarounds",
    "-msingle-pic-base": "extensions aren't position independent",
    "-mpic-register=*": "extensions aren't position independent",
    "-misa-spec=*": "which release of the manual the ISA string is of",
    "-mplt": "there is no PLT",
    "-mno-plt": "there is no PLT",
    "-mshorten-memrefs": "gcc's own optimisation",
    "-mno-shorten-memrefs": "gcc's own optimisation",
    "-malign-data=*": "gcc's own code generation",
    "-mriscv-attribute": "clang always writes them",
    "-mexplicit-relocs": "gcc's own code generation",
    "-mno-explicit-relocs": "gcc's own code generation",
    "-nostdlib": "nothing is linked here",
    "-nodefaultlibs": "nothing is linked here",
    "-nostartfiles": "nothing is linked here",
    "-Wl,*": "nothing is linked here",
    "-Wp,*": "handed past the driver",
}
_GCC_ONLY_WORDS = frozenset(each for each in GCC_ONLY if not each.endswith("*"))
_GCC_ONLY_PREFIXES = tuple(each[:-1] for each in GCC_ONLY if each.endswith("*"))

_INCLUDES = ("-I", "-isystem", "-iquote", "-idirafter")


def language(name: str) -> Language | None:
    """The language of a source file by the suffix of its name; None for others."""
    dot = name.rfind(".")
    return _SUFFIXES.get(name[dot:]) or _SUFFIXES.get(name[dot:].lower()) if dot >= 0 else None


def driver_words(
    kind: Kind,
    program: str,
    language: Language,
    flags: Sequence[str],
    *,
    machine: tuple[int, int],
    triple: str | None,
) -> tuple[str, ...]:
    """The program, and for which target it compiles.

    flags: every flag in gcc's spelling that will follow
    triple: given by the user; None for the one that the flags and the machine mean
    """
    match kind:
        case Kind.GCC:
            return (program,)
        case Kind.CLANG:
            return (program, f"--target={triple or TARGETS[machine].clang}")
        case Kind.ZIG:
            mode = "c++" if language is Language.CPP else "cc"
            target = zig_target(flags, machine=machine, triple=triple)
            # that zig has the target was seen when it was chosen
            return (program, mode, *target.words, *target.extra) if target else (program, mode)


def default_flags(kind: Kind, language: Language, machine: int) -> tuple[str, ...]:
    """What a source is compiled with where nobody says otherwise; `-O` and `-g` aside."""
    own = (*_KIND_DEFAULTS[kind], *_MACHINE_DEFAULTS.get(machine, ()), *_DEFAULTS)
    if language in _CODE:
        own = (*own, *(word for flag in _CODE_DEFAULTS for word in _past_the_driver(kind, flag)))
    if language is Language.CPP:
        own = (*own, *_CPP_DEFAULTS)
    return (*own, "-DLL_EXTENSION_BUILD")


def unasked_flags(flags: Sequence[str], machine: tuple[int, int]) -> Iterator[str]:
    """What depends on whether the user's flags speak of it at all."""
    # RAM of these boards begins at 2 GiB, which is just what medlow code doesn't reach
    if machine == (EM_RISCV, 64) and not any(flag.startswith("-mcmodel=") for flag in flags):
        yield "-mcmodel=medany"
    if not any(flag.startswith("-O") for flag in flags):
        yield "-Os"
    # messages name source lines and the debugger gets its twin; blobs are the same without
    if not any(flag.startswith("-g") for flag in flags):
        yield "-g"


def own_folders(kind: Kind, program: Path) -> Iterator[tuple[str, str]]:
    """Folders of the compiler that objects would name for its headers, with what they say instead.

    A zig from a Python package lies in the project's own environment, which is somewhere else for
    everybody; others are installed in the same place everywhere.
    """
    if kind is Kind.ZIG:
        yield program.parent.as_posix(), "zig"


def reproducible_flags(
    kind: Kind, language: Language, *, maps: Sequence[tuple[str, str]], seed: str
) -> Iterator[str]:
    """Flags that keep folders and chance out of the object.

    maps: folders with what objects call them, the more general first
    seed: text that differs from source to source and from nothing else
    """
    for folder, name in maps:
        yield f"-ffile-prefix-map={folder}={name}"
        # gcc hands only this one to the assembler
        if kind is Kind.GCC and language in {Language.ASSEMBLER, Language.ASSEMBLER_CPP}:
            yield f"-fdebug-prefix-map={folder}={name}"
    if kind is Kind.GCC and language in {Language.C, Language.CPP}:
        yield f"-frandom-seed={seed}"


def spoken(
    kind: Kind, language: Language, flags: Sequence[str], *, machine: tuple[int, int]
) -> Iterator[str]:
    """A user's flags as this kind of compiler understands them for a source of that language."""
    for option in options(flags):
        if _of_another_language(option[0], language):
            continue
        if kind is Kind.CLANG and option == ("-nostdinc",):
            # it would take away clang's own headers, while gcc's are named and left out here
            yield "-nostdlibinc"
        elif kind is Kind.GCC or not _means_nothing(kind, option, machine):
            yield from option if len(option) > 1 else _past_the_driver(kind, option[0])


def merge_flags(flags: Sequence[str]) -> Iterator[str]:
    """The flags that gcc needs to merge objects: which machine, and how to finish an LTO build."""
    lto = any(flag.startswith("-flto") for flag in flags)
    for flag in flags:
        if flag.startswith("-m") or (lto and flag.startswith(("-flto", "-O"))):
            yield flag
    if lto:
        yield "-flinker-output=nolto-rel"


def wants_merge(kind: Kind, flags: Sequence[str]) -> bool:
    """Whether even a single object must go through the linker before it holds machine code."""
    return kind is Kind.GCC and any(flag.startswith("-flto") for flag in flags)


def _past_the_driver(kind: Kind, flag: str) -> tuple[str, ...]:
    # zig takes these and forgets them
    lost = kind is Kind.ZIG and flag.startswith("-fno-builtin-")
    return ("-Xclang", flag) if lost else (flag,)


def _of_another_language(flag: str, language: Language) -> bool:
    # one list serves sources of every language; gcc warns of what isn't for this one, clang stops
    cpp = language is Language.CPP
    if flag.startswith("-std="):
        return cpp != ("++" in flag) or language is Language.ASSEMBLER
    return flag in (_FOR_C if cpp else _FOR_CPP)


def _means_nothing(kind: Kind, option: tuple[str, ...], machine: tuple[int, int]) -> bool:
    flag = option[0]
    if flag in _GCC_ONLY_WORDS or flag.startswith(_GCC_ONLY_PREFIXES):
        return True
    if flag.startswith(_INCLUDES):
        return _is_gcc_folder(option[-1])
    if kind is Kind.ZIG:
        return spoken_for(flag, machine) or flag in {"-target", "-nostdinc++"}
    return False


def _is_gcc_folder(text: str) -> bool:
    # gcc's own headers (.../lib/gcc/TARGET/VERSION/include) use its builtins, e.g. arm_acle.h;
    # every other compiler brings its own
    parts = text.replace("\\", "/").rstrip("/").split("/")
    return (
        len(parts) >= 5
        and parts[-1] in {"include", "include-fixed"}
        and parts[-4] in {"gcc", "gcc-cross"}
    )
