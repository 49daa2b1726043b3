# SPDX-License-Identifier: Apache-2.0
"""Names in C++: productions of the Itanium C++ ABI, 5.1, and what is left as it is."""

from __future__ import annotations

import sys

import pytest

from west_llext.cxx.names import MAX_SYMBOL, cxx_name, explained
from west_llext.cxx.types import MAX_TEXT

#: Spelt out by hand, production by production.
NAMES = {
    "_Z1fv": "f()",
    "_ZL5localv": "local()",
    "_Z3fooILi2EEvRAplT_Li1E_i": None,  # an expression: the array is one longer than the argument
    "_ZN5sound4beepEi": "sound::beep(int)",
    "_ZNK5sound4Tone5pitchEv": "sound::Tone::pitch() const",
    "_ZNO5sound4Tone4onceEv": "sound::Tone::once() &&",
    "_ZN5sound4ToneC1ERKS0_": "sound::Tone::Tone(sound::Tone const&)",
    "_ZN5sound4ToneD0Ev": "sound::Tone::~Tone()",
    "_ZN5sound4ToneaSEOS0_": "sound::Tone::operator=(sound::Tone&&)",
    "_ZNK5sound4TonecvPKcEv": "sound::Tone::operator char const*() const",
    "_ZN5sound4Tone5countE": "sound::Tone::count",
    "_ZN12_GLOBAL__N_16hiddenEv": "(anonymous namespace)::hidden()",
    "_Z4sortPFiPKvS0_E": "sort(int (*)(void const*, void const*))",
    "_Z4readPA3_A4_KcM1AFvvE": "read(char const (*) [3][4], void (A::*)())",
    "_Z3maxIiET_S0_S0_": "int max<int>(int, int)",
    "_ZN3BoxIPKcE2asIlEET_v": "long Box<char const*>::as<long>()",
    "_Z4callIJicEEvDpOT_": "void call<int, char>(int&&, char&&)",
    "_Z4callIJEEvDpT_": "void call<>()",
    "_ZN1AltIiEEbT_": "bool A::operator< <int>(int)",
    "_Z1gILb1ELj7ELin3ELc97EEvv": "void g<true, 7u, -3, (char)97>()",
    "_ZNSt6vectorIiSaIiEE9push_backERKi": (
        "std::vector<int, std::allocator<int>>::push_back(int const&)"
    ),
    "_ZNSs6appendEPKc": "std::string::append(char const*)",
    "_ZNSsC1Ev": (
        "std::basic_string<char, std::char_traits<char>, std::allocator<char>>::basic_string()"
    ),
    "_ZTV4Tone": "vtable for Tone",
    "_ZGVZ5localiE4once": "guard variable for local(int)::once",
    "_ZThn8_N7Derived5otherEv": "non-virtual thunk to Derived::other()",
    "_ZZ5localiENKUlicE0_clEic": "local(int)::{lambda(int, char)#2}::operator()(int, char) const",
    "_Z1fB3tagv": "f[abi:tag]()",
    "_Z1fv.part.0": "f() [clone .part.0]",
    "_Z1fv.isra.0.cold": "f() [clone .isra.0] [clone .cold]",
    # what is no name of C++, or broken off
    "": None,
    "_Z": None,
    "printk": None,
    "__Z1fv": None,
    "_Z1f": "f",
    "_Z2f": None,
    "_Z0v": None,
    "_ZN1aEvE": None,
    "_Z1fS_": None,
    "_Z1fT_": None,
    "_Z1fv@@V1": None,
    "_Z1f\u0661a": None,
    # the same part is another type in another function, or compilers disagree on what it is
    "_ZZ3anyvENKUlT_E_clIcEEDaS_": None,
    "_ZSt10__exchangeIiNSt8ios_baseUt_EET_RS2_OT0_": None,
    "_ZNUt_C2Ev": None,
}


@pytest.mark.parametrize("symbol", NAMES, ids=lambda each: each or "empty")
def test_a_symbol_has_this_name(symbol: str) -> None:
    """Or none, where another would be a guess."""
    assert NAMES[symbol] == cxx_name(symbol)


def test_what_nobody_would_read_has_no_name() -> None:
    """The longest symbol, the longest text."""
    longest = MAX_SYMBOL - len("_Z100") - len("v")
    name = "n" * longest
    assert cxx_name(f"_Z{longest}{name}v") == f"{name}()"
    assert cxx_name(f"_Z{longest + 1}{name}nv") is None
    half = "n" * (MAX_TEXT // 2 - len(" *") // 2 - 1)
    assert len(cxx_name(f"_Z1f{len(half[:450])}{half[:450]}S_") or "") == 905
    assert cxx_name(f"_Z1f{len(half[:450])}{half[:450]}S_S_") is None


def test_a_name_that_doubles_with_each_letter_ends() -> None:
    """Each function takes the one before twice: 2 ** 30 characters if they were all written."""
    numbers = ("", *"0123456789ABCDEFGHIJKLMNOPQRST")
    assert cxx_name(f"_Z1f1a{''.join(f'FvS{each}_S{each}_E' for each in numbers[:2])}") == (
        "f(a, void (a, a), void (void (a, a), void (a, a)))"
    )
    assert cxx_name(f"_Z1f1a{''.join(f'FvS{each}_S{each}_E' for each in numbers)}") is None


def test_nesting_takes_few_frames() -> None:
    """The interpreter allows for 1,000, most of which may be in use already."""
    before = sys.getrecursionlimit()
    depth = len(_frames())
    try:
        sys.setrecursionlimit(depth + 250)
        for deep in ("P" * 400 + "i", "1aI" * 120 + "i" + "E" * 120, "FPFPF" * 60, "DpPK" * 90):
            assert cxx_name(f"_Z1f{deep}") is None
        for deep in ("N1a" * 100, "ZN1a" * 100, "TvTvh0_" * 60, "NUl" * 100, "IJIJ" * 60):
            assert cxx_name(f"_Z{deep}") is None
    finally:
        sys.setrecursionlimit(before)
    assert cxx_name("_Z1fPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPi") == f"f(int{'*' * 30})"


def _frames() -> list[object]:
    frame, found = sys._getframe(), []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back  # type: ignore[assignment]  # None at the end
    return list(found)


def test_symbols_are_explained_where_they_come_first() -> None:
    """Names of C, of files and of what can't be read stay as they are."""
    known: set[str] = set()
    text = "'_Z1fv' and '_Z1fv', '_Z1gi' in 'a/_Z1hv', 'printk', '_Zz', no _Z1kv, __Z1lv, (_Z1mv)"
    assert explained(text, known) == (
        "'_Z1fv' [f()] and '_Z1fv', '_Z1gi' [g(int)] in 'a/_Z1hv', 'printk', '_Zz', "
        "no _Z1kv [k()], __Z1lv, (_Z1mv [m()])"
    )
    assert known == {"_Z1fv", "_Z1gi", "_Zz", "_Z1kv", "_Z1mv"}
    assert explained("'_Z1gi' 'it", known) == "'_Z1gi' 'it"
