# SPDX-License-Identifier: Apache-2.0
"""Names of real symbols, held against binutils' c++filt: an equal name, or none."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support import cross
from support.cxxfilt import oracle, symbols

from west_llext.cxx.names import MAX_SYMBOL, cxx_name
from west_llext.cxx.types import MAX_TEXT

pytestmark = pytest.mark.cross

FEATURES = Path(__file__).with_name("features.cpp")
HOST_LIBRARIES = (
    *("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/lib/aarch64-linux-gnu/libstdc++.so.6"),
    *("/usr/lib64/libstdc++.so.6", "/usr/lib/libstdc++.so.6"),
)
#: Instances of what programs use most; zig's headers of libc++ make two thousand functions of it.
LIBRARY = """\
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>
template class std::vector<int>;
template class std::map<int, std::string>;
template class std::function<int(char, long)>;
int all(std::vector<std::string> &list, std::function<bool(const std::string &)> good)
{
	std::sort(list.begin(), list.end(), [&](auto const &a, auto const &b) { return good(a + b); });
	std::variant<int, std::string> either = "a";
	std::optional<std::tuple<int, char>> maybe{{1, 'c'}};
	std::visit([](auto &&) {}, either);
	return int(std::make_shared<std::array<long, 3>>()->size()) + std::get<0>(*maybe);
}
"""


def compared(expected: Mapping[str, str]) -> float:
    """The share of names that were read; nothing else than the expected may be read."""
    found = {name: cxx_name(name) for name in expected}
    wrong = {name: (found[name], text) for name, text in expected.items() if found[name] != text}
    assert {name: pair for name, pair in wrong.items() if pair[0] is not None} == {}
    return 1 - len(wrong) / len(expected)


def _gcc(folder: Path, *flags: str) -> bytes:
    text = FEATURES.read_text(encoding="utf-8")
    return cross.gcc(folder, text, *flags, name="features.cpp").read_bytes()


def _zig(folder: Path, *flags: str) -> bytes:
    text = FEATURES.read_text(encoding="utf-8")
    target = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3")
    return cross.zig(folder, text, *target, *flags, name="features.cpp").read_bytes()


@pytest.mark.parametrize("standard", ["-std=c++14", "-std=c++20"])
@pytest.mark.parametrize(
    "compiled", [_gcc, pytest.param(_zig, marks=pytest.mark.zig)], ids=["gcc", "zig"]
)
def test_everything_that_extensions_are_written_in_is_read(
    compiled: Callable[..., bytes], standard: str, tmp_path: Path
) -> None:
    """Two compilers, which mangle alike but for lambdas; `features.cpp` has every form once."""
    names = symbols(compiled(tmp_path, "-O0", standard, "-frtti"))
    expected = oracle(cross.tool("c++filt"), names)
    assert len(expected) > 200
    assert compared(expected) == 1


@pytest.mark.zig
def test_most_of_what_the_standard_library_is_made_of_is_read(tmp_path: Path) -> None:
    """libc++; what is left has expressions in it, or is too long for anybody to read.

    Without tags of its ABI: binutils 2.40 takes a constructor with one for a function.
    """
    flags = ("-target", "arm-linux-musleabi", "-std=c++20", "-O0", "-D_LIBCPP_NO_ABI_TAG", "-lc++")
    made = cross.zig(tmp_path, LIBRARY, *flags, name="library.cpp")
    expected = oracle(cross.tool("c++filt"), symbols(made.read_bytes()))
    readable = {name: text for name, text in expected.items() if _is_short(name, text)}
    assert len(readable) > 1000
    assert len(readable) / len(expected) > 0.95
    assert compared(readable) > 0.95
    assert compared(expected) > 0.93


def test_the_standard_library_of_the_host_is_read() -> None:
    """libstdc++ of gcc, as shared object: 5,000 symbols and more."""
    path = next((Path(each) for each in HOST_LIBRARIES if Path(each).exists()), None)
    if path is None:
        pytest.skip("needs libstdc++.so.6: install gcc's C++ library")
    expected = oracle(cross.tool("c++filt"), symbols(path.read_bytes()))
    assert len(expected) > 4000
    assert compared(expected) > 0.99


def test_the_standard_library_as_archive_is_read() -> None:
    """Of a compiler for Arm, or of the host: with what is local to it, thousands of symbols."""
    path = next(_archives(), None)
    if path is None:
        pytest.skip("needs libstdc++.a: install g++")
    expected = oracle(cross.tool("c++filt"), symbols(path.read_bytes()))
    assert len(expected) > 5_000
    assert compared(expected) > 0.98


def _archives() -> Iterator[Path]:
    for name in ("arm-none-eabi-g++", "g++"):
        if shutil.which(name) is not None:
            words = [name, "-print-file-name=libstdc++.a"]
            done = subprocess.run(words, check=True, capture_output=True, text=True)
            path = Path(done.stdout.strip())
            if path.is_absolute():
                yield path


def _is_short(name: str, text: str) -> bool:
    return len(name) <= MAX_SYMBOL and len(text) <= MAX_TEXT
