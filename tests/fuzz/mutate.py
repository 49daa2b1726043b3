# SPDX-License-Identifier: Apache-2.0
"""Other inputs made of one, where nothing is known of its structure."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random

#: Numbers at which readers go wrong: ends of ranges, and reserved section indices.
NUMBERS = (
    *(0, 1, 2, 3, 4, 7, 8, 12, 15, 16, 24, 31, 32, 40, 63, 64, 100, 127, 128, 255, 256, 1000, 4096),
    *(0x7FFF, 0x8000, 0xFF00, 0xFFF0, 0xFFF1, 0xFFF2, 0xFFFE, 0xFFFF, 0x10000, 0x10001),
    *(0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFF0, 0xFFFFFFFC, 0xFFFFFFFF),
    *(1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1),
)
_LETTERS = ("B", "H", "I", "Q")

#: Puts something else into a copy of the input.
Step = Callable[[bytearray, Random], None]


def number(dice: Random, bits: int = 64) -> int:
    """A number of so many bits, one of `NUMBERS` or near one of them most of the time."""
    kind = dice.randrange(8)
    if kind == 0:
        value = dice.getrandbits(bits)
    elif kind == 1:
        value = dice.getrandbits(dice.randrange(1, bits + 1))
    else:
        value = dice.choice(NUMBERS)
        value += dice.choice((0, 0, 0, -1, 1))
    return value & (1 << bits) - 1


def mutated(data: bytes, dice: Random, steps: Sequence[Step] = ()) -> bytes:
    """The input with one to eight changes, by `STEPS` and by what else knows its structure."""
    changed = bytearray(data)
    for _ in range(1 << dice.randrange(4)):
        # what knows the structure gets deeper, so it comes first
        known = steps if steps and dice.randrange(4) else STEPS
        dice.choice(known)(changed, dice)
    return bytes(changed)


def spliced(first: bytes, second: bytes, dice: Random) -> bytes:
    """The beginning of one input and the end of another."""
    return first[: dice.randrange(len(first) + 1)] + second[dice.randrange(len(second) + 1) :]


def flip_bit(data: bytearray, dice: Random) -> None:
    """Another value of one bit."""
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def replace_number(data: bytearray, dice: Random) -> None:
    """Another number of one to eight bytes in either order."""
    letter = dice.choice(_LETTERS)
    size = struct.calcsize(f"={letter}")
    if len(data) >= size:
        at = dice.randrange(len(data) - size + 1)
        struct.pack_into(dice.choice("<>") + letter, data, at, number(dice, size * 8))


def add_to_number(data: bytearray, dice: Random) -> None:
    """A number that is a little larger or smaller."""
    letter = dice.choice(_LETTERS)
    form = struct.Struct(dice.choice("<>") + letter)
    if len(data) >= form.size:
        at = dice.randrange(len(data) - form.size + 1)
        value = form.unpack_from(data, at)[0] + dice.randrange(-16, 17)
        form.pack_into(data, at, value & (1 << form.size * 8) - 1)


def remove_part(data: bytearray, dice: Random) -> None:
    """Some bytes fewer."""
    start, end = _part(data, dice)
    del data[start:end]


def repeat_part(data: bytearray, dice: Random) -> None:
    """Some bytes once more, somewhere."""
    start, end = _part(data, dice)
    at = dice.randrange(len(data) + 1)
    data[at:at] = data[start:end]


def copy_part(data: bytearray, dice: Random) -> None:
    """Some bytes over others."""
    start, end = _part(data, dice)
    at = dice.randrange(len(data) + 1)
    part = data[start:end]
    data[at : at + len(part)] = part


def insert_bytes(data: bytearray, dice: Random) -> None:
    """Some bytes more, at random."""
    at = dice.randrange(len(data) + 1)
    data[at:at] = dice.randbytes(dice.randrange(1, 9))


def cut(data: bytearray, dice: Random) -> None:
    """Without the end."""
    if not dice.randrange(4):
        del data[dice.randrange(len(data) + 1) :]


#: Changes of bytes that mean nothing.
STEPS: tuple[Step, ...] = (
    *(flip_bit, replace_number, replace_number, add_to_number),
    *(remove_part, repeat_part, copy_part, insert_bytes, cut),
)


def _part(data: bytearray, dice: Random) -> tuple[int, int]:
    start = dice.randrange(len(data) + 1)
    longest = min(len(data) - start, 1 << dice.randrange(1, 8))
    return start, start + dice.randint(0, longest)
