# SPDX-License-Identifier: Apache-2.0
"""The note that says which base a blob was made for; the loader skips it.

docs/blob-format.md describes its bytes.
"""

from __future__ import annotations

import struct
from itertools import accumulate

from west_llext.model.link import Linked
from west_llext.model.manifest import Mode

NOTE_SECTION = ".note"
NOTE_OWNER = b"west-llext\0\0"  # n_namesz is 11; padded to 4 bytes
NOTE_TYPE = 1
NOTE_VERSION = 1

#: Code of the mode in the note.
MODE_NUMBERS = {Mode.BOUND: 1, Mode.PRELOCATED: 2}


def note(linked: Linked) -> bytes:
    """A note section: identity digest, and every symbol of the base that is used.

    Descriptor: version, mode, number of symbols (32 bits each), digest (32 bytes), then for each
    symbol, sorted by name, its address (a word of the class) and the offset of its name (32 bits;
    64 in ELF64) in the names that follow, each ended by a zero.
    """
    used = sorted(
        [
            (name, address)
            for name, provider, address, _, _ in linked.imports
            if provider is None and address is not None
        ]
    )
    order, word = linked.ident.order, "I" if linked.ident.bits == 32 else "Q"
    names = [name.encode("utf-8", "surrogateescape") + b"\0" for name, _ in used]
    offsets = accumulate(map(len, names), initial=0)
    rows: list[int] = []
    for (_, address), offset in zip(used, offsets, strict=False):
        rows += (address, offset)
    head = struct.pack(order + "III", NOTE_VERSION, MODE_NUMBERS[linked.mode], len(used))
    table = struct.pack(order + word * len(rows), *rows)
    description = head + bytes.fromhex(linked.identity or "") + table + b"".join(names)
    padding = bytes(-len(description) % 4)
    return (
        struct.pack(order + "III", 11, len(description), NOTE_TYPE)
        + NOTE_OWNER
        + description
        + padding
    )
