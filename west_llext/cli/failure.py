# SPDX-License-Identifier: Apache-2.0
"""Exceptions as reports: the one place that maps what was raised to an exit status."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from west_llext.cli.report import Report, Stream
from west_llext.diagnostics import Diagnostic, LlextError, UsageError, has_errors


def usable(noticed: Sequence[Diagnostic]) -> None:
    """Raise UsageError where one of the findings about settings is an error."""
    if has_errors(noticed):
        raise UsageError(noticed)


def failure_report(err: Exception, arguments: Namespace) -> Report | None:
    """What to say of an exception; None where it is a bug."""
    if not isinstance(err, LlextError):
        return None
    verb = arguments.llext_verb
    return Report(
        verb=verb,
        findings=err.diagnostics,
        stream=Stream.RESULTS if verb == "check" else Stream.MESSAGES,
        status=err.status,
    )
