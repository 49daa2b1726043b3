# SPDX-License-Identifier: Apache-2.0
"""Names in the base image, as the link sees them; asked once a name and build."""

from __future__ import annotations

from west_llext.link.targets import Kind, Target, outside_target
from west_llext.model.base import Offer
from west_llext.model.manifest import Mode


class BaseLookup:
    """Targets in the base image, by name and mode of the extension that needs them."""

    def __init__(self, offer: Offer, *, odd: bool) -> None:
        """`odd`: whether functions can have bit 0 of their address set."""
        self.offer = offer
        self.odd = odd
        self._known: dict[Mode, dict[str, Target | None]] = {mode: {} for mode in Mode}

    def target(self, name: str, mode: Mode) -> Target | None:
        """What a name stands for in the base image; None where it isn't to be had there."""
        known = self._known[mode]
        if name not in known:
            known[name] = self._named(name) if mode is Mode.RELOCATABLE else self._bound(name)
        return known[name]

    def _bound(self, name: str) -> Target | None:
        symbol = self.offer.symbol(name)
        if symbol is not None:
            return outside_target(symbol, odd=self.odd)
        # a hidden symbol is local in the image, but may be in its exported table
        image = self.offer.image
        address = None if image is None or image.exports is None else image.exports.get(name)
        if address is None:
            return None
        thumb = address & 1 if self.odd else 0
        return Target(Kind.ABSOLUTE, name, address - thumb, thumb, function=bool(thumb))

    def _named(self, name: str) -> Target | None:
        if name not in self.offer.exported:
            return None
        target = self._bound(name)
        if target is None:
            return Target(Kind.NAMED, name)
        # the address is only a guide (is it far, is it Thumb?): the target looks the name up
        return target._replace(kind=Kind.NAMED) if target.kind is Kind.ABSOLUTE else target
