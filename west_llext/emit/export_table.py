# SPDX-License-Identifier: Apache-2.0
"""The symbols that a base image exports, as the generated C code has them: checked and sorted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from west_llext.diagnostics import Diagnostic, LlextError, Related
from west_llext.emit.guards import preprocessor_guard
from west_llext.model.manifest import ExportGroup, Name
from west_llext.record import record

#: Longest symbol name: what a C compiler takes in a string literal (C99 5.2.4.1).
MAX_SYMBOL = 4095

_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GROUP = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# Names that can't be undefined as macros (C11 6.10.8): as a symbol they would break the code.
_PREPROCESSOR = frozenset(
    ["defined", "__VA_ARGS__", "__VA_OPT__", "_Pragma"]
    + [f"__has_{what}" for what in ("include", "include_next", "attribute", "builtin", "embed")]
    + ["__has_c_attribute", "__has_cpp_attribute", "__has_feature", "__has_extension"]
    + ["__FILE__", "__LINE__", "__DATE__", "__TIME__", "__COUNTER__", "__INCLUDE_LEVEL__"]
    + ["__STDC__", "__STDC_VERSION__", "__STDC_HOSTED__", "__BASE_FILE__", "__TIMESTAMP__"]
)


class Entry(NamedTuple):
    """A line of the table.

    group: as C code spells it, or None
    guard: what stands behind `#if`, or None
    """

    name: str
    group: str | None
    guard: str | None


@record(frozen=True, slots=True, kw_only=True)
class ExportTable:
    """The table.

    entries: in strict order of the bytes of their names, as strcmp has it
    origin: the manifest, as comments name it: a relative path
    identity: hexadecimal SHA-256 over the names, and over the conditions that some have
    """

    entries: tuple[Entry, ...]
    origin: str
    identity: str

    def runs(self) -> Iterator[tuple[str | None, list[Entry]]]:
        """Consecutive entries with the same guard."""
        for guard, run in groupby(self.entries, key=lambda entry: entry.guard):
            yield guard, list(run)


def export_table(groups: Sequence[ExportGroup], *, origin: str) -> ExportTable:
    """The table of all groups.

    Raises LlextError: O005 where a condition can't be asked in C, O006 for a name that would not
    be a name in C, O007 for a symbol that is there twice.
    """
    findings: list[Diagnostic] = []
    found: dict[str, tuple[Name, Entry]] = {}
    for group in groups:
        guard = _guard(group, findings)
        label = _group_label(group, findings)
        for name in group.symbols:
            findings += _name_findings(name)
            if name.text in found:
                findings.append(_twice(name, found[name.text][0]))
            found.setdefault(name.text, (name, Entry(name.text, label, guard)))
    if findings:
        raise LlextError(findings)
    entries = tuple(entry for _, entry in sorted(found.values(), key=lambda each: each[1].name))
    return ExportTable(entries=entries, origin=origin, identity=_identity(entries))


def commented(text: str) -> str:
    """The text as a C comment can hold it."""
    plain = "".join(each if each.isprintable() else "?" for each in text)
    return plain.replace("*/", "* /").replace("/*", "/ *").replace("??/", "?? /")


def guarded(lines: Iterable[str], guard: str | None) -> list[str]:
    """The lines, inside `#if` where there is a guard."""
    return [*lines] if guard is None else [f"#if {guard}", *lines, "#endif"]


def _guard(group: ExportGroup, findings: list[Diagnostic]) -> str | None:
    if group.when is None:
        return None
    try:
        return preprocessor_guard(group.when)
    except LlextError as err:
        findings += err.diagnostics
        return None


def _group_label(group: ExportGroup, findings: list[Diagnostic]) -> str | None:
    if group.group is None:
        return None
    if not _GROUP.fullmatch(group.group) or len(group.group) > MAX_SYMBOL:
        message = f"group name {_shown(group.group)} holds more than letters, digits, '_' and '-'"
        findings.append(Diagnostic(code="O006", at=group.at, message=message))
        return None
    return group.group.upper().replace("-", "_")


def _name_findings(name: Name) -> list[Diagnostic]:
    if not _SYMBOL.fullmatch(name.text):
        message = f"symbol name {_shown(name.text)} is no C identifier"
    elif len(name.text) > MAX_SYMBOL:
        message = f"symbol name of {len(name.text)} characters is longer than {MAX_SYMBOL}"
    elif name.text in _PREPROCESSOR:
        message = f"symbol name '{name.text}' belongs to the C preprocessor"
    else:
        return []
    return [Diagnostic(code="O006", at=name.at, message=message)]


def _twice(name: Name, first: Name) -> Diagnostic:
    return Diagnostic(
        code="O007",
        at=name.at,
        message=f"'{name.text}' is exported twice",
        hint="remove one of the two",
        related=(Related(at=first.at, message="exported here, too"),),
    )


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:59] + "…")


def _identity(entries: Iterable[Entry]) -> str:
    # line by line: 400,000 names can share a condition of kilobytes
    state = hashlib.sha256()
    for each in entries:
        line = f"{each.name} if {each.guard}\n" if each.guard else f"{each.name}\n"
        state.update(line.encode())
    return state.hexdigest()
