# SPDX-License-Identifier: Apache-2.0
"""`load` of damaged blobs, from the command line up to what is printed: alone, and loaded anew.

The first six bytes choose options: release, storage, memory protection, heap, parameters, format.
What the model does inside, and all else that can be asked of it, is the target `loader`.
"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from functools import lru_cache
from io import StringIO
from random import Random

from tests.fuzz.choices import Choices
from tests.fuzz.elf_steps import elf_mutated
from tests.fuzz.objects import base, kinds, machine, whole
from tests.fuzz.target import Target, attempt, scratch
from tests.fuzz.targets import link
from west_llext.cli.arguments import parsed
from west_llext.cli.console import Console
from west_llext.cli.rendering import rendered
from west_llext.cli.verbs.load import run as load
from west_llext.diagnostics import has_errors
from west_llext.loader.storage import Storage
from west_llext.loader.target import Protection
from west_llext.model.manifest import Mode

_RELEASES = ("3.5", "3.7", "4.1", "4.2", "4.3", "4.4", "4.5", "main")
_HEAPS = (None, "1K", "4K", "1M")
_FORMATS = ("text", "json", "sarif", "github")
# bits of the parameters
_FIXED, _AS_IT_IS, _BASE, _USERS, _SLID, _KEPT, _AGAIN, _PLACED = (1 << each for each in range(8))
_OPTIONS = 6


def seeds() -> dict[str, bytes]:
    """Blobs of every machine in each mode, and plain objects."""
    found = {}
    for kind in kinds():
        if machine(kind) is None:
            continue
        for number, mode in enumerate(Mode):
            # release 4.3 with a base image; what has fixed addresses is loaded as such
            fixed = mode is Mode.PRELOCATED
            storage = list(Storage).index(Storage.WRITABLE) if fixed else 0
            flags = _BASE | _AGAIN | (_FIXED if fixed else 0)
            options = bytes([4, storage, 0, 0, flags, number])
            found[f"{kind.label} {mode.value}"] = options + link.blob(whole(kind, ()), mode)
        found[f"odd {kind.label} object"] = bytes(_OPTIONS) + whole(kind)
    return found


@lru_cache(maxsize=4096)
def _arguments(words: tuple[str, ...]) -> Namespace:
    return parsed(words)


def _words(choices: Choices, file: str, base_file: str) -> tuple[str, ...]:
    words = ["--zephyr-version", choices.one(_RELEASES)]
    words += ["--storage", choices.one(tuple(Storage)).value]
    protection, heap = choices.one((None, *Protection)), choices.one(_HEAPS)
    words += [] if protection is None else ["--protection", protection.value]
    words += [] if heap is None else ["--heap-size", heap]
    flags = choices.byte()
    words += ["--base", base_file] * bool(flags & _BASE)
    words += ["--pre-located"] * bool(flags & _FIXED)
    words += ["--no-relocate-local"] * bool(flags & (_FIXED | _AS_IT_IS))
    words += ["--userspace"] * bool(flags & _USERS) + ["--slid"] * bool(flags & _SLID)
    words += ["--keep-section-info"] * bool(flags & _KEPT)
    words += ["--region-address", "a:text=0x1000"] * bool(flags & _PLACED)
    steps = [f"a={file}", *(["unload:a", f"a={file}"] if flags & _AGAIN else [])]
    return ("load", *steps, *words, "--format", choices.one(_FORMATS), "-v")


def run(data: bytes) -> bool:
    """Load the file, unload it and load it again, and print that."""
    content, folder = data[_OPTIONS:], scratch("load")
    blob, base_file = folder / "a.llext", folder / "base.elf"
    blob.write_bytes(content)
    base_file.write_bytes(base(link.kind_of(content)))
    arguments = _arguments(_words(Choices(data[:_OPTIONS]), str(blob), str(base_file)))
    console = Console(StringIO(), StringIO(), os.environ)
    report = attempt(lambda: load(arguments, console))
    if report is None:
        return False
    out, err_text = rendered(report, arguments, console)
    (out + err_text).encode("utf-8", "backslashreplace")
    if arguments.llext_format == "json":
        assert json.loads(out).keys() == {"schema", "loads"}
    return not has_errors(report.findings)


def mutate(data: bytes, dice: Random) -> bytes:
    """Another blob, mostly on the same target."""
    options = data[:_OPTIONS] if dice.randrange(6) else dice.randbytes(_OPTIONS)
    return options.ljust(_OPTIONS, b"\0") + elf_mutated(data[_OPTIONS:], dice)


TARGET = Target(name="load", seeds=seeds, run=run, mutate=mutate)
