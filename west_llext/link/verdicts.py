# SPDX-License-Identifier: Apache-2.0
"""What to say of exports and imports that don't fit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence

from west_llext.diagnostics import Diagnostic, Severity, did_you_mean
from west_llext.link.exports import Exports
from west_llext.link.places import place_of
from west_llext.link.resolve import Resolution
from west_llext.model.cname import c_name
from west_llext.model.elf import STB_LOCAL, STT_NOTYPE, ObjectFile, Symbol
from west_llext.model.manifest import Extension, Mode, Name
from west_llext.model.region import Region

# of the kinds of code and data in a section (AAELF32, "Mapping symbols")
_THUMB = "$t"
_MARKS = frozenset((_THUMB, "$a", "$d"))
#: Names in a message; the others are counted.
_SHOWN = 5
#: Names that a misspelt one is compared with, and misspelt ones that are compared: where there are
#: more, something else is wrong than spelling.
_COMPARED = 1000
_SUGGESTED = 20
#: Broken entries that are reported by themselves; a section can have millions.
_BROKEN = 20


def export_findings(obj: ObjectFile, extension: Extension, found: Exports) -> list[Diagnostic]:
    """Exports that nothing defines, or that are there twice, and entries that are none."""
    findings = [*_absent(obj, extension, found.absent)] if found.absent else []
    findings += [
        Diagnostic(
            code="S011",
            at=place_of(obj),
            message=f"extension '{extension.name}' exports '{name}' twice in its sources",
            hint=f"keep one LL_EXTENSION_SYMBOL({name})",
        )
        for name in found.twice
    ]
    if found.broken:
        *shown, last = found.broken[:_BROKEN]
        findings += [_broken(obj, extension, place) for place in shown]
        more = len(found.broken) - _BROKEN
        findings.append(_broken(obj, extension, last, more=max(more, 0)))
    return findings


def _broken(
    obj: ObjectFile, extension: Extension, place: tuple[int, int], *, more: int = 0
) -> Diagnostic:
    section, offset = place
    others = f" (and {more} more like it)" if more else ""
    return Diagnostic(
        code="S013",
        at=place_of(obj),
        message=f"extension '{extension.name}' has an entry at {obj.sections[section].name}"
        f"+{offset:#x} that isn't a pointer to a name and one to a symbol{others}",
        hint="make entries with LL_EXTENSION_SYMBOL, or name the symbol in 'exports'",
    )


class _Defined:
    # What an object defines, looked through once however many exports are missing.

    def __init__(self, obj: ObjectFile) -> None:
        defined = [each for each in obj.symbols if each.section and each.name]
        self.names = {each.name for each in defined}
        self.static = {each.name for each in defined if each.info >> 4 == STB_LOCAL}
        offered = sorted({each.name for each in defined if each.info >> 4 != STB_LOCAL})
        self.known = offered[:_COMPARED]
        # of what is overloaded the first one by name
        self.of_cpp = {c_name(each): each for each in reversed(offered)}


def _absent(obj: ObjectFile, extension: Extension, names: Sequence[str]) -> Iterator[Diagnostic]:
    spans = {each.text: each.at for each in reversed(extension.exports)}
    defined = _Defined(obj)
    for number, name in enumerate(names):
        message = f"extension '{extension.name}' exports '{name}', but doesn't define it"
        if name in defined.static:
            message += " as a global symbol (it is static)"
            hint = "remove 'static' there"
        elif name in defined.names:
            message += " in a part that is loaded"
            hint = "give it bytes in such a part"
        elif name in defined.of_cpp:
            message += " by this name"
            of_cpp = defined.of_cpp[name]
            hint = f"declare it 'extern \"C\"' in the source, or export '{of_cpp}'"
        else:
            known = defined.known if number < _SUGGESTED else ()
            hint = did_you_mean(name, known) or "define it, or remove it from 'exports'"
        yield Diagnostic(code="S010", at=spans[name], message=message, hint=hint)


def untyped_code(obj: ObjectFile, extension: Extension, found: Exports) -> list[Diagnostic]:
    """Exported Thumb code that isn't typed as a function, so that no caller enters Thumb state.

    AAELF32, "Mapping symbols": what lies behind `$t` is Thumb code.
    """
    labels = {
        name
        for name, target in found.found.items()
        if target.region is Region.TEXT and not target.function
    }
    if not labels:
        return []
    marks = sorted(
        (each.section, each.value, each.name[:2])
        for each in obj.symbols
        if each.name[:2] in _MARKS and each.name[2:3] in {"", "."}
    )
    spans = {name.text: name.at for name in extension.exports}
    return [
        Diagnostic(
            code="S017",
            at=spans.get(each.name, place_of(obj)),
            message=f"extension '{extension.name}' exports '{each.name}', Thumb code that isn't "
            "typed as a function: its address lacks the Thumb bit, and calls of it fault",
            hint=f"write '.type {each.name}, %function' in the assembler source",
            severity=Severity.WARNING,
        )
        for each in obj.symbols
        if each.name in labels and each.type == STT_NOTYPE and _is_thumb(each, marks)
    ]


def _is_thumb(symbol: Symbol, marks: Sequence[tuple[int, int, str]]) -> bool:
    # by the last mark in the symbol's section that isn't behind it; `marks` is sorted
    last = bisect_left(marks, (symbol.section, symbol.value + 1, ""))
    return last > 0 and (marks[last - 1][0], marks[last - 1][2]) == (symbol.section, _THUMB)


def unread_providers(extension: Extension, unread: Collection[str]) -> list[Name]:
    """Extensions that it imports from and whose exports nobody knows."""
    return [each for each in extension.imports_from if each.text in unread]


def resolution_findings(
    obj: ObjectFile, extension: Extension, found: Resolution, unread: Collection[str]
) -> list[Diagnostic]:
    """Thread-local imports, providers that nothing is imported from, or more than one offers.

    unread: names of extensions that could not be opened: what isn't found may be in them
    """
    findings = [
        Diagnostic(
            code="S006",
            at=place_of(obj),
            message=f"extension '{extension.name}' needs '{name}', a thread-local variable of the "
            "base image, which can't be imported",
            hint="export a function that returns its address",
        )
        for name in found.thread_local
    ]
    spans = {name.text: name.at for name in extension.imports_from}
    findings += [
        Diagnostic(
            code="S012",
            at=spans[name],
            message=f"extension '{extension.name}' imports nothing from '{name}'",
            hint=f"remove '{name}' from 'imports-from'",
            severity=Severity.WARNING,
        )
        for name in found.unused
        if name not in unread
    ]
    findings += [_doubtful(extension, name, names) for name, names in found.doubtful]
    providers = unread_providers(extension, unread)
    if providers and found.misses:
        findings.append(_unknown(extension, providers[0], [miss.name for miss in found.misses]))
    return findings


def _doubtful(extension: Extension, name: str, providers: Sequence[str]) -> Diagnostic:
    # the second provider is the one to think about
    at = next(each.at for each in extension.imports_from if each.text == providers[1])
    listed = ", ".join(f"'{each}'" for each in providers[:-1])
    if extension.mode is Mode.PRELOCATED:
        outcome = f"it is linked to that of '{providers[0]}'"
    else:
        outcome = "which one it gets depends on the order in which they are loaded"
    return Diagnostic(
        code="S015",
        at=at,
        message=f"extension '{extension.name}' imports '{name}', which {listed} and "
        f"'{providers[-1]}' export: {outcome}",
        hint="remove all but one of them from 'imports-from', or rename the symbol in the others",
        severity=Severity.WARNING,
    )


def _unknown(extension: Extension, provider: Name, names: Sequence[str]) -> Diagnostic:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return Diagnostic(
        code="S013",
        at=provider.at,
        message=f"nobody knows where extension '{extension.name}' finds {shown}{more}, because "
        f"the exports of '{provider.text}', which it imports from, aren't known",
        severity=Severity.NOTE,
    )
