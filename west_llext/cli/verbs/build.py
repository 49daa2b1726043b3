# SPDX-License-Identifier: Apache-2.0
"""`west-llext build`."""

from __future__ import annotations

from argparse import Namespace

from west_llext.app.build import UpToDate, build
from west_llext.cli.console import Console
from west_llext.cli.quick import summary
from west_llext.cli.report import Report
from west_llext.cli.verbs.common import done, request


def run(arguments: Namespace, console: Console) -> Report:
    """Build, and show what came of it."""
    asked = request(arguments, console)
    result = build(asked)
    if arguments.depfile is not None or arguments.stamp is not None:
        from west_llext.app.read import files_read  # noqa: PLC0415  # for build systems alone

        done(arguments, files_read(asked))
    if isinstance(result, UpToDate):
        return Report(
            verb="build",
            result={
                "extensions": result.count,
                "up_to_date": True,
                "written": [],
                "removed": [],
                "untouched": 0,
            },
            summary=summary(result.count),
            fallback=asked.display,
        )
    from west_llext.cli.verbs.built import built_report  # noqa: PLC0415  # only after work

    return built_report(result, fallback=asked.display)
