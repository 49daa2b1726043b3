# SPDX-License-Identifier: Apache-2.0
"""The JSON schema as shapes: the same file that editors use, compiled for the walker.

Only the keywords that the walker applies may appear in the schema; another one is an error here,
so that nothing that the schema promises goes unchecked.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from west_llext.manifest.shapes import Scalar, Sequence, Shape, Table, Union
from west_llext.manifest.text import alternatives

MANIFEST = "llext-manifest.schema.json"
EXPORTS = "llext-exports.schema.json"

_ANNOTATIONS = frozenset(
    ("$schema", "$comment", "$defs", "title", "description", "default", "examples")
)
_SCALAR = frozenset(
    (
        *("type", "pattern", "minLength", "maxLength", "enum", "not", "minimum", "maximum"),
        *_ANNOTATIONS,
    )
)
_ARRAY = frozenset(("type", "items", "minItems", "maxItems", "uniqueItems", *_ANNOTATIONS))
_OBJECT = frozenset(
    (
        *("type", "properties", "required", "additionalProperties", "propertyNames", "anyOf"),
        *_ANNOTATIONS,
    )
)
_MANY = 1 << 30
_NUMBER = r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}"

# diagnostic codes of the named types, for a bad value; M015 for the others
_CODES: Mapping[str, str] = {
    "version": "M014",
    "address": "M016",
    "size": "M016",
    "extension-name": "M020",
    "symbol": "M030",
    "define-name": "M032",
    "define-value": "M032",
    "condition": "M033",
    "word": "M035",
    "path": "M051",
    "providers": "M028",
    "files": "M018",
}
_LONG_CODES: Mapping[str, str] = {"extension-name": "M021"}
_UNIQUE_CODES: Mapping[str, str] = {"symbols": "M031"}
_REASONS: Mapping[str, str] = {
    "extension-name": "the loader keeps no more of it",
    "providers": "the loader keeps track of no more",
}
_ADVICE: Mapping[str, str] = {
    "version": "update west-llext where a newer one is meant",
    "path": "name each file, with '/' between folders",
}


@functools.cache
def text(name: str) -> str:
    """The text of a schema file: beside this package in a wheel, one above it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "schemas" / name
    path = installed if installed.is_file() else package.parent / "schemas" / name
    return path.read_text(encoding="utf-8")


@functools.cache
def shape(name: str) -> Shape:
    """The shape of a whole document, by the name of its schema file."""
    return _Compiler(json.loads(text(name))).root()


class _Compiler:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._defs: dict[str, dict[str, Any]] = schema.get("$defs", {})
        self._made: dict[tuple[str, str], Shape] = {}
        self._owners = {
            key: each["title"]
            for each in (*self._defs.values(), schema)
            for key in each.get("properties", ())
        }

    def root(self) -> Shape:
        if "anyOf" in self._schema:
            return self._union(self._schema, "is")
        return self._shape(self._schema, "", "is")

    def _shape(self, schema: dict[str, Any], name: str, verb: str) -> Shape:
        if "$ref" in schema:
            return self._named(schema["$ref"].removeprefix("#/$defs/"), verb)
        if schema.keys() <= {"title", "anyOf"}:
            return self._union(schema, verb)
        kind = schema["type"]
        known = {"array": _ARRAY, "object": _OBJECT}.get(str(kind), _SCALAR)
        if not schema.keys() <= known:
            raise ValueError(f"unknown schema keywords {sorted(schema.keys() - known)} in {name}")
        if kind == "array":
            return self._sequence(schema, name, verb)
        if kind == "object":
            return self._table(schema, verb)
        return _scalar(schema, name, verb)

    def _named(self, name: str, verb: str) -> Shape:
        if (name, verb) not in self._made:
            self._made[name, verb] = self._shape(self._defs[name], name, verb)
        return self._made[name, verb]

    def _union(self, schema: dict[str, Any], verb: str) -> Union:
        shapes = [self._shape(each, "", verb) for each in schema["anyOf"]]
        kinds = {Scalar: "scalar", Sequence: "sequence", Table: "mapping"}
        return Union(
            title=schema.get("title") or shapes[-1].title,
            verb=verb,
            shapes={kinds[type(each)]: each for each in shapes},
        )

    def _sequence(self, schema: dict[str, Any], name: str, verb: str) -> Sequence:
        return Sequence(
            title=schema["title"],
            verb=verb,
            item=self._shape(schema["items"], "", "holds"),
            code=_CODES.get(name, "M018"),
            unique_code=_UNIQUE_CODES.get(name, "M017") if schema.get("uniqueItems") else None,
            lengths=(schema.get("minItems", 0), schema.get("maxItems", _MANY)),
            reason=_REASONS.get(name, ""),
        )

    def _table(self, schema: dict[str, Any], verb: str) -> Table:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties")
        return Table(
            title=schema["title"],
            verb=verb,
            properties={key: self._shape(each, key, "is") for key, each in properties.items()},
            samples={key: sample(key, each["examples"][0]) for key, each in properties.items()},
            required=tuple(schema.get("required", ())),
            any_of=tuple(each["required"][0] for each in schema.get("anyOf", ())),
            names=self._shape(schema["propertyNames"], "", "holds") if others else None,
            others=self._shape(others, "", "is") if others else None,
            owners=self._owners,
        )


def _scalar(schema: dict[str, Any], name: str, verb: str) -> Scalar:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    is_number = "integer" in types
    pattern = schema.get("pattern", _NUMBER if is_number else None)
    choices = tuple(str(each) for each in schema.get("enum", ()))
    code = _CODES.get(name, "M015")
    return Scalar(
        title=schema["title"] if is_number or not choices else alternatives(choices),
        code=code,
        long_code=_LONG_CODES.get(name, code),
        verb=verb,
        pattern=re.compile(pattern) if pattern else None,
        choices=choices,
        banned=frozenset(schema.get("not", {}).get("enum", ())),
        lengths=(schema.get("minLength", 0), schema.get("maxLength", _MANY)),
        bounds=(schema.get("minimum", 0), schema.get("maximum", _MANY)) if is_number else None,
        nullable="null" in types,
        reason=_REASONS.get(name, ""),
        advice=_ADVICE.get(name),
    )


def sample(key: str, example: Any) -> str:
    """How `key` with an example of its value looks in YAML, in one line."""
    return f"{key}: {flow(example)}"


def flow(value: Any) -> str:
    """An example as YAML in one line."""
    if isinstance(value, list):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(sample(key, each) for key, each in value.items()) + "}"
    return "null" if value is None else str(value)
