# SPDX-License-Identifier: Apache-2.0
"""What a build or a check starts from: the manifest, its extensions, the base image."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from west_llext.app.bases import Base, base_of
from west_llext.app.requests import Request
from west_llext.app.surroundings import declared, homeless, loaderless
from west_llext.diagnostics import (
    Diagnostic,
    LlextError,
    MissingError,
    Span,
    UsageError,
    did_you_mean,
    has_errors,
)
from west_llext.manifest.load import manifest as load_manifest
from west_llext.manifest.rules_memory import outside_space
from west_llext.model.manifest import Extension, Manifest
from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the manifest says.

    extensions: those that the request is about, in the order of the manifest
    findings: about the manifest; warnings and notes
    """

    manifest: Manifest
    extensions: tuple[Extension, ...]
    findings: tuple[Diagnostic, ...] = ()


@record(frozen=True, slots=True, kw_only=True)
class Inputs(Draft):
    """The same with its base image; `findings` speak of both."""

    base: Base


def inputs(request: Request) -> Inputs:
    """The manifest of a request, and its base image.

    Raises LlextError with every error in them, UsageError for extensions that the manifest doesn't
    have, and MissingError where one of the two can't be read.
    """
    written = draft(request)
    try:
        return based(written, request)
    except LlextError as err:
        raise type(err)([*written.findings, *err.diagnostics]) from err


def draft(request: Request) -> Draft:
    """The manifest of a request; raises as `inputs` does."""
    manifest, warnings = load_manifest(
        request.manifest,
        allow_outside=request.allow_outside,
        display=request.display,
    )
    return Draft(manifest=manifest, extensions=chosen(manifest, request), findings=warnings)


def based(written: Draft, request: Request) -> Inputs:
    """A manifest with its base image; raises as `inputs` does, of the base image alone."""
    base = base_of(written.manifest, request)
    without = homeless(written.extensions, base.image)
    if without and base.absent:
        raise MissingError(base.absent)
    raise_errors(without)
    if base.image is not None:
        bits = base.image.abi.ident.bits
        raise_errors([*outside_space(written.manifest.base.memories, bits)])
    return Inputs(
        manifest=written.manifest,
        extensions=written.extensions,
        base=base,
        findings=(
            *written.findings,
            *(() if base.image is None else base.image.findings),
            *loaderless(written.manifest, written.extensions, base),
            *declared(written.manifest, base),
        ),
    )


def chosen(manifest: Manifest, request: Request) -> tuple[Extension, ...]:
    """The extensions that were asked for, and those that they import from.

    The latter because their exports have to be known. In the order of the manifest; all of them
    where none was asked for. Raises UsageError (O009).
    """
    if not request.extensions:
        return manifest.extensions
    known = {each.name: each for each in manifest.extensions}
    refuse_unknown(request.extensions, known, request)
    wanted: set[str] = set()
    queue = list(request.extensions)
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += [each.text for each in known[name].imports_from]
    return tuple(each for each in manifest.extensions if each.name in wanted)


def refuse_unknown(names: Iterable[str], known: Iterable[str], request: Request) -> None:
    """Raise UsageError (O009) with every name of an extension that isn't known in a manifest."""
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        raise UsageError([_unknown(name, known, request) for name in unknown])


def raise_errors(findings: Sequence[Diagnostic]) -> None:
    """Raise LlextError with all of them where one is an error."""
    if has_errors(findings):
        raise LlextError(findings)


def jobs(request: Request) -> int:
    """Most processes at a time."""
    if request.jobs is not None:
        return request.jobs
    if sys.platform == "linux":  # a container may have fewer of them than the machine
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _unknown(name: str, known: Iterable[str], request: Request) -> Diagnostic:
    return Diagnostic(
        code="O009",
        at=Span(PurePath(request.display)),
        message=f"there is no extension '{name}' in it",
        hint=did_you_mean(name, known),
    )
