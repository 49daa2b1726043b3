# SPDX-License-Identifier: Apache-2.0
"""Zephyr's Extension Development Kit: headers, and a file of flags, in a folder.

`cmake.cflags` and `Makefile.cflags` (cmake/llext-edk.cmake) say the same for two readers, each in
two spellings: `set(NAME "a;b")` and `NAME = "a" "b"` since quotes are written, `set(NAME a b)` and
`NAME = a b` before. Paths start from a variable that stands for the folder of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import PurePath

from west_llext.base.compile_commands import split_command
from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span
from west_llext.record import record

#: The files of flags, the better one first.
FLAG_FILES = ("cmake.cflags", "Makefile.cflags")
#: Where headers that Zephyr's build generates are; older releases keep them one level up.
_GENERATED = ("include/zephyr/include/generated/zephyr", "include/zephyr/include/generated")
_SETTINGS, _VERSION_HEADER = "autoconf.h", "version.h"
#: Every file that is read of a kit, relative to it.
READ = (
    *FLAG_FILES,
    *(f"{folder}/{name}" for folder in _GENERATED for name in (_SETTINGS, _VERSION_HEADER)),
)

_SET = re.compile(r"^\s*set\(\s*(\w+)\s*(.*)\)\s*$", re.MULTILINE)
_ASSIGNED = re.compile(r"^\s*(\w+)\s*[:+?]?=\s*(.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$\((\w+)\)")
_DEFINE = re.compile(r"^#define\s+(CONFIG_[A-Za-z0-9_]+)\s+(.*?)\s*$", re.MULTILINE)
_VERSION = re.compile(r'^#define\s+KERNEL_VERSION_STRING\s+"([^"]*)"', re.MULTILINE)
_MAX_NESTING = 8

#: The text of a file of the kit by its relative path, or None where there is none.
Reader = Callable[[str], "str | None"]


@record(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a kit offers.

    folder: where it is, or will be once it is unpacked
    words: compiler flags for extensions, one word each, with paths that begin with `folder`
    config: Kconfig settings of the base image; those that aren't set aren't there, and of numbers
        1 can't be told from y
    zephyr_version: release that it is from, or None
    """

    folder: str
    words: tuple[str, ...]
    config: Mapping[str, str] = field(default_factory=dict)
    zephyr_version: str | None = None


def kit(read: Reader, folder: str, name: str) -> Kit:
    """The kit whose files `read` gives; `folder` is where it is, `name` what messages call it.

    Raises MissingError (B033) where it is none, LlextError (B034) where it has no flags.
    """
    file, text = next(((each, found) for each in FLAG_FILES if (found := read(each))), ("", ""))
    if not file:
        raise MissingError([_no_kit(name)])
    words = flags(text, folder)
    if words is None:
        message = f"'{name}': its '{file}' sets no LLEXT_CFLAGS, so that no flags are known"
        raise LlextError([Diagnostic(code="B034", at=Span(PurePath(name)), message=message)])
    version = _VERSION.search(_generated(read, _VERSION_HEADER))
    return Kit(
        folder=folder,
        words=words,
        config=_settings(_generated(read, _SETTINGS)),
        zephyr_version=None if version is None else version[1],
    )


def flags(text: str, folder: str) -> tuple[str, ...] | None:
    """The flags in a file of either kind; `folder` is where it is. None where it has none.

    Two words that belong together stay two words.
    """
    variables = dict(_assignments(text))
    whole = variables.get("LLEXT_CFLAGS")
    if whole is None:
        return None
    return tuple(_expanded(each, variables, folder) for each in _words(whole))


def _no_kit(name: str) -> Diagnostic:
    return Diagnostic(
        code="B033",
        at=Span(PurePath(name)),
        message=f"'{name}' is no extension development kit: it has no '{FLAG_FILES[0]}'",
        hint="make one: west build -t llext-edk",
    )


def _settings(text: str) -> dict[str, str]:
    found = {}
    for name, value in _DEFINE.findall(text):
        quoted = len(value) > 1 and value[0] == value[-1] == '"'
        plain = re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value
        found[name] = "y" if value == "1" else plain
    return found


def _generated(read: Reader, name: str) -> str:
    return next((text for place in _GENERATED if (text := read(f"{place}/{name}"))), "")


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    yield from _SET.findall(text)
    yield from _ASSIGNED.findall(text)


def _words(value: str) -> Iterator[str]:
    # of CMake's list in quotes, or of words with or without them
    value = value.strip()
    single = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', value)
    if single is not None and ";" in single[1]:
        for each in single[1].split(";"):
            if each:
                yield re.sub(r"\\(.)", r"\1", each)
        return
    for word in split_command(value):
        yield from filter(None, word.split(";"))


def _expanded(word: str, variables: Mapping[str, str], folder: str) -> str:
    # variables of the file itself; any other stands for its folder, under whatever name
    for _ in range(_MAX_NESTING):
        if "$" not in word:
            break
        word = _VARIABLE.sub(lambda match: _value(match[1] or match[2], variables, folder), word)
    return word


def _value(name: str, variables: Mapping[str, str], folder: str) -> str:
    return variables.get(name, folder).strip('"')
