# SPDX-License-Identifier: Apache-2.0
"""From sources and prebuilt objects to one object an extension."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path

from west_llext.app.bases import Base
from west_llext.app.flags import Flags, compile_flags
from west_llext.app.fresh import OBJECT_FOLDER, last_build_of
from west_llext.app.requests import Request
from west_llext.app.session import Task
from west_llext.diagnostics import Diagnostic, LlextError, Severity, has_errors
from west_llext.emit.files import put
from west_llext.model.importers import reached, users
from west_llext.model.manifest import CompilerRuntime, Extension, Manifest
from west_llext.record import record
from west_llext.toolchain import run
from west_llext.toolchain.checks import findings, missing_file, missing_folder
from west_llext.toolchain.compiler import Compiler, compiler, runtime_library
from west_llext.toolchain.flags import Kind
from west_llext.toolchain.lock import locked
from west_llext.toolchain.ninja import Host
from west_llext.toolchain.plan import Plan, needs_compiler, plan
from west_llext.toolchain.plan import Request as PlanRequest
from west_llext.toolchain.state import up_to_date


@record(frozen=True, slots=True, kw_only=True)
class Objects:
    """What the link reads.

    tasks: one an extension, in the order of the manifest
    plan: how the objects were made
    digests: SHA-256 (hexadecimal) of what the base image's flags were read from
    findings: warnings of the compilers
    """

    tasks: tuple[Task, ...]
    plan: Plan
    digests: Mapping[Path, str] = field(default_factory=dict)
    findings: tuple[Diagnostic, ...] = ()


@contextmanager
def made_objects(
    request: Request,
    manifest: Manifest,
    extensions: tuple[Extension, ...],
    base: Base,
    *,
    waiting: Callable[[], None],
) -> Iterator[Objects]:
    """Compile and merge what is necessary; the objects stay as they are inside the `with` block.

    waiting: called once if another build is busy in the same folder
    Raises LlextError with everything that compilers say, where they fail.
    """
    flags = _flags(request, manifest, extensions, base)
    steps = _plan(request, manifest, extensions, base, flags)
    if not steps.steps:
        yield Objects(tasks=tasks_of(extensions, steps), plan=steps)
        return
    flags.prepare()
    with locked(steps.folder, waiting=waiting) as lock:
        outcome = run.run(
            steps,
            lock=lock,
            environment=request.environment,
            put=put,
            jobs=request.jobs,
            progress=lambda each: request.progress(
                f"{each.step.action.value} {each.step.subject}", each.done, each.total
            ),
        )
        for ran in outcome.ran:
            request.commands(_folder(request), ran.step.words, ran.output)
        if has_errors(outcome.diagnostics):
            raise LlextError([*_no_folders(extensions), *outcome.diagnostics])
        yield Objects(
            tasks=tasks_of(extensions, steps),
            plan=steps,
            digests=flags.digests,
            findings=outcome.diagnostics,
        )


def _no_folders(extensions: Iterable[Extension]) -> list[Diagnostic]:
    # What compilers pass over in silence, and then miss headers of. It is no error by itself:
    # another step of the build may make the folder.
    named = {each.at: each for extension in extensions for each in extension.include_dirs}
    return [missing_folder(each) for each in named.values() if not each.path.is_dir()]


def _folder(request: Request) -> str:
    # where commands run, for somebody who wants to run one again
    shown = request.shown.as_posix()
    return "" if shown == "." else shown


def object_plan(
    request: Request,
    manifest: Manifest,
    extensions: tuple[Extension, ...],
    base: Base,
) -> Plan:
    """What has to run to make the objects, and where they will be. Nothing runs."""
    flags = _flags(request, manifest, extensions, base)
    return _plan(request, manifest, extensions, base, flags)


def _flags(
    request: Request, manifest: Manifest, extensions: tuple[Extension, ...], base: Base
) -> Flags:
    # nobody asks for them where nothing is compiled
    if needs_compiler(extensions):
        return compile_flags(manifest, base, request)
    return Flags(spec=manifest.base.toolchain)


def _plan(
    request: Request,
    manifest: Manifest,
    extensions: tuple[Extension, ...],
    base: Base,
    flags: Flags,
) -> Plan:
    root = Path(os.path.realpath(manifest.root))
    found = _compiler(request, base, flags, root) if needs_compiler(extensions) else None
    wants_runtime = any(each.compiler_runtime is CompilerRuntime.TOOLCHAIN for each in extensions)
    clang = found is not None and found.kind is Kind.CLANG
    return plan(
        PlanRequest(
            root=root,
            folder=Path(os.path.realpath(request.output)) / OBJECT_FOLDER,
            extensions=extensions,
            compiler=found,
            host=Host.WINDOWS if os.name == "nt" else Host.POSIX,
            python=sys.executable,
            runtime=runtime_library(found) if found and clang and wants_runtime else None,
            prefix_maps=flags.maps,
            shown=request.shown,
        )
    )


def checkable(
    request: Request,
    manifest: Manifest,
    extensions: tuple[Extension, ...],
    base: Base,
) -> tuple[tuple[Task, ...], list[Diagnostic]]:
    """The extensions whose objects are there, a note for each of the others, and what bars a build.

    Objects that the last build compiled count only where it was of all these extensions, and
    nothing changed since: there is one record for all that a build compiles. An extension that
    imports from one whose exports aren't known can't be checked either.
    """
    steps = _known_plan(request, manifest, extensions, base)
    if steps is not None:
        return tasks_of(extensions, steps), []
    barred = unbuildable(manifest, extensions)
    importing = users((each.name, (to.text for to in each.imports_from)) for each in extensions)
    compiled = (each.name for each in extensions if needs_compiler([each]))
    absent = reached(compiled, lambda name: importing.get(name, ()))
    tasks = tuple(
        Task(each, each.objects[0].path, (request.shown / each.objects[0].text).as_posix())
        for each in extensions
        if each.name not in absent
    )
    return tasks, [*barred, *(_unchecked(each) for each in extensions if each.name in absent)]


def unbuildable(manifest: Manifest, extensions: Iterable[Extension]) -> list[Diagnostic]:
    """What would keep the sources and objects of extensions from being compiled and merged.

    A file that isn't there is a warning: what makes it may not have run.
    """
    flags, root = manifest.base.toolchain.cflags, Path(os.path.realpath(manifest.root))
    found: list[Diagnostic] = []
    for each in extensions:
        wrong = list(findings(each, flags=flags if each.sources else (), root=root))
        places = {finding.at for finding in wrong}
        wrong += [
            replace(missing_file(file), severity=Severity.WARNING)
            for file in (*each.sources, *each.objects)
            if needs_compiler([each]) and file.at not in places and not file.path.is_file()
        ]
        found += wrong
    return found


def _known_plan(
    request: Request,
    manifest: Manifest,
    extensions: tuple[Extension, ...],
    base: Base,
) -> Plan | None:
    # the plan whose objects the last build has left, be it of these extensions or of all of them
    scopes = (
        [extensions] if extensions == manifest.extensions else [extensions, manifest.extensions]
    )
    for scope in scopes:
        try:
            steps = object_plan(request, manifest, scope, base)
        except LlextError:  # no compiler, perhaps: prebuilt objects can be checked all the same
            continue
        if up_to_date(steps) or last_build_of(request) is not None:
            return steps
    return None


def _unchecked(extension: Extension) -> Diagnostic:
    return Diagnostic(
        code="T020",
        at=extension.at,
        message=f"the links of extension '{extension.name}' weren't checked: not all that is "
        "checked was built since the last change",
        hint="run 'west llext build' first",
        severity=Severity.NOTE,
    )


def tasks_of(extensions: tuple[Extension, ...], steps: Plan) -> tuple[Task, ...]:
    """The object of each extension, with what messages call it."""
    made = {step.output for step in steps.steps}
    tasks = []
    for each in extensions:
        path = steps.objects[each.name]
        relative = os.path.relpath(path, steps.root).replace(os.sep, "/")
        name = relative if relative in made else each.objects[0].text
        tasks.append(Task(each, path, (steps.shown / name).as_posix()))
    return tuple(tasks)


def _compiler(request: Request, base: Base, flags: Flags, root: Path) -> Compiler:
    return compiler(
        flags.spec,
        root=root,
        environment=request.environment,
        base=None if base.image is None else base.image.abi,
    )
