# SPDX-License-Identifier: Apache-2.0
"""A build or check that has work to do."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from west_llext.app import lockfile, state
from west_llext.app.linking import link_all
from west_llext.app.objects import Objects, checkable, made_objects
from west_llext.app.products import Product
from west_llext.app.requests import BuildResult, CheckResult, Outside, Request
from west_llext.app.surroundings import Base, base_of, homeless, occupied, surroundings
from west_llext.diagnostics import (
    Diagnostic,
    LlextError,
    MissingError,
    Span,
    UsageError,
    has_errors,
)
from west_llext.emit import build_json, exports_c, exports_h, gdb, raw
from west_llext.emit.budget import Budget, budgets
from west_llext.emit.export_table import export_table
from west_llext.emit.exports_c import Flavour
from west_llext.emit.files import put
from west_llext.emit.outputs import Outputs, Stale
from west_llext.link.extension import Purpose
from west_llext.manifest.load import manifest as load_manifest
from west_llext.model.base import BaseImage
from west_llext.model.manifest import Extension, Manifest


def full_build(request: Request, key: str) -> BuildResult:
    """Build everything, then write what differs.

    key: digest of the request, for the record of what was built
    """
    manifest, warnings = _manifest(request)
    extensions = _chosen(manifest, request)
    base = base_of(manifest, request.build_dir)
    _raise_errors([*warnings, *homeless(extensions, base.image)])
    lock = lockfile.lock_path(manifest.file)
    earlier = lockfile.earlier(lock, lock.name)
    with made_objects(
        request,
        manifest,
        extensions,
        base.image,
        waiting=lambda: request.progress("waiting for another build", 0, 1),
    ) as objects:
        shared = surroundings(manifest, base.image, Purpose.BUILD, origin=manifest.file.name)
        outcome = link_all(
            objects.tasks,
            shared,
            manifest.base.memories,
            occupied=occupied(base.image),
            earlier=earlier,
            jobs=_jobs(request),
        )
        image_findings = () if base.image is None else base.image.findings
        findings = (*warnings, *image_findings, *objects.findings, *outcome.findings)
        _raise_errors(findings)
        memory_budgets = budgets(
            manifest.base.memories, (use for each in outcome.products for use in each.uses)
        )
        outputs = Outputs(request.output)
        made = _outputs(manifest, base.image, outcome.products, memory_budgets)
        for path, content in made.items():
            outputs.add(path, content)
        changes = outputs.commit(Stale.KEEP if request.extensions else Stale.REMOVE)
        locked = lockfile.text(
            outcome.placement, earlier, known=[each.name for each in manifest.extensions]
        )
        if earlier or outcome.placement.blocks:
            put(lock, locked)
        _record(request, key, (manifest, base, objects), made)
    return BuildResult(
        count=len(extensions),
        findings=findings,
        changes=changes,
        rows=tuple(each.row for each in outcome.products),
        budgets=memory_budgets,
    )


def full_check(request: Request) -> CheckResult:
    """Every finding of a manifest and its links, without writing anything."""
    try:
        manifest, warnings = _manifest(request)
        extensions = _chosen(manifest, request)
    except MissingError:
        raise
    except LlextError as err:
        return CheckResult(count=0, findings=err.diagnostics)
    findings = list(warnings)
    try:
        base = base_of(manifest, request.build_dir)
    except LlextError as err:
        return CheckResult(count=len(extensions), findings=(*findings, *err.diagnostics))
    image = base.image
    findings += homeless(extensions, image)
    findings += () if image is None else image.findings
    tasks, notes = checkable(request, manifest, extensions, image)
    findings += notes
    lock = lockfile.lock_path(manifest.file)
    shared = surroundings(manifest, image, Purpose.CHECK, origin=manifest.file.name)
    outcome = link_all(
        tasks,
        shared,
        manifest.base.memories,
        occupied=occupied(image),
        earlier=lockfile.earlier(lock, lock.name),
        jobs=_jobs(request),
    )
    return CheckResult(count=len(extensions), findings=(*findings, *outcome.findings))


def _manifest(request: Request) -> tuple[Manifest, tuple[Diagnostic, ...]]:
    return load_manifest(
        request.manifest,
        allow_outside=request.outside is Outside.ALLOWED,
        display=request.display,
    )


def _chosen(manifest: Manifest, request: Request) -> tuple[Extension, ...]:
    # Those that were asked for, and those that they import from: their exports are needed.
    if not request.extensions:
        return manifest.extensions
    known = {each.name: each for each in manifest.extensions}
    unknown = [name for name in request.extensions if name not in known]
    if unknown:
        raise UsageError([_unknown(name, known, request) for name in unknown])
    wanted: set[str] = set()
    queue = list(request.extensions)
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += [each.text for each in known[name].imports_from]
    return tuple(each for each in manifest.extensions if each.name in wanted)


def _unknown(name: str, known: Iterable[str], request: Request) -> Diagnostic:
    near = difflib.get_close_matches(name, list(known), n=1)
    return Diagnostic(
        code="M013",
        at=Span(PurePath(request.display)),
        message=f"there is no extension '{name}' in it",
        hint=f"did you mean '{near[0]}'?" if near else None,
    )


def _raise_errors(findings: Sequence[Diagnostic]) -> None:
    if has_errors(findings):
        raise LlextError(findings)


def _jobs(request: Request) -> int:
    return request.jobs or os.cpu_count() or 1


def _outputs(
    manifest: Manifest,
    base: BaseImage | None,
    products: Sequence[Product],
    memory_budgets: Sequence[Budget],
) -> dict[str, str | bytes]:
    # Every output by its relative path.
    origin = manifest.file.name
    made: dict[str, str | bytes] = {
        path: content for each in products for path, content in each.files
    }
    images: dict[str, dict[str, str]] = {}
    chunks = [chunk for each in products for chunk in each.chunks]
    for image in raw.images(manifest.base.memories, chunks):
        name = image.memory.name
        made[f"{name}.bin"] = raw.binary(image)
        images[name] = {"bin": f"{name}.bin"}
        text = raw.intel_hex(image)
        if text is not None:
            made[f"{name}.hex"] = text
            images[name]["hex"] = f"{name}.hex"
    made["llext.gdb"] = gdb.text((each.debug for each in products), origin=origin)
    files = {"gdb": "llext.gdb"}
    identity = None
    if manifest.base.exports:
        flavour = Flavour.STANDALONE
        if manifest.base.build_dir is not None or manifest.base.zephyr_version is not None:
            flavour = Flavour.ZEPHYR
        groups = manifest.base.exports
        made["llext_exports.c"] = exports_c.text(groups, flavour=flavour, origin=origin)
        made["llext_exports.h"] = exports_h.text(groups, flavour=flavour, origin=origin)
        files |= {"exports-c": "llext_exports.c", "exports-h": "llext_exports.h"}
        identity = export_table(groups, origin=origin).identity
    report = build_json.Report(
        origin=origin,
        base=base,
        exports=identity,
        budgets=memory_budgets,
        images=images,
        files=files,
    )
    made["llext-build.json"] = build_json.text(report, (each.line for each in products))
    return made


def _record(
    request: Request,
    key: str,
    read: tuple[Manifest, Base, Objects],
    made: dict[str, str | bytes],
) -> None:
    # What was read and written, so that the next build can see that there is nothing to do.
    manifest, base, objects = read
    root = manifest.root
    paths = [*manifest.inputs, *(task.path for task in objects.tasks)]
    paths += [base.path] if base.path is not None else []
    lock = lockfile.lock_path(manifest.file)
    paths += [lock] if lock.exists() else []
    inputs = {state.relative(path, root): state.digest(path.read_bytes()) for path in paths}
    outputs = {
        path: state.digest(content.encode() if isinstance(content, str) else content)
        for path, content in made.items()
    }
    record = state.State(
        key=key,
        count=len(objects.tasks),
        compiled=bool(objects.plan.steps),
        inputs=inputs,
        outputs=outputs,
    )
    put(request.output / state.STATE_FILE, state.text(record))
