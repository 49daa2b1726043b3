# SPDX-License-Identifier: Apache-2.0
"""What the property note of an x86 or x86-64 file says, and which code doesn't fit another.

x86-64 psABI 1.0, "Program Property"; i386 has the same. e_flags are 0, and nothing tells of the
procedure call standard (-mregparm) or of floating point.
"""

from __future__ import annotations

from west_llext.arch.machine import Concern, Mismatch
from west_llext.diagnostics import Severity
from west_llext.model.base import Abi

FEATURE_1_AND, ISA_1_NEEDED = 0xC0000002, 0xC0008002
IBT, SHSTK = 1, 2

#: Bits of ISA_1_NEEDED, the lowest first.
LEVELS = ("x86-64-baseline", "x86-64-v2", "x86-64-v3", "x86-64-v4")


def mismatches(obj: Abi, base: Abi) -> tuple[Mismatch, ...]:
    """What the base image's code is marked to have, or not to need, and the object's isn't."""
    found = []
    lacks = _value(base, FEATURE_1_AND) & ~_value(obj, FEATURE_1_AND)
    if lacks & IBT:
        found.append(
            Mismatch(
                concern=Concern.CONVENTION,
                text="its functions don't begin with landing pads (IBT), those of the base image "
                "do, so that its processor may trap calls of them",
                hint="compile with -fcf-protection=branch",
                severity=Severity.WARNING,
            )
        )
    if lacks & SHSTK:
        found.append(
            Mismatch(
                concern=Concern.CONVENTION,
                text="it isn't marked as code that keeps a shadow stack (SHSTK), the base image "
                "is, so that its processor may trap returns from it",
                hint="compile with -fcf-protection=return",
                severity=Severity.WARNING,
            )
        )
    ours, theirs = _level(obj), _level(base)
    if ours is not None and theirs is not None and ours > theirs:
        found.append(
            Mismatch(
                concern=Concern.PROCESSOR,
                text=f"it was built for {LEVELS[ours]}, the base image for {LEVELS[theirs]}",
                hint="compile with the base image's -march",
            )
        )
    return tuple(found)


def _value(abi: Abi, kind: int) -> int:
    value = abi.attributes.get(kind, 0)
    return value if isinstance(value, int) else 0


def _level(abi: Abi) -> int | None:
    # index in LEVELS; None where nothing is said, or something newer
    bits = _value(abi, ISA_1_NEEDED)
    return bits.bit_length() - 1 if 0 < bits < 1 << len(LEVELS) else None
