# SPDX-License-Identifier: Apache-2.0
"""What each kind of compiler calls a machine, and what a base image says of its processor."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from west_llext.arch.riscv_abi import shortest
from west_llext.model.base import Abi

EM_386, EM_ARM, EM_X86_64, EM_XTENSA, EM_AARCH64, EM_RISCV = 3, 40, 62, 94, 183, 243
EM_ARC_COMPACT2 = 195

#: Build attributes of Arm's `aeabi` section (ABI addenda, 2.5)
_CPU_ARCH, _CPU_ARCH_PROFILE, _FP_ARCH = 6, 7, 10
_ABI_WCHAR, _ABI_ENUM_SIZE, _ABI_HARDFP_USE, _ABI_VFP_ARGS = 18, 26, 27, 28
#: Build attribute of RISC-V: the ISA string (psABI, "Tag_RISCV_arch")
_RISCV_ARCH = 5
#: Line of Xtensa's note that names the calling convention (`arch.attributes.TEXT_NOTES`)
_XTENSA_ABI = 1


#: Tag_ABI_enum_size to the flag: as small as the values allow, or 32 bits (ABI addenda, 3.3.5.2)
_ENUM_FLAGS: Mapping[int | str, str] = {1: "-fshort-enums", 2: "-fno-short-enums"}


class Target(NamedTuple):
    """A machine as compilers name it.

    name: for messages
    gcc: prefixes of the cross compilers that Zephyr's users have, in the order to try them
    clang: target triple of a bare metal clang
    emulation: what `ld -m` and `ld.lld -m` call the format
    """

    name: str
    gcc: tuple[str, ...]
    clang: str
    emulation: str


# fmt: off
#: by (e_machine, bits)
TARGETS: Mapping[tuple[int, int], Target] = {
    (EM_ARM, 32): Target(
        "Arm", ("arm-none-eabi-", "arm-zephyr-eabi-"), "arm-none-eabi", "armelf"),
    (EM_AARCH64, 64): Target(
        "AArch64", ("aarch64-none-elf-", "aarch64-zephyr-elf-", "aarch64-linux-gnu-"),
        "aarch64-none-elf", "aarch64elf"),
    (EM_RISCV, 32): Target(
        "RISC-V", ("riscv64-unknown-elf-", "riscv64-zephyr-elf-", "riscv32-unknown-elf-"),
        "riscv32-unknown-elf", "elf32lriscv"),
    (EM_RISCV, 64): Target(
        "RISC-V", ("riscv64-unknown-elf-", "riscv64-zephyr-elf-"),
        "riscv64-unknown-elf", "elf64lriscv"),
    (EM_386, 32): Target(
        "x86", ("x86_64-zephyr-elf-", "i686-elf-", "x86_64-linux-gnu-", "i686-linux-gnu-"),
        "i386-unknown-elf", "elf_i386"),
    (EM_X86_64, 64): Target(
        "x86-64", ("x86_64-zephyr-elf-", "x86_64-elf-", "x86_64-linux-gnu-"),
        "x86_64-unknown-elf", "elf_x86_64"),
    (EM_XTENSA, 32): Target(
        "Xtensa", ("xtensa-lx106-elf-", "xtensa-zephyr-elf-"), "xtensa-unknown-elf", "elf32xtensa"),
    (EM_ARC_COMPACT2, 32): Target(
        "ARC", ("arc-zephyr-elf-", "arc-elf32-", "arc-linux-gnu-"), "arc-unknown-elf", "arcelf"),
}

#: what begins the name of a cross compiler or a target triple
_NAMES = (
    ("thumb", (EM_ARM, 32)), ("aarch64", (EM_AARCH64, 64)), ("arm", (EM_ARM, 32)),
    ("riscv32", (EM_RISCV, 32)), ("riscv64", (EM_RISCV, 64)),
    ("x86_64", (EM_X86_64, 64)), ("x86", (EM_386, 32)), ("i386", (EM_386, 32)),
    ("i686", (EM_386, 32)), ("xtensa", (EM_XTENSA, 32)), ("arc", (EM_ARC_COMPACT2, 32)),
)

#: Tag_CPU_arch to `-march` (ABI addenda, table 6); v7 depends on the profile
_ARM_ARCHES = {
    1: "armv4", 2: "armv4t", 3: "armv5t", 4: "armv5te", 5: "armv5tej", 6: "armv6", 7: "armv6kz",
    8: "armv6t2", 9: "armv6k", 11: "armv6-m", 12: "armv6s-m", 13: "armv7e-m", 14: "armv8-a",
    15: "armv8-r", 16: "armv8-m.base", 17: "armv8-m.main", 21: "armv8.1-m.main",
}
#: Tag_FP_arch to `-mfpu`, and to the one with single precision only
_ARM_FPUS = {
    2: ("vfpv2", "vfpv2"), 3: ("vfpv3", "vfpv3"), 4: ("vfpv3-d16", "vfpv3xd"),
    5: ("vfpv4", "vfpv4"), 6: ("vfpv4-d16", "fpv4-sp-d16"),
    7: ("fp-armv8", "fp-armv8"), 8: ("fpv5-d16", "fpv5-sp-d16"),
}
# fmt: on

#: XTHAL_ABI_WINDOWED and XTHAL_ABI_CALL0 to flags; a compiler for Xtensa knows one core
_XTENSA_ABIS: Mapping[int | str | None, tuple[str, ...]] = {
    0: ("-mabi=windowed",),
    1: ("-mabi=call0",),
}

#: Processor in the e_flags of ARC to `-mcpu`
_EF_ARC_MACH_MSK = 0xFF
_ARC_CPUS = {3: "arc700", 5: "arcem", 6: "archs"}

_SELECTS_CPU = ("-mcpu=", "-march=", "-m32", "-m64", "--target=", "-target")


def machine_of(name: str) -> tuple[int, int] | None:
    """(e_machine, bits) that a compiler's name or a target triple speaks of; or None."""
    for prefix, machine in _NAMES:
        if name.startswith(prefix):
            return machine
    return None


