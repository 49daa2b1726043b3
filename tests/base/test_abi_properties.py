# SPDX-License-Identifier: Apache-2.0
"""What is said of AArch64 objects that don't suit the base image."""

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
