# SPDX-License-Identifier: Apache-2.0
"""Unix archives with a symbol index, as `ar` makes them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from west_llext.elf.read import object_file


def archive(members: Sequence[tuple[str, bytes]]) -> bytes:
    """An archive in GNU's form of members with short names."""
    symbols = [
        (symbol.name, number)
        for number, (name, data) in enumerate(members)
        for symbol in object_file(data, name).symbols
        if symbol.binding and symbol.section
    ]
    names = b"".join(name.encode() + b"\0" for name, _ in symbols)
    size = 4 + 4 * len(symbols) + len(names)
    offsets = []
    offset = 8 + 60 + size + size % 2
    for _, data in members:
        offsets.append(offset)
        offset += 60 + len(data) + len(data) % 2
    index = struct.pack(f">{1 + len(symbols)}I", len(symbols), *(offsets[n] for _, n in symbols))
    return b"!<arch>\n" + b"".join(
        _member(name, data) for name, data in [("/", index + names), *members]
    )


def _member(name: str, data: bytes) -> bytes:
    label = name if name.endswith("/") else f"{name}/"
    head = f"{label:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{len(data):<10}`\n".encode()
    return head + data + b"\n" * (len(data) % 2)
