# SPDX-License-Identifier: Apache-2.0
"""What `west-llext build` tells of a build that had work to do."""

from __future__ import annotations

from collections.abc import Sequence

from west_llext.app.results import BuildResult
from west_llext.cli.arguments import width
from west_llext.cli.report import Report, counted, status_of
from west_llext.emit import summary


def built_report(result: BuildResult, *, fallback: str) -> Report:
    """The report of a build; `fallback` is the manifest, as messages call it."""
    changes = result.changes
    table = summary.text(result.rows, result.budgets, width=width())
    table += "\n" if table else ""
    built, files = counted(result.count, "extension"), counted(len(changes.written), "file")
    removed = f", {len(changes.removed)} removed" if changes.removed else ""
    return Report(
        verb="build",
        findings=result.findings,
        result={
            "extensions": result.count,
            "up_to_date": False,
            "written": list(changes.written),
            "removed": list(changes.removed),
            "untouched": changes.untouched,
        },
        summary=f"{table}{built}: {files} written, {changes.untouched} unchanged{removed}\n",
        details=_listed("wrote", changes.written) + _listed("removed", changes.removed),
        status=status_of(result.findings),
        fallback=fallback,
    )


def _listed(verb: str, paths: Sequence[str]) -> str:
    return "".join(f"{verb} {path}\n" for path in paths)
