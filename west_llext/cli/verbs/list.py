# SPDX-License-Identifier: Apache-2.0
"""`west-llext list`."""

from __future__ import annotations

from argparse import Namespace

from west_llext.app.inputs import draft
from west_llext.cli.console import Console
from west_llext.cli.report import Report, status_of
from west_llext.cli.verbs.common import request


def run(arguments: Namespace, console: Console) -> Report:
    """Name extensions, one a line, in the order of the manifest."""
    asked = request(arguments, console)
    written = draft(asked)
    return Report(
        verb="list",
        findings=written.findings,
        result={
            "extensions": [
                {"name": each.name, "mode": each.mode.value, "blob": f"{each.name}.llext"}
                for each in written.extensions
            ]
        },
        text="".join(f"{each.name}\n" for each in written.extensions),
        status=status_of(written.findings),
        fallback=asked.display,
    )
