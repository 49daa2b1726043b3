# SPDX-License-Identifier: Apache-2.0
"""The compilation database that CMake leaves in a build directory, as flags for more sources.

Format: clang's JSON Compilation Database. An entry of the application's own tells most: it has the
flags of every source and the folders of headers that the application can include.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.model.options import options

NAME = "compile_commands.json"

#: Options whose value is a path, joined to it or in the next word.
_PATHS = ("-I", "-isystem", "-iquote", "-idirafter", "-include", "-imacros", "-iprefix", "-B")
#: Options that speak of this one source and its output.
_OF_ONE_SOURCE = frozenset(
    ("-c", "-S", "-E", "-M", "-MM", "-MD", "-MMD", "-MG", "-MP", "-o", "-MF", "-MT", "-MQ", "-MJ")
) | {"-x"}
_LAUNCHERS = frozenset(("ccache", "sccache", "distcc", "icecc"))


def compile_words(data: bytes, name: str, application: str | None) -> tuple[str, ...] | None:
    """The flags of a C source in the database; paths absolute, nothing of the one source left.

    application: folder whose sources go before others
    None where the database has no C source. Raises LlextError (B032) where it is none.
    """
    best = _best_entry(_entries(data, name), application)
    if best is None:
        return None
    folder, words = best
    return tuple(_flags(words, folder))


def split_command(command: str) -> list[str]:
    """The words of a command line as a shell of POSIX or Windows would make them.

    A backslash counts only before a quote, a space or another backslash, so that paths of Windows
    survive.
    """
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    at = 0
    while at < len(command):
        letter = command[at]
        following = command[at + 1 : at + 2]
        if letter == "\\" and quote != "'" and following in {'"', "'", "\\", " ", "$", "`"}:
            word = word or []
            word.append(following)
            at += 1
        elif quote:
            if letter == quote:
                quote = ""
            elif word is not None:
                word.append(letter)
        elif letter in {'"', "'"}:
            quote, word = letter, word or []
        elif letter.isspace():
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = word if word is not None else []
            word.append(letter)
        at += 1
    if word is not None:
        words.append("".join(word))
    return words


def _entries(data: bytes, name: str) -> list[Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as err:
        raise _broken(name, str(err)) from err
    if not isinstance(found, list):
        raise _broken(name, "it is no list")
    return found


def _broken(name: str, why: str) -> LlextError:
    return LlextError(
        [
            Diagnostic(
                code="B032",
                at=Span(PurePath(name)),
                message=f"it isn't a compilation database: {why}",
                hint="build the base image anew: west build --pristine",
            )
        ]
    )


def _best_entry(entries: Sequence[Any], application: str | None) -> tuple[str, list[str]] | None:
    # the first C source of the application, or else of anybody: folder and words
    first: Mapping[str, Any] | None = None
    inside = None if application is None else os.path.join(application, "")  # noqa: PTH118
    for each in entries:
        if not isinstance(each, dict):
            continue
        source, folder = each.get("file"), each.get("directory")
        if not isinstance(source, str) or not isinstance(folder, str) or source[-2:] != ".c":
            continue
        first = first or each
        if inside is not None and os.path.join(folder, source).startswith(inside):  # noqa: PTH118
            first = each
            break
    if first is None:
        return None
    words = first.get("arguments")
    if isinstance(words, list):
        return first["directory"], [str(each) for each in words]
    return first["directory"], split_command(str(first.get("command", "")))


def _flags(words: Sequence[str], folder: str) -> Iterator[str]:
    start = 1
    while start < len(words) and PurePath(words[start - 1]).stem in _LAUNCHERS:
        start += 1
    for option in options(words[start:]):
        word = option[0]
        if word in _OF_ONE_SOURCE or not word.startswith("-"):
            continue
        if len(option) > 1:
            yield from (word, _absolute(option[1], folder) if word in _PATHS else option[1])
            continue
        joined = next((each for each in _PATHS if word.startswith(each)), None)
        path = "" if joined is None else word[len(joined) :]
        yield word if joined is None else joined + _absolute(path, folder)


def _absolute(path: str, folder: str) -> str:
    # `=` and `$SYSROOT` stand for the sysroot
    if path.startswith(("=", "$")) or PurePath(path).is_absolute():
        return path
    return os.path.normpath(os.path.join(folder, path))  # noqa: PTH118
