# SPDX-License-Identifier: Apache-2.0
"""What the loader's refusals are to a user."""

from __future__ import annotations

from west_llext.diagnostics import Diagnostic, Related, Severity, Span
from west_llext.loader.danger import Danger
from west_llext.loader.errnos import spelled
from west_llext.loader.extension import LoadParameters
from west_llext.loader.remedy import remedy
from west_llext.loader.system import Loaded
from west_llext.manifest.text import escaped
from west_llext.model.manifest import Mode


def refused(name: str, at: Span, danger: Danger) -> Diagnostic:
    """A file that the target must not be given (L021 to L025)."""
    return Diagnostic(
        code=danger.code,
        at=at,
        message=f"'{name}' must not be given to the target: {on_one_line(danger.message)}",
        hint=danger.hint,
    )


def failed(name: str, at: Span, loaded: Loaded, severity: Severity = Severity.ERROR) -> Diagnostic:
    """A load that fails (L020), with the loader's own lines."""
    errors = [on_one_line(each.text) for each in loaded.log if each.level == "E"]
    what = errors[0] if errors else "the loader says nothing"
    return Diagnostic(
        code="L020",
        at=at,
        message=f"llext_load() of '{name}' returns {spelled(loaded.result)}: {what}",
        hint=remedy(loaded.log),
        severity=severity,
        related=tuple(
            Related(at=at, message=f"the loader logs: {on_one_line(each.text)}")
            for each in loaded.log
        ),
    )


def doubts(name: str, at: Span, loaded: Loaded) -> list[Diagnostic]:
    """A warning (L020) where errors are logged, though the load succeeds."""
    errors = [on_one_line(each.text) for each in loaded.log if each.level == "E"]
    if not errors:
        return []
    return [
        Diagnostic(
            code="L020",
            at=at,
            message=f"llext_load() of '{name}' returns {loaded.result}, but logs: {errors[0]}",
            hint=remedy(loaded.log),
            severity=Severity.WARNING,
            related=tuple(Related(at=at, message=f"the loader logs: {each}") for each in errors),
        )
    ]


def misled(name: str, at: Span, mode: Mode, parameters: LoadParameters) -> list[Diagnostic]:
    """A warning (L026) where a blob is loaded in another way than its mode needs."""
    fixed = mode is Mode.PRELOCATED
    if fixed is parameters.pre_located:
        return []
    how, hint = "with pre_located", "leave --pre-located out"
    if fixed:
        how, hint = "without pre_located", "pass --pre-located and --no-relocate-local"
    message = f"'{name}' is {mode.value}, and is loaded {how}"
    return [Diagnostic(code="L026", at=at, message=message, hint=hint, severity=Severity.WARNING)]


def on_one_line(text: str) -> str:
    """The text with what isn't printable spelled out: names out of a file may hold anything."""
    return text if text.isprintable() else "".join(map(escaped, text))
