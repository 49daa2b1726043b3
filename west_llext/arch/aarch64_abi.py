# SPDX-License-Identifier: Apache-2.0
"""What the property note of an AArch64 file says, and which code doesn't fit another.

System V ABI for the Arm 64-bit Architecture (SYSVABI64), 2025Q1, "Program Property". Nothing in an
AArch64 file tells of the processor or of the procedure call standard; e_flags are 0.
"""

from __future__ import annotations

from west_llext.arch.machine import Concern, Mismatch
from west_llext.diagnostics import Severity
from west_llext.model.base import Abi

FEATURE_1_AND = 0xC0000000
BTI, PAC, GCS = 1, 2, 4


def mismatches(obj: Abi, base: Abi) -> tuple[Mismatch, ...]:
    """What the base image's functions are marked to have and the object's aren't."""
    found = []
    lacks = _features(base) & ~_features(obj)
    if lacks & BTI:
        found.append(
            Mismatch(
                concern=Concern.CONVENTION,
                text="its functions don't begin with landing pads (BTI), those of the base image "
                "do, so that its processor may trap calls of them",
                hint="compile with -mbranch-protection=bti",
                severity=Severity.WARNING,
            )
        )
    if lacks & GCS:
        found.append(
            Mismatch(
                concern=Concern.CONVENTION,
                text="it isn't marked as code that keeps a guarded control stack (GCS), the base "
                "image is, so that its processor may trap returns from it",
                hint="compile with -mbranch-protection=gcs",
                severity=Severity.WARNING,
            )
        )
    return tuple(found)


def _features(abi: Abi) -> int:
    value = abi.attributes.get(FEATURE_1_AND, 0)
    return value if isinstance(value, int) else 0
