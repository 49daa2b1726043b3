# SPDX-License-Identifier: Apache-2.0
"""Keys that other tools use for the same thing, and that spelling alone wouldn't lead to ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_ROOT = "a manifest"
_BASE = "the settings of the base image"
_TOOLCHAIN = "a toolchain"
_GROUP = "a group of symbols"
_MEMORY = "a memory"
_DEFAULTS = "the defaults for extensions"
_EXTENSION = "an extension"
_PLACE = "a placement"

_WORDS: Mapping[str, Mapping[str, str]] = {
    _ROOT: {
        "modules": "extensions",
        "llexts": "extensions",
        "llext": "extensions",
        "common": "defaults",
        "host": "base",
        "firmware": "base",
    },
    _BASE: {
        "elf": "image",
        "memories": "memory",
        "regions": "memory",
        "symbols": "exports",
        "compiler": "toolchain",
        "build": "build-dir",
    },
    _TOOLCHAIN: {
        "compiler": "cc",
        "gcc": "cc",
        "clang": "cc",
        "triple": "target",
        "flags": "cflags",
        "wrapper": "launcher",
        "ccache": "launcher",
    },
    _GROUP: {
        "name": "group",
        "names": "symbols",
        "exports": "symbols",
        "if": "when",
        "condition": "when",
        "depends-on": "when",
        "file": "from",
        "include": "from",
    },
    _MEMORY: {
        "start": "address",
        "base": "address",
        "origin": "address",
        "org": "address",
        "addr": "address",
        "length": "size",
        "len": "size",
        "flags": "access",
        "attributes": "access",
        "permissions": "access",
    },
    _PLACE: {
        "code": "text",
        ".text": "text",
        "constants": "rodata",
        ".rodata": "rodata",
        ".data": "data",
        ".bss": "bss",
    },
}
_BUILD_WORDS: Mapping[str, str] = {
    "includes": "include-dirs",
    "include": "include-dirs",
    "flags": "cflags",
    "copts": "cflags",
    "c-flags": "cflags",
    "definitions": "defines",
    "macros": "defines",
    "runtime": "compiler-runtime",
    "libgcc": "compiler-runtime",
    "type": "mode",
    "memory": "place",
    "placement": "place",
}
_EXTENSION_WORDS: Mapping[str, str] = {
    **_BUILD_WORDS,
    "srcs": "sources",
    "files": "sources",
    "source": "sources",
    "src": "sources",
    "libs": "objects",
    "libraries": "objects",
    "archives": "objects",
    "symbols": "exports",
    "imports": "imports-from",
    "depends": "imports-from",
    "depends-on": "imports-from",
    "dependencies": "imports-from",
    "deps": "imports-from",
    "requires": "imports-from",
}


def _pairs() -> Iterator[tuple[tuple[str, str], str]]:
    tables = {**_WORDS, _DEFAULTS: _BUILD_WORDS, _EXTENSION: _EXTENSION_WORDS}
    for title, words in tables.items():
        for word, ours in words.items():
            yield (title, word), ours


#: Our key, by the title of the table and the word that somebody wrote there.
OTHER_WORDS: Mapping[tuple[str, str], str] = dict(_pairs())
