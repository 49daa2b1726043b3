# SPDX-License-Identifier: Apache-2.0
"""What is said of AArch64 and x86 objects that don't suit the base image."""

from __future__ import annotations

import pytest

from west_llext.base.abi import abi_findings
from west_llext.model.base import Abi
from west_llext.model.elf import Ident

BTI, PAC, GCS = 1, 2, 4
LANDING = (
    "demo.o: warning[B015]: may disagree with base image 'zephyr.elf': its functions don't begin "
    "with landing pads (BTI), those of the base image do, so that its processor may trap calls of "
    "them\nhint: compile with -mbranch-protection=bti"
)
STACK = (
    "demo.o: warning[B015]: may disagree with base image 'zephyr.elf': it isn't marked as code "
    "that keeps a guarded control stack (GCS), the base image is, so that its processor may trap "
    "returns from it\nhint: compile with -mbranch-protection=gcs"
)


def aarch64(features: int | str | None) -> Abi:
    """An AArch64 file with these bits of GNU_PROPERTY_AARCH64_FEATURE_1_AND."""
    attributes = {} if features is None else {0xC0000000: features}
    return Abi(ident=Ident(machine=183, bits=64, little=True, flags=0), attributes=attributes)


@pytest.mark.parametrize(
    ("obj", "base", "expected"),
    [
        (None, None, []),
        (BTI | PAC | GCS, None, []),
        (BTI, BTI, []),
        (None, PAC, []),
        (None, BTI, [LANDING]),
        (PAC, BTI | PAC | GCS, [LANDING, STACK]),
        (BTI, BTI | GCS, [STACK]),
        ("odd", BTI, [LANDING]),
    ],
)
def test_an_object_needs_what_the_base_image_relies_on(
    obj: int | str | None, base: int | None, expected: list[str]
) -> None:
    """SYSVABI64, "Program Property"; a signed return address (PAC) concerns nobody else."""
    found = abi_findings("demo.o", aarch64(obj), "zephyr.elf", aarch64(base))
    assert [str(each) for each in found] == expected


def test_the_32_bit_form_is_another_class() -> None:
    """ILP32: pointers of 4 bytes."""
    obj = Abi(ident=Ident(machine=183, bits=32, little=True, flags=0))
    [found] = abi_findings("demo.o", obj, "zephyr.elf", aarch64(None))
    assert str(found) == (
        "demo.o: error[B011]: it has 32-bit addresses, the base image 'zephyr.elf' has 64-bit "
        "ones\nhint: compile with the base image's -mabi or -m option"
    )


IBT, SHSTK = 1, 2
PADS = (
    "demo.o: warning[B015]: may disagree with base image 'zephyr.elf': its functions don't begin "
    "with landing pads (IBT), those of the base image do, so that its processor may trap calls of "
    "them\nhint: compile with -fcf-protection=branch"
)
SHADOW = (
    "demo.o: warning[B015]: may disagree with base image 'zephyr.elf': it isn't marked as code "
    "that keeps a shadow stack (SHSTK), the base image is, so that its processor may trap returns "
    "from it\nhint: compile with -fcf-protection=return"
)
LEVEL = (
    "demo.o: error[B014]: can't be linked with base image 'zephyr.elf': it was built for "
    "x86-64-v3, the base image for x86-64-v2\nhint: compile with the base image's -march"
)


def x86(machine: int, features: int = 0, needed: int = 0) -> Abi:
    """An x86 file with these bits of …_X86_FEATURE_1_AND and …_X86_ISA_1_NEEDED."""
    ident = Ident(machine=machine, bits=32 if machine == 3 else 64, little=True, flags=0)
    return Abi(ident=ident, attributes={0xC0000002: features, 0xC0008002: needed})


@pytest.mark.parametrize("machine", [3, 62])
@pytest.mark.parametrize(
    ("obj", "base", "expected"),
    [
        ((0, 0), (0, 0), []),
        ((IBT | SHSTK, 0), (0, 0), []),
        ((0, 0), (IBT, 0), [PADS]),
        ((IBT, 0), (IBT | SHSTK, 0), [SHADOW]),
        ((0, 0), (IBT | SHSTK, 0), [PADS, SHADOW]),
        ((0, 0b111), (0, 0b11), [LEVEL]),
        ((0, 0b11), (0, 0b111), []),
        ((0, 0b111), (0, 0), []),
        ((0, 0b10000), (0, 0b11), []),
    ],
)
def test_x86_code_needs_what_the_base_image_relies_on(
    machine: int, obj: tuple[int, int], base: tuple[int, int], expected: list[str]
) -> None:
    """x86-64 psABI, "Program Property"; what isn't said, or isn't known, is no finding."""
    found = abi_findings("demo.o", x86(machine, *obj), "zephyr.elf", x86(machine, *base))
    assert [str(each) for each in found] == expected
