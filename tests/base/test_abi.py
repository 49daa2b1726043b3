# SPDX-License-Identifier: Apache-2.0
"""What is said of objects that don't suit the base image, with attributes made by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from west_llext.arch.arm_abi import Tag
from west_llext.base.abi import abi_findings
from west_llext.model.base import Abi
from west_llext.model.elf import Ident

Attributes = Mapping[int, int | str]

#: What gcc says of Cortex-M objects, with the tags that matter here.
COMMON: Attributes = {
    Tag.FP_NUMBER_MODEL: 3,
    Tag.PCS_WCHAR_T: 4,
    Tag.ENUM_SIZE: 1,
    Tag.CPU_ARCH_PROFILE: ord("M"),
}
M0 = {**COMMON, Tag.CPU_ARCH: 12}
M3 = {**COMMON, Tag.CPU_ARCH: 10, Tag.CPU_UNALIGNED_ACCESS: 1}
M4 = {**M3, Tag.CPU_ARCH: 13}
M4F = {**M4, Tag.FP_ARCH: 6, Tag.HARD_FP_USE: 1, Tag.VFP_ARGS: 1}
M23 = {**COMMON, Tag.CPU_ARCH: 16}
M33 = {**M3, Tag.CPU_ARCH: 17}
M55 = {**M33, Tag.CPU_ARCH: 21, Tag.MVE_ARCH: 1}
R5 = {**M3, Tag.CPU_ARCH_PROFILE: ord("R"), Tag.ARM_ISA_USE: 1, Tag.DIV_USE: 2}
A9 = {**M3, Tag.CPU_ARCH_PROFILE: ord("A"), Tag.ARM_ISA_USE: 1}
PLAIN_V7 = {**M3, Tag.CPU_ARCH_PROFILE: 0}


def arm(attributes: Attributes, *, flags: int = 0x05000000) -> Abi:
    """A little-endian Arm file."""
    return Abi(ident=Ident(machine=40, bits=32, little=True, flags=flags), attributes=attributes)


def said(obj: Abi, base: Abi) -> list[str]:
    """Every finding as it is shown."""
    return [str(each) for each in abi_findings("demo.o", obj, "zephyr.elf", base)]


def error(code: str, text: str, hint: str) -> str:
    """An error beside the base image's name."""
    start = f"demo.o: error[{code}]: can't be linked with base image 'zephyr.elf': "
    return f"{start}{text}\nhint: {hint}"


def warning(code: str, text: str, hint: str) -> str:
    """A warning beside the base image's name."""
    start = f"demo.o: warning[{code}]: may disagree with base image 'zephyr.elf': "
    return f"{start}{text}\nhint: {hint}"


def test_another_machine_is_the_only_finding() -> None:
    """Flags and attributes of another machine mean nothing here."""
    riscv = Abi(ident=Ident(machine=243, bits=64, little=True, flags=5), attributes={5: "rv64i"})
    assert said(riscv, arm(M3)) == [
        (
            "demo.o: error[B010]: it is for RISC-V (e_machine 243), the base image 'zephyr.elf' "
            "for Arm (e_machine 40)\nhint: compile with the base image's compiler"
        )
    ]
    unknown = Abi(ident=Ident(machine=9999, bits=32, little=True, flags=0))
    assert said(arm(M3), unknown) == [
        (
            "demo.o: error[B010]: it is for Arm (e_machine 40), the base image 'zephyr.elf' for "
            "e_machine 9999\nhint: compile with the base image's compiler"
        )
    ]


def test_class_and_byte_order_are_compared_for_any_machine() -> None:
    """No table of relocations is needed for that."""
    narrow = Abi(ident=Ident(machine=9999, bits=32, little=True, flags=0))
    wide = Abi(ident=Ident(machine=9999, bits=64, little=False, flags=0))
    assert said(wide, narrow) == [
        (
            "demo.o: error[B011]: it has 64-bit addresses, the base image 'zephyr.elf' has 32-bit "
            "ones\nhint: compile with the base image's -mabi or -m option"
        ),
        (
            "demo.o: error[B012]: it is big-endian, the base image 'zephyr.elf' is little-endian\n"
            "hint: compile with -mlittle-endian"
        ),
    ]
    assert said(narrow, narrow) == []


