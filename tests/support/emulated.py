# SPDX-License-Identifier: Apache-2.0
"""Targets with code that is written out by hand, instruction by instruction."""

from __future__ import annotations

from collections.abc import Collection

from west_llext.emulate.image import Chunk, Function, Image
from west_llext.emulate.limits import Limits
from west_llext.emulate.memory import Access
from west_llext.emulate.target import Target
from west_llext.model.elf import Ident

ARM = Ident(machine=40, bits=32, little=True, flags=0x05000000)
CORTEX_M3 = {5: "Cortex-M3"}

#: Where `image` puts code and data.
CODE = 0x00010000
DATA = 0x20000000
DATA_SIZE = 0x1000

_READ_EXECUTE = Access.READ | Access.EXECUTE
_READ_WRITE = Access.READ | Access.WRITE


def thumb(*halfwords: int) -> bytes:
    """Instructions, as the architecture's manual prints them."""
    return b"".join(each.to_bytes(2, "little") for each in halfwords)


def image(
    code: bytes,
    *,
    name: str = "demo",
    address: int = CODE,
    data: bytes | None = b"",
    constructors: tuple[int, ...] = (),
) -> Image:
    """Code at `address`, exported as the Thumb function `entry`, and a page of data."""
    chunks = [Chunk(".text", address, len(code), code, _READ_EXECUTE)]
    if data is not None:
        chunks.append(Chunk(".data", DATA, DATA_SIZE, data, _READ_WRITE))
    return Image(
        name=name,
        file=f"{name}.llext",
        ident=ARM,
        chunks=tuple(chunks),
        exports={"entry": address | 1},
        functions=(Function(address | 1, len(code), "entry"),),
        constructors=constructors,
    )


def target(*images: Image, limits: Limits | None = None, replace: Collection[str] = ()) -> Target:
    """A Cortex-M3 with these images."""
    made = Target(ident=ARM, attributes=CORTEX_M3, limits=limits, replace=replace)
    for each in images:
        made.load(each)
    return made
