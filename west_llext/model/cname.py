# SPDX-License-Identifier: Apache-2.0
"""What C would call a function that C++ has declared: the same one, for want of `extern "C"`."""

from __future__ import annotations

import re

# <encoding> of a function outside of any namespace (Itanium C++ ABI, 5.1.2): the length of its
# name, the name, and the types of its parameters
_FUNCTION = re.compile(r"_Z([1-9][0-9]{0,3})(.+)", re.DOTALL)


def c_name(symbol: str) -> str | None:
    """`beep` of `_Z4beepi`; None for what isn't such a function."""
    found = _FUNCTION.fullmatch(symbol)
    if found is None:
        return None
    size = int(found[1])
    name, parameters = found[2][:size], found[2][size:]
    return name if parameters and parameters[0] != "I" else None  # I: a template
