# SPDX-License-Identifier: Apache-2.0
"""A manifest file as a record: read, validated, with its defaults applied."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span, has_errors
from west_llext.manifest import rules
from west_llext.manifest.build import Built, built
from west_llext.manifest.log import Log, TooManyError, too_many
from west_llext.manifest.schema import MANIFEST, shape
from west_llext.manifest.source import NAME, content, digest, nearest_manifest, tree
from west_llext.model.manifest import Manifest

_UNKNOWN_VERSION = "M014"


def manifest(
    path: Path, *, allow_outside: bool = False, display: str | None = None
) -> tuple[Manifest, tuple[Diagnostic, ...]]:
    """The manifest in a file, and warnings about it.

    allow_outside: whether paths may be absolute or leave the workspace
    display: what messages call the file; None for the path as it is

    Raises LlextError with every error that there is, in the order of the text, and MissingError
    where the file can't be read.
    """
    file = path if display is None else PurePath(display)
    data = content(path, Span(file))
    log = Log(file)
    with _collector_paused():
        result, rest = _result(data, path, log, allow_outside=allow_outside)
    findings = [*_in_order(log), *rest]
    if result is None or has_errors(findings):
        raise LlextError(findings)
    return result.manifest, tuple(findings)


def find(start: Path) -> Path:
    """The manifest of a folder: `llext.yml` there or in the nearest folder above it.

    start: absolute, for otherwise there is no way up from it

    Raises MissingError where there is none.
    """
    path = nearest_manifest(start)
    if path is not None:
        return path
    message = f"no '{NAME}' here or in a folder above"
    hint = "name a manifest with '-m FILE', or make one with 'west llext init'"
    raise MissingError([Diagnostic(code="M010", at=Span(start), message=message, hint=hint)])


def _result(
    data: bytes, path: Path, log: Log, *, allow_outside: bool
) -> tuple[Built | None, list[Diagnostic]]:
    # what could be made, and what to say behind the findings in the log
    try:
        return _built(data, path, log, allow_outside=allow_outside), []
    except TooManyError:
        return None, [too_many(log.file)]


def _built(data: bytes, path: Path, log: Log, *, allow_outside: bool) -> Built | None:
    node, findings = tree(data, log.file)
    log.extend(findings)
    value = shape(MANIFEST).read(node, "", log) if node is not None else None
    if value is None:
        return None
    unknown = [each for each in log.findings if each.code == _UNKNOWN_VERSION]
    if unknown:
        # Its keys and values can't be judged by the rules of this version.
        log.findings[:] = unknown
        return None
    result = built(value, path, digest(data), log, allow_outside=allow_outside)
    log.extend(rules.findings(result))
    return result


def _in_order(log: Log) -> list[Diagnostic]:
    files = {log.file: 0}
    for each in log.findings:
        files.setdefault(each.at.file, len(files))
    return sorted(
        log.findings, key=lambda each: (files[each.at.file], each.at.line, each.at.column)
    )


@contextmanager
def _collector_paused() -> Iterator[None]:
    # A tree of nodes has no cycles to collect, and looking for them takes half of the time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
