# SPDX-License-Identifier: Apache-2.0
"""Symbols of C++, read as names; each line is one."""

from __future__ import annotations

from tests.fuzz.target import Target
from tests.fuzz.text_steps import text_mutated
from west_llext.cxx.names import MAX_SYMBOL, cxx_name, explained
from west_llext.cxx.types import MAX_TEXT

_SYMBOLS = (
    "_ZN3foo3barEv",
    "_ZNK5sound4TonecvPKcEv",
    "_ZNSt6vectorIiSaIiEE9push_backERKi",
    "_ZNSsC1EPKcRKSaIcE",
    "_Z4callIJicEEvDpOT_",
    "_Z4readPA3_A4_KcM1AFvvEPFiPKvS0_E",
    "_ZZ5localiENKUlicE0_clEic",
    "_ZN1AltIiEEbT_.part.0",
    "_Z1gILb1ELj7ELin3ELc97EEvv",
    "_ZTv0_n16_N7Derived5otherEv",
    "_ZTC6Shared0_4Base",
    "_ZGVZ5localiE4once_1",
    "_ZN3BoxIPKcE5Inner4deepERS1_S3_",
    "_ZN1AB3new3getB3oldIiEEvRVKA3_Dv4_f",
)
_WORDS = (
    *("N", "E", "I", "J", "Z", "S_", "S0_", "St", "Sa", "Ss", "T_", "T0_", "Dp", "Do", "K", "P"),
    *("F", "A3_", "M", "L", "XT_E", "Ut_", "UlvE_", "1a", "C1", "D0", "cv", "_0", "Tv", "GTt"),
    *(".cold", "P" * 100, "1aI" * 50, "IJ" * 50, "S_S_" * 20, "999999999", "F" * 60, "Z" * 60),
)


def seeds() -> dict[str, bytes]:
    """One of each form, and all together."""
    found = {each: each.encode() for each in _SYMBOLS}
    return {**found, "all": "\n".join(_SYMBOLS).encode()}


def run(data: bytes) -> bool:
    """Read each line; any that has a name counts."""
    lines = data.decode("latin-1").split("\n")
    names = [cxx_name(each) for each in lines]
    for line, name in zip(lines, names, strict=True):
        assert name is None or len(name) <= MAX_TEXT + MAX_SYMBOL * len(" [clone .x]")
        shown = iter(explained(f"'{line}'", set()))
        assert all(each in shown for each in line)
    return any(names)


TARGET = Target(name="cxx_name", seeds=seeds, run=run, mutate=text_mutated(_WORDS), longest=1 << 11)
