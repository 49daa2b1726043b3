# SPDX-License-Identifier: Apache-2.0
"""What C++ calls a symbol, for people who wrote `sound::beep(int)` and read `_ZN5sound4beepEi`."""

from __future__ import annotations

import re
from functools import lru_cache

from west_llext.cxx.name_reader import NameReader
from west_llext.cxx.types import Unreadable

#: Longest symbol that is read, in characters.
MAX_SYMBOL = 500
# in single quotes, as names in messages are, or without, in the loader's log; but no part of a path
_SYMBOL = r"(?<![\w.$/\\-])(_Z[A-Za-z0-9_.$]+)('?)"


@lru_cache(maxsize=4096)
def cxx_name(symbol: str) -> str | None:
    """The name as `c++filt -i` spells it, but for spaces between closing brackets.

    None where it is no name of C++, has an expression in it, or is too long or nested too deeply:
    whatever is in a symbol, a wrong name is worse than none.
    """
    if not symbol.startswith("_Z") or len(symbol) > MAX_SYMBOL or not symbol.isascii():
        return None
    try:
        return NameReader(symbol).symbol()
    except Unreadable:
        return None


def explained(text: str, known: set[str]) -> str:
    """The text with the name in brackets behind each symbol of C++.

    known: symbols that were explained before; those of this text are added
    """

    def named(match: re.Match[str]) -> str:
        symbol = match[1]
        name = None if symbol in known else cxx_name(symbol)
        known.add(symbol)
        return match[0] if name is None else f"{match[0]} [{name}]"

    return re.sub(_SYMBOL, named, text)
