# SPDX-License-Identifier: Apache-2.0
"""The note of a blob: the bytes of the section alone. The first byte chooses class and order."""

from __future__ import annotations

from tests.fuzz.mutate import mutated
from tests.fuzz.target import Target, attempt
from tests.support import notes
from west_llext.elf.note import note
from west_llext.elf.read import object_file

_USED = ((b"gr\xc3\xb6\xc3\x9fe", 0x20000000), (b"memcpy", 0x1021), (b"printk", 0x1001))


def _form(number: int) -> tuple[int, bool]:
    # class and byte order
    return (32, 64)[number & 1], not number & 2


def seeds() -> dict[str, bytes]:
    """Notes of both classes and byte orders, with symbols and without."""
    found = {}
    for number in range(4):
        bits, little = _form(number)
        for used in ((), sorted(_USED)):
            content = notes.note(used, bits=bits, little=little)
            found[f"{number} with {len(used)}"] = bytes([number]) + content
    return found


def run(data: bytes) -> bool:
    """Read the note."""
    bits, little = _form(data[0] if data else 0)
    blob = object_file(notes.blob(data[1:], bits=bits, little=little), "a.llext")
    found = attempt(lambda: note(blob), ["I003", "I004"])
    if found is None:
        return False
    assert list(found.symbols) == sorted(found.symbols)
    return True


TARGET = Target(name="note", seeds=seeds, run=run, mutate=mutated, longest=1 << 12)
