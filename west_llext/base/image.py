# SPDX-License-Identifier: Apache-2.0
"""A base image's ELF file, as far as extensions can see it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import PurePath

from west_llext.base.abi import abi_of
from west_llext.base.exports import NAMES_OF_TABLES as EXPORT_NAMES
from west_llext.base.exports import exports
from west_llext.base.layout import HEAPS
from west_llext.base.own_exports import own_exports
from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.elf.headers import headers
from west_llext.elf.symbols import symbol_index
from west_llext.model.base import BaseImage, LazyNames
from west_llext.model.elf import FileType


def image(
    data: bytes,
    name: str,
    *,
    config: Mapping[str, str] | None = None,
    zephyr_version: str | None = None,
) -> BaseImage:
    """The base image in `data`, which messages call `name`.

    Raises LlextError: L002 where it can't be read, B003 where it isn't linked. What is wrong with
    its exported table is in `findings`, because the image is of use all the same.
    """
    head = headers(data, name)
    if head.file_type not in {FileType.EXEC, FileType.DYN}:
        raise LlextError([_not_linked(name, head.file_type)])
    symbols, local, hidden = symbol_index(head, (*EXPORT_NAMES, *HEAPS))
    settings = {} if config is None else config
    found = exports(head, symbols, settings)
    return BaseImage(
        name=name,
        digest=hashlib.sha256(data).hexdigest(),
        abi=abi_of(head),
        symbols=symbols,
        exports=found.table,
        by_slid=found.by_slid,
        local=local,
        hidden=hidden,
        own_exports=LazyNames(partial(own_exports, head, symbols)),
        sections=head.sections,
        segments=head.segments,
        zephyr_version=zephyr_version,
        config=settings,
        findings=tuple(found.findings),
    )


def _not_linked(name: str, file_type: int) -> Diagnostic:
    kind = "a relocatable object" if file_type == FileType.REL else f"of type {file_type}"
    return Diagnostic(
        code="B003",
        at=Span(PurePath(name)),
        message=f"base image '{name}' is {kind}, expected a linked executable",
        hint="name the linked image, in a west build directory zephyr/zephyr.elf",
    )
