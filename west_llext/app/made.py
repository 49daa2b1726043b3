# SPDX-License-Identifier: Apache-2.0
"""Every file that a build makes, by its path in the output folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from west_llext.app.exports import SOURCE_NAME, flavour_of, switched_on, tables
from west_llext.app.inputs import Inputs
from west_llext.app.products import Content, Part, Product
from west_llext.emit import build_json, gdb, raw
from west_llext.emit.budget import Budget, budgets
from west_llext.emit.export_table import export_table
from west_llext.emit.exports_c import HEADER_NAME
from west_llext.model.manifest import Memory
from west_llext.record import record

_GDB_NAME = "llext.gdb"

#: Relative path to content.
Files = Mapping[str, Content]


@record(frozen=True, slots=True, kw_only=True)
class Made:
    """What a build writes.

    budgets: of the declared memories, with everything that is in the output folder
    """

    files: Files
    budgets: tuple[Budget, ...]


def made(start: Inputs, products: Sequence[Product], kept: Mapping[str, Part]) -> Made:
    """The files of a build.

    products: of the extensions that were built
    kept: parts of others, which are in the files that all share
    """
    manifest = start.manifest
    origin = manifest.file.name
    by_name = {**kept, **{each.part.name: each.part for each in products}}
    parts = [by_name[each.name] for each in manifest.extensions if each.name in by_name]
    memories = manifest.base.memories
    found = budgets(memories, (use for each in parts for use in each.uses))
    image_files, images, digests = _images(memories, parts)
    table_files, identity = _table(start)
    report = build_json.Report(
        origin=origin,
        base=None if start.base.image is None else replace(start.base.image, name=start.base.name),
        exports=identity,
        budgets=found,
        images=images,
        digests=digests,
        files={_KINDS[name]: name for name in (_GDB_NAME, *table_files)},
    )
    return Made(
        files={
            **{path: content for each in products for path, content in each.files},
            **image_files,
            **table_files,
            _GDB_NAME: gdb.text((each.debug for each in parts), origin=origin),
            build_json.FILE_NAME: build_json.text(report, (each.line for each in parts)),
        },
        budgets=found,
    )


#: What llext-build.json calls the files that there is one of.
_KINDS = {_GDB_NAME: "gdb", SOURCE_NAME: "exports-c", HEADER_NAME: "exports-h"}


def _images(
    memories: Sequence[Memory], parts: Sequence[Part]
) -> tuple[dict[str, bytes], dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    # the raw content of each memory: as files, and their names and digests by memory and kind
    files: dict[str, bytes] = {}
    names: dict[str, dict[str, str]] = {}
    digests: dict[str, dict[str, str]] = {}
    images = raw.images(memories, [chunk for each in parts for chunk in each.chunks])
    for image, binary in zip(images, raw.binaries(images), strict=True):
        contents = {"bin": binary}
        text = raw.intel_hex(image)
        if text is not None:
            contents["hex"] = text.encode("ascii")
        name = image.memory.name
        names[name] = {kind: f"{name}.{kind}" for kind in contents}
        digests[name] = {kind: hashlib.sha256(each).hexdigest() for kind, each in contents.items()}
        files.update({f"{name}.{kind}": content for kind, content in contents.items()})
    return files, names, digests


def _table(start: Inputs) -> tuple[dict[str, str], str | None]:
    # the table of exports: its files, and its identity; the same that `exports` generates
    manifest, base = start.manifest, start.base
    if not manifest.base.exports:
        return {}, None
    config = None if base.build is None else base.build.config
    wanted, _ = switched_on(manifest.base.exports, config)
    origin = manifest.file.name
    texts = tables(
        wanted,
        flavour_of(manifest, None if base.build is None else base.build.path),
        origin=origin,
        config=config,
        own=frozenset() if base.image is None else base.image.own_exports,
        memories=manifest.base.memories,
    )
    identity = export_table(wanted, origin=origin).identity
    return {SOURCE_NAME: texts["source"], HEADER_NAME: texts["header"]}, identity
