# SPDX-License-Identifier: Apache-2.0
"""Symbol link identifiers: what stands for names where the base looks symbols up by number."""

from __future__ import annotations

import hashlib


def slid(name: str, size: int) -> int:
    """The SLID of a name, for pointers of `size` bytes.

    The first bytes of the name's SHA-256, the most significant first
    (scripts/build/llext_slidlib.py of Zephyr).
    """
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:size], "big")


def shown(number: int, size: int) -> str:
    """A SLID as Zephyr's scripts print it; `size` is that of a pointer in bytes."""
    return f"0x{number:0{2 * size}X}"
