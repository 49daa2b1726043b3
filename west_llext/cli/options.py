# SPDX-License-Identifier: Apache-2.0
"""The options of verbs that take a manifest, and which values they take.

As data, because they are read in two ways: by argparse, and without it where a build has nothing
to do. So nothing is imported here but what every Python has imported when it starts.
"""

from __future__ import annotations

import os

#: Most processes that can be asked for.
MAX_JOBS = 1024
#: Bytes of a file's name; no file system of ours takes more, and not every call fails gracefully.
MAX_COMPONENT = 255

# What the values of an option are: a path, a word, words (it can be repeated), a number of
# processes; SWITCH where it has none.
PATH, WORD, WORDS, JOBS, SWITCH = "path", "word", "words", "jobs", "switch"

#: Spellings, name in the namespace, what values are, what help calls them, help.
Option = tuple[tuple[str, ...], str, str, str, str]

MANIFEST: tuple[Option, ...] = (
    (
        ("-m", "--manifest"),
        "manifest",
        PATH,
        "FILE",
        "manifest (default: llext.yml here or in the nearest folder above)",
    ),
    (
        ("-d", "--build-dir"),
        "build_dir",
        PATH,
        "DIR",
        "west build directory of the base image (default: the manifest's)",
    ),
    (
        ("--domain",),
        "domain",
        WORD,
        "NAME",
        "which image of a sysbuild build directory is the base image (default: its main one)",
    ),
    (
        ("-o", "--output"),
        "output",
        PATH,
        "DIR",
        "folder for everything that is made (default: build/llext beside the manifest)",
    ),
    (
        ("-e", "--extension"),
        "extension",
        WORDS,
        "NAME",
        "only this extension, and what it imports from; may be repeated",
    ),
    (
        ("-j", "--jobs"),
        "jobs",
        JOBS,
        "N",
        "at most so many processes (default: one a core)",
    ),
    (
        ("--allow-outside",),
        "allow_outside",
        SWITCH,
        "",
        "let the manifest name files outside of the workspace",
    ),
)


def problem(kind: str, text: str) -> str | None:
    """What is wrong with a value, as argparse puts it behind the option; None for nothing."""
    if kind == JOBS:
        number = _number(text)
        return None if 0 < number <= MAX_JOBS else f"'{text}' isn't a number from 1 to {MAX_JOBS}"
    if not text:
        return "is empty"
    if not _is_name(text):
        return "holds a character that no name can have"
    parts = text.replace(os.sep, "/").split("/")
    if kind == PATH and any(len(os.fsencode(part)) > MAX_COMPONENT for part in parts):
        return f"has a name of more than {MAX_COMPONENT} bytes"
    return None


def _number(text: str) -> int:
    # 0 for what isn't a number, or far too large
    try:
        return int(text) if len(text) <= 9 else 0
    except ValueError:
        return 0


def _is_name(text: str) -> bool:
    try:
        return "\0" not in text and bool(os.fsencode(text))
    except UnicodeEncodeError:
        return False
