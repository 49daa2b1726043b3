# SPDX-License-Identifier: Apache-2.0
"""Rules across fields: names, imports and exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from west_llext.diagnostics import Diagnostic, Related
from west_llext.manifest.build import Built
from west_llext.manifest.rules_memory import MEMORY_RULES
from west_llext.manifest.text import MAX_SUGGESTED, nearest, shown
from west_llext.model.manifest import MAX_NAME_LENGTH, ExportGroup, Extension, Name

_MAX_NAMES_IN_CYCLE = 12


def findings(built: Built) -> Iterator[Diagnostic]:
    """What all rules find."""
    for rule in RULES:
        yield from rule(built)


def rule_name_is_unique(built: Built) -> Iterator[Diagnostic]:
    """The loader takes a second extension of a name for the first one."""
    first: dict[str, Extension] = {}
    for each in built.manifest.extensions:
        other = first.setdefault(each.name, each)
        if other is not each:
            yield Diagnostic(
                code="M023",
                at=each.at,
                message=f"two extensions are named '{shown(each.name)}'",
                related=(Related(at=other.at, message="the first one"),),
                hint="rename one of them",
            )


def rule_name_is_unique_to_the_loader(built: Built) -> Iterator[Diagnostic]:
    """The loader compares the first 15 characters (strncmp with LLEXT_MAX_NAME_LEN)."""
    first: dict[str, Extension] = {}
    for each in built.manifest.extensions:
        start = each.name[:MAX_NAME_LENGTH]
        other = first.setdefault(start, each)
        if other.name != each.name:
            message = (
                f"the loader can't tell '{shown(each.name)}' from '{shown(other.name)}':"
                f" both begin with '{shown(start)}'"
            )
            related = (Related(at=other.at, message="the other one"),)
            yield Diagnostic(code="M022", at=each.at, message=message, related=related)


def rule_name_differs_in_more_than_case(built: Built) -> Iterator[Diagnostic]:
    """Blobs are files; file systems of Windows and macOS don't tell 'a' from 'A'."""
    first: dict[str, Extension] = {}
    for each in built.manifest.extensions:
        other = first.setdefault(each.name.lower(), each)
        if other.name != each.name:
            yield Diagnostic(
                code="M024",
                at=each.at,
                message=f"extensions '{shown(each.name)}' and '{shown(other.name)}' differ only in"
                " upper and lower case, their files would be one on Windows and macOS",
                related=(Related(at=other.at, message="the other one"),),
                hint="rename one of them",
            )


def rule_provider_exists(built: Built) -> Iterator[Diagnostic]:
    """`imports-from` names extensions of this manifest."""
    known = built.extensions
    if known is None:
        return
    names, unknown = sorted(known), 0
    for extension in built.manifest.extensions:
        for each in extension.imports_from:
            if each.text not in known:
                unknown += 1
                yield _unknown_provider(extension, each, names if unknown <= MAX_SUGGESTED else [])


def _unknown_provider(extension: Extension, name: Name, names: list[str]) -> Diagnostic:
    near = nearest(name.text, (each for each in names if each != extension.name))
    return Diagnostic(
        code="M025",
        at=name.at,
        message=f"'{shown(extension.name)}' imports from '{shown(name.text)}',"
        " expected the name of an extension in this manifest",
        hint=f"write '{near}'" if near else None,
    )


def rule_provider_is_another(built: Built) -> Iterator[Diagnostic]:
    """An extension sees its own symbols anyway."""
    for extension in built.manifest.extensions:
        for each in extension.imports_from:
            if each.text == extension.name:
                message = f"'{shown(extension.name)}' imports from itself"
                yield Diagnostic(code="M026", at=each.at, message=message, hint="remove it")


def rule_imports_make_no_cycle(built: Built) -> Iterator[Diagnostic]:
    """A provider has to be loaded before those that import from it."""
    extensions = {each.name: each for each in reversed(built.manifest.extensions)}
    done: set[str] = set()
    for start in built.manifest.extensions:
        if start.name not in done:
            yield from _cycles(start, extensions, done)


def _cycles(
    start: Extension, extensions: Mapping[str, Extension], done: set[str]
) -> Iterator[Diagnostic]:
    # depth first; `path` holds the extensions between `start` and here, in order
    path: dict[str, Iterator[Name]] = {start.name: iter(start.imports_from)}
    while path:
        current = next(reversed(path))
        name = next(path[current], None)
        if name is None:
            done.add(current)
            del path[current]
        elif name.text in path and name.text != current:
            members = list(path)
            yield _cycle(members[members.index(name.text) :], name)
        elif name.text in extensions and name.text not in done and name.text not in path:
            path[name.text] = iter(extensions[name.text].imports_from)


def _cycle(members: list[str], closing: Name) -> Diagnostic:
    quoted = [f"'{shown(each)}'" for each in (*members, members[0])]
    if len(quoted) > _MAX_NAMES_IN_CYCLE:
        half = _MAX_NAMES_IN_CYCLE // 2
        left_out = len(quoted) - 2 * half
        quoted = [*quoted[:half], f"({left_out} more)", *quoted[-half:]]
    return Diagnostic(
        code="M027",
        at=closing.at,
        message="extensions import from each other: " + " -> ".join(quoted),
        hint="move what they share to an extension of its own",
    )


def rule_base_export_is_unique(built: Built) -> Iterator[Diagnostic]:
    """A symbol is in the base's table once."""
    first: dict[str, tuple[ExportGroup, Name]] = {}
    for group in built.manifest.base.exports:
        for name in group.symbols:
            other, place = first.setdefault(name.text, (group, name))
            # inside one list the walker has found it
            if other is not group or place.at.file != name.at.file:
                both = other.when is not None and group.when is not None
                yield Diagnostic(
                    code="M031",
                    at=name.at,
                    message=f"export '{shown(name.text)}' is declared twice",
                    related=(Related(at=place.at, message="first here"),),
                    hint="declare it once, with '||' between the conditions"
                    if both
                    else "remove one of them",
                )


RULES: tuple[Callable[[Built], Iterator[Diagnostic]], ...] = (
    rule_name_is_unique,
    rule_name_is_unique_to_the_loader,
    rule_name_differs_in_more_than_case,
    rule_provider_exists,
    rule_provider_is_another,
    rule_imports_make_no_cycle,
    rule_base_export_is_unique,
    *MEMORY_RULES,
)
