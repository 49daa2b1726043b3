# SPDX-License-Identifier: Apache-2.0
"""What to say of a symbol that an extension needs and nobody offers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from west_llext.diagnostics import Diagnostic, Related, Span
from west_llext.link.places import place_of
from west_llext.model.base import Reason, Why
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Extension, Mode

#: What compilers call by themselves and bring along: the run-time ABI for the Arm Architecture,
#: "Helper functions", without what belongs to C++ libraries; and gcc's names, an operation and the
#: modes that it is for (GCC internals, "The GCC low-level runtime library")
_HELPER = re.compile(
    r"__(aeabi_(?!atexit|unwind).*|gnu_(?!mcount).*"
    r"|(u?divmod|u?div|u?mod|addv?|subv?|u?mulv?|negv?|absv|ash[lr]|lshr|clz|ctz|ffs|parity"
    r"|popcount|bswap|u?cmp|clrsb|eq|ne|[lg][te]|unord|extend|trunc|fix(uns)?|float(uns?)?|powi)"
    r"([hsdtx][fci]){1,2}[2-4]?)"
)

#: Source file and line of a place: called with object, section index and byte offset.
LineFinder = Callable[[ObjectFile, int, int], "tuple[str, int] | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A symbol that was found nowhere.

    section, offset: the first place that uses it
    count: places that use it
    elsewhere: extensions that export it without being in `imports-from`
    unplaced: a provider in `imports-from` that exports it, but isn't prelocated as the importer is
    private: a provider in `imports-from` that defines it without exporting it
    """

    name: str
    section: int
    offset: int
    count: int
    elsewhere: tuple[str, ...] = ()
    unplaced: str | None = None
    private: str | None = None


def miss_diagnostic(
    obj: ObjectFile,
    extension: Extension,
    miss: Miss,
    *,
    why: Callable[[str], Why],
    line: LineFinder,
) -> Diagnostic:
    """One finding: who needs the symbol, why it is missing, what line would mend it."""
    notes: tuple[Related, ...] = ()
    hint: str | None
    if miss.unplaced is not None:
        code, reason, hint = _unplaced(miss.unplaced)
    elif miss.private is not None:
        code, reason, hint = _private(miss.name, miss.private)
    elif miss.elsewhere:
        code, reason, hint = _elsewhere(miss)
    else:
        code, reason, hint, notes = _base_reason(extension, miss, why(miss.name))
    at, user = _user(obj, miss, line)
    message = f"extension '{extension.name}' needs '{miss.name}' ({user}): {reason}"
    return Diagnostic(code=code, at=at, message=message, hint=hint, related=notes)


def _user(obj: ObjectFile, miss: Miss, line: LineFinder) -> tuple[Span, str]:
    # the place to look at, and the place in the object
    place = f"{obj.sections[miss.section].name}+{miss.offset:#x}"
    if miss.count > 1:
        place += f" and {miss.count - 1} more"
    found = line(obj, miss.section, miss.offset)
    if found is None:
        return place_of(obj), f"at {place}"
    return Span(PurePath(found[0]), found[1]), f"{obj.name}, at {place}"


def _unplaced(provider: str) -> tuple[str, str, str]:
    return (
        "S008",
        f"'{provider}' exports it, but has no fixed address for a prelocated extension to use",
        f"set 'mode: prelocated' for '{provider}', or another mode for this extension",
    )


def _private(name: str, provider: str) -> tuple[str, str, str]:
    return (
        "S016",
        f"'{provider}' defines it, but doesn't export it",
        f"add '{name}' to the 'exports' of '{provider}'",
    )


def _elsewhere(miss: Miss) -> tuple[str, str, str]:
    names = " and ".join(f"'{name}'" for name in miss.elsewhere)
    verb = "exports" if len(miss.elsewhere) == 1 else "export"
    return (
        "S004",
        f"{names} {verb} it, but 'imports-from' doesn't name it",
        f"add 'imports-from: [{miss.elsewhere[0]}]'",
    )


def _base_reason(
    extension: Extension, miss: Miss, why: Why
) -> tuple[str, str, str | None, tuple[Related, ...]]:
    notes: tuple[Related, ...] = ()
    add = f"add '{miss.name}' to 'base.exports'"
    match why.reason:
        case Reason.ABSENT:
            hint = f"did you mean '{why.nearest[0]}'?" if why.nearest else runtime_hint(miss.name)
            return "S001", "nothing defines it", hint, ()
        case Reason.STATIC:
            also = f", and {add}" if extension.mode is Mode.RELOCATABLE else ""
            reason = "the base image defines it as a local (static) symbol"
            return "S002", reason, f"remove 'static' there{also}", ()
        case Reason.HIDDEN:
            return "S009", "the base image defines it as a hidden symbol", add, ()
        case Reason.NOT_EXPORTED:
            return "S003", "the base image defines it, but doesn't export it", add, ()
        case Reason.SWITCHED_OFF:
            group = f"group '{why.group}'" if why.group else "a group"
            reason = f"the base image exports it only in {group}, which is switched off"
            if why.at is not None:
                notes = (Related(at=why.at, message=f"switched off by 'when: {why.when}'"),)
            return "S005", reason, f"enable {why.when} in the base image's configuration", notes
        case Reason.NOT_BUILT_IN:
            reason = "the manifest exports it, but this base image was built without it"
            return "S007", reason, "build the base image again with the generated table", ()


def runtime_hint(name: str) -> str | None:
    """What to do about a symbol that only a compiler asks for; None for others."""
    if _HELPER.fullmatch(name):
        return "set 'compiler-runtime: toolchain', or export it from the base image"
    return None
