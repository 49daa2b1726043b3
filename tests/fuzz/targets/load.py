# SPDX-License-Identifier: Apache-2.0
"""The model of the target's loader: damaged blobs, loaded into every release by every loader.

The first five bytes choose release, storage, protection and parameters. Whatever the bytes are, the
model gives the loader's result or says why the target must not be given the file.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.fuzz.choices import Choices
from tests.fuzz.elf_steps import elf_mutated
from tests.fuzz.objects import base, kinds, machine, whole
from tests.fuzz.target import Target, attempt, scratch
from tests.fuzz.targets import link
from west_llext.app.load import LoadRequest, LoadStep, UnloadStep, load
from west_llext.app.load_settings import Settings
from west_llext.diagnostics import has_errors
from west_llext.loader.extension import LoadParameters
from west_llext.loader.storage import Storage
from west_llext.loader.target import Protection
from west_llext.model.manifest import Mode

_RELEASES = ("3.5", "3.7", "4.1", "4.2", "4.3", "4.4", "4.5", "main")
# bits of the last option
_FIXED, _BASE = 1, 4
_HEAPS = (None, 1 << 10, 4 << 10, 1 << 20)


def seeds() -> dict[str, bytes]:
    """Blobs of every machine in each mode, and plain objects."""
    found = {}
    for kind in kinds():
        if machine(kind) is None:
            continue
        for mode in Mode:
            # release 4.3 with a base image; what has fixed addresses is loaded as such
            fixed = mode is Mode.PRELOCATED
            storage = list(Storage).index(Storage.WRITABLE) if fixed else 0
            options = bytes([4, storage, 0, 0, _BASE | (_FIXED if fixed else 0)])
            blob = link.blob(whole(kind, ()), mode)
            found[f"{kind.label} {mode.value}"] = options + blob
        found[f"odd {kind.label} object"] = bytes(5) + whole(kind)
    return found


def run(data: bytes) -> bool:
    """Load the file, unload it and load it again."""
    choices = Choices(data[:5])
    release, storage = choices.one(_RELEASES), choices.one(tuple(Storage))
    protection, heap = choices.one((None, *Protection)), choices.one(_HEAPS)
    flags = choices.byte()
    content = data[5:]
    folder = scratch("load")
    (folder / "a.llext").write_bytes(content)
    (folder / "base.elf").write_bytes(base(link.kind_of(content)))
    request = LoadRequest(
        steps=(LoadStep("a", folder / "a.llext"),),
        base=folder / "base.elf" if flags & _BASE else None,
        settings=Settings(
            release=release,
            storage=storage,
            protection=protection,
            heap_size=heap,
            userspace=bool(flags & 8),
            by_slid=bool(flags & 16),
        ),
        parameters=LoadParameters(
            relocate_local=not flags & (_FIXED | 2), pre_located=bool(flags & _FIXED)
        ),
    )
    found = attempt(lambda: load(request))
    if found is None:
        return False
    assert all(str(each) for each in found.findings)
    if not found.outcomes:
        assert has_errors(found.findings)
        return False
    if found.outcomes[0].result < 0:
        return False
    # what could be loaded can be unloaded, and then loaded again
    again = (*request.steps, UnloadStep("a"), *request.steps)
    found = load(replace(request, steps=again))
    return len(found.outcomes) == 3


def mutate(data: bytes, dice: Random) -> bytes:
    """Another blob, mostly on the same target."""
    options = data[:5] if dice.randrange(6) else dice.randbytes(5)
    return options.ljust(5, b"\0") + elf_mutated(data[5:], dice)


TARGET = Target(name="load", seeds=seeds, run=run, mutate=mutate)
