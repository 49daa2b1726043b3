# SPDX-License-Identifier: Apache-2.0
"""What lies at an address of a target: image, section, function."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from west_llext.emulate.faults import Place
from west_llext.emulate.image import Function, Image


def place(images: Sequence[Image], address: int, state_mask: int) -> Place | None:
    """Where in the images an address is, or None.

    `state_mask` has the bits of function addresses that don't count.
    """
    for image in reversed(images):  # the ones in memory that others lend come later
        for chunk in image.chunks:
            if not chunk.address <= address < chunk.end:
                continue
            function = _function(image, address, state_mask)
            if function is not None and function.address & ~state_mask >= chunk.address:
                offset = address - (function.address & ~state_mask)
                return Place(
                    image=image.name,
                    chunk=chunk.name,
                    function=function.name,
                    offset=offset,
                    line=image.lines(address),
                )
            return Place(
                image=image.name,
                chunk=chunk.name,
                function=None,
                offset=address - chunk.address,
                line=image.lines(address),
            )
    return None


def _function(image: Image, address: int, state_mask: int) -> Function | None:
    # The last one that begins at or before the address; functions of unknown size have no end.
    index = bisect_right(image.functions, address, key=lambda each: each.address & ~state_mask)
    if not index:
        return None
    found = image.functions[index - 1]
    size = found.size
    return found if not size or address < (found.address & ~state_mask) + size else None
