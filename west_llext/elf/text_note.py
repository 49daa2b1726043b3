# SPDX-License-Identifier: Apache-2.0
"""Notes of lines such as `ABI=1`, in which Xtensa tools say what code was built for."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from west_llext.arch.attributes import TextNote


def text_note(content: bytes, form: TextNote, order: str) -> Mapping[int, int]:
    """Number of a key to value, from the bytes of the section; the first note counts.

    Keys that nobody asks for and values that are no numbers are left out. Raises ValueError.
    """
    if len(content) < 12:
        raise ValueError("ends inside a note at 0x0")
    name_size, size, _ = struct.unpack_from(order + "III", content)
    start = 12 + (name_size + 3 & -4)
    if start + size > len(content):
        raise ValueError(f"has a note of {size} bytes at 0x0, which ends behind it")
    if content[12 : 12 + name_size].rstrip(b"\0") != form.owner:
        return {}
    found: dict[int, int] = {}
    for line in content[start : start + size].split(b"\0", 1)[0].split(b"\n"):
        key, _, value = line.partition(b"=")
        number = form.keys.get(key)
        if number is not None and value.isdigit() and len(value) < 10:
            found[number] = int(value)
    return found
