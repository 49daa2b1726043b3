# SPDX-License-Identifier: Apache-2.0
"""Compiler flags in gcc's spelling: which words belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

#: Options whose value is the next word where it isn't part of the same one
_TAKES_WORD = frozenset({
    "-A", "-B", "-D", "-I", "-L", "-T", "-U", "-Xassembler", "-Xclang", "-Xlinker",
    "-Xpreprocessor", "-arch", "-idirafter", "-imacros", "-imultilib", "-include", "-iprefix",
    "-iquote", "-isysroot", "-isystem", "-iwithprefix", "-iwithprefixbefore", "-mllvm", "-target",
    "-u", "-x", "--param", "--sysroot", "-o", "-MF", "-MT", "-MQ", "-MJ", "-z", "-aux-info",
    "-wrapper", "-specs", "--specs",
})  # fmt: skip


def options(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The options of a flag list, each with the words that belong to it."""
    index = 0
    while index < len(words):
        width = 2 if words[index] in _TAKES_WORD and index + 1 < len(words) else 1
        yield tuple(words[index : index + width])
        index += width
