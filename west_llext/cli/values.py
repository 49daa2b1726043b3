# SPDX-License-Identifier: Apache-2.0
"""Values of options, and options that several verbs take, as argparse wants them."""

from __future__ import annotations

import argparse
from pathlib import Path

from west_llext.cli.options import JOBS, MANIFEST, PATH, SWITCH, WORD, WORDS, Option, problem


def add_build_dir(to: argparse._ActionsContainer) -> None:
    """Add the options that name a build directory, where no manifest does."""
    for spellings, name, kind, metavar, text in MANIFEST:
        if name in {"build_dir", "domain"}:
            said = text.replace(" (default: the manifest's)", "")
            add_option(to, (spellings, name, kind, metavar, said))


def add_option(to: argparse._ActionsContainer, option: Option) -> None:
    """Add an option of the table that every verb with a manifest has."""
    spellings, name, kind, metavar, text = option
    if kind == SWITCH:
        to.add_argument(*spellings, dest=name, action="store_true", help=text)
    elif kind == WORDS:
        to.add_argument(
            *spellings,
            dest=name,
            action="append",
            default=[],
            type=any_word,
            metavar=metavar,
            help=text,
        )
    else:
        make = {PATH: path_word, JOBS: jobs_number, WORD: any_word}[kind]
        to.add_argument(*spellings, dest=name, type=make, metavar=metavar, help=text)


def path_word(text: str) -> Path:
    """A path that is given as an argument; raises ArgumentTypeError."""
    return Path(_checked(PATH, text))


def any_word(text: str) -> str:
    """Text that is given as an argument; raises ArgumentTypeError."""
    return _checked(WORDS, text)


def number(text: str) -> int:
    """A number that is given as an argument, in any base; raises ArgumentTypeError."""
    units = {"K": 10, "M": 20}
    digits, shift = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 0)
    try:
        value = int(digits, 0) << shift if len(digits) < 40 else -1
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 64:
        raise argparse.ArgumentTypeError(f"'{text:.60}' isn't a number from 0 to 2**64 - 1")
    return value


def count(text: str) -> int:
    """A number of things, at least one, that is given as an argument; raises ArgumentTypeError."""
    value = number(text)
    if not value:
        raise argparse.ArgumentTypeError(f"'{text:.60}' isn't a number from 1 to 2**64 - 1")
    return value


def seconds(text: str) -> float:
    """A time that is given as an argument, in seconds; raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"'{text:.60}' isn't a number of seconds up to 86400")
    return value


def jobs_number(text: str) -> int:
    """A number of processes that is given as an argument; raises ArgumentTypeError."""
    return int(_checked(JOBS, text))


def _checked(kind: str, text: str) -> str:
    wrong = problem(kind, text)
    if wrong is not None:
        raise argparse.ArgumentTypeError(wrong)
    return text
