# SPDX-License-Identifier: Apache-2.0
"""The reference page of the manifest, made of its schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from west_llext.manifest import schema
from west_llext.manifest.log import MAX_FINDINGS
from west_llext.manifest.nodes import MAX_DEPTH, MAX_NODES
from west_llext.manifest.source import MAX_SIZE, NAME

_Schema = Mapping[str, Any]

_REF = "#/$defs/"
_MIB = 1 << 20

_INTRO = f"""\
# Manifest reference

<!-- Made from schemas/*.schema.json by tools/manifest_reference.py; change it there. -->

A manifest is a YAML file, usually named `{NAME}`. Without `-m`, the tool takes the one in the
current folder or in the nearest folder above it.

For completion and checks in an editor, begin the file with a line that names the schema:

```yaml
# yaml-language-server: $schema=schemas/llext-manifest.schema.json
```

## How it is read

- **Text is text.** What a value means is up to its key: `1.10`, `no` and `0x10` stay text where
  text is meant, without quotes. Only nothing at all, `~` and `null` aren't text without quotes.
- **Numbers** are decimal, or hexadecimal with `0x`. Sizes may end in `K`, `M` or `G` (1024 each).
- **Paths** are relative to the manifest, with `/` or `\\` between folders. They may not be absolute
  or leave the workspace (the nearest folder above with a west workspace, else with a git
  repository, else the manifest's own) without `--allow-outside`.
- **Unknown keys, keys given twice, tags and merge keys** (`<<`) are errors. Anchors and aliases
  work.
- **All findings are reported at once**, up to {MAX_FINDINGS}.
- A file has at most {MAX_SIZE // _MIB} MiB, {MAX_DEPTH} levels, and {MAX_NODES:,} values, aliases
  counted as often as they are used.
"""


def text() -> str:
    """The page, in Markdown."""
    manifest = json.loads(schema.text(schema.MANIFEST))
    shared = json.loads(schema.text(schema.EXPORTS))
    parts = [_INTRO, *_Page(manifest).sections()]
    parts.append(f"## Shared lists of symbols\n\n{shared['description']}\n")
    example = "\n".join(f"  - {each}" for each in shared["examples"][0])
    parts.append(f"```yaml\nsymbols:\n{example}\n```\n")
    return "\n".join(parts)


class _Page:
    def __init__(self, root: _Schema) -> None:
        self._root = root
        self._defs: Mapping[str, _Schema] = root["$defs"]

    def sections(self) -> Iterator[str]:
        yield f"## The manifest\n\n{self._root['description']}\n"
        yield from self._keys(self._root, "")
        for name, paths in self._tables().items():
            table = self._defs[name]
            heading = " and ".join(f"`{each}`" for each in paths)
            yield f"## {heading}\n"
            yield from self._introduction(name)
            yield from self._keys(table, f"{paths[0]}." if len(paths) == 1 else "")

    def _tables(self) -> dict[str, list[str]]:
        # each named mapping with the places where it stands, from the root down
        found: dict[str, list[str]] = {}
        todo: list[tuple[_Schema, str]] = [(self._root, "")]
        while todo:
            table, prefix = todo.pop(0)
            for key, value in table["properties"].items():
                for name, suffix in self._inner(value):
                    path = f"{prefix}{key}{suffix}"
                    known = found.setdefault(name, [])
                    if path not in known:
                        known.append(path)
                        todo.append((self._defs[name], f"{path}."))
        return found

    def _inner(self, value: _Schema) -> Iterator[tuple[str, str]]:
        # named mappings inside of a value, with what their path gets
        name = value["$ref"].removeprefix(_REF)
        target = self._defs[name]
        if "properties" in target:
            yield name, ""
        items = target.get("items", {})
        for each in items.get("anyOf", [items]):
            if "$ref" in each:
                yield from ((inner, "[]" + rest) for inner, rest in self._inner(each))

    def _introduction(self, name: str) -> Iterator[str]:
        table = self._defs[name]
        needed = [f"`{each}`" for each in table.get("required", ())]
        parts = (
            [", ".join(needed[:-1]) + " and " * (len(needed) > 1) + needed[-1]] if needed else []
        )
        if "anyOf" in table:
            parts.append(" or ".join(f"`{each['required'][0]}`" for each in table["anyOf"]))
        if parts:
            yield f"Needs {', and '.join(parts)}.\n"

    def _keys(self, table: _Schema, prefix: str) -> Iterator[str]:
        required = table.get("required", ())
        for key, value in table["properties"].items():
            target = self._defs[value["$ref"].removeprefix(_REF)]
            facts = [f"- Value: {self._kind(target)}"]
            if key in required:
                facts.append("- Required")
            elif "default" in value:
                facts.append(f"- Default: `{schema.flow(value['default'])}`")
            examples = "\n# or\n".join(schema.sample(key, each) for each in value["examples"])
            yield f"### `{prefix}{key}`\n\n{value['description']}\n"
            yield "\n".join(facts) + f"\n\n```yaml\n{examples}\n```\n"

    def _kind(self, target: _Schema) -> str:
        if "enum" in target and target["type"] == "string":
            return "one of " + ", ".join(f"`{each}`" for each in target["enum"])
        parts = [target["title"]]
        if "maxLength" in target:
            parts.append(f"at most {target['maxLength']:,} characters")
        if "maxItems" in target:
            parts.append(f"at most {target['maxItems']}")
        if target.get("uniqueItems"):
            parts.append("none twice")
        return "; ".join(parts)
