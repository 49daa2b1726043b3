# SPDX-License-Identifier: Apache-2.0
"""What one linked extension becomes: its files, and what the reports of the build say of it."""

from __future__ import annotations

from typing import NamedTuple

from west_llext.emit.blob import blob
from west_llext.emit.twin import twin
from west_llext.link.extension import Purpose
from west_llext.model.link import Linked


class Product(NamedTuple):
    """One extension's outputs.

    files: relative path and content
    """

    linked: Linked
    files: tuple[tuple[str, bytes], ...]


def product(linked: Linked, purpose: Purpose) -> Product:
    """The outputs of an extension; no files where it is only checked."""
    match purpose:
        case Purpose.CHECK:
            return Product(linked, ())
        case Purpose.BUILD:
            name = linked.name
            return Product(
                linked,
                (
                    (f"{name}.llext", blob(linked)),
                    (f"{name}.debug.elf", twin(linked)),
                ),
            )
