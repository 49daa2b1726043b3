# SPDX-License-Identifier: Apache-2.0
"""YAML of other programs as plain values."""

from __future__ import annotations

import pytest

from west_llext.diagnostics import LlextError
from west_llext.manifest.plain import plain


def test_text_lists_and_mappings_are_all_there_is() -> None:
    """What a value means is up to the reader."""
    text = b"a: 1\nb: [yes, ~, '2']\nc: {d: 0x10, e: }\nf: !!python/object:os.system x\n"
    assert plain(text, "x.yml") == {
        "a": "1",
        "b": ["yes", "~", "2"],
        "c": {"d": "0x10", "e": ""},
        "f": "x",
    }


def test_the_last_of_two_values_counts() -> None:
    """As in every reader that keeps one; nobody is going to correct what a program wrote."""
    assert plain(b"a: 1\na: 2\n", "x.yml") == {"a": "2"}


def test_keys_that_are_no_text_are_left_out() -> None:
    """Nobody can ask for them."""
    assert plain(b"? [a, b]\n: 1\nc: 2\n", "x.yml") == {"c": "2"}


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("x.yml: error[M004]: there is nothing in the file, expected a YAML document", b""),
        ("x.yml:1:4: error[M002]: byte 0xff isn't UTF-8 text\nhint: save it as UTF-8", b"a: \xff"),
    ],
)
def test_what_can_not_be_read(expected: str, text: bytes) -> None:
    """In the words that manifests have for it."""
    with pytest.raises(LlextError) as caught:
        plain(text, "x.yml")
    assert str(caught.value) == expected


def test_bombs_do_not_go_off() -> None:
    """Aliases of aliases, nesting: the limits of manifests."""
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefg", "bcdefgh", strict=True)
    )
    for text in (laughs, "[" * 100 + "]" * 100, "a: &a [*a]\n"):
        with pytest.raises(LlextError):
            plain(text.encode(), "x.yml")
