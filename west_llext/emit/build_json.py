# SPDX-License-Identifier: Apache-2.0
"""`llext-build.json`: what a build made, for other tools (schemas/llext-build.schema.json).

One extension a line, so that a change shows as one line of a diff. Addresses are hexadecimal
texts, because numbers above 2^53 don't survive every JSON reader; sizes are numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from west_llext.emit.budget import Budget, memory_at
from west_llext.emit.veneers import veneers
from west_llext.model.base import BaseImage
from west_llext.model.link import Linked
from west_llext.model.manifest import Memory
from west_llext.record import record

#: Version of the shape; a tool can rely on it for as long as this number stays.
SCHEMA = 1
FILE_NAME = "llext-build.json"


@record(frozen=True, slots=True, kw_only=True)
class Report:
    """What the file says beside the extensions.

    origin: the manifest, by a relative path
    base: None where the build had none
    exports: identity of the generated symbol table (`ExportTable.identity`), None without one
    budgets: one for each declared memory
    images: files with raw content by memory: kind (`bin`, `hex`) to relative path
    digests: SHA-256 of each of them: memory and kind to hexadecimal text
    files: other files of the build: kind to relative path
    """

    origin: str
    base: BaseImage | None
    exports: str | None = None
    budgets: Sequence[Budget] = ()
    images: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    digests: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def extension_line(
    linked: Linked, *, files: Mapping[str, str], blob: bytes, memories: Sequence[Memory]
) -> str:
    """The line of one extension; `files` are relative paths by kind (`blob`, `elf`, `map`)."""
    return _compact(
        {
            "name": linked.name,
            "mode": linked.mode.value,
            "machine": linked.ident.machine,
            "bits": linked.ident.bits,
            "byte-order": "little" if linked.ident.little else "big",
            "identity": linked.identity,
            "blob": {"sha256": hashlib.sha256(blob).hexdigest(), "size": len(blob)},
            "files": dict(sorted(files.items())),
            "regions": _regions(linked, memories),
            "imports": _imports(linked),
            "exports": _exports(linked),
            "relocations": {
                "applied": dict(sorted(linked.applied.items())),
                "left": dict(sorted(linked.left.items())),
            },
            "veneers": [each.target for each in veneers(linked)],
        }
    )


def with_load(line: str, load: Mapping[str, Any]) -> str:
    """A line of `extension_line`, with what the load of the blob costs."""
    return f'{line[:-1]},"load":{_compact(load)}}}'


def text(report: Report, extensions: Iterable[str]) -> str:
    """The whole file; `extensions` are lines from `extension_line`, in the order to have them."""
    parts = [
        f'"schema": {SCHEMA}',
        f'"tool": {_compact("west-llext")}',
        f'"manifest": {_compact(report.origin)}',
        f'"base": {_compact(_base(report))}',
        f'"files": {_compact(dict(sorted(report.files.items())))}',
        f'"memories": {_lines(_compact(_memory(each, report)) for each in report.budgets)}',
        f'"extensions": {_lines(extensions)}',
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(values: Iterable[str]) -> str:
    joined = ",\n".join(values)
    return f"[\n{joined}\n]" if joined else "[]"


def _compact(value: Any) -> str:
    # ASCII only: a name in an object file may hold what is no Unicode text.
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def _regions(linked: Linked, memories: Sequence[Memory]) -> dict[str, Any]:
    regions = {}
    for section in linked.sections:
        about: dict[str, Any] = {
            "section": section.name,
            "size": section.size,
            "align": section.align,
        }
        if section.address is not None:
            memory = memory_at(memories, section.address)
            about["address"] = hex(section.address)
            about["memory"] = memory.name if memory is not None else None
        regions[section.region.label] = about
    return regions


def _imports(linked: Linked) -> dict[str, Any]:
    imports = linked.imports
    base = {
        name: None if address is None else hex(address)
        for name, provider, address, _, _ in imports
        if provider is None
    }
    extensions: dict[str, dict[str, str | None]] = {}
    if len(base) < len(imports):
        for name, provider, address, _, _ in imports:
            if provider is not None:
                extensions.setdefault(provider, {})[name] = _where(address)
    return {
        "base": base,
        "extensions": extensions,
        "weak": [each[0] for each in imports if each[3]],
    }


def _where(address: int | None) -> str | None:
    return None if address is None else hex(address)


def _exports(linked: Linked) -> dict[str, Any]:
    sections = linked.sections
    exports = {}
    for name, section, offset, size, function in linked.exports:
        start = sections[section].address
        exports[name] = {
            "region": sections[section].region.label,
            "offset": offset,
            "size": size,
            "function": function,
            "address": None if start is None else hex(start + offset),
        }
    return exports


def _base(report: Report) -> dict[str, Any] | None:
    base = report.base
    if base is None:
        return None
    return {
        "name": base.name,
        "sha256": base.digest,
        "zephyr": base.zephyr_version,
        "exports": report.exports,
    }


def _memory(budget: Budget, report: Report) -> dict[str, Any]:
    memory = budget.memory
    return {
        "name": memory.name,
        "address": hex(memory.address),
        "size": memory.size,
        "access": memory.access,
        "used": budget.used,
        "free": budget.free,
        "largest-free": budget.largest_free,
        "images": dict(sorted(report.images.get(memory.name, {}).items())),
        "sha256": dict(sorted(report.digests.get(memory.name, {}).items())),
    }
