# SPDX-License-Identifier: Apache-2.0
"""How messages show what somebody wrote, and what they may have meant."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from heapq import nlargest

#: Unknown names for which names that look alike are searched: where there are more, something else
#: is wrong than spelling, and each search looks at every name.
MAX_SUGGESTED = 20

_MAX_SHOWN = 60
# difflib takes its time; of many words only those are compared that share most pairs of letters
_MAX_COMPARED = 20
# letters that make the beginning of a word mean it
_MIN_PREFIX = 3
# how people write sizes (64 KiB) and symbols (&name, name())
_SIZE = r"([0-9]+) ?([KMGkmg])i?[Bb]?"
_REFERENCE = r"&?([A-Za-z_][A-Za-z0-9_]*)(?:\(\))?;?"


def shown(text: str) -> str:
    """The text as a message can hold it: on one line, printable, not too long."""
    if len(text) > _MAX_SHOWN:
        text = text[: _MAX_SHOWN - 3] + "..."
    return text if text.isprintable() else "".join(escaped(each) for each in text)


def escaped(character: str) -> str:
    """A character as it is, or as an escape of YAML (and Python) where it isn't printable."""
    number = ord(character)
    if character.isprintable():
        return character
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`, or None where none is close."""
    from difflib import get_close_matches  # noqa: PLC0415  # only where something is wrong

    if len(word) > _MAX_SHOWN:
        return None
    folded: dict[str, str] = {}
    for each in known:
        folded.setdefault(_folded(each), each)
    word = _folded(word)
    likely = list(folded)
    if len(likely) > _MAX_COMPARED:
        pairs = _pairs(word)
        likely = nlargest(_MAX_COMPARED, likely, key=lambda each: len(pairs & _pairs(each)))
    for each in likely:
        if len(each) == len(word) and sorted(each) == sorted(word):
            return folded[each]
    begun = [each for each in folded if each.startswith(word)]
    if len(begun) == 1 and len(word) >= _MIN_PREFIX:
        return folded[begun[0]]
    match = get_close_matches(word, likely, n=1)
    return folded[match[0]] if match else None


def repairs(text: str) -> Iterator[str]:
    """What may have been meant by text that has the wrong form; the likeliest first."""
    if len(text) > _MAX_SHOWN:
        return
    yield text.strip()
    if size := re.fullmatch(_SIZE, text):
        yield size[1] + size[2].upper()
    if reference := re.fullmatch(_REFERENCE, text):
        yield reference[1]
    yield text.replace("-", "_")
    yield text.replace(" ", "-")


def alternatives(words: Iterable[str]) -> str:
    """`one of 'a', 'b'`, or the one word in quotes."""
    quoted = [f"'{each}'" for each in words]
    return quoted[0] if len(quoted) == 1 else "one of " + ", ".join(quoted)


def _folded(word: str) -> str:
    return word.lower().replace("_", "-")


@functools.lru_cache(maxsize=4096)
def _pairs(word: str) -> frozenset[str]:
    return frozenset(word[at : at + 2] for at in range(len(word) - 1))
