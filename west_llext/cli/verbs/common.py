# SPDX-License-Identifier: Apache-2.0
"""What several verbs make of the command line."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from west_llext.app.requests import Commands, Outside, Request, unheard
from west_llext.app.where import default_output, nearest_manifest, shown
from west_llext.cli.console import Console
from west_llext.cli.folder import here


def request(arguments: Namespace, console: Console, manifest: Path | None = None) -> Request:
    """What to build or check, for the manifest given or the one that the arguments mean.

    Raises MissingError where there is no manifest (M010).
    """
    path = manifest or arguments.manifest or _nearest()
    return Request(
        manifest=path,
        display=path.as_posix(),
        output=arguments.output or Path(default_output(str(path))),
        extensions=tuple(arguments.extension),
        build_dir=arguments.build_dir,
        outside=Outside.ALLOWED if arguments.allow_outside else Outside.REFUSED,
        jobs=arguments.jobs,
        environment=console.environment,
        progress=console.progress,
        commands=_shown(console) if arguments.llext_verbosity == "verbose" else unheard,
    )


def _nearest() -> Path:
    folder = here()
    found = nearest_manifest(folder)
    if found is None:
        from west_llext.manifest.load import find  # noqa: PLC0415  # it has the words for that

        return find(Path(folder))
    # relative, because messages spell outputs in the same way
    return Path(shown(found, folder))


def _shown(console: Console) -> Commands:
    # as a shell takes it, so that it can be run again by hand
    def show(folder: str, words: Sequence[str], output: str) -> None:
        from west_llext.cli.render.plain import printable  # noqa: PLC0415  # few ask for it
        from west_llext.cli.shell import command_line  # noqa: PLC0415  # as above

        place = f"{folder}$" if folder else "$"
        text = f"{place} {command_line(words)}\n"
        if output:
            text += output if output.endswith("\n") else f"{output}\n"
        console.write("", printable(text))

    return show