def machine_of_flags(flags: Sequence[str]) -> tuple[int, int] | None:
    """(e_machine, bits) that machine flags in gcc's spelling speak of; or None."""
    for flag in reversed(flags):
        name, _, value = flag.partition("=")
        if name == "-m32":
            return (EM_386, 32)
        if name == "-m64":
            return (EM_X86_64, 64)
        if name not in {"-mcpu", "-march"}:
            continue
        if value.startswith(("rv32", "rv64")):
            return (EM_RISCV, int(value[2:4]))
        if re.match(r"cortex-[mr]|arm\d|armv[4-7]|armv8(\.\d)?-m|cortex-a[5-9]$|star-mc", value):
            return (EM_ARM, 32)
        if re.match(r"cortex-[ax]\d\d|armv[89]|neoverse", value):
            # those of 32 bits have the same names
            return (EM_ARM, 32) if any(map(_is_of_32_bits, flags)) else (EM_AARCH64, 64)
    return (EM_ARM, 32) if "-mthumb" in flags else None


def _is_of_32_bits(flag: str) -> bool:
    # what compilers for AArch64 don't have
    return flag in {"-mthumb", "-marm"} or flag.startswith(("-mfloat-abi=", "-mfpu="))


def selects_cpu(flags: Sequence[str]) -> bool:
    """Whether flags in gcc's spelling choose a processor."""
    return any(flag.startswith(_SELECTS_CPU) for flag in flags)


def flags_of(abi: Abi) -> tuple[str, ...]:
    """Machine flags in gcc's spelling for code that fits a base image; empty where it says nothing.

    They come from the build attributes of its file; `-march` rather than `-mcpu`, because the
    architecture decides what fits and the core's name may be unknown to the compiler.
    """
    found = _FLAGS.get(abi.ident.machine)
    return () if found is None else tuple(found(abi))


def convention_flags(abi: Abi) -> tuple[str, ...]:
    """Flags in gcc's spelling for types that are of the same size as in a base image.

    Compilers disagree on the default: arm-none-eabi-gcc packs enums, clang doesn't.
    """
    if abi.ident.machine != EM_ARM:
        return ()
    enums = _ENUM_FLAGS.get(abi.attributes.get(_ABI_ENUM_SIZE, 0))
    wide = {2: "-fshort-wchar", 4: "-fno-short-wchar"}.get(int(abi.attributes.get(_ABI_WCHAR, 0)))
    return tuple(each for each in (enums, wide) if each is not None)