FITS = [
    (M0, M0), (M0, M3), (M0, M4), (M0, M23), (M0, M33), (M3, M33), (M4, M4),
    (M4F, M4F), (M23, M33), (M33, M33), (M33, {**M55, Tag.DSP_EXTENSION: 1}), (PLAIN_V7, M3),
    (PLAIN_V7, R5), (R5, R5), (A9, A9),
    ({**M3, Tag.CPU_ARCH_PROFILE: ord("S"), Tag.ARM_ISA_USE: 1}, A9),
    ({**COMMON, Tag.CPU_ARCH: 2, Tag.CPU_ARCH_PROFILE: 0}, M0),
    ({**COMMON, Tag.CPU_ARCH: 2, Tag.CPU_ARCH_PROFILE: 0}, M3),
]  # fmt: skip


@pytest.mark.parametrize(("obj", "base"), FITS)
def test_code_for_a_smaller_processor_of_the_same_profile_fits(
    obj: Attributes, base: Attributes
) -> None:
    """Addenda, 'Combining attribute values': the demands of the object are a subset."""
    assert said(arm(obj), arm(base)) == []


UNFIT = [
    (M3, M0, "Armv7-M", "Armv6S-M"),
    (M4, M3, "Armv7E-M", "Armv7-M"),
    (M3, M23, "Armv7-M", "Armv8-M.baseline"),
    (M23, M3, "Armv8-M.baseline", "Armv7-M"),
    (M33, M4, "Armv8-M.mainline", "Armv7E-M"),
    (R5, M3, "Armv7-R", "Armv7-M"),
    (M3, A9, "Armv7-M", "Armv7-A"),
    (A9, R5, "Armv7-A", "Armv7-R"),
    ({**M0, Tag.CPU_ARCH: 12}, {**M0, Tag.CPU_ARCH: 11}, "Armv6S-M", "Armv6-M"),
    ({**M0, Tag.CPU_ARCH: 2, Tag.CPU_ARCH_PROFILE: 0}, {**M0, Tag.CPU_ARCH: 11}, "Armv4T",
     "Armv6-M"),
    ({**M0, Tag.CPU_ARCH: 99}, M0, "Arm architecture 99", "Armv6S-M"),
]  # fmt: skip


@pytest.mark.parametrize(("obj", "base", "ours", "theirs"), UNFIT)
def test_code_for_another_processor_is_refused(
    obj: Attributes, base: Attributes, ours: str, theirs: str
) -> None:
    """Newer than the base's, of another profile, or both; unaligned access may be said as well."""
    assert said(arm(obj), arm(base))[0] == error(
        "B014",
        f"it was built for {ours}, the base image for {theirs}",
        "compile with the base image's -mcpu",
    )


def test_v4t_code_that_says_so_fits_v6_m() -> None:
    """Addenda, 'Secondary compatibility tag': Tag_also_compatible_with v6-M."""
    obj = {**COMMON, Tag.CPU_ARCH: 2, Tag.CPU_ARCH_PROFILE: 0, Tag.ALSO_COMPATIBLE_WITH: "\x06\x0b"}
    assert said(arm(obj), arm({**M0, Tag.CPU_ARCH: 11})) == []


def test_arm_instructions_do_not_suit_a_thumb_only_processor() -> None:
    """Tag_ARM_ISA_use 1 beside profile M."""
    assert said(arm({**PLAIN_V7, Tag.ARM_ISA_USE: 1}), arm(M3)) == [
        error(
            "B014",
            "it may use Arm instructions, the base image's processor has Thumb only",
            "compile with the base image's -mcpu and -mthumb",
        )
    ]


def test_float_arguments_must_travel_the_same_way() -> None:
    """Tag_ABI_VFP_args: 0 base variant, 1 VFP variant."""
    soft = {**M4F, Tag.VFP_ARGS: 0}
    hard_text = "in floating-point registers (hard-float)"
    soft_text = "in core registers (soft-float)"
    assert said(arm(soft), arm(M4F)) == [
        error(
            "B013",
            f"it passes floating-point arguments {soft_text}, the base image {hard_text}",
            "compile with -mfloat-abi=hard",
        )
    ]
    assert said(arm(M4F), arm(soft)) == [
        error(
            "B013",
            f"it passes floating-point arguments {hard_text}, the base image {soft_text}",
            "compile with -mfloat-abi=soft",
        )
    ]


