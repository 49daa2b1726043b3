# SPDX-License-Identifier: Apache-2.0
"""What one linked extension becomes: its files, and what the reports of the build say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from west_llext.emit import build_json, gdb, raw, summary
from west_llext.emit.aside import Aside, Ready
from west_llext.emit.budget import Use, uses
from west_llext.emit.map import text as map_text
from west_llext.emit.twin import twin
from west_llext.model.link import Linked
from west_llext.model.manifest import Memory


class Part(NamedTuple):
    """What one extension brings to the files that all extensions share.

    line: its line in llext-build.json
    uses, chunks: what it has in the declared memories
    debug: what the gdb script needs
    """

    name: str
    line: str
    uses: tuple[Use, ...]
    chunks: tuple[raw.Chunk, ...]
    debug: gdb.DebugEntry


#: What a file of a build holds, or where that is.
Content = str | bytes | Ready


class Product(NamedTuple):
    """One extension's outputs, small enough to go through a pipe.

    files: relative path and content of those that are its own
    row: its row in the summary
    """

    part: Part
    files: tuple[tuple[str, Content], ...]
    row: summary.SummaryRow


def file_names(name: str) -> dict[str, str]:
    """Relative paths of an extension's files, by kind."""
    return {"blob": f"{name}.llext", "elf": f"{name}.elf", "map": f"{name}.map"}


def product(
    linked: Linked,
    content: bytes,
    memories: Sequence[Memory],
    *,
    origin: str,
    aside: Aside | None = None,
) -> Product:
    """The outputs of an extension.

    content: of its blob
    origin: the manifest, as outputs name it
    aside: where contents are put; None to hand them on
    """
    files = file_names(linked.name)
    contents: tuple[tuple[str, str | bytes], ...] = (
        (files["blob"], content),
        (files["elf"], twin(linked)),
        (files["map"], map_text(linked, origin=origin)),
    )
    return Product(
        part=Part(
            name=linked.name,
            line=build_json.extension_line(linked, files=files, blob=content, memories=memories),
            uses=uses(linked, memories),
            chunks=raw.chunks(linked),
            debug=gdb.entry(linked, files["elf"]),
        ),
        files=contents
        if aside is None
        else tuple((path, aside.ready(path, each)) for path, each in contents),
        row=summary.row(linked, len(content)),
    )


def with_load(made: Product, load: Mapping[str, Any] | None) -> Product:
    """The same, with what its load costs; None where nobody knows."""
    if load is None:
        return made
    part = made.part._replace(line=build_json.with_load(made.part.line, load))
    return made._replace(part=part)
