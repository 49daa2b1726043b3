# SPDX-License-Identifier: Apache-2.0
"""What `west config` says, as if it had been typed.

A setting holds where the command line and, for the build directory, the manifest say nothing. It
is read by the same functions as the option that it stands for.
"""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from west_llext.base.usual_dir import DEFAULT_FORM, Usual
from west_llext.cli.arguments import FORMATS
from west_llext.cli.values import jobs_number, path_word
from west_llext.diagnostics import Diagnostic, Severity, Span, did_you_mean

#: Where messages say that a setting is.
_PLACE = Span(PurePath("west config"))


class West(NamedTuple):
    """The workspace that a command runs in, by west.

    top: its folder, which paths in settings start from
    settings: `west config`, such as `llext.jobs` and `build.dir-fmt`
    """

    top: str
    settings: Mapping[str, str]


class _Setting(NamedTuple):
    """A setting of ours: the argument that it stands for, and what reads its text.

    empty: what the argument is where the command line doesn't have it
    """

    argument: str
    read: Callable[[str, str], Any]
    empty: Any = None


def apply(arguments: Namespace, west: West) -> tuple[Diagnostic, ...]:
    """Put settings into arguments that the command line has left open; what is wrong with others.

    Errors are O030, for values that the option wouldn't take either; unknown settings are warnings.
    """
    findings = []
    for name, text in sorted(west.settings.items()):
        section, _, key = name.partition(".")
        if section != "llext":
            continue
        setting = _SETTINGS.get(key)
        if setting is None:
            findings.append(_unknown(name))
            continue
        try:
            value = setting.read(text, west.top)
        except argparse.ArgumentTypeError as err:
            findings.append(_bad(name, str(err)))
            continue
        if getattr(arguments, setting.argument, None) == setting.empty:
            setattr(arguments, setting.argument, value)
    return tuple(findings)


def usual(west: West | None, environment: Mapping[str, str]) -> Usual:
    """West's settings of build directories, in the order in which `west build` asks for them."""
    settings = {} if west is None else west.settings
    return Usual(
        form=settings.get("build.dir-fmt") or DEFAULT_FORM,
        board=environment.get("BOARD") or settings.get("build.board") or None,
        guess=settings.get("build.guess-dir") == "runners",
    )


def _path(text: str, top: str) -> Path:
    return Path(os.path.join(top, path_word(text)))  # noqa: PTH118 (as the option's value)


def _number(text: str, _top: str) -> int:
    return jobs_number(text)


def _yes(text: str, _top: str) -> bool:
    # what configparser takes, because west does
    words = {"1": True, "yes": True, "true": True, "on": True}
    words |= {"0": False, "no": False, "false": False, "off": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"'{text}' is neither true nor false")
    return words[text.lower()]


def _form(text: str, _top: str) -> str:
    if text not in FORMATS:
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(FORMATS)}")
    return text


def _words(text: str, _top: str) -> tuple[str, ...]:
    import shlex  # noqa: PLC0415  # only where there is a launcher

    try:
        words = tuple(shlex.split(text))
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"'{text}' isn't a command: {err}") from err
    if not words:
        raise argparse.ArgumentTypeError("is empty")
    return words


#: By the name behind `llext.`; the arguments are those of cli.arguments.
_SETTINGS: Mapping[str, _Setting] = {
    "allow-outside": _Setting("allow_outside", _yes, empty=False),
    "build-dir": _Setting("llext_build_dir", _path),
    "format": _Setting("llext_format", _form),
    "jobs": _Setting("jobs", _number),
    "launcher": _Setting("llext_launcher", _words),
    "manifest": _Setting("llext_manifest", _path),
    "output": _Setting("output", _path),
}


def _unknown(name: str) -> Diagnostic:
    return Diagnostic(
        code="O031",
        at=_PLACE,
        message=f"there is no setting '{name}'",
        hint=did_you_mean(name, [f"llext.{each}" for each in _SETTINGS]),
        severity=Severity.WARNING,
    )


def _bad(name: str, what: str) -> Diagnostic:
    return Diagnostic(
        code="O030",
        at=_PLACE,
        message=f"setting '{name}': {what}",
        hint=f"change it with 'west config {name} VALUE', or remove it: 'west config -d {name}'",
    )
