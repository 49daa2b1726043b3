# SPDX-License-Identifier: Apache-2.0
"""The walker against jsonschema: what one accepts, the other accepts.

Right manifests are changed at random places in ways that keep them YAML. Both judge by the same
schema file, so a keyword that the walker gets wrong shows. Rules across fields play no part.

The walker types by the field, YAML by the spelling. What differs by that, and nothing else, is
evened out before jsonschema is asked, see `as_the_field_reads`:

1. where text is meant and no number, other scalars are their text (`name: 1.10`, `[no]`)
2. where a number is meant, text that spells a decimal one is that number (`version: "1"`)
3. a number with a decimal point or exponent is never a whole number (`version: 1.0`), and where
   text is allowed too, it is judged as its text (`size: 65536.0`, `zephyr-version: 4.3`)
4. `$` in a pattern is the end; jsonschema uses Python's, which ignores a last line break
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import jsonschema
import pytest

from west_llext.manifest import schema
from west_llext.manifest.log import Log
from west_llext.manifest.source import tree

SCHEMA: dict[str, Any] = json.loads(schema.text(schema.MANIFEST))

MANIFESTS: list[dict[str, Any]] = [
    {
        "version": 1,
        "base": {
            "build-dir": "build",
            "zephyr-version": "4.3",
            "toolchain": {"cc": "gcc", "cflags": ["-mthumb"], "launcher": ["ccache"]},
            "exports": ["printk", {"group": "libc", "symbols": ["memcpy"], "when": "CONFIG_A"}],
            "memory": [{"name": "ram", "address": 0x20000000, "size": "64K", "access": "rwx"}],
        },
        "extensions": [],
    },
    {
        "version": 1,
        "defaults": {
            "mode": "bound",
            "cflags": ["-Os"],
            "include-dirs": ["include"],
            "defines": {"A": 1, "B": None, "C": "x", "D": True, "E": 1.5},
            "compiler-runtime": "toolchain",
            "place": {"text": "ram", "data": "ram"},
        },
        "extensions": [
            {"name": "filters", "sources": ["fir.c", "iir.c"], "exports": ["run", "stop"]},
            {
                "name": "mathlib",
                "objects": ["a.o"],
                "imports-from": ["filters"],
                "mode": "prelocated",
                "place": {"text": "rom", "rodata": "rom", "data": "ram", "bss": "ram"},
            },
        ],
    },
    {
        "version": 1,
        "base": {
            "image": "base.elf",
            "exports": [{"from": "list.yml"}],
            "memory": [{"name": "rom", "address": "0x1000", "size": 4096, "access": "rx"}],
        },
    },
]
SCALARS: list[Any] = [
    *(None, True, False, 0, 1, 2, -1, 1.0, 1.5, 65536.0, 1 << 64, 1 << 70),
    *("", "1", "0", "x", "no", "null", "1.10", "0x10", "010", "64K", "64KB", "rx", "xr", "rwxr"),
    *("bound", "printk", "int", "3x", "a b", "a\n", "a\tb", "\x00", "con", "nul.x", "-a", ".a"),
    *("a.", "a-", "A_9", "é", "a" * 15, "a" * 16, "a" * 512, "a" * 513, "x" * 5000, "a*", "b?"),
    *("1 || 2", "4.3", "4.3.0-rc1", "v4", "base", "18446744073709551615", "18446744073709551616"),
    *("9999999999G", "99999999999K", "0xffffffffffffffff", "0x10000000000000000"),
]
VALUES: list[Any] = [
    *SCALARS,
    [],
    {},
    ["a"],
    ["a", "a"],
    ["a", 1],
    [[]],
    {"a": 1},
    [None],
    ["1", 1],
]
KEYS = ["version", "base", "name", "from", "symbols", "objects", "text", "unknown", "a b", "1"]


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys or indices."""
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        yield data, key
        if isinstance(data[key], dict | list):
            yield from places(data[key])


