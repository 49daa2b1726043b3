# SPDX-License-Identifier: Apache-2.0
"""How much work something is, counted and not timed: the same in every run, on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

#: Four times the input may take so many times the work: more than 4, as n log n does, and much
#: less than 16, as n * n does.
LINEAR = 6.0


def instructions(action: Callable[[], object]) -> int:
    """Instructions of Python that an action executes; what it calls in C counts as one."""
    count = 0

    def executed(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += event == "opcode"
        return executed

    before = sys.gettrace()
    sys.settrace(executed)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


def growth(case: Callable[[int], Callable[[], object]], size: int) -> float:
    """How many times the work four times the input takes.

    case: an action for an input of some size, which is made before anything is counted
    """
    small, large = case(size), case(4 * size)
    small()  # what is made once, and kept
    return instructions(large) / instructions(small)
