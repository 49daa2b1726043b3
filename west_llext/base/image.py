# SPDX-License-Identifier: Apache-2.0
"""A base image's ELF file, as far as extensions can see it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import PurePath

from west_llext.base.abi import abi_of
from west_llext.base.exports import NAMES_OF_TABLES as EXPORT_NAMES
from west_llext.base.exports import exports
from west_llext.base.layout import HEAPS
from west_llext.base.own_exports import own_exports
from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.elf.exported import SECTION as EXTENSION_TABLE
from west_llext.elf.headers import headers
from west_llext.elf.read import symbol_table
from west_llext.elf.symbols import image_symbols
from west_llext.model.base import BaseImage, LazyNames
from west_llext.model.elf import FileType, Section


def image(
    data: bytes,
    name: str,
    *,
    config: Mapping[str, str] | None = None,
    zephyr_version: str | None = None,
) -> BaseImage:
    """The base image in `data`, which messages call `name`.

    Raises LlextError: L002 where it can't be read, B003 where it isn't linked or is an extension,
    B006 where it has no symbol table. What is wrong with its exported table is in `findings`,
    because the image is of use all the same.
    """
    head = headers(data, name)
    if head.file_type not in {FileType.EXEC, FileType.DYN}:
        raise LlextError([_not_linked(name, head.file_type)])
    if is_extension(head.sections):
        raise LlextError([_extension(name)])
    if not symbol_table(head):
        raise LlextError([_stripped(name)])
    symbols, local, hidden, objects = image_symbols(head, (*EXPORT_NAMES, *HEAPS))
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
        own_exports=LazyNames(partial(own_exports, objects, symbols)),
        sections=head.sections,
        segments=head.segments,
        zephyr_version=zephyr_version,
        config=settings,
        findings=tuple(found.findings),
    )


def is_extension(sections: Iterable[Section]) -> bool:
    """Whether a linked file is one: only extensions have a table that the loader reads."""
    return any(each.name == EXTENSION_TABLE for each in sections)


def _extension(name: str) -> Diagnostic:
    return Diagnostic(
        code="B003",
        at=Span(PurePath(name)),
        message=f"base image '{name}' is an extension, expected the executable that loads it",
        hint="name the linked image, in a west build directory zephyr/zephyr.elf",
    )


def _stripped(name: str) -> Diagnostic:
    return Diagnostic(
        code="B006",
        at=Span(PurePath(name)),
        message=f"base image '{name}' has no symbol table, so that nothing is known of what it "
        "offers",
        hint="name the image as it was linked, before it is stripped",
    )


def _not_linked(name: str, file_type: int) -> Diagnostic:
    kind = "a relocatable object" if file_type == FileType.REL else f"of type {file_type}"
    return Diagnostic(
        code="B003",
        at=Span(PurePath(name)),
        message=f"base image '{name}' is {kind}, expected a linked executable",
        hint="name the linked image, in a west build directory zephyr/zephyr.elf",
    )
