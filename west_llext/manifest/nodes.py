# SPDX-License-Identifier: Apache-2.0
"""Nodes of a YAML document, and what no document of ours may hold, whatever its fields mean.

Nodes are those of `yaml.compose`, untyped: what a scalar means is up to the field that it stands
in. Aliases share nodes, so a tree may be larger than what was read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Protocol

from west_llext.diagnostics import Diagnostic, Related, Span
from west_llext.manifest.text import shown

#: Deepest nesting of lists and mappings; a manifest has seven levels.
MAX_DEPTH = 64
#: Most nodes, aliases counted as often as they are used; 1,000 extensions have 45,000.
MAX_NODES = 400_000
#: Most characters of text, counted likewise; without aliases there can't be so many.
MAX_TEXT = 16 << 20

_CORE_TAGS = {
    "scalar": {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")},
    "sequence": {"tag:yaml.org,2002:seq"},
    "mapping": {"tag:yaml.org,2002:map"},
}


class Mark(Protocol):
    """Where a node begins; line and column count from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Node(Protocol):
    """A node of the tree.

    id: `scalar`, `sequence` or `mapping`
    value: text, list of nodes, or list of pairs of nodes
    tag: empty where the text names none
    style: empty or None for a scalar without quotes
    """

    @property
    def id(self) -> str: ...
    @property
    def value(self) -> Any: ...
    @property
    def tag(self) -> str: ...
    @property
    def style(self) -> str | None: ...
    @property
    def start_mark(self) -> Mark: ...


def span(file: PurePath, mark: Mark) -> Span:
    """The place of a mark in a file."""
    return Span(file, mark.line + 1, mark.column + 1)


def is_foreign(node: Node) -> bool:
    """Whether the node carries a tag that isn't one of YAML's own for its kind."""
    return bool(node.tag) and node.tag not in _CORE_TAGS[node.id]


def alias_findings(root: Node, file: PurePath) -> list[Diagnostic]:
    """An alias that stands for itself (M009), or aliases that make too much of little (M003).

    With either the tree can't be walked.
    """
    # Values and characters of subtrees, each computed once: a node's children are complete when it
    # comes up again.
    sizes: dict[int, tuple[int, int]] = {}
    open_nodes: set[int] = set()
    stack = [root]
    while stack:
        node = stack[-1]
        key = id(node)
        if key in sizes:
            stack.pop()
        elif key in open_nodes:
            open_nodes.discard(key)
            values, characters = sizes[key] = _expanded(node, sizes)
            if values > MAX_NODES:
                message = f"aliases expand to more than {MAX_NODES} values"
                return [_finding("M003", node, file, message)]
            if characters > MAX_TEXT:
                message = f"aliases expand to more than {MAX_TEXT >> 20} MiB of text"
                return [_finding("M003", node, file, message)]
            stack.pop()
        else:
            open_nodes.add(key)
            for each in _children(node):
                if id(each) in open_nodes:
                    message = "an alias is used inside of what it stands for"
                    return [_finding("M009", each, file, message)]
                if each.id != "scalar":
                    stack.append(each)
    return []


def _expanded(node: Node, sizes: Mapping[int, tuple[int, int]]) -> tuple[int, int]:
    # values and characters of a node; `sizes` has those of its children, but for scalars
    values, characters = 1, 0
    if node.id == "scalar":
        return values, len(node.value)
    for each in _children(node):
        known = sizes.get(id(each)) or (1, len(each.value))
        values, characters = values + known[0], characters + known[1]
    return values, characters


def _children(node: Node) -> Iterator[Node]:
    if node.id == "mapping":
        for key, value in node.value:
            yield key
            yield value
    elif node.id == "sequence":
        yield from node.value


def oddities(root: Node, file: PurePath) -> Iterator[Diagnostic]:
    """Duplicate keys, merge keys, keys that aren't text, and tags, level by level."""
    seen = {id(root)}
    todo = deque([root])
    if root.tag and is_foreign(root):
        yield _tag(root, file)
    while todo:
        node = todo.popleft()
        children = node.value if node.id == "sequence" else []
        if node.id == "mapping":
            yield from _key_findings(node, file)
            children = [value for _key, value in node.value]
        for each in children:
            if each.tag and is_foreign(each):
                yield _tag(each, file)
            if each.id != "scalar" and id(each) not in seen:
                seen.add(id(each))
                todo.append(each)


def _key_findings(node: Node, file: PurePath) -> Iterator[Diagnostic]:
    first: dict[str, Node] = {}
    for key, _value in node.value:
        if key.id != "scalar":
            kind = "list" if key.id == "sequence" else "mapping"
            message = f"a key is a {kind}, expected text"
            yield _finding("M008", key, file, message)
            continue
        name = key.value
        if name in first:
            yield Diagnostic(
                code="M005",
                at=span(file, key.start_mark),
                message=f"key '{shown(name)}' is given twice",
                related=(Related(at=span(file, first[name].start_mark), message="first here"),),
                hint="remove one of them",
            )
        elif name == "<<" and not key.style:
            yield Diagnostic(
                code="M006",
                at=span(file, key.start_mark),
                message="merge keys ('<<') aren't read",
                hint="put what extensions share under 'defaults'",
            )
        else:
            first[name] = key
            if key.tag and is_foreign(key):
                yield _tag(key, file)


def _tag(node: Node, file: PurePath) -> Diagnostic:
    tag = node.tag.replace("tag:yaml.org,2002:", "!!")
    hint = "remove it"
    if "CONFIG" in tag or tag.startswith("!("):
        value = f"{tag} {node.value}".rstrip() if node.id == "scalar" else tag
        hint = f"quote the expression: '{shown(value)}'"
    return Diagnostic(
        code="M007",
        at=span(file, node.start_mark),
        message=f"unknown YAML tag '{shown(tag)}'",
        hint=hint,
    )


def _finding(code: str, node: Node, file: PurePath, message: str) -> Diagnostic:
    return Diagnostic(code=code, at=span(file, node.start_mark), message=message)
