# SPDX-License-Identifier: Apache-2.0
"""From a command line to an exit status.

What a verb needs is imported when it runs, and what shows findings when there are some. A build
that has nothing to do is answered before even argparse is imported.
"""

from __future__ import annotations

import gc
import os
import sys

from west_llext.cli.console import Console
from west_llext.cli.quick import answer

TYPE_CHECKING = False
if TYPE_CHECKING:  # the modules would be more imports
    from argparse import Namespace
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

    from west_llext.cli.west_config import West

INTERRUPTED = 130  # 128 and SIGINT, as shells have it
USAGE, ENVIRONMENT = 2, 3  # of ExitStatus, which would have to be imported


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (the process's own for None); its exit status."""
    words = sys.argv[1:] if argv is None else argv
    console = Console(sys.stdout, sys.stderr, os.environ)
    try:
        done = answer(words, os.environ)
        if done is not None:
            return _shown(done, "", console)
        from west_llext.cli.arguments import parsed  # noqa: PLC0415  # most builds end before

        arguments = parsed(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    return _finished(arguments, console, "west-llext")


def execute(arguments: Namespace, environment: Mapping[str, str], west: West | None = None) -> int:
    """Run a command whose arguments are parsed; its exit status.

    environment: what the user's shell has set
    west: the workspace that it runs in
    """
    arguments.llext_west = west
    return _finished(arguments, Console(sys.stdout, sys.stderr, environment), "west llext")


def _finished(arguments: Namespace, console: Console, command: str) -> int:
    # A command makes many records and next to no cycles, and then it ends: looking for cycles
    # would take a tenth of its time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _done(arguments, console, command)
    finally:
        if collects:
            gc.enable()


def _done(arguments: Namespace, console: Console, command: str) -> int:
    noticed = _settled(arguments)
    if arguments.llext_format == "text" and arguments.llext_verbosity != "quiet":
        console.watch()
    try:
        report = _report(arguments, console, noticed)
        return _written(report, arguments, console, command)
    except KeyboardInterrupt:
        console.done()
        return INTERRUPTED


def _settled(arguments: Namespace) -> Sequence[Any]:
    # What the command line leaves open is up to the workspace; the findings about its settings.
    noticed: Sequence[Any] = ()
    west = getattr(arguments, "llext_west", None)
    if west is not None:
        from west_llext.cli.west_config import apply  # noqa: PLC0415  # only in a workspace

        noticed = apply(arguments, west)
    arguments.llext_format = arguments.llext_format or "text"
    return noticed


def _report(arguments: Namespace, console: Console, noticed: Sequence[Any]) -> Any:
    # What the verb has to say, a `cli.report.Report`; also of what it failed for.
    from importlib import import_module  # noqa: PLC0415  # as above

    try:
        if noticed:
            from west_llext.cli.failure import usable  # noqa: PLC0415  # rare

            usable(noticed)
        verb = import_module(f"west_llext.cli.verbs.{arguments.llext_verb}")
        report = verb.run(arguments, console)
        return report._replace(findings=(*noticed, *report.findings)) if noticed else report
    except Exception as err:
        from west_llext.cli.failure import failure_report  # noqa: PLC0415  # rare

        report = failure_report(err, arguments)
        if report is None:
            console.done()
            raise  # a bug
        return report


def _written(report: Any, arguments: Namespace, console: Console, command: str) -> int:
    # command: what the user has typed before the verb
    out, err = report.text + report.summary, ""
    plain = arguments.llext_format == "text" and arguments.llext_verbosity == "normal"
    if report.findings or not plain or not out.replace("\n", "").isprintable():
        from west_llext.cli.rendering import as_called, rendered  # noqa: PLC0415  # often not needed

        out, err = rendered(as_called(report, command), arguments, console)
    return _shown(out, err, console) or int(report.status)


def _shown(out: str, err: str, console: Console) -> int:
    # 0 where both texts were written, or nobody reads any more
    try:
        console.write(out, err)
    except BrokenPipeError:
        _silence(console.out)
        _silence(console.err)
    except OSError as problem:
        _silence(console.out)
        console.err.write(f"can't write to standard output: {problem.strerror}\n")
        return ENVIRONMENT
    return 0


def _silence(stream: TextIO) -> None:
    # Nobody reads any more; what is still buffered must not fail again when the process ends.
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass
