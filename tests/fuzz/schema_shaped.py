# SPDX-License-Identifier: Apache-2.0
"""Documents as a JSON schema describes them, more or less: what is decided by bytes.

Most values are of the right type and from examples, so that rules between fields get their turn;
some are of a wrong type, too long, or spelt wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fuzz.choices import Choices

#: How rarely something is wrong on purpose.
_RARE = 48
_DEEPEST = 12
_ODD: tuple[Any, ...] = (
    *("", "a", "A" * 16, "x" * 600, "../../x", "/abs", "C:\\x", "con", "a b", "-x", "é", "\x7f"),
    *(
        "CONFIG_A &&",
        "((((",
        "int",
        "a*",
        "0x",
        "64K",
        "1e3",
        "\u2028",
        "\ud83d\ude00",
        "a\nb",
        "*/",
    ),
    *(0, 1, -1, 1 << 64, 3.5, 1e300, True, False, None, [], {}, [[]], {"a": None}, "9" * 40),
)


class Shaped:
    """Makes values after one schema.

    pools: texts to choose from by the name of the schema's definition, so that names meet
    """

    def __init__(
        self, schema: Mapping[str, Any], pools: Mapping[str, Sequence[Any]], choices: Choices
    ) -> None:
        """`choices` decides everything."""
        self.schema = schema
        self.pools = pools
        self.choices = choices

    def value(self, part: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
        """A value for a part of the schema; the whole document for None."""
        node = self.schema if part is None else part
        examples = list(node.get("examples", ()))
        pool: Sequence[Any] = ()
        while "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            pool = pool or self.pools.get(name, ())
            node = self.schema["$defs"][name]
        if depth and self.choices.once_in(_RARE):
            return self.choices.one(_ODD)
        if pool:
            return self.choices.one(pool)
        if "enum" in node:
            return self.choices.one(node["enum"])
        if examples and (depth > _DEEPEST or not self.choices.once_in(2)):
            return self.choices.one(examples)
        return self.made(node, depth)

    def made(self, node: Mapping[str, Any], depth: int) -> Any:
        """A value for a part that isn't a reference, of its first type or of another."""
        if "anyOf" in node and "properties" not in node:
            return self.value(self.choices.one(node["anyOf"]), depth + 1)
        kinds = node.get("type", "string")
        kind = kinds if isinstance(kinds, str) else self.choices.one(kinds)
        if kind == "object":
            return self.object(node, depth)
        if kind == "array":
            count = self.choices.below(4) if depth < _DEEPEST else 0
            return [self.value(node.get("items", {}), depth + 1) for _ in range(count)]
        if kind in {"integer", "number"}:
            return self.choices.one((1, 0, 4096, 0x20000000, 65536, -1, 1 << 32, (1 << 64) - 1))
        if kind in {"boolean", "null"}:
            return self.choices.one((True, False)) if kind == "boolean" else None
        return self.choices.one(("a", "b", "include", "-O2", "CONFIG_A", "x.c", "1.0"))

    def object(self, node: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """A mapping with what is required, and some of the rest."""
        properties: Mapping[str, Any] = node.get("properties", {})
        needed = {*node.get("required", ()), *self._one_of_those(node)}
        found = {}
        for name, part in properties.items():
            wanted = name in needed and not self.choices.once_in(_RARE)
            if wanted or self.choices.once_in(3):
                key = name if not self.choices.once_in(_RARE) else name[:-1] + "x"
                found[key] = self.value(part, depth + 1)
        more = node.get("additionalProperties")
        if isinstance(more, Mapping):
            for number in range(self.choices.below(3)):
                found[f"KEY_{number}"] = self.value(more, depth + 1)
        return found

    def _one_of_those(self, node: Mapping[str, Any]) -> Sequence[str]:
        alternatives = [each["required"] for each in node.get("anyOf", ()) if "required" in each]
        return self.choices.one(alternatives) if alternatives else ()


def yaml_text(value: Any, choices: Choices, indent: int = 0) -> str:
    """A value as YAML, in blocks or in JSON's style, ended by a line feed."""
    if choices.once_in(4) or not value or not isinstance(value, (dict, list)):
        return _flow(value, choices) + "\n"
    blank = "\n" + " " * indent
    parts = []
    if isinstance(value, dict):
        for key, each in value.items():
            parts.append(f"{blank}{_flow(key, choices)}: {yaml_text(each, choices, indent + 2)}")
    else:
        parts = [f"{blank}- {yaml_text(each, choices, indent + 2)}" for each in value]
    return "".join(part.rstrip("\n") for part in parts) + "\n"


def _flow(value: Any, choices: Choices) -> str:
    plain = isinstance(value, str) and value.replace("_", "a").isalnum() and value.isascii()
    if plain and not choices.once_in(6):
        return str(value)
    return json.dumps(value, ensure_ascii=choices.once_in(2))
