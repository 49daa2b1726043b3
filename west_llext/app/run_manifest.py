# SPDX-License-Identifier: Apache-2.0
"""What to put into the emulator for the extensions of a manifest that has been built."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from west_llext.app.bases import base_of, config_of
from west_llext.app.calls import FunctionCall
from west_llext.app.ground import Beside
from west_llext.app.inputs import chosen, raise_errors, refuse_unknown
from west_llext.app.requests import Request
from west_llext.app.run import RunRequest
from west_llext.app.stale import stale
from west_llext.app.surroundings import homeless
from west_llext.diagnostics import Diagnostic, MissingError, Span
from west_llext.elf.read import file_content, object_file
from west_llext.manifest.kconfig import holds
from west_llext.manifest.load import manifest as read_manifest
from west_llext.model.manifest import Extension, Manifest
from west_llext.record import record


def run_request(
    request: Request,
    calls: Sequence[FunctionCall],
    stand_ins: Sequence[str] = (),
    stand_in_files: Sequence[Path] = (),
) -> RunRequest:
    """The base image of a manifest, and the blobs of the extensions that are called.

    With them come those that they import from; without calls it is every extension that was asked
    for. Raises LlextError (M, B020) for what is wrong with the manifest, UsageError (O009) for
    calls of extensions that it doesn't have, and MissingError (L001) with every blob that hasn't
    been built.
    """
    named = [call.extension for call in calls]
    known = opened(request)
    refuse_unknown(named, [each.name for each in known.manifest.extensions], request)
    blobs = known.blobs(named)
    own = known.manifest.run
    return RunRequest(
        beside=known.beside,
        blobs=tuple(blobs.values()),
        calls=tuple(calls),
        stand_ins=(*own.replace, *stand_ins),
        stand_in_files=(*(each.path for each in own.stand_ins), *stand_in_files),
        notes=tuple(stale(request, known.base_files)),
    )


@record(frozen=True, slots=True, kw_only=True)
class Opened:
    """A manifest with its base image, read once for many runs.

    chosen: the extensions that the request is about
    beside: what they run beside
    output: folder of the blobs
    base_files: what the base image and its settings were read from
    """

    manifest: Manifest
    chosen: tuple[Extension, ...]
    beside: Beside
    output: Path
    base_files: tuple[Path, ...] = ()

    def blobs(self, names: Collection[str]) -> dict[str, Path]:
        """Files of these extensions (all for none) and of those that they import from, in order.

        Raises LlextError (B020) for those that need a base image where there is none, and
        MissingError (L001) with every one that hasn't been built.
        """
        # what is called was chosen by that
        offered = self.manifest.extensions if names else self.chosen
        extensions = _called(self.manifest, offered, names)
        raise_errors(homeless(extensions, self.beside.image))
        blobs = {each.name: self.output / f"{each.name}.llext" for each in extensions}
        _refuse_missing(blobs.values())
        return blobs


def opened(request: Request) -> Opened:
    """The manifest of a request, for runs; raises as `run_request` does."""
    manifest, _ = read_manifest(
        request.manifest,
        allow_outside=request.allow_outside,
        display=request.display,
    )
    base = base_of(manifest, request)
    config = config_of(base)
    exports = {
        name.text
        for group in manifest.base.exports
        if group.when is None or holds(group.when, config)
        for name in group.symbols
    }
    code = None
    if base.path is not None and not base.described:
        code = object_file(file_content(base.path), base.path.as_posix())
    beside = Beside(
        image=base.image,
        code=code,
        name=base.name or request.display,
        exports=sorted(exports),
        occupied=tuple((each.address, each.end) for each in manifest.base.memories),
    )
    return Opened(
        manifest=manifest,
        chosen=chosen(manifest, request),
        beside=beside,
        output=request.output,
        base_files=tuple(base.digests),
    )


def _refuse_missing(blobs: Iterable[Path]) -> None:
    missing = [
        Diagnostic(
            code="L001",
            at=Span(blob),
            message=f"can't read '{blob.as_posix()}': No such file",
            hint="run 'west llext build' first",
        )
        for blob in blobs
        if not os.path.isfile(blob)  # noqa: PTH113 (Path.is_file raises for long names)
    ]
    if missing:
        raise MissingError(missing)


def _called(
    manifest: Manifest, offered: Iterable[Extension], names: Collection[str]
) -> tuple[Extension, ...]:
    # each behind those that it imports from
    known = {each.name: each for each in manifest.extensions}
    found: dict[str, Extension] = {}

    def add(extension: Extension) -> None:
        if extension.name in found:
            return
        for name in extension.imports_from:
            if name.text in known:
                add(known[name.text])
        found[extension.name] = extension

    for each in offered:
        if each.name in names or not names:
            add(each)
    return tuple(found.values())
