# SPDX-License-Identifier: Apache-2.0
"""Call functions of extensions in an emulator, beside the base image's code or stand-ins for it.

Needs no manifest: only a base image and blobs. Every blob is loaded first; then come the
constructors, in the order of the blobs, then the calls, and the destructors where they are wanted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from enum import Enum
from pathlib import Path, PurePath

from west_llext.app.base_info import base_image
from west_llext.app.bench import Bench, BenchPlan, Called, Started
from west_llext.app.calls import FunctionCall
from west_llext.app.faulty import user_code_failed, went_wrong
from west_llext.app.ground import Beside
from west_llext.app.python_stand_ins import StandInFailedError, stand_ins_of
from west_llext.base.description import is_description
from west_llext.diagnostics import (
    Diagnostic,
    LlextError,
    MissingError,
    Span,
    UsageError,
    did_you_mean,
    has_errors,
)
from west_llext.elf.read import file_content, object_file
from west_llext.emulate.limits import Limits
from west_llext.emulate.mapped import Mapping as MappedRange
from west_llext.emulate.standin import StandIn
from west_llext.emulate.standins import STAND_INS
from west_llext.emulate.touched import Watch
from west_llext.record import record


class End(Enum):
    """What comes behind the calls."""

    #: nothing: extensions stay loaded
    LOADED = "loaded"
    #: what cleans up behind them, the last one first
    TORN_DOWN = "torn down"


@record(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What to run.

    base: the base image's ELF file or a description of it; beside: what is known of it, where
        somebody has read it already
    blobs: `NAME.llext` files, those that others import from first
    calls: in order; none to run only the constructors
    stand_ins: functions of the base image that the host is to do instead
    stand_in_files: Python files with more of them, which are executed
    notes: what is to be said of the blobs beside all that
    """

    base: Path | None = None
    beside: Beside | None = None
    blobs: tuple[Path, ...]
    calls: tuple[FunctionCall, ...] = ()
    stand_ins: tuple[str, ...] = ()
    stand_in_files: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)
    watch: Watch = Watch.NOTHING
    end: End = End.LOADED
    notes: tuple[Diagnostic, ...] = ()


@record(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What came of it.

    core: model of the processor
    called: constructors, calls and destructors that were made, in order; nothing after one that
        went wrong, because the state that it leaves means nothing
    findings: warnings about loads, calls that went wrong (X008), tables of functions that the
        loader refuses (X012)
    regions: what is where in memory
    """

    core: str
    called: tuple[Called, ...]
    findings: tuple[Diagnostic, ...]
    regions: tuple[MappedRange, ...] = ()


def run(request: RunRequest) -> RunResult:
    """Load, bring up, call.

    Raises LlextError where something can't be loaded or called at all (L, I001, I002, X002 to
    X014), and MissingError (X001) without the emulator.
    """
    _refuse_unknown_stand_ins(request.stand_ins)
    own: dict[str, StandIn] = {}
    for file in request.stand_in_files:
        own |= stand_ins_of(file)
    beside = beside_of(request.base) if request.beside is None else request.beside
    plan = BenchPlan(
        beside=beside,
        limits=request.limits,
        replace=request.stand_ins,
        stand_ins=own,
        watch=request.watch,
    )
    bench = Bench(plan)
    try:
        return _Run(bench, request).result()
    finally:
        bench.close()


class _Run:
    # Makes calls, until one goes wrong.

    def __init__(self, bench: Bench, request: RunRequest) -> None:
        self.bench = bench
        self.request = request
        self.names: list[str] = []
        self.called: list[Called] = []
        self.findings = list(request.notes)

    def result(self) -> RunResult:
        self.load()
        self.refuse_unknown_functions()
        try:
            self.run()
        except StandInFailedError as err:
            files = self.request.stand_in_files
            raise LlextError([*self.findings, user_code_failed(err, files)]) from err
        return RunResult(
            core=self.bench.core,
            called=tuple(self.called),
            findings=tuple(self.findings),
            regions=self.bench.target.regions(),
        )

    def load(self) -> None:
        wrong = [each for path in self.request.blobs for each in self.refusals(path)]
        if wrong:
            raise LlextError([*self.findings, *wrong])
        if not self.names:
            raise UsageError([_nothing()])

    def refusals(self, path: Path) -> tuple[Diagnostic, ...]:
        # why a blob can't be loaded
        try:
            self.findings += self.bench.load(path)
        except MissingError:
            raise
        except LlextError as err:
            return err.diagnostics
        self.names.append(path.stem)
        return ()

    def refuse_unknown_functions(self) -> None:
        unknown = [each for call in self.request.calls for each in self.ignorance(call)]
        if unknown:
            raise LlextError(unknown)

    def ignorance(self, call: FunctionCall) -> tuple[Diagnostic, ...]:
        # why a function can't be called
        try:
            self.bench.function(call)
        except LlextError as err:
            return err.diagnostics
        return ()

    def run(self) -> None:
        for name in self.names:
            if not self.started(self.bench.bring_up(name)):
                return
        for call in self.request.calls:
            if not self.started(Started((self.bench.call(call),))):
                return
        if self.request.end is End.TORN_DOWN:
            for name in reversed(self.names):
                if not self.started(self.bench.tear_down(name)):
                    return

    def started(self, made: Started) -> bool:
        # whether to go on
        self.called += made.called
        wrong = [went_wrong(self.bench.file(each.call.extension), each) for each in made.called]
        found = [*(each for each in wrong if each is not None), *made.findings]
        self.findings += found
        return not has_errors(found) and all(each.result.returned for each in made.called)


def beside_of(base: Path | None) -> Beside:
    """What is known of a base image's ELF file, or of a description of one.

    Raises MissingError (L001) where it can't be read, LlextError (B, L002) for another file.
    """
    if base is None:
        return Beside()
    data, name = file_content(base), base.as_posix()
    image = base_image(data, base, None)
    code = None if is_description(data) else object_file(data, name)
    return Beside(image=image, code=code, name=name)


def _nothing() -> Diagnostic:
    return Diagnostic(
        code="X010",
        at=Span(PurePath("command line")),
        message="there is nothing to run, expected a call or a blob",
        hint="for instance: west llext run filters:filters_run 3 text=low",
    )


def _refuse_unknown_stand_ins(names: Iterable[str]) -> None:
    findings = []
    for name in names:
        if name not in STAND_INS:
            finding = Diagnostic(
                code="X011",
                at=Span(PurePath("command line")),
                message=f"there is no stand-in for '{name}'",
                hint=did_you_mean(name, STAND_INS)
                or "write one in Python, and name its file: --stand-ins FILE.py",
            )
            findings.append(finding)
    if findings:
        raise UsageError(findings)
