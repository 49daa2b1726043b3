# SPDX-License-Identifier: Apache-2.0
"""Notes of blobs, made by hand from docs/blob-format.md; nothing of the product is used."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from . import elfbuild
from .elfbuild import Sec

NOTE = 7


def digest(symbols: Sequence[tuple[bytes, int]]) -> bytes:
    """The identity of a blob that uses these symbols."""
    content = b"".join(name + b"\0" + address.to_bytes(8, "little") for name, address in symbols)
    return hashlib.sha256(content).digest()


def note(
    symbols: Sequence[tuple[bytes, int]],
    *,
    bits: int = 32,
    little: bool = True,
    version: int = 1,
    mode: int = 1,
    count: int | None = None,
    identity: bytes | None = None,
    tail: bytes = b"",
    owner: bytes = b"west-llext\0",
) -> bytes:
    """A section `.note`; what isn't given is as it should be."""
    order, word = "<" if little else ">", "I" if bits == 32 else "Q"
    content = struct.pack(f"{order}III", version, mode, len(symbols) if count is None else count)
    content += digest(symbols) if identity is None else identity
    offset = 0
    for name, address in symbols:
        content += struct.pack(order + word * 2, address, offset)
        offset += len(name) + 1
    content += b"".join(name + b"\0" for name, _ in symbols) + tail
    head = struct.pack(f"{order}III", len(owner), len(content), 1)
    return head + owner + bytes(-len(owner) % 4) + content + bytes(-len(content) % 4)


def blob(section: bytes, *, bits: int = 32, little: bool = True) -> bytes:
    """An ELF file with this note in it."""
    return elfbuild.elf(
        bits=bits,
        little=little,
        sections=[Sec(name=".note", type=NOTE, flags=0, content=section)],
    )
