# SPDX-License-Identifier: Apache-2.0
"""What Arm build attributes and header flags say of a processor, and of code that doesn't fit it.

Attributes: Addenda to, and Errata in, the ABI for the Arm Architecture (2023Q3), "Target-related
attributes" and "Procedure call-related attributes". An omitted tag has the value 0. They say what
the compiler was permitted to use: code may need less, never more.
Flags: ELF for the Arm Architecture (AAELF32, 2023Q3), "ELF Header", e_flags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum

from west_llext.arch.machine import Concern, Core, Mismatch
from west_llext.diagnostics import Severity
from west_llext.model.base import Abi
from west_llext.model.elf import Ident

EF_ARM_BE8 = 0x00800000
EF_ARM_ABI_FLOAT_HARD = 0x400
EF_ARM_ABI_FLOAT_SOFT = 0x200


class Tag(IntEnum):
    """Attribute tags, with the names that the addenda print."""

    CPU_ARCH = 6
    CPU_ARCH_PROFILE = 7
    ARM_ISA_USE = 8
    FP_ARCH = 10
    PCS_R9_USE = 14
    PCS_WCHAR_T = 18
    FP_NUMBER_MODEL = 23
    ENUM_SIZE = 26
    HARD_FP_USE = 27
    VFP_ARGS = 28
    CPU_UNALIGNED_ACCESS = 34
    FP_16BIT_FORMAT = 38
    DIV_USE = 44
    DSP_EXTENSION = 46
    MVE_ARCH = 48
    ALSO_COMPATIBLE_WITH = 65


# fmt: off
#: Tag_CPU_arch: name; profile that the value implies ("" where Tag_CPU_arch_profile has it);
#: the architectures whose instructions it has as well, beside itself and theirs in turn
ARCHITECTURES: Mapping[int, tuple[str, str, tuple[int, ...]]] = {
    0:  ("pre-v4",          "",  ()),
    1:  ("v4",              "",  (0,)),
    2:  ("v4T",             "",  (1,)),
    3:  ("v5T",             "",  (2,)),
    4:  ("v5TE",            "",  (3,)),
    5:  ("v5TEJ",           "",  (4,)),
    6:  ("v6",              "",  (5,)),
    7:  ("v6KZ",            "",  (9,)),
    8:  ("v6T2",            "",  (6,)),
    9:  ("v6K",             "",  (6,)),
    10: ("v7",              "",  (7, 8, 12)),
    11: ("v6-M",            "M", ()),
    12: ("v6S-M",           "M", (11,)),
    13: ("v7E-M",           "M", (10,)),
    14: ("v8-A",            "A", (10,)),
    15: ("v8-R",            "R", (10,)),
    16: ("v8-M.baseline",   "M", (12,)),
    17: ("v8-M.mainline",   "M", (13, 16)),
    18: ("v8.1-A",          "A", (14,)),
    19: ("v8.2-A",          "A", (18,)),
    20: ("v8.3-A",          "A", (19,)),
    21: ("v8.1-M.mainline", "M", (17,)),
    22: ("v9-A",            "A", (20,)),
}
# fmt: on

_PROFILES = frozenset(b"ARMS")
_V4T, _V7, _V6_M, _V6S_M, _V7E_M = 2, 10, 11, 12, 13
# DSP instructions are an extension here
_OPTIONAL_DSP = frozenset({17, 21})
# no LDR.W to the program counter, no NOP.W: Thumb-2 came with v6T2, and the small M-profile
# architectures (v6-M, v6S-M, v8-M.baseline) have only a few 32-bit instructions
_THUMB2 = frozenset({8, 10, 13, 14, 15, 17, 18, 19, 20, 21, 22})
# BLX came with v5T
_BLX = frozenset({3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 18, 19, 20, 22})

# Tag_FP_arch: name, version, double-precision registers
_FP = {
    0: ("none", 0, 0),
    1: ("VFPv1", 1, 16),
    2: ("VFPv2", 2, 16),
    3: ("VFPv3", 3, 32),
    4: ("VFPv3-D16", 3, 16),
    5: ("VFPv4", 4, 32),
    6: ("VFPv4-D16", 4, 16),
    7: ("FPv5 (v8)", 5, 32),
    8: ("FPv5-D16 (v8)", 5, 16),
}


def core(ident: Ident, attributes: Mapping[int, int | str]) -> Core:
    """What code may assume of the processor; as little as possible where nothing is said.

    "Target-related attributes": Tag_CPU_arch, Tag_CPU_arch_profile and, for v7 code that doesn't
    say its profile, Tag_ARM_ISA_use.
    """
    del ident  # e_flags say nothing of the processor
    arch = _number(attributes, Tag.CPU_ARCH)
    profile = _profile(attributes)
    both = arch in _BLX and profile != "M"
    if arch == _V7 and not profile:
        both = _number(attributes, Tag.ARM_ISA_USE) == 1
    return Core(blx=both, thumb2=arch in _THUMB2)


def mismatches(obj: Abi, base: Abi) -> tuple[Mismatch, ...]:
    """Why code of an object can't run with, or be called by, that of the base image.

    Where a file says nothing (no attributes, no flags), nothing is assumed.
    """
    found = [*_header(obj, base), *_float_abi(obj, base)]
    if obj.attributes and base.attributes:
        found += _processor(obj.attributes, base.attributes)
        found += _extensions(obj.attributes, base.attributes)
        found += _conventions(obj.attributes, base.attributes)
        found += _data(obj.attributes, base.attributes)
    return tuple(found)


def _number(attributes: Mapping[int, int | str], tag: Tag) -> int:
    value = attributes.get(tag, 0)
    return value if isinstance(value, int) else 0


def _profile(attributes: Mapping[int, int | str]) -> str:
    # A, R, M or S (A or R); "" where any will do. v8 and later imply it by Tag_CPU_arch
    implied = ARCHITECTURES.get(_number(attributes, Tag.CPU_ARCH), ("", "", ()))[1]
    value = _number(attributes, Tag.CPU_ARCH_PROFILE)
    return implied or (chr(value) if value in _PROFILES else "")


def _header(obj: Abi, base: Abi) -> Iterator[Mismatch]:
    ours, theirs = obj.ident.flags >> 24, base.ident.flags >> 24
    # Versions 4 and 5 differ in what executables may hold, not in code. Without any flag there may
    # be no code at all (objcopy makes objects of any data); version 0 with some is the old GNU ABI.
    silent = not obj.ident.flags or not base.ident.flags
    if not silent and {ours, theirs} != {4, 5} and ours != theirs:
        yield Mismatch(
            concern=Concern.CONVENTION,
            text=f"it has version {ours} of the Arm EABI, the base image has version {theirs}",
            hint="rebuild the object with the base image's compiler",
        )
    if base.ident.flags & EF_ARM_BE8 and not obj.ident.flags & EF_ARM_BE8:
        yield Mismatch(
            concern=Concern.CONVENTION,
            text="its instructions are big-endian, those of the base image are little-endian (BE8)",
            hint="build a base image without BE8, or little-endian",
        )


# how floating-point arguments travel, as messages say it
_HARD = "in floating-point registers (hard-float)"
_SOFT = "in core registers (soft-float)"


def _float_convention(abi: Abi) -> str | None:
    # None where code doesn't say, doesn't care or uses no floating point at all
    if abi.attributes:
        if not _number(abi.attributes, Tag.FP_NUMBER_MODEL):
            return None
        return {0: _SOFT, 1: _HARD}.get(_number(abi.attributes, Tag.VFP_ARGS))
    if abi.ident.flags >> 24 == 5:
        if abi.ident.flags & EF_ARM_ABI_FLOAT_HARD:
            return _HARD
        if abi.ident.flags & EF_ARM_ABI_FLOAT_SOFT:
            return _SOFT
    return None


def _float_abi(obj: Abi, base: Abi) -> Iterator[Mismatch]:
    ours, theirs = _float_convention(obj), _float_convention(base)
    if ours and theirs and ours != theirs:
        yield Mismatch(
            concern=Concern.FLOAT,
            text=f"it passes floating-point arguments {ours}, the base image {theirs}",
            hint="compile with -mfloat-abi=" + ("hard" if theirs == _HARD else "soft"),
        )
    fp = _number(obj.attributes, Tag.FP_ARCH) or _number(obj.attributes, Tag.MVE_ARCH)
    if ours == _HARD and obj.attributes and not fp:
        yield Mismatch(
            concern=Concern.FLOAT,
            text="it is marked as hard-float, but was built for a processor without "
            "floating-point registers (Tag_FP_arch is 0)",
            hint="name the unit as well: -mfpu=fpv4-sp-d16 for gcc, -mcpu=cortex_m4+vfp4d16sp for "
            "zig",
        )


def _runs_on(arch: int, other: int) -> bool:
    # whether every instruction of `arch` is one of `other`
    return arch == other or any(_runs_on(arch, each) for each in ARCHITECTURES[other][2])


def _arch_fits(obj: Mapping[int, int | str], base: Mapping[int, int | str]) -> bool:
    ours, theirs = _number(obj, Tag.CPU_ARCH), _number(base, Tag.CPU_ARCH)
    if ours not in ARCHITECTURES or theirs not in ARCHITECTURES:
        return ours == theirs
    if theirs in {_V6_M, _V6S_M} and ours == _V4T:
        # "Secondary compatibility tag": v4T has an SVC instruction, which v6S-M adds to v6-M
        return theirs == _V6S_M or obj.get(Tag.ALSO_COMPATIBLE_WITH) == "\x06\x0b"
    return _runs_on(ours, theirs)


def _processor(obj: Mapping[int, int | str], base: Mapping[int, int | str]) -> Iterator[Mismatch]:
    ours, theirs = _profile(obj), _profile(base)
    same = not ours or not theirs or ours == theirs or {ours, theirs} in ({"S", "A"}, {"S", "R"})
    if not same or not _arch_fits(obj, base):
        yield Mismatch(
            concern=Concern.PROCESSOR,
            text=f"it was built for Arm{_arch_name(obj)}, the base image for Arm{_arch_name(base)}",
            hint="compile with the base image's -mcpu",
        )
    elif theirs == "M" and _number(obj, Tag.ARM_ISA_USE) == 1:
        yield Mismatch(
            concern=Concern.PROCESSOR,
            text="it may use Arm instructions, the base image's processor has Thumb only",
            hint="compile with the base image's -mcpu and -mthumb",
        )


def _arch_name(attributes: Mapping[int, int | str]) -> str:
    number = _number(attributes, Tag.CPU_ARCH)
    name = ARCHITECTURES.get(number, (f" architecture {number}", "", ()))[0]
    profile = _profile(attributes)
    return f"{name}-{profile}" if number == _V7 and profile else name


def _extensions(obj: Mapping[int, int | str], base: Mapping[int, int | str]) -> Iterator[Mismatch]:
    ours, theirs = _number(obj, Tag.FP_ARCH), _number(base, Tag.FP_ARCH)
    if ours in _FP and theirs in _FP:
        name, version, registers = _FP[ours]
        other, has_version, has_registers = _FP[theirs]
        double = _number(obj, Tag.HARD_FP_USE) != 1 and _number(base, Tag.HARD_FP_USE) == 1
        if version > has_version or registers > has_registers or (ours and double):
            yield _extension(
                f"floating-point instructions ({name}{_precision(obj)})",
                "none" if not theirs else f"{other}{_precision(base)}",
                "compile with the base image's -mfpu and -mfloat-abi",
            )
    if _number(obj, Tag.MVE_ARCH) > _number(base, Tag.MVE_ARCH):
        yield _extension("vector instructions (MVE)", "fewer", "compile with +nomve in -mcpu")
    # these need not be switched on, so that a processor may well have them
    if _number(obj, Tag.DIV_USE) == 2 and _number(base, Tag.DIV_USE) != 2:
        hint = "compile with the base image's -mcpu"
        yield _extension("divide instructions", "none", hint, Severity.WARNING)
    dsp = _number(obj, Tag.DSP_EXTENSION) == 1 or _number(obj, Tag.CPU_ARCH) == _V7E_M
    optional = _number(base, Tag.CPU_ARCH) in _OPTIONAL_DSP
    if dsp and optional and _number(base, Tag.DSP_EXTENSION) != 1:
        hint = "compile with +nodsp in -mcpu"
        yield _extension("DSP instructions", "none", hint, Severity.WARNING)


def _precision(attributes: Mapping[int, int | str]) -> str:
    return ", single precision" if _number(attributes, Tag.HARD_FP_USE) == 1 else ""


def _extension(need: str, have: str, hint: str, severity: Severity = Severity.ERROR) -> Mismatch:
    return Mismatch(
        concern=Concern.PROCESSOR,
        text=f"it may use {need}, the base image was built for {have}",
        hint=hint,
        severity=severity,
    )


_R9 = {0: "an ordinary register", 1: "a static base", 2: "a thread pointer"}


def _conventions(obj: Mapping[int, int | str], base: Mapping[int, int | str]) -> Iterator[Mismatch]:
    ours, theirs = _number(obj, Tag.PCS_R9_USE), _number(base, Tag.PCS_R9_USE)
    if ours in _R9 and theirs in _R9 and ours != theirs:
        yield Mismatch(
            concern=Concern.CONVENTION,
            text=f"it uses r9 as {_R9[ours]}, the base image as {_R9[theirs]}",
            hint="compile without -frwpi, -msingle-pic-base and -mtp",
        )
    unaligned = _number(obj, Tag.CPU_UNALIGNED_ACCESS), _number(base, Tag.CPU_UNALIGNED_ACCESS)
    if unaligned == (1, 0):
        yield Mismatch(
            concern=Concern.CONVENTION,
            text="it may access unaligned data, the base image was built not to, so that its "
            "processor may trap it",
            hint="compile with -mno-unaligned-access",
            severity=Severity.WARNING,
        )


def _data(obj: Mapping[int, int | str], base: Mapping[int, int | str]) -> Iterator[Mismatch]:
    ours, theirs = _number(obj, Tag.PCS_WCHAR_T), _number(base, Tag.PCS_WCHAR_T)
    if ours and theirs and ours != theirs:
        yield Mismatch(
            concern=Concern.DATA,
            text=f"its wchar_t has {ours} bytes, that of the base image {theirs}",
            hint="compile with " + ("-fshort-wchar" if theirs == 2 else "-fno-short-wchar"),
            severity=Severity.WARNING,
        )
    enums = _number(obj, Tag.ENUM_SIZE), _number(base, Tag.ENUM_SIZE)
    if enums in {(1, 2), (2, 1)}:
        small = "as small as their values allow"
        large = "of 4 bytes"
        yield Mismatch(
            concern=Concern.DATA,
            text=f"its enums are {small if enums[0] == 1 else large}, those of the base image "
            f"{small if enums[1] == 1 else large}",
            hint="compile with " + ("-fshort-enums" if enums[1] == 1 else "-fno-short-enums"),
            severity=Severity.WARNING,
        )
    halves = _number(obj, Tag.FP_16BIT_FORMAT), _number(base, Tag.FP_16BIT_FORMAT)
    if halves in {(1, 2), (2, 1)}:
        yield Mismatch(
            concern=Concern.DATA,
            text="its 16-bit floating-point numbers have another format than the base image's",
            hint="compile with the base image's -mfp16-format",
            severity=Severity.WARNING,
        )
