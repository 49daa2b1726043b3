# SPDX-License-Identifier: Apache-2.0
"""Manifests that nearly suit the schema, so that the rules between their fields are reached.

The input decides; behind the manifest it decides about the list that the manifest shares. What is
read is used as a build does it: conditions are decided, and the table of exports is generated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from itertools import islice
from random import Random
from typing import Any

from tests.fuzz.choices import Choices
from tests.fuzz.mutate import mutated
from tests.fuzz.schema_shaped import Shaped, yaml_text
from tests.fuzz.target import ROOT, Target, attempt, scratch
from west_llext.app.exports import flavour_of, switched_on, tables
from west_llext.manifest.load import manifest
from west_llext.model.manifest import Manifest

_THROWS, _SEEDS = 48, 12
_SYMBOLS = ("printk", "memcpy", "run", "k_uptime_get", "ext_run", "_x", "a1")
_POOLS: Mapping[str, tuple[Any, ...]] = {
    "extension-name": ("a", "b", "filters", "motor", "abcdefghijklmno", "A", "c.d", "x-1"),
    "provider": ("a", "b", "filters", "motor", "nobody"),
    "memory-name": ("ram", "flash", "ext_ram", "Ram"),
    "symbol": _SYMBOLS,
    "address": ("0x20000000", 0, 4096, "0x00040000", 0xFFFFF000, (1 << 64) - 1),
    "size": ("64K", "4K", 1, "1G", (1 << 64) - 1, "0x100"),
    "path": ("a.c", "b.S", "src/c.cpp", "x.o", "libm.a", "shared.yml", "base.elf", "build", ".."),
    "condition": ("CONFIG_A", "!CONFIG_A && CONFIG_B = 3", 'CONFIG_S != "x"', "y", "CONFIG_A <"),
}


def seeds() -> dict[str, bytes]:
    """Throws of dice, which have many decisions in them: the first ones that make good manifests.

    Which ones do changes with the schema. Raises ValueError where next to none does.
    """
    dice = {f"dice {number}": Random(number).randbytes(200) for number in range(_THROWS)}
    found = dict(islice(((name, data) for name, data in dice.items() if run(data)), _SEEDS))
    if len(found) < _SEEDS:
        raise ValueError(f"{len(found)} of {_THROWS} throws make a manifest")
    return found


def document(data: bytes) -> tuple[str, str]:
    """The manifest that an input stands for, and the list that it shares."""
    choices = Choices(data)
    texts = []
    for name in ("llext-manifest", "llext-exports"):
        value = Shaped(_schema(name), _POOLS, choices).value()
        if isinstance(value, dict) and choices.below(8):
            value["version"] = 1
        texts.append(yaml_text(value, choices))
    return texts[0], texts[1]


@cache
def _schema(name: str) -> Mapping[str, Any]:
    text = (ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def shown(data: bytes) -> str:
    """Both texts."""
    first, second = document(data)
    return f"llext.yml:\n{first}\nshared.yml:\n{second}"


def run(data: bytes) -> bool:
    """Read the manifest, decide its conditions, generate its table."""
    folder = scratch("manifest_shaped")
    for name, text in zip(("llext.yml", "shared.yml"), document(data), strict=True):
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    found = attempt(lambda: manifest(folder / "llext.yml", display="llext.yml"))
    return found is not None and attempt(lambda: _use(found[0])) is not None


def _use(found: Manifest) -> bool:
    flavour = flavour_of(found, None)
    for config in (None, {}, {"CONFIG_A": "y", "CONFIG_B": "3", "CONFIG_S": "x"}):
        wanted, _ = switched_on(found.base.exports, config)
        texts = tables(wanted, flavour, origin="llext.yml", config=config)
        assert all(text.isascii() for text in texts.values())
    return True


TARGET = Target(
    name="manifest_shaped", seeds=seeds, run=run, mutate=mutated, longest=1 << 10, shown=shown
)
