# SPDX-License-Identifier: Apache-2.0
"""A build that has work to do.

Builds of one output folder come one after the other. Outputs, lock file and record are written at
the end, when nothing can be wrong any more but the disk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from west_llext.app import lockfile, state
from west_llext.app.fresh import key_of, last_build_of
from west_llext.app.inputs import Inputs, inputs, jobs, raise_errors
from west_llext.app.kept import fitting, kept
from west_llext.app.linking import Outcome, link_all
from west_llext.app.lockfile import Lockfile
from west_llext.app.made import Files, made
from west_llext.app.objects import Objects, made_objects
from west_llext.app.overlaid import overlaid
from west_llext.app.products import Content, Part
from west_llext.app.requests import Request, UpToDate
from west_llext.app.results import BuildResult
from west_llext.app.surroundings import occupied, surroundings
from west_llext.emit.aside import Aside, Ready, aside
from west_llext.emit.files import encoded, prepared, unwritable
from west_llext.emit.lock import locked
from west_llext.emit.names import STATE_FOLDER
from west_llext.emit.outputs import Changes, Outputs, Stale
from west_llext.link.extension import Purpose


def full_build(request: Request) -> BuildResult | UpToDate:
    """Build everything, then write what differs; nothing where another build has done it."""
    start = inputs(request)
    waited = False

    def waiting() -> None:
        nonlocal waited
        waited = True
        request.progress("waiting for another build", 0, 0)

    with _alone(request.output, waiting):
        before = last_build_of(request) if waited else None
        if before is not None:
            return UpToDate(count=before.count)
        lock = lockfile.lockfile(start.manifest.file, request.display)
        with made_objects(
            request, start.manifest, start.extensions, start.base, waiting=waiting
        ) as objects:
            return _built(request, start, lock, objects)


def _built(request: Request, start: Inputs, lock: Lockfile, objects: Objects) -> BuildResult:
    with aside(request.output) as waiting:
        return _finished(request, start, objects, *_linked(request, start, lock, objects, waiting))


def _finished(
    request: Request, start: Inputs, objects: Objects, lock: Lockfile, outcome: Outcome
) -> BuildResult:
    memories, image = start.manifest.base.memories, start.base.image
    findings = (
        *start.findings,
        *objects.findings,
        *outcome.findings,
        *overlaid(outcome.placement, memories, image),
    )
    raise_errors(findings)
    request.progress("writing", 0, 0)
    whole = made(start, outcome.products, _kept(request, start, outcome))
    locked_text = _lock_text(start, lock, outcome)
    digests = {**start.manifest.digests, **start.base.digests}
    digests |= {**objects.digests, **outcome.digests}
    if locked_text is not None:
        digests[lock.path] = state.digest(encoded(locked_text))
    record = _record(request, objects, digests, whole.files)
    changes = _written(request, whole.files, {lock.path: locked_text, **record})
    return BuildResult(
        count=len(start.extensions),
        findings=findings,
        changes=changes,
        rows=tuple(each.row for each in outcome.products),
        budgets=whole.budgets,
    )


@contextmanager
def _alone(output: Path, waiting: Callable[[], None]) -> Iterator[None]:
    # While this lasts no other process builds in the folder. What compilers left behind by a killed
    # build still do is another matter: the folder for objects has a lock of its own.
    folder = output / STATE_FOLDER
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / "build.lock", patience=math.inf, waiting=waiting))
        except OSError as err:
            raise unwritable(folder, err) from err
        yield


def _linked(
    request: Request, start: Inputs, lock: Lockfile, objects: Objects, waiting: Aside
) -> tuple[Lockfile, Outcome]:
    # A build with another output folder may have written the lock file in the meantime; then the
    # addresses are chosen again.
    manifest, image = start.manifest, start.base.image
    names = [each.name for each in start.extensions]
    request.progress("linking", 0, 0)
    while True:
        waiting.clear()
        outcome = link_all(
            objects.tasks,
            surroundings(manifest, start.base, Purpose.BUILD, request.shown, waiting),
            manifest.base.memories,
            occupied=[*occupied(image), *lockfile.reserved(lock.rows, manifest, names)],
            earlier=lock.rows,
            jobs=jobs(request),
        )
        now = lockfile.lockfile(manifest.file, request.display)
        if now.content == lock.content:
            return lock, outcome
        lock = now


def _kept(request: Request, start: Inputs, outcome: Outcome) -> Mapping[str, Part]:
    # what the last build made of the extensions that this one leaves alone
    if not request.extensions:
        return {}
    others = kept(request.output, start.manifest, [each.name for each in start.extensions])
    return fitting(others, (use for each in outcome.products for use in each.part.uses))


def _lock_text(start: Inputs, lock: Lockfile, outcome: Outcome) -> str | None:
    # what the lock file is to hold; None where there needn't be any
    if lock.content is None and not outcome.placement.blocks:
        return None
    return lockfile.text(outcome.placement, lock.rows, start.manifest)


def _record(
    request: Request, objects: Objects, digests: Mapping[Path, str], files: Files
) -> dict[Path, str]:
    # What was read and made, so that the next build can see that there is nothing to do: the file.
    root = state.root_of(str(request.manifest))
    record = state.State(
        key=key_of(request),
        count=len(objects.tasks),
        plan=objects.plan.digest if objects.plan.steps else "",
        inputs=state.relative(digests, root),
        outputs={path: _digest(content) for path, content in files.items()},
    )
    return {request.output / state.STATE_FILE: state.text(record)}


def _digest(content: Content) -> str:
    return content.digest if isinstance(content, Ready) else state.digest(encoded(content))


def _written(request: Request, files: Files, others: Mapping[Path, str | None]) -> Changes:
    """Write outputs, and with them files that have a place of their own.

    Those are ready beside their places before the first output is replaced.
    """
    outputs = Outputs(request.output)
    for path, content in files.items():
        outputs.add(path, content)
    with ExitStack() as stack:
        puts = [
            stack.enter_context(prepared(path, text))
            for path, text in others.items()
            if text is not None
        ]
        changes = outputs.commit(Stale.KEEP if request.extensions else Stale.REMOVE)
        for put in puts:
            put()
    return changes
