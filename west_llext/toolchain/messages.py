# SPDX-License-Identifier: Apache-2.0
"""What compilers and linkers print, as diagnostics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from west_llext.diagnostics import NOWHERE, Diagnostic, Related, Severity, Span
from west_llext.toolchain.plan import Action, Step

#: `file:line[:column]: severity: text`, as gcc, clang and both assemblers print it
_PLACED = re.compile(
    r"(?P<file>.+?):(?P<line>\d+):(?:(?P<column>\d+):)? "
    r"(?P<severity>(?i:fatal error|error|warning|note)): (?P<text>.+)"
)
_PLACE = r"(?P<file>.+?):(?P<line>\d+)(?::(?P<column>\d+))?"
#: a header on the way from a source to the next message
_INCLUDED = re.compile(rf"(?:In file included|\s+) from {_PLACE}[,:]")
#: a template on that way, as gcc prints it
_REQUIRED = re.compile(rf"{_PLACE}:\s+(?P<text>required (?:from|by) .+)")
#: the linker's own name in front of a message
_LINKER = re.compile(r"\S*\bld(?:\.lld)?(?:\.exe)?: ?(?:error: )?")
#: what both linkers say of a shared object among others
_SHARED = "attempted static link of dynamic object"
#: gcc's temporary file for the assembler, and what that calls a pipe
_TEMPORARY = re.compile(r"(?:.*[/\\])?(?:cc[A-Za-z0-9]{6}\.s|\{standard input\})")
#: a header that isn't there, as gcc and clang say it
_NO_HEADER = re.compile(
    r"(?:(?P<gcc>\S+): No such file or directory|'(?P<clang>.+)' file not found)"
)
_MOST_MESSAGES = 200
_NOISE = ("In file included from", "collect2:", "compilation terminated")


def step_diagnostics(
    step: Step, text: str, *, shown: PurePath, failed: bool
) -> Iterator[Diagnostic]:
    """The findings in what a step printed.

    shown: how messages spell the folder that it ran in
    failed: whether the step came to a bad end, which is one finding at least
    """
    lines = text.splitlines()
    found = [_of_source(each, step, shown) for each in _placed(lines, shown)]
    if failed and step.action is not Action.COMPILE:
        found += _linked(step, lines)
    yield from found[:_MOST_MESSAGES]
    if failed and not any(each.severity is Severity.ERROR for each in found[:_MOST_MESSAGES]):
        yield Diagnostic(
            code="T012",
            at=_place(step, shown),
            message=f"{step.action.value} '{step.subject}' failed: {_last(lines)}",
            hint="run again with '-v' to see the command",
        )


def _placed(lines: Sequence[str], shown: PurePath) -> Iterator[Diagnostic]:
    # a note belongs to the error or warning before it, what leads there to the one behind it
    pending: Diagnostic | None = None
    notes: list[Related] = []
    way: list[Related] = []
    for line in lines:
        match = _PLACED.fullmatch(line)
        if match is None:
            _lead(line, way, shown)
            continue
        at = _span(match, shown)
        severity = match["severity"].lower()
        if severity == "note":
            notes.append(Related(at=at, message=match["text"]))
            continue
        if pending is not None:
            yield _with_notes(pending, notes)
        warning = severity == "warning"
        pending = Diagnostic(
            code="T011" if warning else "T010",
            at=at,
            message=match["text"],
            hint=_header_hint(match["text"]),
            severity=Severity.WARNING if warning else Severity.ERROR,
        )
        notes, way = way, []
    if pending is not None:
        yield _with_notes(pending, notes)


def _header_hint(text: str) -> str | None:
    match = _NO_HEADER.fullmatch(text)
    if match is None:
        return None
    return f"add the folder that has '{match['gcc'] or match['clang']}' in it to 'include-dirs'"


def _lead(line: str, way: list[Related], shown: PurePath) -> None:
    # adds a line of what leads to the next message, the nearest place first
    if match := _INCLUDED.fullmatch(line):
        note = Related(at=_span(match, shown), message="included from here")
        # gcc goes on in lines that begin with blanks, from the inside to the outside; clang begins
        # each line anew, from the outside
        way.insert(0 if line.startswith("In") else len(way), note)
    elif match := _REQUIRED.fullmatch(line):
        way.append(Related(at=_span(match, shown), message=match["text"]))


def _span(match: re.Match[str], shown: PurePath) -> Span:
    return Span(shown / match["file"], int(match["line"]), int(match["column"] or 0))


def _of_source(diagnostic: Diagnostic, step: Step, shown: PurePath) -> Diagnostic:
    # what an assembler says of the file that gcc has made for it, which is gone by now
    name = str(diagnostic.at.file)
    if step.action is not Action.COMPILE or _TEMPORARY.fullmatch(name) is None:
        return diagnostic
    return Diagnostic(
        code=diagnostic.code,
        at=Span(shown / step.subject),
        message=f"{diagnostic.message} (in the assembly that the compiler has made of it)",
        hint=diagnostic.hint,
        severity=diagnostic.severity,
    )


def _with_notes(diagnostic: Diagnostic, notes: list[Related]) -> Diagnostic:
    return Diagnostic(
        code=diagnostic.code,
        at=diagnostic.at,
        message=diagnostic.message,
        hint=diagnostic.hint,
        related=tuple(notes),
        severity=diagnostic.severity,
    )


def _linked(step: Step, lines: Sequence[str]) -> Iterator[Diagnostic]:
    # GNU ld: a line for the function it is about, then `FILE: message`; lld: a message, then
    # lines that begin with >>>
    messages: list[str] = []
    for line in lines:
        if line.startswith(">>> ") and messages:
            messages[-1] += "; " + line[4:].strip()
        elif (
            not line.startswith(_NOISE) and " warning: " not in line and "in function `" not in line
        ):
            messages.append(_LINKER.sub("", line, count=1).replace("`", "'").strip())
    for message in filter(None, messages):
        yield Diagnostic(
            code="T013",
            at=_place(step, PurePath()),
            message=f"merging '{step.subject}' failed: {message}",
            hint="a shared object has to be all that an extension is made of: link the others "
            "into it"
            if _SHARED in message
            else None,
        )


def _place(step: Step, shown: PurePath) -> Span:
    if step.action is Action.COMPILE:
        return Span(shown / step.subject)
    return step.at if step.at != NOWHERE else Span(PurePath(step.subject))


def _last(lines: Sequence[str]) -> str:
    telling = [line.strip() for line in lines if line.strip() and not line.startswith(_NOISE)]
    return telling[-1] if telling else "it printed nothing"
