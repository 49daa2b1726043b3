# SPDX-License-Identifier: Apache-2.0
"""Sysbuild's directories: one build directory for each image (domain), and which it is about.

`domains.yaml` (share/sysbuild/cmake/domains.cmake) names them with absolute paths; a directory that
was moved since still has its domains inside, each in a folder of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from west_llext.diagnostics import Diagnostic, LlextError, Span, did_you_mean

DOMAINS = "domains.yaml"

#: A YAML document as str, list and dict; the second argument is what messages call it.
Document = Callable[[bytes, str], Any]


class Domains(NamedTuple):
    """What `domains.yaml` says.

    default: the domain that commands are about where none is named, or None
    places: build directory of each, as written
    """

    default: str | None
    places: Mapping[str, str]


def domains(data: bytes, name: str, document: Document) -> Domains:
    """The domains in a file's content; `name` is what messages call the file.

    Raises LlextError (B031) where it isn't what sysbuild writes, and as `document` does.
    """
    found = document(data, name)
    rows = found.get("domains") if isinstance(found, dict) else None
    places = {
        each["name"]: each["build_dir"]
        for each in (rows if isinstance(rows, list) else ())
        if isinstance(each, dict)
        and isinstance(each.get("name"), str)
        and isinstance(each.get("build_dir"), str)
    }
    if not places:
        message = "it names no domains, expected a list 'domains' with 'name' and 'build_dir'"
        hint = "build anew: west build --pristine"
        raise LlextError(
            [Diagnostic(code="B031", at=Span(PurePath(name)), message=message, hint=hint)]
        )
    default = found.get("default")
    return Domains(default if isinstance(default, str) else None, places)


def domain_name(known: Domains, wanted: str | None, shown: str) -> str:
    """The domain that is meant: the wanted one, or the default; `shown` names the directory.

    Raises LlextError (B030) where there is none of that name.
    """
    name = wanted or known.default or next(iter(known.places))
    if name in known.places:
        return name
    names = ", ".join(f"'{each}'" for each in sorted(known.places))
    raise LlextError(
        [
            Diagnostic(
                code="B030",
                at=Span(PurePath(shown)),
                message=f"build directory '{shown}' has no domain '{name}', it has {names}",
                hint=did_you_mean(name, known.places),
            )
        ]
    )


def domain_path(folder: Path, name: str, place: str) -> Path:
    """Where the build directory of a domain is; `place` is what `domains.yaml` says of it."""
    written = folder / place
    if written.is_dir():
        return written
    inner = folder / name
    return inner if inner.is_dir() else written


def no_domains(shown: str, wanted: str) -> LlextError:
    """What is wrong with asking a plain build directory for a domain."""
    message = f"build directory '{shown}' isn't one of sysbuild, so it has no domain '{wanted}'"
    hint = "leave '--domain' out"
    return LlextError(
        [Diagnostic(code="B030", at=Span(PurePath(shown)), message=message, hint=hint)]
    )
