# SPDX-License-Identifier: Apache-2.0
"""Which of a compiler's flags aren't for users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from west_llext.model.options import options

#: Options that decide what is made and where, which the plan decides, with how to say it
_OURS = {
    "-c": "whether to link",
    "-S": "what is made",
    "-E": "what is made",
    "-o": "where objects go",
    "-M": "how headers are tracked",
    "-MM": "how headers are tracked",
    "-MD": "how headers are tracked",
    "-MMD": "how headers are tracked",
    "-MF": "how headers are tracked",
    "-MT": "how headers are tracked",
    "-MQ": "how headers are tracked",
    "-MJ": "how headers are tracked",
    "-MG": "how headers are tracked",
    "-MP": "how headers are tracked",
    "-x": "which language a source has",
    "-save-temps": "where files go",
    "-pass-exit-codes": "how results are read",
    "-fsyntax-only": "what is made",
    "-###": "what is made",
    "-shared": "whether to link",
    "-r": "whether to link",
}


def misplaced(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Flags that nobody but the plan may give: the word and what it would decide."""
    for option in options(words):
        word = option[0]
        if word in _OURS:
            yield word, _OURS[word]
        elif word.startswith(("-o", "-MF", "-MT", "-MQ", "-save-temps=", "--output")):
            yield word, "where files go"
        elif word.startswith("@"):
            yield word, "further flags out of sight"
        elif not word.startswith("-"):
            yield word, "which files are compiled"
        elif any(bad in each for each in option for bad in "\n\r\0"):
            yield word, "more than one line"
