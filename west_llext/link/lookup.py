# SPDX-License-Identifier: Apache-2.0
"""Names in the base image, as the link sees them; asked once a name and build."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from west_llext.link.targets import Kind, Target, outside_target
from west_llext.model.base import Offer
from west_llext.model.elf import STT_TLS
from west_llext.model.manifest import Mode
from west_llext.model.slid import slid


class _Known(dict[str, "Target | None"]):
    # Answers that were given before; the others are found when they are asked for.

    def __init__(self, find: Callable[[str], Target | None]) -> None:
        super().__init__()
        self.find = find

    def __missing__(self, name: str) -> Target | None:
        found = self[name] = self.find(name)
        return found


class BaseLookup:
    """Targets in the base image, by name and mode of the extension that needs them."""

    def __init__(self, offer: Offer, *, odd: bool, threads: bool = False) -> None:
        """A base image's names.

        odd: whether functions can have bit 0 of their address set
        threads: whether the machine's code can refer to thread-local variables by their offset
        """
        self.offer = offer
        self.odd = odd
        self.threads = threads and offer.image is not None and offer.image.thread_block is not None
        self._by_name = _Known(self._named)
        self._by_address = _Known(self._bound)
        self._slids: dict[int, Mapping[int, str]] = {}

    def known(self, mode: Mode) -> Mapping[str, Target | None]:
        """What names stand for in the base image; None for one that isn't to be had there."""
        return self._by_name if mode is Mode.RELOCATABLE else self._by_address

    def slids(self, bits: int) -> Mapping[int, str]:
        """Exported names by SLID, for addresses of `bits`; empty where names are looked up."""
        image = self.offer.image
        if bits not in self._slids:
            names = image.exports if image is not None and image.by_slid else None
            self._slids[bits] = {slid(name, bits // 8): name for name in names or ()}
        return self._slids[bits]

    def _bound(self, name: str) -> Target | None:
        symbol = self.offer.symbol(name)
        if symbol is not None:
            if symbol.type == STT_TLS and self.threads:
                return Target(Kind.THREAD, name, symbol.value)
            return outside_target(symbol, odd=self.odd)
        # a hidden symbol is local in the image, but may be in its exported table
        image = self.offer.image
        address = None if image is None or image.exports is None else image.exports.get(name)
        if address is None:
            return None
        thumb = address & 1 if self.odd else 0
        return Target(Kind.ABSOLUTE, name, address - thumb, thumb, function=bool(thumb))

    def _named(self, name: str) -> Target | None:
        target = self._bound(name)
        if target is not None and target.kind in {Kind.THREAD, Kind.TLS}:
            return target  # no table has it
        if name not in self.offer.exported:
            return None
        if target is None:
            return Target(Kind.NAMED, name)
        # the address is only a guide (is it far, is it Thumb?): the target looks the name up
        return target._replace(kind=Kind.NAMED) if target.kind is Kind.ABSOLUTE else target
