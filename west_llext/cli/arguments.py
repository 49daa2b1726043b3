# SPDX-License-Identifier: Apache-2.0
"""The command line of every verb, for `west-llext VERB` and for `west llext VERB` alike.

This runs before every command, so nothing is imported and no parser is filled that isn't needed.
In west the namespace is shared with
west's own options, so none of ours is stored as `command`, `verbose` or `quiet`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from west_llext import __version__
from west_llext.cli.options import MANIFEST
from west_llext.cli.values import (
    add_build_dir,
    add_option,
    any_word,
    count,
    path_word,
    seconds,
)

FORMATS = ("text", "json", "sarif", "github")
DESCRIPTION = "Build, validate and pre-link loadable extensions (LLEXT) for Zephyr RTOS."
EPILOG = "'%(prog)s VERB --help' tells more of a verb."


class Formatter(argparse.HelpFormatter):
    """Help as wide as the terminal; argparse makes one for every argument, and its own is slow."""

    def __init__(self, prog: str) -> None:
        """`prog` is what argparse gives."""
        super().__init__(prog, width=width() - 2)


class VerbParser(argparse.ArgumentParser):
    """The parser of a verb, filled when the verb is there."""

    fill: Callable[[argparse.ArgumentParser], None] | None = None

    def parse_known_args(  # type: ignore[override]  # the base class has three overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse has it, and files may also come on both sides of an option."""
        fill, self.fill = self.fill, None
        if fill is None:
            return super().parse_known_args(args, namespace)
        fill(self)
        _add_output(self)
        found, left = super().parse_known_args(args, namespace)
        if not left:
            return found, left
        # takes twice as long, and calls this method again, once without files
        return self.parse_known_intermixed_args(args, namespace)


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """What a command line says; leaves with SystemExit where it says nothing that can be done."""
    if words and words[0] in VERBS:
        # the parsers of the other verbs would take longer to make than this one takes to parse
        verb, *rest = words
        made = VerbParser(**_shape(verb), prog=f"west-llext {verb}")
        made.set_defaults(llext_verb=verb)
        made.fill = VERBS[verb][1]
        return made.parse_args(rest)
    return parser().parse_args(words)


def parser() -> argparse.ArgumentParser:
    """The parser of `west-llext`, with every verb."""
    made = argparse.ArgumentParser(
        prog="west-llext",
        description=DESCRIPTION,
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=Formatter,
    )
    add_arguments(made)
    return made


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Add verbs and options to a parser, ours or west's."""
    version = f"west-llext {__version__}"
    to.add_argument("--version", action="version", version=version, help="print it, and end")
    verbs = to.add_subparsers(
        dest="llext_verb", metavar="VERB", required=True, parser_class=VerbParser
    )
    for name, (line, fill) in VERBS.items():
        made = verbs.add_parser(name, help=line, **_shape(name))
        made.fill = fill


def _shape(verb: str) -> dict[str, Any]:
    line = VERBS[verb][0]
    return {
        "description": f"{line[0].upper()}{line[1:]}.",
        "allow_abbrev": False,
        "formatter_class": Formatter,
    }


def _add_output(to: argparse.ArgumentParser) -> None:
    group = to.add_argument_group("output")
    group.add_argument(
        "--format",
        choices=FORMATS,
        dest="llext_format",
        help="how to report (default: text; github: as annotations)",
    )
    group.add_argument(
        "--json", action="store_const", const="json", dest="llext_format", help="as --format json"
    )
    level = group.add_mutually_exclusive_group()
    level.add_argument(
        "-q",
        "--quiet",
        action="store_const",
        const="quiet",
        default="normal",
        dest="llext_verbosity",
        help="only errors",
    )
    level.add_argument(
        "-v",
        "--verbose",
        action="store_const",
        const="verbose",
        dest="llext_verbosity",
        help="tell more",
    )


def _add_manifest(to: argparse.ArgumentParser) -> None:
    for each in MANIFEST:
        add_option(to, each)


def _add_build_system(to: argparse.ArgumentParser) -> None:
    group = to.add_argument_group("for build systems")
    group.add_argument(
        "--no-image",
        action="store_true",
        help="the base image isn't linked yet: don't look for it, only at its build directory",
    )
    group.add_argument(
        "--linked",
        action="append",
        default=[],
        type=any_word,
        metavar="FILE",
        help="object or archive that the base image is linked from, whose own exports count; "
        "'@LIST' for a file with one path a line; may be repeated",
    )
    group.add_argument(
        "--depfile",
        type=path_word,
        metavar="FILE",
        help="write what was read, as a rule for Make or ninja",
    )
    group.add_argument(
        "--stamp", type=path_word, metavar="FILE", help="touch this file when all is done"
    )


def _add_build(to: argparse.ArgumentParser) -> None:
    _add_manifest(to)
    _add_build_system(to)


def _add_list(to: argparse.ArgumentParser) -> None:
    _add_manifest(to)
    to.set_defaults(no_image=True, linked=[])


