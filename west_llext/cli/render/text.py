# SPDX-License-Identifier: Apache-2.0
"""Reports for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

from west_llext.cli.render.plain import place, printable
from west_llext.cli.report import Report, Stream, Verbosity, tally
from west_llext.diagnostics import Diagnostic, Severity, Span
from west_llext.record import record


class Rendered(NamedTuple):
    """What goes to standard output, and what to standard error."""

    out: str = ""
    err: str = ""


class Colour(Enum):
    """Whether a stream shows colours."""

    NONE = "none"
    ANSI = "ansi"


class Paint(Enum):
    """Parts of a finding; the value is what ANSI (ECMA-48, SGR) calls it."""

    PLACE = "1"
    ERROR = "1;31"
    WARNING = "1;33"
    NOTE = "1;36"
    HINT = "32"


_SEVERITIES = {
    Severity.ERROR: Paint.ERROR,
    Severity.WARNING: Paint.WARNING,
    Severity.NOTE: Paint.NOTE,
}
#: Longer source lines aren't shown.
_MAX_EXCERPT = 160


def no_excerpt(at: Span) -> str | None:
    """The source line of a place, where none is to be shown."""


@record(frozen=True, slots=True, kw_only=True)
class View:
    """Whom a report is for.

    here: absolute folder that paths are relative to; empty to leave them
    colours: of standard output and standard error
    excerpt: the source line at a place, or None
    """

    verbosity: Verbosity = Verbosity.NORMAL
    here: str = ""
    out: Colour = Colour.NONE
    err: Colour = Colour.NONE
    excerpt: Callable[[Span], str | None] = no_excerpt


def render(report: Report, view: View) -> Rendered:
    """A report as text."""
    quiet = view.verbosity is Verbosity.QUIET
    shown = [each for each in report.findings if not quiet or each.severity is Severity.ERROR]
    colour = view.out if report.stream is Stream.RESULTS else view.err
    found = "".join(f"{line}\n" for each in shown for line in lines(each, view, colour))
    if report.findings and not quiet:
        found += f"{tally(report.findings)}\n"
    result = report.text
    if not quiet:
        result += report.summary
    if view.verbosity is Verbosity.VERBOSE:
        result += report.details
    result = printable(result)
    match report.stream:
        case Stream.RESULTS:
            return Rendered(out=found + result)
        case Stream.MESSAGES:
            return Rendered(out=result, err=found)


def lines(finding: Diagnostic, view: View, colour: Colour) -> Iterator[str]:
    """The lines of one finding; without colours and excerpt those of `str(finding)`."""
    finding = finding.for_people()
    severity = finding.severity
    label = f"{severity.value}[{finding.code}]"
    at = painted(f"{place(finding.at, view.here)}:", Paint.PLACE, colour)
    mark = painted(f"{label}:", _SEVERITIES[severity], colour)
    yield f"{at} {mark} {printable(finding.message)}"
    yield from _excerpt(finding.at, view, colour)
    for each in finding.related:
        at = painted(f"{place(each.at, view.here)}:", Paint.PLACE, colour)
        mark = painted("note:", Paint.NOTE, colour)
        yield f"{at} {mark} {printable(each.message)}"
    if finding.hint is not None:
        yield f"{painted('hint:', Paint.HINT, colour)} {printable(finding.hint)}"


def painted(text: str, paint: Paint, colour: Colour) -> str:
    """The text as a terminal shows it in a colour."""
    match colour:
        case Colour.NONE:
            return text
        case Colour.ANSI:
            return f"\x1b[{paint.value}m{text}\x1b[0m"


def _excerpt(at: Span, view: View, colour: Colour) -> Iterator[str]:
    line = view.excerpt(at) if at.line else None
    if line is None or len(line) > _MAX_EXCERPT or not line.strip():
        return
    number = str(at.line)
    shown = printable(line.expandtabs(1))
    yield f" {number} | {shown}"
    # a mark below spelled-out characters would point to the wrong one
    if at.column and at.column <= len(line) + 1 and len(shown) == len(line):
        mark = painted("^", Paint.HINT, colour)
        yield f" {' ' * len(number)} | {' ' * (at.column - 1)}{mark}"
