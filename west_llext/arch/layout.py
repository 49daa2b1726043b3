# SPDX-License-Identifier: Apache-2.0
"""Instruction fields, written as the ISA manuals draw them.

A drawing lists the bits of a word from the most significant to the least: `10:5` puts bits 10 to 5
of the value there, `11` puts bit 11, `_13` leaves 13 bits alone. Everything else (mask, range,
alignment, encoder, decoder) follows from the drawing, so that no two of them can disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from functools import lru_cache

from west_llext.record import record

#: A change of the value, for fields that an ISA stores in a disguised form.
Twist = Callable[[int], int]

#: Words whose values are kept: an assembler leaves the same few in most places.
_KEPT = 256

#: Value bit of the lowest, ones for the bits, word bit of the lowest.
_Field = tuple[int, int, int]


@record(frozen=True, slots=True, eq=False)
class Layout:
    """How a value lies in a word.

    drawing: the text that it was made from
    bits: bits of the word
    mask: word bits that belong to the value
    low: lowest value bit that is stored; the bits below must be zero
    top: highest value bit that is stored; the sign bit of signed values
    insert: (word, value) to the word with the value's bits in place; no other bit changes, higher
        value bits are lost
    extract: word to the value in it, without sign
    """

    drawing: str
    bits: int
    mask: int
    low: int
    top: int
    insert: Callable[[int, int], int] = field(repr=False)
    extract: Callable[[int], int] = field(repr=False)

    @property
    def alignment(self) -> int:
        """The value must be a multiple of this."""
        return 1 << self.low

    @property
    def signed_range(self) -> tuple[int, int]:
        """Half-open range of two's complement values."""
        return -(1 << self.top), 1 << self.top

    @property
    def unsigned_range(self) -> tuple[int, int]:
        """Half-open range of values without sign."""
        return 0, 1 << (self.top + 1)

    def extract_signed(self, word: int) -> int:
        """The value in `word`, with bit `top` as its sign."""
        value = self.extract(word)
        return value - ((value >> self.top) << (self.top + 1))


def layout(
    drawing: str,
    twist: Twist | None = None,
    untwist: Twist | None = None,
    twisted: int | None = None,
) -> Layout:
    """The layout that a drawing describes.

    twist: makes of a value what is stored; untwist: the way back, `twist` itself by default
    twisted: lowest of few value bits that `twist` looks at and changes, where it leaves those below
        alone: what becomes of them is looked up then
    Raises ValueError where the drawing can't be right: a value bit twice, a gap between the
    highest and the lowest value bit, or a word that isn't 8, 16, 24, 32 or 64 bits.
    """
    fields: list[_Field] = []
    seen = 0
    parts = [_token(text) for text in drawing.split()]
    bits = word_bit = sum(width for width, _ in parts)
    for width, low in parts:
        word_bit -= width
        if low is None:
            continue
        mask = (1 << width) - 1
        if seen & (mask << low):
            raise ValueError(f"layout '{drawing}' has a value bit twice")
        seen |= mask << low
        fields.append((low, mask, word_bit))
    _check_drawing(drawing, bits, seen)
    mask = sum(mask << word_bit for _, mask, word_bit in fields)
    return Layout(
        drawing=drawing,
        bits=bits,
        mask=mask,
        low=(seen & -seen).bit_length() - 1,
        top=seen.bit_length() - 1,
        insert=_inserter(fields, mask, twist, twisted),
        extract=_extractor(fields, (1 << seen.bit_length()) - 1, untwist or twist),
    )


# A link spends most of its time in these two, so the loop over the fields is unrolled into one
# expression. Its text consists of integers that were just computed, and nothing else; what changes
# the value is called inside of it, because a function around it would be one call more.
def _inserter(
    fields: Sequence[_Field], mask: int, twist: Twist | None, twisted: int | None = None
) -> Callable[[int, int], int]:
    below = [each for each in fields if twisted is None or each[0] < twisted]
    parts = [f"(value >> {low} & {ones}) << {bit}" for low, ones, bit in below]
    upper: list[int] = []
    if twist is not None and twisted is not None:
        upper = _upper(fields, twist, twisted)
        parts.append(f"upper[value >> {twisted} & {len(upper) - 1}]")
    elif twist is not None:
        parts[0] = parts[0].replace("value", "(value := twist(value))")
    text = f"lambda word, value: word & ~{mask} | {' | '.join(parts)}"
    insert: Callable[[int, int], int] = eval(text, {"twist": twist, "upper": upper})  # noqa: S307 (see above)
    return insert


def _upper(fields: Sequence[_Field], twist: Twist, twisted: int) -> list[int]:
    # by the value bits from `twisted` on, what becomes of them
    above = [each for each in fields if each[0] >= twisted]
    top = max(low + ones.bit_length() for low, ones, _ in above)
    insert = _inserter(above, 0, twist)
    return [insert(0, bits << twisted) for bits in range(1 << top - twisted)]


def _extractor(fields: Sequence[_Field], limit: int, twist: Twist | None) -> Callable[[int], int]:
    parts = [f"(word >> {bit} & {ones}) << {low}" for low, ones, bit in fields]
    extract: Callable[[int], int] = eval(f"lambda word: {' | '.join(parts)}", {})  # noqa: S307 (see above)
    if twist is None:
        # one shift costs less than looking it up
        return extract if len(parts) == 1 else lru_cache(_KEPT)(extract)
    return lru_cache(_KEPT)(lambda word: twist(extract(word)) & limit)


def _token(text: str) -> tuple[int, int | None]:
    # (width, lowest value bit); None for bits that are left alone
    if text.startswith("_"):
        return int(text[1:]), None
    high, _, low = text.partition(":")
    bottom = int(low or high)
    return int(high) - bottom + 1, bottom


def _check_drawing(drawing: str, bits: int, seen: int) -> None:
    if bits not in (8, 16, 24, 32, 64):
        raise ValueError(f"layout '{drawing}' has {bits} bits")
    run = seen // (seen & -seen) if seen else 0
    if not run or run & (run + 1):
        raise ValueError(f"layout '{drawing}' leaves out a value bit")
