# SPDX-License-Identifier: Apache-2.0
"""`west-llext check`."""

from __future__ import annotations

from argparse import Namespace

from west_llext.app.build import check
from west_llext.cli.console import Console
from west_llext.cli.report import Report, Stream, counted, status_of
from west_llext.cli.verbs.common import request
from west_llext.diagnostics import Diagnostic, ExitStatus, MissingError


def run(arguments: Namespace, console: Console) -> Report:
    """Check one manifest or several; a missing one doesn't keep the others from being checked."""
    findings: list[Diagnostic] = []
    extensions = 0
    fallback = "llext.yml"
    environment = False
    for manifest in arguments.manifests or [None]:
        try:
            asked = request(arguments, console, manifest)
            fallback = asked.display
            result = check(asked)
        except MissingError as err:
            findings += err.diagnostics
            environment = True
            continue
        findings += result.findings
        extensions += result.count
    status = ExitStatus.ENVIRONMENT if environment else status_of(findings)
    return Report(
        verb="check",
        findings=tuple(findings),
        stream=Stream.RESULTS,
        result={"manifests": len(arguments.manifests or [None]), "extensions": extensions},
        summary="" if findings else f"{counted(extensions, 'extension')}: no findings\n",
        status=status,
        fallback=fallback,
    )
