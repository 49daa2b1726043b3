# SPDX-License-Identifier: Apache-2.0
"""printf's conversions (C17, 7.21.6.1), on arguments that come from a target.

The format and every argument may be hostile: widths, precisions and the whole text are bounded,
and `%n` writes nothing. Texts hold a character per byte of the target, U+0000 to U+00FF.
"""

from __future__ import annotations

import math
import re
from typing import Protocol

#: Largest width or precision that is honoured.
MAX_FIELD = 1024
#: Longest text that one call makes.
MAX_TEXT = 1 << 16

_CONVERSION = re.compile(
    r"%(?P<flags>[-+ #0]*)(?P<width>\*|\d*)(?:\.(?P<precision>\*|\d*))?"
    r"(?P<length>hh|h|ll|l|j|z|t|L|)(?P<letter>.)",
    re.DOTALL,
)
_LONG = {"ll", "j", "L"}
_NARROW = {"hh": 8, "h": 16}


class Arguments(Protocol):
    """The arguments of a call, taken one after the other."""

    def word(self) -> int:
        """An argument of a register's size, unsigned."""

    def long_long(self) -> int:
        """An argument of 64 bits, unsigned."""

    def double(self) -> float:
        """An argument of type double."""

    def text(self, limit: int) -> str:
        """A pointer to a zero-terminated text: the text, at most so many bytes of it."""

    @property
    def word_bits(self) -> int:
        """Bits of a register."""


def formatted(text: str, arguments: Arguments) -> str:
    """`text` with its conversions replaced; what isn't a conversion stays as it is."""
    parts = []
    length = offset = 0
    for match in _CONVERSION.finditer(text):
        parts += [text[offset : match.start()], _conversion(match, arguments)]
        offset = match.end()
        length += len(parts[-1]) + len(parts[-2])
        if length > MAX_TEXT:
            break
    else:
        parts.append(text[offset:])
    return "".join(parts)[:MAX_TEXT]


def _conversion(match: re.Match[str], arguments: Arguments) -> str:
    flags, letter = match["flags"], match["letter"]
    if letter == "%":
        return "%"
    width = _field(match["width"], arguments) or 0
    precision = _field(match["precision"], arguments)
    if width < 0:
        flags, width = flags + "-", -width
    if precision is not None and precision < 0:
        precision = None
    zeros = False
    match letter:
        case "d" | "i" | "u" | "o" | "x" | "X":
            body = _integer(letter, flags, precision, _value(match["length"], letter, arguments))
            zeros = precision is None
        case "e" | "E" | "f" | "F" | "g" | "G" | "a" | "A":
            number = arguments.double()
            body = _real(letter, flags, precision, number)
            zeros = math.isfinite(number)
        case "c":
            body = chr(arguments.word() & 0xFF)
        case "s":
            body = arguments.text(MAX_TEXT if precision is None else precision)
        case "p":
            body = f"0x{arguments.word():x}"
        case "n":
            arguments.word()
            body = ""
        case _:
            return match[0]
    return _padded(body, flags, width, zeros=zeros)


def _field(text: str | None, arguments: Arguments) -> int | None:
    # A width or precision: None where there is none; a precision without digits is 0.
    if text is None:
        return None
    given = text == "*"
    number = _signed(arguments.word() & 0xFFFFFFFF, 32) if given else int(text[:8] or "0")
    return max(-MAX_FIELD, min(MAX_FIELD, number))


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) & 1 else number


def _value(length: str, letter: str, arguments: Arguments) -> int:
    if length in _LONG:
        number, bits = arguments.long_long(), 64
    elif length in {"l", "z", "t"}:
        number, bits = arguments.word(), arguments.word_bits
    else:
        bits = _NARROW.get(length, 32)
        number = arguments.word() & ((1 << bits) - 1)
    return _signed(number, bits) if letter in "di" else number


def _integer(letter: str, flags: str, precision: int | None, number: int) -> str:
    digits = format(abs(number), {"i": "d", "u": "d"}.get(letter, letter))
    if precision is not None:
        digits = digits.rjust(precision, "0") if number or precision else ""
    if "#" in flags and number:
        digits = {"o": "0", "x": "0x", "X": "0X"}.get(letter, "") + digits
    return _sign(flags, letter, negative=number < 0) + digits


def _real(letter: str, flags: str, precision: int | None, number: float) -> str:
    negative = str(number).startswith("-")
    if letter in "aA":
        body = abs(number).hex()
        body = body.upper() if letter == "A" else body
    else:
        alternate = "#" if "#" in flags else ""
        digits = 6 if precision is None else min(precision, 100)
        body = format(abs(number), f"{alternate}.{digits}{letter}")
    return _sign(flags, "d", negative=negative) + body


def _sign(flags: str, letter: str, *, negative: bool) -> str:
    if letter not in "di":
        return ""
    if negative:
        return "-"
    return "+" if "+" in flags else " " if " " in flags else ""


def _padded(body: str, flags: str, width: int, *, zeros: bool) -> str:
    if "-" in flags:
        return body.ljust(width)
    if "0" in flags and zeros:
        prefix = re.match(r"[-+ ]?(?:0[xX])?", body)
        start = prefix.end() if prefix else 0
        return body[:start] + body[start:].rjust(width - start, "0")
    return body.rjust(width)
