# SPDX-License-Identifier: Apache-2.0
"""Blobs and base images as the emulator places them; nothing is executed.

The emulator itself isn't needed for that, and its own memory is bounded elsewhere.
"""

from __future__ import annotations

from tests.fuzz.elf_steps import elf_mutated
from tests.fuzz.objects import base, kinds, machine, whole
from tests.fuzz.target import Target, attempt
from tests.fuzz.targets import link
from west_llext.elf.read import object_file
from west_llext.emulate.base import base_image
from west_llext.emulate.blob import blob_image
from west_llext.emulate.image import overlaps
from west_llext.model.manifest import Mode


def seeds() -> dict[str, bytes]:
    """A prelocated blob and a base image of every machine that we know."""
    known = [each for each in kinds() if machine(each) is not None]
    blobs = {f"{each.label} blob": link.blob(whole(each), Mode.PRELOCATED) for each in known}
    return blobs | {f"{each.label} base": base(each) for each in known}


def run(data: bytes) -> bool:
    """Take the file for a base image and for a blob, and lay one over the other."""
    obj = attempt(lambda: object_file(data, "a.elf"), ["L002"])
    if obj is None:
        return False
    images = [base_image(obj)]
    blob = attempt(lambda: blob_image(obj, "a"), ["X003", "X004"])
    for _ in zip(overlaps([*images, *([blob] if blob else [])]), range(100), strict=False):
        pass
    return True


TARGET = Target(name="emulated_image", seeds=seeds, run=run, mutate=elf_mutated)
