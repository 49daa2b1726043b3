# SPDX-License-Identifier: Apache-2.0
"""`west-llext build`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from west_llext.app.build import build
from west_llext.app.requests import BuildResult
from west_llext.cli.arguments import width
from west_llext.cli.console import Console
from west_llext.cli.report import Report, counted, status_of
from west_llext.cli.verbs.common import request


def run(arguments: Namespace, console: Console) -> Report:
    """Build, and show what came of it."""
    asked = request(arguments, console)
    result = build(asked)
    return Report(
        verb="build",
        findings=result.findings,
        result=_result(result),
        summary=_summary(result),
        details=_details(result),
        status=status_of(result.findings),
        fallback=asked.display,
    )


def _result(result: BuildResult) -> dict[str, object]:
    changes = result.changes
    return {
        "extensions": result.count,
        "up_to_date": changes is None,
        "written": [] if changes is None else list(changes.written),
        "removed": [] if changes is None else list(changes.removed),
        "untouched": 0 if changes is None else changes.untouched,
    }


def _summary(result: BuildResult) -> str:
    built = counted(result.count, "extension")
    if result.changes is None:
        return f"{built}: nothing to do\n"
    from west_llext.emit import summary  # noqa: PLC0415  # only where there was work

    table = summary.text(result.rows, result.budgets, width=width())
    files = counted(len(result.changes.written), "file")
    return f"{table}\n{built}: {files} written, {result.changes.untouched} unchanged\n"


def _details(result: BuildResult) -> str:
    if result.changes is None:
        return ""
    return _listed("wrote", result.changes.written) + _listed("removed", result.changes.removed)


def _listed(verb: str, paths: Sequence[str]) -> str:
    return "".join(f"{verb} {path}\n" for path in paths)
