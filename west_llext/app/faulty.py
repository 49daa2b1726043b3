# SPDX-License-Identifier: Apache-2.0
"""What to say of a call that didn't return, and of stand-ins that fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from west_llext.app.bench import Called
from west_llext.app.python_stand_ins import StandInFailedError, described, line_in
from west_llext.app.verdicts import on_one_line
from west_llext.diagnostics import Diagnostic, Related, Span
from west_llext.emulate.base import BASE_NAME
from west_llext.emulate.faults import Fault, FaultKind, Place
from west_llext.emulate.mapped import Mapping
from west_llext.emulate.memory import Access
from west_llext.emulate.standins import STAND_INS

_LETTERS = ((Access.READ, "r"), (Access.WRITE, "w"), (Access.EXECUTE, "x"))


def went_wrong(file: str, called: Called) -> Diagnostic | None:
    """What is wrong with a call (X008), of an extension from this file; None for nothing."""
    result = called.result
    if result.fault is None and not result.status:
        return None
    hint = None
    related: tuple[Related, ...] = ()
    if result.fault is not None:
        what = f"didn't return: {result.fault}"
        hint = _hint(result.fault)
        related = tuple(_places(result.fault))
    else:
        what = f"ended the target with status {result.status}, expected it to return"
    return Diagnostic(
        code="X008",
        at=Span(PurePath(file)),
        message=on_one_line(f"'{called.call}' {what}"),
        hint=hint,
        related=related,
    )


def _hint(fault: Fault) -> str | None:
    place = fault.place
    if place is None or place.image != BASE_NAME:
        return None
    if fault.kind is FaultKind.NO_STAND_IN:
        return f"write '{place.function}' in Python, and name its file: --stand-ins FILE.py"
    if fault.kind in {FaultKind.STAND_IN, FaultKind.HEAP, FaultKind.ABORT}:
        return None  # the host does it already
    return f"let the host do what needs hardware: {_replaced(place, fault.caller)}"


def _replaced(place: Place, caller: Place | None) -> str:
    # how to have the function of the base image replaced that the extension has called
    known = [each.function for each in (place, caller) if each is not None and _stands_in(each)]
    if known:
        return f"--stand-in {known[-1]}"
    if place.function is not None and caller is not None and caller.image != BASE_NAME:
        return f"write '{place.function}' in Python, and name its file: --stand-ins FILE.py"
    return "--stand-in FUNCTION, or --stand-ins FILE.py for one that you write in Python"


def _stands_in(place: Place) -> bool:
    return place.image == BASE_NAME and place.function in STAND_INS


def _places(fault: Fault) -> Iterator[Related]:
    for what, place in (("in", fault.place), ("called from", fault.caller)):
        if place is not None and place.line is not None:
            yield Related(at=place.line, message=f"{what} '{place.function or place.chunk}'")


def user_code_failed(err: StandInFailedError, files: Sequence[Path]) -> Diagnostic:
    """A stand-in of the user's own that has raised an exception (X014)."""
    cause = err.__cause__ or err
    lines = ((file, line_in(file, cause)) for file in files)
    file, line = next((each for each in lines if each[1]), (PurePath("stand-ins"), 0))
    return Diagnostic(
        code="X014",
        at=Span(file, line),
        message=f"the stand-in for '{err.name}' fails: {described(cause)}",
    )


def report(called: Called, file: str, regions: Iterable[Mapping]) -> str:
    """All that is known of a call that didn't return, as lines of text."""
    finding = went_wrong(file, called)
    lines = [] if finding is None else [finding.message]
    fault = called.result.fault
    if fault is not None:
        lines += [f"  {_shown(what, place)}" for what, place in _way(fault)]
    if called.result.output:
        lines += ["printed before:"]
        lines += [f"  {line}" for line in called.result.output.splitlines()]
    # for a terminal, which shows it as it is
    return "\n".join(map(on_one_line, [*lines, *state(called, regions)]))


def _way(fault: Fault) -> Iterator[tuple[str, Place]]:
    if fault.place is not None:
        yield "in", fault.place
    if fault.caller is not None:
        yield "called from", fault.caller


def _shown(what: str, place: Place) -> str:
    return f"{what} {place}" + (f", {place.line}" if place.line is not None else "")


def state(called: Called, regions: Iterable[Mapping]) -> list[str]:
    """Registers and memory at a fault, as lines of text; none where there was no fault."""
    fault = called.result.fault
    if fault is None:
        return []
    digits = called.result.bits // 4
    width = max(len(name) for name, _ in fault.registers)
    cells = [f"{name:<{width}} 0x{value:0{digits}x}" for name, value in fault.registers]
    rows = ["  ".join(cells[at : at + 4]) for at in range(0, len(cells), 4)]
    lines = ["registers:", *(f"  {row}" for row in rows), "memory:"]
    for image, chunk, (start, end, access) in regions:
        mark = " <- here" if start <= fault.counter < end else ""
        wanted = fault.address
        if wanted is not None and wanted != fault.counter and start <= wanted < end:
            mark += " <- wanted"
        lines.append(
            f"  0x{start:0{digits}x}-0x{end:0{digits}x} {letters(access)} {image}: {chunk}{mark}"
        )
    return lines


def letters(access: Access) -> str:
    """What may be done with memory, such as `r-x`."""
    return "".join(letter if flag in access else "-" for flag, letter in _LETTERS)
