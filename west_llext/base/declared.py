# SPDX-License-Identifier: Apache-2.0
"""Exports that the manifest declares and the base image can't make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from west_llext.base.why import Holds, nearest
from west_llext.diagnostics import Diagnostic, Severity
from west_llext.model.base import BaseImage
from west_llext.model.manifest import ExportGroup, Name

#: Findings with a name that looks alike; looking for it takes long where an image has many.
_MAX_SUGGESTED = 20


def undefined_exports(
    image: BaseImage, groups: Sequence[ExportGroup], holds: Holds
) -> list[Diagnostic]:
    """A warning for each name that a group exports and nothing in the image defines (S014).

    Groups that are switched off don't count. Nothing is said of an image whose table lacks names
    that it does define: it is older than the manifest, or the table was trimmed and the linker
    dropped what nobody needs; extensions that need such a name are told so.
    """
    table = image.exports
    absent: dict[str, Name] = {}
    image.symbols.prepare([name.text for name in _declared(groups, holds)])
    for name in _declared(groups, holds):
        if name.text in image.symbols:
            if table is not None and name.text not in table:
                return []
        elif (table is None or name.text not in table) and name.text not in image.hidden:
            absent.setdefault(name.text, name)
    return [
        _finding(image, name, suggest=number < _MAX_SUGGESTED)
        for number, name in enumerate(absent.values())
    ]


def _declared(groups: Sequence[ExportGroup], holds: Holds) -> Iterator[Name]:
    for group in groups:
        if group.when is None or holds(group.when):
            yield from group.symbols


def _finding(image: BaseImage, name: Name, *, suggest: bool) -> Diagnostic:
    message = f"the manifest exports '{name.text}', but base image '{image.name}' doesn't define it"
    near: tuple[str, ...] = ()
    if name.text in image.local:
        message += " as a global symbol (it is static)"
        hint = "remove 'static' there"
    else:
        near = nearest(name.text, image.symbols) if suggest else ()
        hint = "define it there, or remove it from 'base.exports'"
    return Diagnostic(
        code="S014",
        at=name.at,
        message=message,
        hint=f"did you mean '{near[0]}'?" if near else hint,
        severity=Severity.WARNING,
    )
