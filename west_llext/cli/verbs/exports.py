# SPDX-License-Identifier: Apache-2.0
"""`west-llext exports`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from west_llext.app.exports import (
    TRIMMED_FOLDER,
    ExportsRequest,
    ExportsResult,
    Trim,
    exports,
    written,
)
from west_llext.cli.console import Console
from west_llext.cli.folder import here
from west_llext.cli.render.plain import relative_file
from west_llext.cli.report import Report, counted, status_of
from west_llext.cli.verbs.common import done, request
from west_llext.emit.exports_c import Flavour
from west_llext.emit.outputs import Changes


def run(arguments: Namespace, console: Console) -> Report:
    """Generate the table; write or print it."""
    asked = request(arguments, console)
    result = exports(
        ExportsRequest(
            build=asked,
            flavour=None if arguments.flavour is None else Flavour(arguments.flavour),
            trim=Trim.UNUSED if arguments.trim else Trim.NOTHING,
        )
    )
    which = arguments.stdout
    if which is not None:
        return Report(
            verb="exports",
            findings=result.findings,
            result=_result(result, Changes(), {}),
            text=result.source if which == "c" else result.header,
            status=status_of(result.findings),
            fallback=asked.display,
        )
    changes = written(result, asked.output)
    done(arguments, result.inputs)
    folder = relative_file(asked.output, here())
    below = f"{TRIMMED_FOLDER}/" if result.trim is Trim.UNUSED else ""
    files = {below + name: f"{folder}/{below}{name}" for name in result.files()}
    return Report(
        verb="exports",
        findings=result.findings,
        result=_result(result, changes, files),
        summary=_summary(result, changes, files),
        details="".join(f"trimmed {each.name}: {each.size} bytes\n" for each in result.dropped),
        status=status_of(result.findings),
        fallback=asked.display,
    )


def _result(result: ExportsResult, changes: Changes, files: Mapping[str, str]) -> dict[str, object]:
    return {
        "flavour": result.flavour.value,
        "symbols": list(result.names),
        "switched_off": list(result.off),
        "conditional": result.conditional,
        "already": list(result.already),
        "trimmed": [each.name for each in result.dropped],
        "saved": result.saved,
        "files": list(files.values()),
        "written": [files[name] for name in changes.written],
    }


def _summary(result: ExportsResult, changes: Changes, files: Mapping[str, str]) -> str:
    symbols = counted(len(result.names), "symbol")
    lines = [f"{symbols} ({result.flavour.value}): {', '.join(files.values())}"]
    if not changes.written:
        lines[0] += " (unchanged)"
    if result.conditional:
        lines.append(f"{counted(result.conditional, 'symbol')} if the configuration has it")
    if result.off:
        lines.append(f"{counted(len(result.off), 'symbol')} switched off by the configuration")
    if result.already:
        already = counted(len(result.already), "symbol")
        lines.append(f"{already} left out: sources of the base image export them")
    if result.dropped:
        dropped = counted(len(result.dropped), "symbol")
        lines.append(f"{dropped} trimmed: {counted(result.saved, 'byte')} of the base image saved")
    return "".join(f"{line}\n" for line in lines)
