# SPDX-License-Identifier: Apache-2.0
"""Base images, with every form of their table of exports."""

from __future__ import annotations

from functools import partial

from tests.fuzz.elf_steps import elf_mutated
from tests.fuzz.objects import base, kinds
from tests.fuzz.target import Target, attempt
from west_llext.app.surroundings import occupied
from west_llext.base.image import image
from west_llext.base.layout import load_window
from west_llext.base.why import offer
from west_llext.model.manifest import ExportGroup, Name

_GROUPS = (ExportGroup(group=None, symbols=(Name("printk"), Name("nowhere"))),)
_NAMES = ("printk", "nowhere", "memcp", "ticks", "hidden", "", "x" * 300)
_CONFIG = {"CONFIG_LLEXT_EXPORT_BUILTINS_BY_SLID": "y", "CONFIG_LLEXT_HEAP_SIZE": "8"}


def seeds() -> dict[str, bytes]:
    """Images of every kind; of the first ones, with each form of table."""
    found = {f"{each.label} zephyr": base(each) for each in kinds()}
    for each in kinds()[:4]:
        for table in ("slid", "standalone", "single", "none"):
            found[f"{each.label} {table}"] = base(each, table)
    return found


def run(data: bytes) -> bool:
    """Read an image, with and without its configuration, and ask it for names."""
    read = False
    for config in ({}, _CONFIG):
        found = attempt(partial(image, data, "base.elf", config=config), ["L002", "B003", "B006"])
        if found is None:
            continue
        read = True
        assert all(str(each) for each in found.findings)
        offered = offer(found, _GROUPS, lambda _: True)
        for name in _NAMES:
            offered.symbol(name)
            offered.why(name)
        window = load_window(found)
        assert window is None or window[0] <= window[1]
        assert all(low <= high for low, high in occupied(found))
    return read


TARGET = Target(name="base_image", seeds=seeds, run=run, mutate=elf_mutated)
