# SPDX-License-Identifier: Apache-2.0
"""YAML that other programs write, as plain values: build_info.yml, domains.yaml.

Nothing but text, lists and mappings comes out, whatever types the document speaks of. The limits
are those of manifests; what is merely odd in a manifest (a key that is there twice, a tag) is no
reason to do without the rest of what a program wrote.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from west_llext.diagnostics import LlextError
from west_llext.manifest.nodes import Node
from west_llext.manifest.source import tree


def plain(data: bytes, name: str) -> Any:
    """The document in `data` as str, list and dict; `name` is what messages call it.

    Of a key that is there twice the last value counts. Raises LlextError (M001 to M004, M009) where
    it can't be read.
    """
    node, findings = tree(data, PurePath(name))
    if node is None:
        raise LlextError(findings)
    return _value(node)


def _value(node: Node) -> Any:
    if node.id == "sequence":
        return [_value(each) for each in node.value]
    if node.id == "mapping":
        return {key.value: _value(each) for key, each in node.value if key.id == "scalar"}
    return node.value
