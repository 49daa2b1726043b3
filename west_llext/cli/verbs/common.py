# SPDX-License-Identifier: Apache-2.0
"""What several verbs make of the command line."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from west_llext.app.requests import Commands, ImageUse, Outside, Request, unheard
from west_llext.app.where import default_output, nearest_manifest, shown
from west_llext.base.usual_dir import Usual, usual_dir
from west_llext.cli.console import Console
from west_llext.cli.folder import here


def request(arguments: Namespace, console: Console, manifest: Path | None = None) -> Request:
    """What to build or check, for the manifest given or the one that the arguments mean.

    Raises MissingError where there is no manifest (M010).
    """
    folder = here()
    path = manifest or arguments.manifest or _nearest(arguments, folder)
    return Request(
        manifest=path,
        display=path.as_posix(),
        output=arguments.output or Path(default_output(str(path))),
        extensions=tuple(arguments.extension),
        build_dir=arguments.build_dir,
        domain=arguments.domain,
        usual_dir=_usual_dir(arguments, console, path, folder),
        image=ImageUse.IGNORED if arguments.no_image else ImageUse.READ,
        linked=tuple(_linked(arguments.linked)),
        outside=Outside.ALLOWED if arguments.allow_outside else Outside.REFUSED,
        jobs=arguments.jobs,
        launcher=getattr(arguments, "llext_launcher", ()),
        environment=console.environment,
        progress=console.progress,
        commands=_shown(console) if arguments.llext_verbosity == "verbose" else unheard,
    )


def _nearest(arguments: Namespace, folder: str) -> Path:
    found = nearest_manifest(folder)
    if found is not None:
        # relative, because messages spell outputs in the same way
        return Path(shown(found, folder))
    fallback = getattr(arguments, "llext_manifest", None)
    if fallback is not None:
        return Path(shown(os.fspath(fallback), folder))
    from west_llext.manifest.load import find  # noqa: PLC0415  # it has the words for that

    return find(Path(folder))


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


def done(arguments: Namespace, inputs: Iterable[Path]) -> None:
    """Tell a build system that the command has run, and what it has read.

    Raises MissingError (O001).
    """
    stamp, depfile = arguments.stamp, arguments.depfile
    if stamp is None and depfile is None:
        return
    from west_llext.emit.depfile import stamped, text  # noqa: PLC0415  # build systems alone ask
    from west_llext.emit.files import put  # noqa: PLC0415  # likewise

    if depfile is not None:
        names = (os.path.abspath(each) for each in inputs)  # noqa: PTH100 (links stay)
        put(depfile, text((stamp or depfile).as_posix(), names))
    if stamp is not None:
        stamped(stamp)


def _linked(words: Iterable[str]) -> Iterator[Path]:
    for word in words:
        if not word.startswith("@"):
            yield Path(word)
            continue
        from west_llext.elf.read import file_content  # noqa: PLC0415  # rare

        lines = file_content(Path(word[1:])).decode("utf-8", "surrogateescape").splitlines()
        yield from (Path(each) for each in lines if each)


def _usual_dir(arguments: Namespace, console: Console, manifest: Path, folder: str) -> Path | None:
    # where west would look for a build directory, from here or else from the manifest's folder
    if arguments.build_dir is not None:
        return None
    found = getattr(arguments, "llext_build_dir", None)
    if found is not None:
        return Path(shown(os.fspath(found), folder))
    west = getattr(arguments, "llext_west", None)
    wanted = Usual(board=console.environment.get("BOARD"))
    if west is not None:
        from west_llext.cli.west_config import usual  # noqa: PLC0415  # only in a workspace

        wanted = usual(west, console.environment)
    source = os.path.dirname(os.path.join(folder, manifest)) or folder  # noqa: PTH118, PTH120
    for start in dict.fromkeys((folder, source)):
        place = usual_dir(wanted, here=start, source=source)
        if place is not None:
            return Path(shown(place, folder))
    return None
