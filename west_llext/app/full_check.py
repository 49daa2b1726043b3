# SPDX-License-Identifier: Apache-2.0
"""A check of a manifest and its links; nothing is written."""

from __future__ import annotations

from west_llext.app.inputs import Draft, Inputs, based, draft, jobs
from west_llext.app.linking import link_all
from west_llext.app.lockfile import lockfile, reserved
from west_llext.app.objects import checkable, unbuildable
from west_llext.app.overlaid import overlaid
from west_llext.app.requests import CheckResult, Request
from west_llext.app.surroundings import occupied, surroundings
from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Severity, UsageError
from west_llext.link.extension import Purpose


def full_check(request: Request) -> CheckResult:
    """Every finding that a build would have, as far as it can be known without compiling.

    A manifest can be checked before its base image has been built, and then that is all.
    Raises UsageError for extensions that the manifest doesn't have, and MissingError where it, or
    the build directory that was asked for, can't be read.
    """
    try:
        written = draft(request)
    except (MissingError, UsageError):
        raise
    except LlextError as err:
        return CheckResult(count=0, findings=err.diagnostics)
    return CheckResult(count=len(written.extensions), findings=tuple(_findings(request, written)))


def _findings(request: Request, written: Draft) -> list[Diagnostic]:
    try:
        start = based(written, request)
    except MissingError as err:
        if request.build_dir is not None:
            raise
        barred = unbuildable(written.manifest, written.extensions)
        notes = [_unlinked(written, each) for each in err.diagnostics]
        return [*written.findings, *barred, *notes]
    except LlextError as err:
        return [*written.findings, *err.diagnostics]
    return [*start.findings, *_link_findings(request, start)]


def _link_findings(request: Request, start: Inputs) -> list[Diagnostic]:
    manifest, image = start.manifest, start.base.image
    try:
        lock = lockfile(manifest.file, request.display)
    except LlextError as err:
        return list(err.diagnostics)
    tasks, notes = checkable(request, manifest, start.extensions, start.base)
    names = [task.extension.name for task in tasks]
    outcome = link_all(
        tasks,
        surroundings(manifest, start.base, Purpose.CHECK, request.shown),
        manifest.base.memories,
        occupied=[*occupied(image), *reserved(lock.rows, manifest, names)],
        earlier=lock.rows,
        jobs=jobs(request),
    )
    covered = overlaid(outcome.placement, manifest.base.memories, image)
    return [*notes, *outcome.findings, *covered]


def _unlinked(written: Draft, why: Diagnostic) -> Diagnostic:
    return Diagnostic(
        code="B021",
        at=written.manifest.base.at,
        message=f"no links were checked, because there is no base image: {why.message}",
        hint=why.hint or "build the base image first",
        severity=Severity.NOTE,
    )
