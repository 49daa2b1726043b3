# SPDX-License-Identifier: Apache-2.0
"""Runs a plan: only what is necessary, alone in its folder, and with results that can be trusted.

Ninja knows which commands are necessary, and is believed only where it came to an end by itself.
What compilers print arrives as diagnostics, each with its source.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from west_llext.diagnostics import Diagnostic, Span
from west_llext.record import record
from west_llext.toolchain import state
from west_llext.toolchain.checks import missing_file
from west_llext.toolchain.lock import Lock
from west_llext.toolchain.messages import step_diagnostics
from west_llext.toolchain.names import from_root
from west_llext.toolchain.plan import Plan, Step


@record(frozen=True, slots=True, kw_only=True)
class Progress:
    """A command came to its end.

    done, total: commands, of those that were necessary
    """

    done: int
    total: int
    step: Step


@record(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that ran.

    output: everything that it printed
    failed: whether it came to a bad end
    """

    step: Step
    output: str
    failed: bool


@record(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What running a plan came to.

    diagnostics: errors and warnings in the order of the plan; the objects are there and whole
        where none is an error
    ran: every command that was necessary, in the order of the plan
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    ran: tuple[Ran, ...] = ()


def run(
    plan: Plan,
    *,
    lock: Lock,
    environment: Mapping[str, str],
    put: Callable[[Path, bytes], bool],
    ninja: Path | None = None,
    jobs: int | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """Run the commands of a plan that are necessary; none where nothing changed.

    lock: of `plan.folder`
    environment: what commands see, but for variables that would change what they make; its PATH
        is where ninja and launchers are found
    put: writes a file whole or not at all, and tells whether it changed
    ninja: its program; None for the one that `process.ninja_program` finds
    jobs: how many commands run at once; None for what a jobserver or ninja decides
    progress: called whenever a command has ended

    Every command runs that doesn't need the output of a failed one. Stopped by
    KeyboardInterrupt, it stops the commands first. Raises MissingError (T004) where there is no
    ninja.
    """
    if not plan.steps:
        return Outcome()
    if lock.interrupted:
        _distrust(plan)
    elif state.up_to_date(plan):
        return Outcome()
    # where nothing changed, no process starts, and nothing is imported for it
    from west_llext.toolchain import process  # noqa: PLC0415

    program = ninja or process.ninja_program(environment.get("PATH", ""))
    missing = [missing_file(each) for each in plan.inputs if not each.path.is_file()]
    if missing:
        return Outcome(diagnostics=tuple(missing))
    state.forget(plan.folder)
    for path, content in plan.files:
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, content)
    listener = _Listener(plan, progress)
    surroundings = process.surroundings(environment, root=plan.root, folder=plan.folder)
    started = lock.note_running()
    status = process.ninja(
        words=_words(program, plan, jobs),
        root=plan.root,
        environment=surroundings,
        lock=lock,
        # a launcher may leave a server behind, which would have the lock for ever
        handed_on=() if plan.launched else (lock.descriptor,),
        take=listener.take,
        mark=listener.mark,
    )
    lock.note_done()
    if status == 0:
        outputs = [step.output for step in plan.steps]
        headers = process.headers(
            words=(*_words(program, plan, None), "-t", "deps"),
            root=plan.root,
            environment=surroundings,
            outputs=frozenset(outputs),
        )
        # headers of ours were whole before the first command ran, and are in the digest
        ours = {from_root(path, plan.root) for path, _ in plan.files}
        foreign = (each for each in headers if each not in ours)
        state.record(
            plan.folder,
            plan.root,
            plan.digest,
            inputs=(*(str(each.path) for each in plan.inputs), *plan.programs, *foreign),
            outputs=outputs,
            started=started,
            put=put,
        )
    return listener.outcome(status)


def _words(program: Path, plan: Plan, jobs: int | None) -> tuple[str, ...]:
    # -k 0: everything that can be found out is found out
    return (
        str(program),
        "-f",
        str(plan.ninja_file),
        *(() if jobs is None else ("-j", str(jobs))),
        "-k",
        "0",
    )


def _distrust(plan: Plan) -> None:
    # A command that was killed may have left half an object; ninja deletes such, but it was killed
    # as well. Without its log it makes everything anew.
    state.forget(plan.folder)
    for name in (".ninja_log", ".ninja_deps"):
        (plan.folder / name).unlink(missing_ok=True)


class _Listener:
    # What one run of ninja prints, taken apart.

    def __init__(self, plan: Plan, progress: Callable[[Progress], None]) -> None:
        self.plan = plan
        self.progress = progress
        # no source can know it, so that no compiler message is taken for ninja's
        self.mark = os.urandom(9).hex()
        self.output: dict[int, list[str]] = {}
        self.own: list[str] = []
        self.current: list[str] = self.own

    def take(self, line: str) -> None:
        # the end of a command's output and ninja's next words may share a line
        before, mark, after = line.partition(self.mark)
        if before or not mark:
            self.current.append(before)
        if mark:
            done, total, number = (int(each) for each in after.split())
            self.current = self.output.setdefault(number, [])
            self.progress(Progress(done=done, total=total, step=self.plan.steps[number]))

    def outcome(self, status: int) -> Outcome:
        ran = []
        found: list[Diagnostic] = []
        for number, lines in sorted(self.output.items()):
            step = self.plan.steps[number]
            failed = status != 0 and bool(lines) and lines[0].startswith("FAILED: ")
            # after it ninja repeats the command, in one line
            text = "\n".join(_without_ninja(lines[2:] if failed else lines))
            ran.append(Ran(step=step, output=text, failed=failed))
            found += step_diagnostics(step, text, shown=self.plan.shown, failed=failed)
        if status and not any(each.failed for each in ran):
            found.append(_ninja_failed(self.plan, [*self.own, *self.current], status))
        # a source of two extensions is compiled for each, and says the same twice
        return Outcome(diagnostics=tuple(dict.fromkeys(found)), ran=tuple(ran))


def _without_ninja(lines: Sequence[str]) -> Iterator[str]:
    # its last words come behind the output of the last command
    return (line for line in lines if not line.startswith("ninja: "))


def _ninja_failed(plan: Plan, lines: Sequence[str], status: int) -> Diagnostic:
    telling = [line.removeprefix("ninja: ") for line in lines if line.startswith("ninja: ")]
    errors = [line.removeprefix("error: ") for line in telling if line.startswith("error: ")]
    text = (errors or telling or [f"exit status {status}"])[-1]
    folder = plan.shown / from_root(plan.folder, plan.root)
    return Diagnostic(
        code="T014",
        at=Span(folder / plan.ninja_file.name),
        message=f"ninja failed: {text.removesuffix('.')}",
        hint=f"delete the folder '{folder.as_posix()}' and build again",
    )
