# SPDX-License-Identifier: Apache-2.0
"""What binutils' c++filt calls symbols, and where there are thousands of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping

#: Symbols of C++, as they stand in string tables of ELF files: ended by a zero byte.
_SYMBOL = re.compile(rb"(?<![\w.$])_Z[\w.$]+(?=\0)")


def symbols(data: bytes) -> list[str]:
    """The symbols of C++ in a file of any kind, sorted."""
    return sorted(each.decode("ascii") for each in set(_SYMBOL.findall(data)))


def oracle(program: str, names: Iterable[str]) -> Mapping[str, str]:
    """The names that c++filt reads, each with its text.

    `-i`: `std::string` and the like are not written out. Its spaces between closing brackets are
    those of C++98, and it leaves the comma of a parameter pack that is empty.
    """
    listed = list(names)
    done = subprocess.run(
        [program, "-i"], input="\n".join(listed), check=True, capture_output=True, text=True
    )
    found = dict(zip(listed, done.stdout.split("\n"), strict=True))
    return {name: _modern(text) for name, text in found.items() if name != text}


def _modern(text: str) -> str:
    while "> >" in text:
        text = text.replace("> >", ">>")
    return re.sub(r"([<(,]) ?, ", lambda match: match[1].replace(",", ", "), text)
