# SPDX-License-Identifier: Apache-2.0
"""What comes of a call on an emulated target."""

from __future__ import annotations

from west_llext.emulate.faults import Fault
from west_llext.emulate.touched import Touched
from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a call.

    value: the first result register, unsigned
    pair: both result registers as one unsigned number, for results of two words
    output: what was printed
    instructions: how many were executed, with those that a condition skipped
    fault: why the function didn't return; None where it did
    status: what the target asked to end with; None where it didn't ask
    touched: memory that was read and written, by address; only where it was to be watched
    bits: of a register of the target
    """

    value: int
    pair: int
    output: str
    instructions: int
    fault: Fault | None = None
    status: int | None = None
    touched: tuple[Touched, ...] = ()
    bits: int = 32

    @property
    def signed(self) -> int:
        """The first result register as a signed number: what a function of type `int` returns.

        Of 64 bits only the lower half, because nothing else of an `int` is defined.
        """
        value = self.value & 0xFFFFFFFF
        return value - (value >> 31 << 32)

    @property
    def returned(self) -> bool:
        """Whether the function came back to its caller."""
        return self.fault is None and self.status is None