@pytest.mark.parametrize(
    "neutral",
    [{**M4F, Tag.VFP_ARGS: 3}, {**M4F, Tag.VFP_ARGS: 0, Tag.FP_NUMBER_MODEL: 0}],
    ids=["compatible with both", "no floating point"],
)
def test_code_that_passes_no_floats_suits_both(neutral: Attributes) -> None:
    """Tag_ABI_VFP_args 3, or Tag_ABI_FP_number_model 0."""
    assert said(arm(neutral), arm(M4F)) == []
    assert said(arm(neutral), arm({**M4F, Tag.VFP_ARGS: 0})) == []


def test_flags_say_the_float_abi_where_there_are_no_attributes() -> None:
    """AAELF32, e_flags: EF_ARM_ABI_FLOAT_HARD and _SOFT, of version 5."""
    hard, soft = arm({}, flags=0x05000400), arm({}, flags=0x05000200)
    assert [each.split(":")[1] for each in said(hard, soft)] == [" error[B013]"]
    assert [each.split(":")[1] for each in said(arm(M4F), soft)] == [" error[B013]"]
    assert said(arm({}), soft) == []
    assert said(arm({}), arm(M4F)) == []
    assert said(arm({}, flags=0x04000400), arm({}, flags=0x04000200)) == []


def test_hard_float_without_a_unit_is_refused() -> None:
    """Clang for eabihf with a -mcpu that has no unit marks the object and calls helpers."""
    marked = {key: value for key, value in M4F.items() if key not in {10, 27}}
    assert said(arm(marked), arm(M4F)) == [
        error(
            "B013",
            "it is marked as hard-float, but was built for a processor without floating-point "
            "registers (Tag_FP_arch is 0)",
            "name the unit as well: -mfpu=fpv4-sp-d16 for gcc, -mcpu=cortex_m4+vfp4d16sp for zig",
        )
    ]


UNITS = [
    ({**M4F, Tag.VFP_ARGS: 0}, M4, "(VFPv4-D16, single precision)", "none"),
    ({**M4F, Tag.FP_ARCH: 8}, M4F, "(FPv5-D16 (v8), single precision)",
     "VFPv4-D16, single precision"),
    ({**M4F, Tag.FP_ARCH: 5}, M4F, "(VFPv4, single precision)", "VFPv4-D16, single precision"),
    ({**M4F, Tag.HARD_FP_USE: 0}, M4F, "(VFPv4-D16)", "VFPv4-D16, single precision"),
]  # fmt: skip


@pytest.mark.parametrize(("obj", "base", "need", "have"), UNITS)
def test_a_larger_floating_point_unit_is_refused(
    obj: Attributes, base: Attributes, need: str, have: str
) -> None:
    """Tag_FP_arch: version and registers; Tag_ABI_HardFP_use: double precision."""
    assert said(arm(obj), arm(base)) == [
        error(
            "B014",
            f"it may use floating-point instructions {need}, the base image was built for {have}",
            "compile with the base image's -mfpu and -mfloat-abi",
        )
    ]


def test_a_smaller_floating_point_unit_fits() -> None:
    """VFPv4-D16 is part of FPv5-D16, single precision of double."""
    base = {**M4F, Tag.FP_ARCH: 8, Tag.HARD_FP_USE: 0}
    assert said(arm(M4F), arm(base)) == []
    assert said(arm({**M4F, Tag.FP_ARCH: 4}), arm({**M4F, Tag.FP_ARCH: 3})) == []


def test_vector_instructions_must_be_the_bases_as_well() -> None:
    """Tag_MVE_arch: 1 integer, 2 with floating point."""
    base = {**M55, Tag.DSP_EXTENSION: 1}
    assert said(arm({**base, Tag.MVE_ARCH: 2}), arm(base)) == [
        error(
            "B014",
            "it may use vector instructions (MVE), the base image was built for fewer",
            "compile with +nomve in -mcpu",
        )
    ]


