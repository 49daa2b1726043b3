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
from west_llext.cli.options import JOBS, MANIFEST, PATH, SWITCH, WORD, WORDS, Option, problem

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
        """As argparse has it."""
        fill, self.fill = self.fill, None
        if fill is not None:
            fill(self)
            _add_output(self)
        return super().parse_known_args(args, namespace)


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
        action="store_const",
        const="quiet",
        default="normal",
        dest="llext_verbosity",
        help="only errors",
    )
    level.add_argument(
        "-v", action="store_const", const="verbose", dest="llext_verbosity", help="tell more"
    )


def _add_manifest(to: argparse.ArgumentParser) -> None:
    for each in MANIFEST:
        _add_option(to, each)


def _add_build_dir(to: argparse._ActionsContainer) -> None:
    for each in MANIFEST:
        if each[1] in {"build_dir", "domain"}:
            _add_option(to, each)


def _add_option(to: argparse._ActionsContainer, option: Option) -> None:
    spellings, name, kind, metavar, text = option
    if kind == SWITCH:
        to.add_argument(*spellings, dest=name, action="store_true", help=text)
    elif kind == WORDS:
        to.add_argument(
            *spellings,
            dest=name,
            action="append",
            default=[],
            type=_word,
            metavar=metavar,
            help=text,
        )
    else:
        make = {PATH: path_word, JOBS: jobs_number, WORD: _word}[kind]
        to.add_argument(*spellings, dest=name, type=make, metavar=metavar, help=text)


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
        type=_word,
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
    _add_build_dir(to)
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
    _add_build_dir(to)


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
        "-m",
        "--manifest",
        type=path_word,
        default=Path("llext.yml"),
        metavar="FILE",
        help="manifest to write (default: llext.yml)",
    )
    to.add_argument("--base", type=path_word, metavar="ELF", help="base image")
    _add_build_dir(to)
    to.add_argument(
        "--from-build",
        type=path_word,
        metavar="DIR",
        help="build directory that uses LLEXT today: its extensions and what its image exports go "
        "into the manifest",
    )
    to.add_argument("--force", action="store_true", help="replace a manifest that is there")


def _add_load(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "words",
        nargs="+",
        type=_word,
        metavar="[NAME=]BLOB | unload:NAME",
        help="files to load, in order, each under its own name or another; or what to unload",
    )
    base = to.add_argument_group("base image")
    base.add_argument("--base", type=path_word, metavar="ELF", help="base image")
    base.add_argument(
        "--base-symbols",
        type=path_word,
        metavar="JSON",
        help="what the base image exports, as an object of names and addresses",
    )
    _add_build_dir(base)
    _add_parameters(to.add_argument_group("parameters of the load"))
    _add_target(to.add_argument_group("target (default: as the base image is configured)"))


def _add_parameters(to: argparse._ArgumentGroup) -> None:
    to.add_argument(
        "--storage",
        choices=("temporary", "persistent", "writable"),
        help="how long the file stays in memory, and whether it may be changed there",
    )
    to.add_argument("--pre-located", action="store_true", help="the file is linked for its place")
    to.add_argument("--no-relocate-local", action="store_true", help="apply no relocations")
    to.add_argument("--keep-section-info", action="store_true", help="keep the section map")
    to.add_argument(
        "--buffer-address",
        action="append",
        default=[],
        type=_number,
        metavar="N",
        help="where the file lies; may be repeated, for the next file",
    )
    to.add_argument(
        "--region-address",
        action="append",
        default=[],
        type=_word,
        metavar="[NAME:]REGION=N",
        help="where the heap puts a region of the first file, or of NAME; may be repeated",
    )


def _add_target(to: argparse._ArgumentGroup) -> None:
    to.add_argument(
        "--arch",
        choices=(
            *("arm", "arm64", "aarch64", "riscv32", "riscv64", "x86", "x86_64", "xtensa", "arc"),
        ),
        help="its processor (default: that of the base image, or of the first file)",
    )
    to.add_argument("--zephyr-version", type=_word, metavar="VERSION", help="such as 4.3, or main")
    to.add_argument("--heap-address", type=_number, metavar="N", help="of the loader's heap")
    to.add_argument("--heap-size", type=_number, metavar="N", help="in bytes; K and M work")
    to.add_argument(
        "--heap-block",
        type=_number,
        metavar="N",
        help="bytes of a block, where regions come from sys_mem_blocks",
    )
    to.add_argument(
        "--protection",
        choices=("none", "mmu", "power-of-two", "page", "pmp", "other"),
        help="what memory protection asks of the place and size of a region",
    )
    to.add_argument("--page", type=_number, metavar="N", help="bytes of its page, or granularity")
    to.add_argument("--userspace", action="store_true", help="there are user threads")
    to.add_argument(
        "--slid", action="store_true", help="the base image's symbols are looked up by SLID"
    )


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
        type=_word,
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
        "--max-seconds", type=_seconds, metavar="N", help="time that it may take (default: 10)"
    )
    limits.add_argument(
        "--max-instructions",
        type=_number,
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


def path_word(text: str) -> Path:
    """A path that is given as an argument; raises ArgumentTypeError."""
    return Path(_checked(PATH, text))


def _word(text: str) -> str:
    return _checked(WORDS, text)


def _number(text: str) -> int:
    units = {"K": 10, "M": 20}
    digits, shift = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 0)
    try:
        number = int(digits, 0) << shift if len(digits) < 40 else -1
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 64:
        raise argparse.ArgumentTypeError(f"'{text:.60}' isn't a number from 0 to 2**64 - 1")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 86400:
        raise argparse.ArgumentTypeError(f"'{text:.60}' isn't a number of seconds up to 86400")
    return number


def jobs_number(text: str) -> int:
    """A number of processes that is given as an argument; raises ArgumentTypeError."""
    return int(_checked(JOBS, text))


def _checked(kind: str, text: str) -> str:
    wrong = problem(kind, text)
    if wrong is not None:
        raise argparse.ArgumentTypeError(wrong)
    return text


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
