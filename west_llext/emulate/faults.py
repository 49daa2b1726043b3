# SPDX-License-Identifier: Apache-2.0
"""Why a call ended before the function returned."""

from __future__ import annotations

from enum import Enum

from west_llext.diagnostics import Span
from west_llext.record import record


class FaultKind(Enum):
    """What happened; the value completes a sentence that begins with where it happened."""

    READ = "reads memory that isn't there"
    WRITE = "writes memory that isn't there"
    FETCH = "is executed, but there is no memory"
    READ_PROTECTED = "reads memory that can't be read"
    WRITE_PROTECTED = "writes read-only memory"
    FETCH_PROTECTED = "is executed, but is no code"
    STACK_OVERFLOW = "overflows the stack"
    INSTRUCTION = "has an instruction that the processor doesn't know"
    EXCEPTION = "raises an exception, and nothing handles it"
    WAITS = "waits for an interrupt, and there are none"
    STAND_IN = "gives a stand-in a pointer to memory that isn't there"
    NO_STAND_IN = "is a function of the base image without code here, and nothing stands in for it"
    HEAP = "frees memory that isn't allocated"
    ABORT = "gives up"
    TIME_LIMIT = "runs longer than the time limit"
    INSTRUCTION_LIMIT = "runs more instructions than the limit"
    OUTPUT_LIMIT = "prints more than the limit"


# the function itself has done nothing: who has called it is of interest
_ENTERED = frozenset({FaultKind.NO_STAND_IN, FaultKind.STAND_IN, FaultKind.HEAP, FaultKind.ABORT})


@record(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the images an address is.

    image: name of the base image or extension
    chunk: section or segment
    function: the function around it, or None
    offset: bytes from the start of that function, or of the chunk where there is none
    line: of the source; None where nobody knows
    """

    image: str
    chunk: str
    function: str | None
    offset: int
    line: Span | None = None

    def __str__(self) -> str:
        return f"'{self.function or self.chunk}'+{self.offset:#x} ({self.image})"


@record(frozen=True, slots=True, kw_only=True)
class Fault:
    """A call that didn't return.

    kind: what happened
    counter: address of the instruction that did it
    address: the memory that it wanted; None where it wanted none
    place: where the instruction is; None outside of all images
    caller: where the function that it is in was called from, as far as the link register tells
    registers: names and values, in the order to show them
    """

    kind: FaultKind
    counter: int
    address: int | None = None
    place: Place | None = None
    caller: Place | None = None
    registers: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        text = f"{self.counter:#x} {self.kind.value}"
        if self.place is not None:
            text = f"{self.place} at {text}"
        if self.caller is not None and (self.place is None or self.kind in _ENTERED):
            text += f", called from {self.caller}"
        return text if self.address in {None, self.counter} else f"{text}: {self.address:#x}"