def test_optional_instructions_are_a_warning() -> None:
    """The processor may have them, though the base image was built to do without."""
    dsp = warning(
        "B014",
        "it may use DSP instructions, the base image was built for none",
        "compile with +nodsp in -mcpu",
    )
    assert said(arm({**M33, Tag.DSP_EXTENSION: 1}), arm(M33)) == [dsp]
    assert said(arm(M4), arm(M33)) == [dsp]
    assert said(arm(M4), arm({**M33, Tag.DSP_EXTENSION: 1})) == []
    assert said(arm(R5), arm({**R5, Tag.DIV_USE: 0})) == [
        warning(
            "B014",
            "it may use divide instructions, the base image was built for none",
            "compile with the base image's -mcpu",
        )
    ]


def test_sizes_of_data_are_warnings() -> None:
    """Tag_ABI_PCS_wchar_t, Tag_ABI_enum_size and Tag_ABI_FP_16bit_format."""
    obj = {**M3, Tag.PCS_WCHAR_T: 2, Tag.ENUM_SIZE: 2, Tag.FP_16BIT_FORMAT: 2}
    assert said(arm(obj), arm({**M3, Tag.FP_16BIT_FORMAT: 1})) == [
        warning(
            "B016",
            "its wchar_t has 2 bytes, that of the base image 4",
            "compile with -fno-short-wchar",
        ),
        warning(
            "B016",
            "its enums are of 4 bytes, those of the base image as small as their values allow",
            "compile with -fshort-enums",
        ),
        warning(
            "B016",
            "its 16-bit floating-point numbers have another format than the base image's",
            "compile with the base image's -mfp16-format",
        ),
    ]


@pytest.mark.parametrize("enum_size", [0, 3])
def test_enums_that_suit_both_sizes_are_fine(enum_size: int) -> None:
    """Tag_ABI_enum_size: 0 none, 3 every visible one needs 32 bits."""
    assert said(arm({**M3, Tag.ENUM_SIZE: enum_size}), arm(M3)) == []


def test_unaligned_access_is_a_warning_where_the_base_has_none() -> None:
    """Tag_CPU_unaligned_access; the base may have told the processor to trap it."""
    assert said(arm(M3), arm({**M3, Tag.CPU_UNALIGNED_ACCESS: 0})) == [
        warning(
            "B015",
            "it may access unaligned data, the base image was built not to, so that its "
            "processor may trap it",
            "compile with -mno-unaligned-access",
        )
    ]


def test_another_role_of_r9_is_refused() -> None:
    """Tag_ABI_PCS_R9_use: 0 ordinary, 1 static base, 2 thread pointer, 3 unused."""
    assert said(arm({**M3, Tag.PCS_R9_USE: 1}), arm(M3)) == [
        error(
            "B015",
            "it uses r9 as a static base, the base image as an ordinary register",
            "compile without -frwpi, -msingle-pic-base and -mtp",
        )
    ]
    assert said(arm({**M3, Tag.PCS_R9_USE: 3}), arm(M3)) == []


def test_another_eabi_version_is_refused() -> None:
    """AAELF32, EF_ARM_EABIMASK; 4 and 5 are alike, and no flags at all say nothing."""
    assert said(arm({}, flags=0x02000000), arm({})) == [
        error(
            "B015",
            "it has version 2 of the Arm EABI, the base image has version 5",
            "rebuild the object with the base image's compiler",
        )
    ]
    # what gcc -mabi=apcs-gnu makes; GNU ld refuses it as well
    assert said(arm({}, flags=0x00000600), arm({})) == [
        error(
            "B015",
            "it has version 0 of the Arm EABI, the base image has version 5",
            "rebuild the object with the base image's compiler",
        )
    ]
    assert said(arm({}, flags=0x04000000), arm({})) == []
    assert said(arm({}, flags=0), arm({})) == []


def test_a_base_image_with_reversed_instructions_is_refused() -> None:
    """AAELF32, EF_ARM_BE8: set by the linker when it has swapped the instructions."""
    assert said(arm({}), arm({}, flags=0x05800000)) == [
        error(
            "B015",
            "its instructions are big-endian, those of the base image are little-endian (BE8)",
            "build a base image without BE8, or little-endian",
        )
    ]
