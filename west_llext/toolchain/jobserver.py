# SPDX-License-Identifier: Apache-2.0
"""GNU make's jobserver, as far as a process between make and ninja has to know it.

Ninja reads MAKEFLAGS itself. A jobserver that is a pipe also needs its two descriptors to be
handed on; one that is a named pipe doesn't.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

_PIPE = re.compile(r"--jobserver-(?:auth|fds)=(\d+),(\d+)")


def descriptors(makeflags: str) -> Iterator[int]:
    """The open descriptors that MAKEFLAGS names; none where make didn't hand them to us."""
    found = _PIPE.findall(makeflags)
    if not found:
        return
    # the last one counts (GNU make, "POSIX Jobserver Interaction")
    for text in found[-1]:
        try:
            os.fstat(int(text))
        except (OSError, OverflowError):
            continue
        yield int(text)