def _add_base(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "action",
        choices=("export",),
        help="export: describe the base image in JSON, which 'base.image' can name instead of it",
    )
    to.add_argument(
        "image",
        nargs="?",
        type=path_word,
        metavar="ELF",
        help="base image (default: that of the build directory or the manifest)",
    )
    to.add_argument(
        "-m",
        "--manifest",
        type=path_word,
        metavar="FILE",
        help="manifest that names the base image (default: llext.yml here or in a folder above)",
    )
    for each in MANIFEST:
        if each[1] in {"build_dir", "domain"}:
            add_option(to, each)
    to.add_argument(
        "-o",
        "--output",
        type=path_word,
        metavar="FILE",
        help="file to write (default: standard output)",
    )
    to.set_defaults(extension=[], jobs=None, allow_outside=False, no_image=False, linked=[])


def _add_check(to: argparse.ArgumentParser) -> None:
    _add_manifest(to)
    _add_build_system(to)
    to.add_argument(
        "manifests", nargs="*", type=path_word, metavar="MANIFEST", help="instead of -m, several"
    )


def _add_exports(to: argparse.ArgumentParser) -> None:
    _add_manifest(to)
    _add_build_system(to)
    to.add_argument(
        "--flavour",
        choices=("zephyr", "standalone"),
        help="what the table is compiled into (default: zephyr, where the manifest's base image "
        "has a build directory or a zephyr-version)",
    )
    to.add_argument(
        "--trim", action="store_true", help="only what the extensions need, as built the last time"
    )
    to.add_argument(
        "--stdout",
        nargs="?",
        choices=("c", "h"),
        const="c",
        help="print the C file (or the header) and write nothing",
    )


def _add_info(to: argparse.ArgumentParser) -> None:
    to.add_argument("files", nargs="+", type=path_word, metavar="FILE", help="blobs or base images")
    to.add_argument(
        "--base",
        type=path_word,
        metavar="ELF",
        help="say of each blob whether it fits this base image; status 1 where one doesn't",
    )
    add_build_dir(to)


def _add_init(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "files",
        nargs="*",
        type=path_word,
        metavar="FILE",
        help="sources, objects or folders of sources; each folder becomes an extension",
    )
    to.add_argument(
        "-o",
        "--output",
        "-m",
        "--manifest",
        dest="manifest",
        type=path_word,
        default=Path("llext.yml"),
        metavar="FILE",
        help="manifest to write (default: llext.yml)",
    )
    to.add_argument("--base", type=path_word, metavar="ELF", help="base image")
    add_build_dir(to)
    to.add_argument(
        "--from-build",
        type=path_word,
        metavar="DIR",
        help="build directory that uses LLEXT today: its extensions and what its image exports go "
        "into the manifest",
    )
    to.add_argument("--force", action="store_true", help="replace a manifest that is there")


def _add_load(to: argparse.ArgumentParser) -> None:
    from west_llext.cli.load_arguments import add_load  # noqa: PLC0415  # for no other verb

    add_load(to)


def _add_run(to: argparse.ArgumentParser) -> None:
    _add_manifest(to)
    to.set_defaults(no_image=False, linked=[])
    to.add_argument(
        "words",
        nargs="*",
        metavar="EXTENSION:FUNCTION [ARGUMENT ...]",
        help="calls, in order, each with its arguments: integers, text=TEXT, bytes=HEX, "
        "buffer=SIZE, symbol=NAME; with --base, blobs go before them; none to run the "
        "constructors alone",
    )
    to.add_argument(
        "--base",
        type=path_word,
        metavar="FILE",
        help="base image, or a description of it; no manifest is read then",
    )
    to.add_argument(
        "--stand-in",
        action="append",
        default=[],
        type=any_word,
        metavar="NAME",
        dest="stand_ins",
        help="let the host do this function of the base image; may be repeated",
    )
    to.add_argument(
        "--stand-ins",
        action="append",
        default=[],
        type=path_word,
        metavar="FILE.py",
        dest="stand_in_files",
        help="Python file with stand-ins, which is executed; may be repeated",
    )
    to.add_argument("--teardown", action="store_true", help="run destructors at the end")
    limits = to.add_argument_group("limits of a call")
    limits.add_argument(
        "--max-seconds", type=seconds, metavar="N", help="time that it may take (default: 10)"
    )
    limits.add_argument(
        "--max-instructions",
        type=count,
        metavar="N",
        help="instructions that it may run (default: 50M); K and M work",
    )


def _add_schema(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "document",
        nargs="?",
        choices=("manifest", "exports", "base", "build", "report"),
        default="manifest",
        help="of the manifest, of a list of exports that it includes, of a base image's "
        "description, of llext-build.json, or of what --json prints (default: manifest)",
    )


#: A line about each verb, and what adds its arguments to a parser.
VERBS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "base": ("describe a base image, for builds and checks without it", _add_base),
    "build": ("compile, link, check and write what the manifest asks for", _add_build),
    "check": ("validate manifests and every link, without writing outputs", _add_check),
    "exports": ("generate the base image's table of exported symbols", _add_exports),
    "info": ("describe blobs and base images, and whether they fit", _add_info),
    "init": ("write a first manifest for the sources of extensions", _add_init),
    "list": ("name the extensions of a manifest", _add_list),
    "load": ("tell what the target's loader would do with blobs", _add_load),
    "run": ("call functions of extensions in an emulator", _add_run),
    "schema": ("print the JSON schema of a manifest or report", _add_schema),
}


def width() -> int:
    """Columns to write; 100 where nobody says."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and len(columns) < 5 and int(columns):
        return max(int(columns), 40)
    try:
        # a terminal that doesn't know its size has 0 columns
        return max(os.get_terminal_size().columns or 100, 40)
    except OSError:
        return 100
