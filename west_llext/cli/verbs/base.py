# SPDX-License-Identifier: Apache-2.0
"""`west-llext base export`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from west_llext.app.base_export import ExportRequest, ExportResult, base_export
from west_llext.cli.console import Console
from west_llext.cli.report import Report, counted, status_of
from west_llext.cli.verbs.common import request
from west_llext.emit.files import put


def run(arguments: Namespace, console: Console) -> Report:
    """Describe a base image; print the description or write it."""
    result = base_export(_asked(arguments, console))
    output: Path | None = arguments.output
    report = Report(
        verb="base",
        findings=result.findings,
        result={
            "source": result.source,
            "file": None if output is None else output.as_posix(),
            "symbols": result.symbols,
            "exports": result.exports,
        },
        status=status_of(result.findings),
        fallback=result.source,
    )
    if output is None:
        return report._replace(text=result.content)
    changed = put(output, result.content)
    return report._replace(summary=_summary(result, output, "wrote" if changed else "unchanged:"))


def _asked(arguments: Namespace, console: Console) -> ExportRequest:
    if arguments.image is not None or arguments.build_dir is not None:
        return ExportRequest(
            image=arguments.image, build_dir=arguments.build_dir, domain=arguments.domain
        )
    return ExportRequest(manifest=request(arguments, console))


def _summary(result: ExportResult, output: Path, verb: str) -> str:
    exports = "no table of exports" if result.exports is None else counted(result.exports, "export")
    symbols = counted(result.symbols, "symbol")
    return f"{verb} {output.as_posix()}: {result.source} with {symbols}, {exports}\n"
