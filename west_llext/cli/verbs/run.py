# SPDX-License-Identifier: Apache-2.0
"""`west-llext run`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from west_llext.app.bench import Called
from west_llext.app.calls import function_calls
from west_llext.app.faulty import letters, state
from west_llext.app.run import End, RunRequest, RunResult
from west_llext.app.run import run as run_calls
from west_llext.app.run_manifest import run_request
from west_llext.cli.console import Console
from west_llext.cli.render.plain import one_line
from west_llext.cli.report import Report, counted, status_of
from west_llext.cli.verbs.common import request
from west_llext.emulate.limits import Limits
from west_llext.emulate.touched import Watch

#: Bytes of a buffer on a line.
_ROW = 16
# how far below zero numbers of errors go, with room to spare
_MAX_ERRNO = 4095


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
        summary=_lines(_states(result)),
        details=_lines(_details(result)),
        status=status_of(result.findings),
        fallback="llext.yml" if asked.base is None else asked.base.as_posix(),
    )


def _lines(texts: Iterable[str]) -> str:
    # names of sections come out of files, and may hold anything
    return "".join(f"{one_line(each)}\n" for each in texts)


def _asked(arguments: Namespace, console: Console) -> RunRequest:
    if arguments.base is None:
        calls = function_calls(arguments.words)
        made = run_request(
            request(arguments, console), calls, arguments.stand_ins, arguments.stand_in_files
        )
    else:
        blobs, words = _split(arguments.words)
        made = RunRequest(
            base=arguments.base,
            blobs=blobs,
            calls=function_calls(words),
            stand_ins=tuple(arguments.stand_ins),
            stand_in_files=tuple(arguments.stand_in_files),
        )
    usual = Limits()
    watched = arguments.llext_verbosity == "verbose" or arguments.llext_format == "json"
    return replace(
        made,
        limits=replace(
            usual,
            seconds=arguments.max_seconds or usual.seconds,
            instructions=arguments.max_instructions or usual.instructions,
        ),
        watch=Watch.MEMORY if watched else Watch.NOTHING,
        end=End.TORN_DOWN if arguments.teardown else End.LOADED,
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
    if quiet or not result.returned or _is_automatic(called):
        return output
    if output and not output.endswith("\n"):
        output += "\n"
    rows = "".join(f"{line}\n" for line in _buffers(called))
    return f"{output}{called.call} = {_spelled(result.value)}\n{rows}"


def _spelled(value: int) -> str:
    # functions return errors as small negative numbers, in 32 or 64 bits
    bits = 32 if value < 1 << 32 else 64
    negative = value - (1 << bits)
    signed = f", {negative}" if negative >= -_MAX_ERRNO else ""
    return f"{value} ({value:#x}{signed})"


def _buffers(called: Called) -> Iterator[str]:
    kept = iter(called.kept)
    for argument in called.call.arguments:
        if not isinstance(argument, int) and getattr(argument, "kept", False):
            content = next(kept)
            yield f"  {argument}:"
            for at in range(0, len(content), _ROW):
                part = content[at : at + _ROW]
                text = "".join(chr(each) if 32 <= each < 127 else "." for each in part)
                yield f"    {at:04x}  {part.hex(' '):<{3 * _ROW}} {text}"


def _is_automatic(called: Called) -> bool:
    # nobody takes what a constructor returns
    return " " in called.call.function


def _states(result: RunResult) -> Iterator[str]:
    # of the one that has gone wrong
    for each in result.called:
        yield from state(each, result.regions)


def _details(result: RunResult) -> Iterator[str]:
    yield f"core: {result.core}"
    for each in result.called:
        yield f"{each.call}: {counted(each.result.instructions, 'instruction')}"
        for image, chunk, read, written in each.result.touched:
            yield f"  {image}: {chunk}: {read} bytes read, {written} bytes written"


def _result(result: RunResult) -> dict[str, object]:
    return {
        "core": result.core,
        "calls": [_call(each) for each in result.called],
        "memory": [
            {
                "image": image,
                "name": name,
                "address": part.start,
                "size": part.end - part.start,
                "access": letters(part.access).replace("-", ""),
            }
            for image, name, part in result.regions
        ],
    }


def _call(each: Called) -> dict[str, object]:
    result = each.result
    return {
        "extension": each.call.extension,
        "function": each.call.function,
        "arguments": [one if isinstance(one, int) else str(one) for one in each.call.arguments],
        "returned": result.returned,
        "value": result.value,
        "pair": result.pair,
        "output": result.output,
        "instructions": result.instructions,
        "fault": None if result.fault is None else str(result.fault),
        "exit_status": result.status,
        "buffers": [one.hex() for one in each.kept],
        "registers": {} if result.fault is None else dict(result.fault.registers),
        "touched": [
            {"image": image, "name": name, "read": read, "written": written}
            for image, name, read, written in result.touched
        ],
    }
