# SPDX-License-Identifier: Apache-2.0
"""What to put into the emulator for the extensions of a manifest that has been built."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from west_llext.app.bases import Base, base_of
from west_llext.app.inputs import chosen, refuse_unknown
from west_llext.app.requests import Request
from west_llext.app.run import FunctionCall, RunRequest
from west_llext.app.surroundings import homeless
from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span
from west_llext.manifest.load import manifest as read_manifest
from west_llext.model.manifest import Extension, Manifest, Mode


def run_request(
    request: Request, calls: Sequence[FunctionCall], stand_ins: Sequence[str]
) -> RunRequest:
    """The base image of a manifest, and the blobs of the extensions that are called.

    With them come those that they import from; without calls it is every prelocated extension.
    Raises LlextError (M, B020) for what is wrong with the manifest, UsageError (O009) for calls of
    extensions that it doesn't have, and MissingError (L001) with every blob that hasn't been built.
    """
    manifest, _ = read_manifest(
        request.manifest,
        allow_outside=request.allow_outside,
        display=request.display,
    )
    known = [each.name for each in manifest.extensions]
    refuse_unknown((call.extension for call in calls), known, request)
    base = base_of(manifest, request)
    path = base.path
    if base.described:
        raise LlextError([_only_described(base)])
    extensions = _called(manifest, chosen(manifest, request), calls)
    if path is None:
        raise LlextError(homeless(extensions, None) or [_no_base(manifest)])
    blobs = {each.name: request.output / f"{each.name}.llext" for each in extensions}
    missing = [
        Diagnostic(
            code="L001",
            at=Span(blob),
            message=f"can't read '{blob.as_posix()}': No such file",
            hint="run 'west llext build' first",
        )
        for blob in blobs.values()
        if not os.path.isfile(blob)  # noqa: PTH113 (Path.is_file raises for long names)
    ]
    if missing:
        raise MissingError(missing)
    return RunRequest(
        base=path, blobs=tuple(blobs.values()), calls=tuple(calls), stand_ins=tuple(stand_ins)
    )


def _called(
    manifest: Manifest, offered: Iterable[Extension], calls: Sequence[FunctionCall]
) -> tuple[Extension, ...]:
    # each behind those that it imports from
    known = {each.name: each for each in manifest.extensions}
    names = {call.extension for call in calls}
    found: dict[str, Extension] = {}

    def add(extension: Extension) -> None:
        if extension.name in found:
            return
        for name in extension.imports_from:
            if name.text in known and known[name.text].mode is Mode.PRELOCATED:
                add(known[name.text])
        found[extension.name] = extension

    for each in offered:
        if each.name in names or (not names and each.mode is Mode.PRELOCATED):
            add(each)
    return tuple(found.values())


def _only_described(base: Base) -> Diagnostic:
    return Diagnostic(
        code="B037",
        at=Span(PurePath(base.name)),
        message=f"'{base.name}' only describes the base image, so that there is no code of it to "
        "run extensions beside",
        hint="set 'base.image' to the ELF file, or pass a build directory with '-d'",
    )


def _no_base(manifest: Manifest) -> Diagnostic:
    return Diagnostic(
        code="B020",
        at=manifest.base.at,
        message="the manifest names no base image to run extensions beside",
        hint="set 'base.image' or 'base.build-dir', or pass a build directory with '-d'",
    )
