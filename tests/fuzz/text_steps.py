# SPDX-License-Identifier: Apache-2.0
"""Changes of text that leave lines and words whole most of the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.mutate import Step, mutated

#: What YAML takes for more than text.
YAML_WORDS = (
    *("- ", "? ", ": ", "{", "}", "[", "]", ", ", "|", ">", "|-", ">2", "---\n", "...\n", "# "),
    *("&a ", "*a ", "!!str ", "!!binary ", "!x ", "<<: *a\n", "~", "null", "yes", "'", '"', "%"),
    *(
        "\\x00",
        "\\ud800",
        "\t",
        "\r\n",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x00",
        "\x7f",
        "é",
        "\U0001f600",
    ),
    *("0x", "1e999", "-1", "0o17", "1_000", ".inf", "18446744073709551616", "64K", "9" * 30),
)


def replace_word(words: Sequence[str]) -> Step:
    """Another word in the place of one, or between two."""

    def step(data: bytearray, dice: Random) -> None:
        text = dice.choice(words).encode("utf-8", "surrogatepass")
        at = dice.randrange(len(data) + 1)
        data[at : at + dice.choice((0, 0, 1, len(text)))] = text

    return step


def _by_lines(change: Callable[[list[bytes], int, int], None]) -> Step:
    def step(data: bytearray, dice: Random) -> None:
        lines = bytes(data).split(b"\n")
        change(lines, dice.randrange(len(lines)), dice.randrange(len(lines)))
        data[:] = b"\n".join(lines)

    return step


def _repeat(lines: list[bytes], one: int, other: int) -> None:
    lines.insert(other, lines[one])


def _drop(lines: list[bytes], one: int, _: int) -> None:
    del lines[one]


def _swap(lines: list[bytes], one: int, other: int) -> None:
    lines[one], lines[other] = lines[other], lines[one]


def _indent(lines: list[bytes], one: int, other: int) -> None:
    lines[one] = b" " * (other % 9) + lines[one].lstrip(b" ")


#: Changes of lines.
LINE_STEPS: tuple[Step, ...] = tuple(_by_lines(each) for each in (_repeat, _drop, _swap, _indent))


def text_mutated(words: Sequence[str]) -> Callable[[bytes, Random], bytes]:
    """What makes other texts of one, with these words."""
    steps = (*LINE_STEPS, *[replace_word(words)] * len(LINE_STEPS))
    return lambda data, dice: mutated(data, dice, steps)
