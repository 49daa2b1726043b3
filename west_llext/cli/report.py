# SPDX-License-Identifier: Apache-2.0
"""What a verb has to say, before it is text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from west_llext.diagnostics import Diagnostic, ExitStatus, Severity, has_errors


class Stream(Enum):
    """Where findings go."""

    #: they are what was asked for: standard output
    RESULTS = "results"
    #: they are about what was asked for: standard error
    MESSAGES = "messages"


class Verbosity(Enum):
    """How much is said in the formats that people read."""

    #: errors, and nothing else that wasn't asked for
    QUIET = "quiet"
    NORMAL = "normal"
    #: also what is usually of no interest
    VERBOSE = "verbose"


class Report(NamedTuple):
    """What came of a verb; a named tuple because every command starts with making this class.

    result: for JSON, with the same keys whatever happened; None where an error came first
    document: the whole of the JSON, for a verb whose form is agreed with others; findings are then
        printed beside it
    text: for people, on standard output
    summary: likewise, but not with `--quiet`
    details: likewise, only with `--verbose`
    fallback: file that a finding without a place is put at, where a format wants one
    """

    verb: str
    findings: tuple[Diagnostic, ...] = ()
    stream: Stream = Stream.MESSAGES
    result: Mapping[str, Any] | None = None
    document: Mapping[str, Any] | None = None
    text: str = ""
    summary: str = ""
    details: str = ""
    status: ExitStatus = ExitStatus.FINE
    fallback: str = "llext.yml"


def status_of(findings: Iterable[Diagnostic]) -> ExitStatus:
    """The exit status that findings stand for."""
    return ExitStatus.FINDINGS if has_errors(findings) else ExitStatus.FINE


def counts(findings: Iterable[Diagnostic]) -> dict[Severity, int]:
    """How many findings there are of each severity, the heaviest first."""
    found = dict.fromkeys(Severity, 0)
    for each in findings:
        found[each.severity] += 1
    return found


def counted(number: int, what: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def tally(findings: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; empty where there is nothing."""
    return ", ".join(
        counted(number, severity.value) for severity, number in counts(findings).items() if number
    )