def changed(data: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The data with one to three changes."""
    data = copy.deepcopy(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        found = list(places(data))
        if not found:
            break
        container, key = chance.choice(found)
        match chance.choice(("replace", "replace", "replace", "remove", "add", "repeat", "wrap")):
            case "replace":
                container[key] = copy.deepcopy(chance.choice(VALUES))
            case "remove":
                del container[key]
            case "add" if isinstance(container, dict):
                container[chance.choice(KEYS)] = copy.deepcopy(chance.choice(VALUES))
            case "add" | "repeat" if isinstance(container, list):
                container += [copy.deepcopy(container[key])] * chance.choice((1, 9))
            case _:
                container[key] = [container[key]]
    return data


def as_the_field_reads(data: Any, part: dict[str, Any]) -> Any:
    """The data with scalars typed by the fields that they stand in."""
    if "$ref" in part:
        part = SCHEMA["$defs"][part["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in part and "type" not in part:
        part = SCHEMA["$defs"]["export-group" if isinstance(data, dict) else "symbol"]
    if isinstance(data, dict):
        known, others = part.get("properties", {}), part.get("additionalProperties")
        return {
            key: as_the_field_reads(value, known.get(key) or others or {})
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [as_the_field_reads(each, part.get("items", {})) for each in data]
    types = part.get("type", [])
    return _typed(data, [types] if isinstance(types, str) else types)


def _typed(value: Any, types: list[str]) -> Any:
    if value is None or "null" in types:
        return value
    if isinstance(value, str):
        is_number = "integer" in types and re.fullmatch(r"0|[1-9][0-9]*", value)
        return int(value) if is_number else value
    if "string" not in types:
        return "a fraction" if isinstance(value, float) else value
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and "integer" in types else json.dumps(value)


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[Any]:
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield jsonschema.ValidationError("no match")


ORACLE = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})(
    SCHEMA
)


def is_accepted_by_jsonschema(data: Any) -> bool:
    """Whether the data are right by the schema."""
    return bool(ORACLE.is_valid(as_the_field_reads(data, SCHEMA)))


def findings_of_the_walker(data: Any) -> list[str]:
    """What the walker says of the data, written as YAML (JSON is YAML)."""
    file = PurePath("llext.yml")
    node, findings = tree(json.dumps(data).encode(), file)
    log = Log(file)
    log.extend(findings)
    assert node is not None
    schema.shape(schema.MANIFEST).read(node, "", log)
    return [str(each) for each in log.findings]


def test_unchanged_manifests_are_accepted_by_both() -> None:
    """Else the changes below would prove little."""
    for data in MANIFESTS:
        assert is_accepted_by_jsonschema(data)
        assert findings_of_the_walker(data) == []


@pytest.mark.parametrize("seed", range(6))
def test_walker_and_jsonschema_agree_on_changed_manifests(seed: int) -> None:
    """A hundred changed manifests a seed."""
    chance = random.Random(seed)  # noqa: S311  nothing secret
    verdicts = []
    for _ in range(100):
        data = changed(chance.choice(MANIFESTS), chance)
        findings = findings_of_the_walker(data)
        verdicts.append(not findings)
        assert is_accepted_by_jsonschema(data) == (not findings), (json.dumps(data), findings)
    # both verdicts occur, or the changes are too timid or too wild
    assert 10 <= sum(verdicts) <= 90


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_walker_and_jsonschema_agree_on_every_value_in_every_field(value: Any) -> None:
    """Each list and mapping in each place of each manifest, each scalar in every fourth place."""
    step, first = (4, SCALARS.index(value) % 4) if value in SCALARS else (1, 0)
    for original in MANIFESTS:
        for number in range(first, len(list(places(original))), step):
            data = copy.deepcopy(original)
            container, key = list(places(data))[number]
            container[key] = value
            findings = findings_of_the_walker(data)
            assert is_accepted_by_jsonschema(data) == (not findings), (key, findings)
