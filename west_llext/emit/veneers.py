# SPDX-License-Identifier: Apache-2.0
"""The veneers of an extension."""

from __future__ import annotations

from typing import NamedTuple

from west_llext.model.link import Linked

_PREFIX = "veneer for "


class Veneer(NamedTuple):
    """Code that the link made because a branch might not reach.

    address: where it runs; its offset from the start of its section where that isn't placed
    size: bytes
    """

    target: str
    address: int
    size: int


def veneers(linked: Linked) -> tuple[Veneer, ...]:
    """In the order of the sections and of their pieces."""
    return tuple(
        Veneer(source[len(_PREFIX) :], (section.address or 0) + offset, size)
        for section in linked.sections
        for source, offset, size in section.pieces
        if source.startswith(_PREFIX)
    )
