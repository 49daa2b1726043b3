# SPDX-License-Identifier: Apache-2.0
"""A report in the format that was asked for."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path, PurePath
from typing import TextIO

from west_llext.cli.console import Console, is_terminal
from west_llext.cli.folder import here, prefix
from west_llext.cli.render import text
from west_llext.cli.render.text import Colour, Rendered, View
from west_llext.cli.report import Report, Stream, Verbosity
from west_llext.diagnostics import LlextError, Severity, Span

# sources whose lines are kept while a report is made
_KEPT = 8

#: How hints call the tool, whoever shows them.
_COMMAND = "west llext "


def as_called(report: Report, command: str) -> Report:
    """The report with hints that name the command as the user calls it."""
    if not any(_COMMAND in (each.hint or "") for each in report.findings):
        return report
    findings = [
        replace(each, hint=each.hint and each.hint.replace(_COMMAND, f"{command} "))
        for each in report.findings
    ]
    return report._replace(findings=tuple(findings))


def rendered(report: Report, arguments: Namespace, console: Console) -> Rendered:
    """What goes to the two streams."""
    folder = _folder()
    form = arguments.llext_format
    if form == "json":
        from west_llext.cli.render import json_report  # noqa: PLC0415  # one of four

        out = json_report.render(report, folder)
        if report.document is None:
            return Rendered(out=out)
        shown = view(arguments, console, report, folder)
        return Rendered(out=out, err=text.render(report._replace(text="", details=""), shown).err)
    if form == "sarif":
        from west_llext.cli.render import sarif  # noqa: PLC0415  # one of four

        log = sarif.render(
            report.findings,
            verb=report.verb,
            status=report.status,
            here=folder,
            prefix=prefix(folder),
            fallback=report.fallback,
        )
        return Rendered(out=log)
    shown = view(arguments, console, report, folder)
    return _annotated(report, shown, folder) if form == "github" else text.render(report, shown)


def view(arguments: Namespace, console: Console, report: Report, folder: str) -> View:
    """How text is shown on this console."""
    stream = console.out if report.stream is Stream.RESULTS else console.err
    return View(
        verbosity=Verbosity(arguments.llext_verbosity),
        here=folder,
        out=_colour(console, console.out),
        err=_colour(console, console.err),
        excerpt=_excerpts() if is_terminal(stream) else text.no_excerpt,
    )


def _annotated(report: Report, shown: View, folder: str) -> Rendered:
    from west_llext.cli.render import github  # noqa: PLC0415  # one of four

    quiet = shown.verbosity is Verbosity.QUIET
    listed = [each for each in report.findings if not quiet or each.severity is Severity.ERROR]
    commands = github.render(listed, here=folder, prefix=prefix(folder), fallback=report.fallback)
    rest = text.render(report._replace(findings=()), shown)
    return Rendered(out=commands + github.quoted(rest.out))


def _colour(console: Console, stream: TextIO) -> Colour:
    return Colour.ANSI if console.colours(stream) else Colour.NONE


def _folder() -> str:
    try:
        return here()
    except LlextError:
        return ""


def _excerpts() -> Callable[[Span], str | None]:
    # of one report: thousands of findings are about the lines of few files
    return partial(_source_line, lru_cache(maxsize=_KEPT)(_source_lines))


def _source_line(lines: Callable[[PurePath], Sequence[str]], at: Span) -> str | None:
    found = lines(at.file)
    return found[at.line - 1] if at.line <= len(found) else None


def _source_lines(file: PurePath) -> Sequence[str]:
    # read once more, but only for people, and only what is small
    from west_llext.manifest.source import MAX_SIZE, content  # noqa: PLC0415  # rare

    try:
        data = content(Path(file), Span(file))
    except LlextError:
        return ()
    if len(data) > MAX_SIZE:
        return ()
    return data.decode("utf-8-sig", "replace").splitlines()
