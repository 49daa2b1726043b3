# SPDX-License-Identifier: Apache-2.0
"""What a bound or prelocated blob demands of its base: the symbols that it uses, where they were.

The digest covers names and addresses of used symbols only, so a base that was built again without
moving them still matches. docs/blob-format.md describes the bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

#: (name, address) of a symbol of the base; bit 0 of the address set for a Thumb function.
Used = tuple[str, int]


def digest(used: Iterable[Used]) -> bytes:
    """SHA-256 over each name, a zero byte and the address (8 bytes, low first), sorted by name."""
    rows = [
        name.encode("utf-8", "surrogateescape") + b"\0" + address.to_bytes(8, "little")
        for name, address in sorted(used)
    ]
    return hashlib.sha256(b"".join(rows)).digest()
