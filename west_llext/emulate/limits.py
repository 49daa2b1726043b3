# SPDX-License-Identifier: Apache-2.0
"""How much a run may take before it is stopped."""

from __future__ import annotations

from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of an emulated target.

    seconds: wall time of one call, or of all constructors or destructors of an extension
    instructions: likewise; the block of instructions that goes beyond is still run
    memory: bytes of all images, rounded up to pages
    output: bytes that one call may print, likewise
    stack, heap: bytes, rounded up to pages
    arguments: bytes for what pointers among arguments point to, likewise
    """

    seconds: float = 10.0
    instructions: int = 50_000_000
    memory: int = 64 << 20
    output: int = 1 << 20
    stack: int = 16 << 10
    heap: int = 64 << 10
    arguments: int = 64 << 10
