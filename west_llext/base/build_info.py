# SPDX-License-Identifier: Apache-2.0
"""`build_info.yml`: what Zephyr's build writes of itself, as far as extensions need it.

Not every release writes it, and `llext-edk` is in it only where LLEXT is configured
(cmake/modules/extensions.cmake, scripts/schemas/build-schema.yml).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

NAME = "build_info.yml"


class BuildInfo(NamedTuple):
    """What the file says; None or empty for what it doesn't.

    application: folder of the application's sources
    top: of the west workspace
    words: compiler flags for extensions, folders of headers included
    """

    application: str | None = None
    top: str | None = None
    words: tuple[str, ...] = ()


def build_info(document: Any) -> BuildInfo:
    """What a document (str, list, dict) tells; what has another shape than expected is left out."""
    kit = _table(document, "cmake", "llext-edk")
    includes = (f"-I{each}" for each in _texts(kit.get("include-dirs")))
    return BuildInfo(
        application=_text(_table(document, "cmake", "application").get("source-dir")),
        top=_text(_table(document, "west").get("topdir")),
        words=(*_texts(kit.get("cflags")), *includes) if kit.get("cflags") else (),
    )


def _table(document: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _texts(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and each:
            yield each


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
