# SPDX-License-Identifier: Apache-2.0
"""`west-llext run`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from west_llext.app.run import (
    Called,
    RunRequest,
    RunResult,
    function_calls,
)
from west_llext.app.run import (
    run as run_calls,
)
from west_llext.app.run_manifest import run_request
from west_llext.cli.console import Console
from west_llext.cli.report import Report, counted, status_of
from west_llext.cli.verbs.common import request


def run(arguments: Namespace, console: Console) -> Report:
    """Call functions, and show what they print and return."""
    asked = _asked(arguments, console)
    result = run_calls(asked)
    quiet = arguments.llext_verbosity == "quiet"
    lines = [_shown(each, quiet=quiet) for each in result.called]
    return Report(
        verb="run",
        findings=result.findings,
        result=_result(result),
        text="".join(lines),
        details=_details(result),
        status=status_of(result.findings),
        fallback=asked.base.as_posix(),
    )


def _asked(arguments: Namespace, console: Console) -> RunRequest:
    if arguments.base is None:
        calls = function_calls(arguments.words)
        return run_request(request(arguments, console), calls, arguments.stand_ins)
    blobs, words = _split(arguments.words)
    return RunRequest(
        base=arguments.base,
        blobs=blobs,
        calls=function_calls(words),
        stand_ins=tuple(arguments.stand_ins),
    )


def _split(words: Sequence[str]) -> tuple[tuple[Path, ...], Sequence[str]]:
    # blobs come first; the first word with a colon behind its last slash is a call
    for number, word in enumerate(words):
        if ":" in word.replace("\\", "/").rpartition("/")[2]:
            return tuple(Path(each) for each in words[:number]), words[number:]
    return tuple(Path(each) for each in words), ()


def _shown(called: Called, *, quiet: bool) -> str:
    result = called.result
    output = result.output
    if quiet or not result.returned or _is_constructor(called):
        return output
    if output and not output.endswith("\n"):
        output += "\n"
    return f"{output}{called.call} = {result.value} ({result.value:#x})\n"


def _is_constructor(called: Called) -> bool:
    # nobody takes what it returns
    return " " in called.call.function


def _details(result: RunResult) -> str:
    lines = [f"core: {result.core}"]
    for each in result.called:
        lines.append(f"{each.call}: {counted(each.result.instructions, 'instruction')}")
        if each.result.fault is not None:
            lines += [f"  {name} {value:#x}" for name, value in each.result.fault.registers]
    return "".join(f"{line}\n" for line in lines)


def _result(result: RunResult) -> dict[str, object]:
    return {
        "core": result.core,
        "calls": [
            {
                "extension": each.call.extension,
                "function": each.call.function,
                "arguments": list(each.call.arguments),
                "returned": each.result.returned,
                "value": each.result.value,
                "pair": each.result.pair,
                "output": each.result.output,
                "instructions": each.result.instructions,
                "fault": None if each.result.fault is None else str(each.result.fault),
                "exit_status": each.result.status,
            }
            for each in result.called
        ],
    }
