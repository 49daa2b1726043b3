# SPDX-License-Identifier: Apache-2.0
"""Ninja's language, and the command lines inside it: every word is data."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from enum import Enum

from west_llext.record import record


class Host(Enum):
    """How ninja starts commands on this machine."""

    #: through /bin/sh
    POSIX = "posix"
    #: through CreateProcess, without a shell
    WINDOWS = "nt"


#: What no path in a ninja file can hold; there is no escape for them
UNSPEAKABLE = "|\n\r\0"

#: Longest command that is written out: one argument of execve has 128 KiB (Linux), a whole
#: command line 32 Ki characters (Windows)
_LONGEST = {Host.POSIX: 100_000, Host.WINDOWS: 30_000}


@record(frozen=True, slots=True, kw_only=True)
class Edge:
    """One command.

    output: file it makes
    inputs: files it reads, whose change makes it necessary
    words: the command, one argument each
    response: how many of the last words may go through a file where the command is too long
    depfile: file it writes in make's language, naming headers; or None
    description: shown while it runs
    """

    output: str
    inputs: tuple[str, ...]
    words: tuple[str, ...]
    response: int = 0
    depfile: str | None = None
    description: str


def ninja_text(edges: Iterable[Edge], *, folder: str, host: Host) -> str:
    """A whole ninja file.

    folder: where ninja keeps its logs
    """
    lines = [
        "# made by west-llext; any change is lost",
        "ninja_required_version = 1.8",
        f"builddir = {_value(folder)}",
        "rule run",
        "  command = $words",
        "  description = $what",
        "rule run_deps",
        "  command = $words",
        "  description = $what",
        "  depfile = $headers",
        "  deps = gcc",
        "rule run_long",
        "  command = $words",
        "  description = $what",
        "  rspfile = $out.rsp",
        "  rspfile_content = $more",
        "rule run_long_deps",
        "  command = $words",
        "  description = $what",
        "  depfile = $headers",
        "  deps = gcc",
        "  rspfile = $out.rsp",
        "  rspfile_content = $more",
    ]
    for edge in edges:
        lines += _edge_lines(edge, host)
    return "\n".join(lines) + "\n"


def command_line(words: Sequence[str], host: Host) -> str:
    """A command as the host takes it apart again, each word one argument."""
    match host:
        case Host.POSIX:
            return shlex.join(words)
        case Host.WINDOWS:
            return " ".join(_windows_word(word) for word in words)


def response_text(words: Iterable[str]) -> str:
    """Words as a response file holds them: gcc, GNU ld and lld take them apart alike."""
    return " ".join(_response_word(word) for word in words)


def _edge_lines(edge: Edge, host: Host) -> list[str]:
    rule = "run"
    words: Sequence[str] = edge.words
    more: list[str] = []
    if edge.response and len(command_line(words, host)) > _LONGEST[host]:
        rule += "_long"
        more = [f"  more = {_value(response_text(words[-edge.response :]))}"]
        words = (*words[: -edge.response], f"@{edge.output}.rsp")
    if edge.depfile is not None:
        rule += "_deps"
        more.append(f"  headers = {_value(edge.depfile)}")
    inputs = "".join(f" {_path(each)}" for each in edge.inputs)
    return [
        f"build {_path(edge.output)}: {rule}{inputs}",
        f"  words = {_value(command_line(words, host))}",
        f"  what = {_value(edge.description)}",
        *more,
    ]


def _path(text: str) -> str:
    return text.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")


def _value(text: str) -> str:
    # blanks at the start of a value would be eaten
    escaped = text.replace("$", "$$")
    return f"${escaped}" if escaped.startswith(" ") else escaped


def _windows_word(word: str) -> str:
    # what CommandLineToArgvW undoes: backslashes count only before a quote
    if word and not any(each in word for each in ' \t"'):
        return word
    parts = word.split('"')
    quoted = [part + "\\" * _trailing_backslashes(part) for part in parts]
    return '"' + '\\"'.join(quoted) + '"'


def _trailing_backslashes(text: str) -> int:
    return len(text) - len(text.rstrip("\\"))


def _response_word(word: str) -> str:
    if word and not any(each in word for each in " \t\"'\\"):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
