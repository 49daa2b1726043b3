# SPDX-License-Identifier: Apache-2.0
"""What to say of a symbol that an extension needs and nobody offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from west_llext.diagnostics import Diagnostic, Related, Span
from west_llext.link.places import in_section, place_of
from west_llext.model.base import Origin, Reason, Why
from west_llext.model.cname import c_name
from west_llext.model.elf import STB_LOCAL, ObjectFile
from west_llext.model.manifest import CompilerRuntime, Extension, Mode
from west_llext.record import record

#: Extensions that export a symbol and are named.
MAX_NAMED = 5

#: Place in a source of a place in an object: called with that, section index and byte offset.
LineFinder = Callable[[ObjectFile, int, int], "Span | None"]


@record(frozen=True, slots=True, kw_only=True)
class Miss:
    """A symbol that was found nowhere.

    section, offset: the first place that uses it
    count: places that use it
    elsewhere: extensions that export it without being in `imports-from`; of many the first, one
        more than are named
    circular: an extension that exports it, but imports from the importer itself; only where
        `elsewhere` has none
    unplaced: a provider in `imports-from` that exports it, but isn't prelocated as the importer is
    private: a provider in `imports-from` that defines it without exporting it
    """

    name: str
    section: int
    offset: int
    count: int
    elsewhere: tuple[str, ...] = ()
    circular: str | None = None
    unplaced: str | None = None
    private: str | None = None


def miss_diagnostic(
    obj: ObjectFile,
    extension: Extension,
    miss: Miss,
    *,
    why: Callable[[str], Why],
    line: LineFinder,
    twins: Mapping[str, str],
) -> Diagnostic:
    """One finding: who needs the symbol, why it is missing, what line would mend it.

    twins: of `by_c_name(obj)`
    """
    notes: tuple[Related, ...] = ()
    hint: str | None
    about = ""
    if miss.unplaced is not None:
        code, reason, hint = _unplaced(miss.unplaced)
    elif miss.private is not None:
        code, reason, hint = _private(miss.name, miss.private)
    elif miss.elsewhere:
        code, reason, hint = _elsewhere(extension, miss)
    elif miss.circular is not None:
        code, reason, hint = _circular(extension, miss.circular)
    else:
        found = why(miss.name)
        code, reason, hint, notes = _base_reason(extension, miss, found)
        about = f", {found.about}" if found.about else ""
        twin = twins.get(c_name(miss.name) or miss.name)
        if found.reason is Reason.ABSENT and twin is not None:
            reason += " by this name"
            hint = f"the extension defines '{twin}': {_declared_alike(miss.name, twin)}"
    at, user = _user(obj, miss, line)
    message = f"extension '{extension.name}' needs '{miss.name}'{about} ({user}): {reason}"
    return Diagnostic(code=code, at=at, message=message, hint=hint, related=notes)


def _user(obj: ObjectFile, miss: Miss, line: LineFinder) -> tuple[Span, str]:
    # the place to look at, and the place in the object
    place = in_section(obj, miss.section, miss.offset)
    if miss.count > 1:
        place += f" and {miss.count - 1} more"
    found = line(obj, miss.section, miss.offset)
    if found is None:
        return place_of(obj), f"at {place}"
    return found, f"{obj.name}, at {place}"


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


def _circular(extension: Extension, provider: str) -> tuple[str, str, str]:
    return (
        "S004",
        f"'{provider}' exports it, but imports from '{extension.name}' itself",
        "move what they share to an extension of its own",
    )


def _elsewhere(extension: Extension, miss: Miss) -> tuple[str, str, str]:
    quoted = [f"'{name}'" for name in miss.elsewhere]
    names = " and ".join(quoted)
    if len(quoted) > MAX_NAMED:
        names = f"{', '.join(quoted[:MAX_NAMED])} and others"
    verb = "exports" if len(miss.elsewhere) == 1 else "export"
    return (
        "S004",
        f"{names} {verb} it, but 'imports-from' doesn't name it",
        f"add '{miss.elsewhere[0]}' to 'imports-from'"
        if extension.imports_from
        else f"add 'imports-from: [{miss.elsewhere[0]}]'",
    )


def _base_reason(
    extension: Extension, miss: Miss, why: Why
) -> tuple[str, str, str | None, tuple[Related, ...]]:
    notes: tuple[Related, ...] = ()
    add = _export_hint(extension, miss.name, why)
    match why.reason:
        case Reason.ABSENT:
            return "S001", "nothing defines it", _absent_hint(extension, miss, why), ()
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


#: What to do about what nothing defines, by what makes its name.
_ABSENT_HINTS = {
    Origin.DEVICE: "enable the node and its driver; numbers of nodes change with the devicetree, "
    "so compile against the headers of this base image",
    Origin.SYSCALL: "enable what has it in the base image's configuration",
    Origin.DESTRUCTORS: "give no static object a destructor, or define it in the extension",
    Origin.LANGUAGE: "define it in the extension, or export it from the base image",
}


def by_c_name(obj: ObjectFile) -> Mapping[str, str]:
    """What the object defines for others, in C or C++, by the name that it has in C."""
    defined = (each for each in obj.symbols if each.section and each.info >> 4 != STB_LOCAL)
    return {c_name(each.name) or each.name: each.name for each in defined}


def _declared_alike(needed: str, there: str) -> str:
    if c_name(needed) is not None and c_name(there) is not None:
        return "declare it with the same parameters"
    return "declare it 'extern \"C\"' in C++"


def _absent_hint(extension: Extension, miss: Miss, why: Why) -> str | None:
    match why.origin:
        case Origin.SOURCE if why.nearest and why.nearest[0] == c_name(miss.name):
            near = why.nearest[0]
            return f"the base image has '{near}': {_declared_alike(miss.name, near)}"
        case Origin.DEVICE | Origin.SYSCALL | Origin.DESTRUCTORS | Origin.LANGUAGE:
            return _ABSENT_HINTS[why.origin]
        case Origin.HELPER if _has_runtime(extension):
            return "the compiler's own library lacks it: export it from the base image"
        case Origin.HELPER:
            return "set 'compiler-runtime: toolchain', or export it from the base image"
        case Origin.SOURCE:
            return f"did you mean '{why.nearest[0]}'?" if why.nearest else None


def _has_runtime(extension: Extension) -> bool:
    # the compiler's library was linked in already
    return extension.compiler_runtime is CompilerRuntime.TOOLCHAIN


def _export_hint(extension: Extension, name: str, why: Why) -> str:
    add = f"add '{name}' to 'base.exports'"
    match why.origin:
        case Origin.DEVICE:
            return f"set CONFIG_LLEXT_EXPORT_DEVICES=y in the base image, or {add}"
        case Origin.HELPER if not _has_runtime(extension):
            return f"set 'compiler-runtime: toolchain', or {add}"
        case Origin.HELPER | Origin.SYSCALL | Origin.DESTRUCTORS | Origin.LANGUAGE | Origin.SOURCE:
            return add