def _xtensa_flags(abi: Abi) -> Iterable[str]:
    return _XTENSA_ABIS.get(abi.attributes.get(_XTENSA_ABI), ())


def _arc_flags(abi: Abi) -> Iterator[str]:
    cpu = _ARC_CPUS.get(abi.ident.flags & _EF_ARC_MACH_MSK)
    if cpu is not None:
        yield f"-mcpu={cpu}"
        if not abi.ident.little:
            yield "-mbig-endian"


def _aarch64_flags(abi: Abi) -> Iterator[str]:
    return _protection(abi, 0xC0000000, {1: "-mbranch-protection=bti"})


def _x86_flags(abi: Abi) -> Iterator[str]:
    yield "-m32" if abi.ident.bits == 32 else "-m64"
    yield from _protection(abi, 0xC0000002, _CF_PROTECTION)


#: Bits IBT and SHSTK of GNU_PROPERTY_X86_FEATURE_1_AND to the flag
_CF_PROTECTION = {
    1: "-fcf-protection=branch",
    2: "-fcf-protection=return",
    3: "-fcf-protection=full",
}


def _protection(abi: Abi, kind: int, flags: Mapping[int, str]) -> Iterator[str]:
    # what all of the base image's code is marked to have, so that its processor may ask for it
    value = abi.attributes.get(kind, 0)
    if isinstance(value, int):
        yield from (flags[each] for each in (value & max(flags),) if each in flags)


def _arm_flags(abi: Abi) -> tuple[str, ...]:
    attributes = abi.attributes
    arch = attributes.get(_CPU_ARCH)
    if not isinstance(arch, int):
        return ()
    profile = chr(int(attributes.get(_CPU_ARCH_PROFILE, 0)) or ord("A"))
    name = f"armv7-{profile.lower()}" if arch == 10 else _ARM_ARCHES.get(arch)
    if name is None:
        return ()
    flags = [f"-march={name}"]
    if profile == "M" or name.endswith(("-m", ".base", ".main")):
        flags.append("-mthumb")
    fpu = _ARM_FPUS.get(int(attributes.get(_FP_ARCH, 0)))
    if fpu is None:
        flags.append("-mfloat-abi=soft")
    else:
        single = attributes.get(_ABI_HARDFP_USE) == 1
        hard = attributes.get(_ABI_VFP_ARGS) == 1
        flags += [f"-mfpu={fpu[single]}", f"-mfloat-abi={'hard' if hard else 'softfp'}"]
    if not abi.ident.little:
        flags.append("-mbig-endian")
    enums = attributes.get(_ABI_ENUM_SIZE, 0)  # compilers differ in what they do by themselves
    if enums in _ENUM_FLAGS:
        flags.append(_ENUM_FLAGS[enums])
    return tuple(flags)


def _riscv_flags(abi: Abi) -> tuple[str, ...]:
    isa, elf_flags = str(abi.attributes.get(_RISCV_ARCH, "")), abi.ident.flags
    # rv32i2p1_m2p0_c2p0_zicsr2p0 -> rv32imc_zicsr; the float ABI is in e_flags (EF_RISCV_FLOAT_ABI)
    if not re.match(r"rv(32|64)[ieg](\d+p\d+)?(_|$)", isa.lower()):
        return ()
    letters = {0: "", 2: "f", 4: "d", 6: "q"}[elf_flags & 6] + ("e" if elf_flags & 8 else "")
    convention = "lp64" if isa[2] == "6" else "ilp32"
    return (f"-march={shortest(isa)}", f"-mabi={convention}{letters}")


_FLAGS: Mapping[int, Callable[[Abi], Iterable[str]]] = {
    EM_386: _x86_flags,
    EM_ARM: _arm_flags,
    EM_X86_64: _x86_flags,
    EM_XTENSA: _xtensa_flags,
    EM_AARCH64: _aarch64_flags,
    EM_ARC_COMPACT2: _arc_flags,
    EM_RISCV: _riscv_flags,
}
