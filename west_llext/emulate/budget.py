# SPDX-License-Identifier: Apache-2.0
"""What is left of the limits of a call, or of several calls that count as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from west_llext.emulate.limits import Limits


class Budget:
    """What the next call may take: `seconds`, `instructions` and `output` as `Limits` has them.

    A file says how many constructors it has: each with limits of its own would be no limit at all.
    """

    def __init__(self, limits: Limits) -> None:
        """All of it is left."""
        self._limits = limits
        self._shared = False
        self._refill()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Let all calls in the block count as one."""
        self._refill()
        self._shared = True
        try:
            yield
        finally:
            self._shared = False

    def begin(self) -> None:
        """A call begins."""
        if not self._shared:
            self._refill()

    def spend(self, *, seconds: float, instructions: int, output: int) -> None:
        """A call has taken so much."""
        self.seconds -= seconds
        self.instructions -= instructions
        self.output -= output

    def _refill(self) -> None:
        limits = self._limits
        self.seconds, self.instructions = limits.seconds, limits.instructions
        self.output = limits.output
