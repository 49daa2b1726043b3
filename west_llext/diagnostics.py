# SPDX-License-Identifier: Apache-2.0
"""What the tool says of its input: where, what, why, and what to do about it.

Every room reports with these records.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from pathlib import PurePath

from west_llext.record import record


class ExitStatus(IntEnum):
    """Exit status of every command."""

    #: nothing to complain about
    FINE = 0
    #: the input has findings (errors)
    FINDINGS = 1
    #: the command line is wrong
    USAGE = 2
    #: a tool or a file that is needed is missing
    ENVIRONMENT = 3


class Severity(Enum):
    """How much a finding weighs; only an error stops the outputs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where a thing was written.

    file: path as the user would write it (relative where possible), or the name of an object file
    line: counts from 1; 0 means unknown
    column: counts from 1 in characters; 0 means unknown
    """

    file: PurePath
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        text = self.file.as_posix()
        if self.line:
            text += f":{self.line}"
            if self.column:
                text += f":{self.column}"
        return text


#: No place: what the finding is about isn't in a file, so the tool itself says it, as tools do.
NOWHERE = Span(PurePath("west-llext"))


@record(frozen=True, slots=True, kw_only=True)
class Related:
    """Another place that helps to understand a finding, rendered as a `note:` line."""

    at: Span
    message: str


@record(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding.

    code: family letter and three digits, such as `M012`; stable, with a page in docs/codes
    at: the place to look at first
    message: lower-case start, no full stop, names in single quotes, addresses in hex
    hint: one action that would mend it, or None
    related: other places, in the order to show them
    severity: only `Severity.ERROR` stops outputs from being written
    """

    code: str
    at: Span
    message: str
    hint: str | None = None
    related: tuple[Related, ...] = ()
    severity: Severity = Severity.ERROR

    def for_people(self) -> Diagnostic:
        """The finding with the name in C++ behind each symbol that has one, where it comes first.

        This is the one place where symbols are spelt for people: whatever shows a finding calls it.
        """
        notes = [each.message for each in self.related]
        if not any("_Z" in text for text in (self.message, *notes, self.hint or "")):
            return self
        from west_llext.cxx.names import explained  # noqa: PLC0415  # hardly ever needed

        known: set[str] = set()
        return replace(
            self,
            message=explained(self.message, known),
            related=tuple(
                replace(each, message=explained(each.message, known)) for each in self.related
            ),
            hint=self.hint and explained(self.hint, known),
        )

    def __str__(self) -> str:
        shown = self.for_people()
        lines = [f"{shown.at}: {shown.severity.value}[{shown.code}]: {shown.message}"]
        lines += [f"{note.at}: note: {note.message}" for note in shown.related]
        if shown.hint is not None:
            lines.append(f"hint: {shown.hint}")
        return "\n".join(lines)


class LlextError(Exception):
    """Expected failure: the input has at least one error.

    diagnostics: every finding, in the order to show them
    status: the exit status that a command should end with
    """

    status = ExitStatus.FINDINGS

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__()

    def __str__(self) -> str:
        return "\n".join(str(each) for each in self.diagnostics)

    def __reduce__(self) -> tuple[type[LlextError], tuple[tuple[Diagnostic, ...]]]:
        # The default would rebuild the error from its text, when it comes from a worker process.
        return type(self), (self.diagnostics,)


class UsageError(LlextError):
    """The command line asks for something that makes no sense."""

    status = ExitStatus.USAGE


class MissingError(LlextError):
    """A tool or file of the environment is missing; the input itself may be fine."""

    status = ExitStatus.ENVIRONMENT


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them is an error, so that nothing may be written."""
    return any(each.severity is Severity.ERROR for each in diagnostics)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The hint that names what is most like `word` among few known words; None where none is."""
    from difflib import get_close_matches  # noqa: PLC0415  # only where something is wrong

    near = get_close_matches(word, list(known), n=1)
    return f"did you mean '{near[0]}'?" if near else None
