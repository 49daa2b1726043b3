# SPDX-License-Identifier: Apache-2.0
"""Imports that a base image with SLIDs would take for something else.

Zephyr's loader asks the base image's table for the SLID of every import first, those from other
extensions included; only what isn't there is looked up by name. So a name from another extension
must not have the SLID of a name that the base image exports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from west_llext.diagnostics import Diagnostic
from west_llext.link.places import place_of
from west_llext.link.resolve import Resolution
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Extension, Mode
from west_llext.model.slid import shown, slid


def slid_findings(
    obj: ObjectFile, extension: Extension, found: Resolution, names: Mapping[int, str]
) -> Iterator[Diagnostic]:
    """An error for each import from another extension that the target would find in the base.

    names: those that the base image exports, by SLID; empty where it looks names up
    """
    if not names or extension.mode is Mode.PRELOCATED:
        return
    size = obj.ident.bits // 8
    for name, provider in found.provided:
        number = slid(name, size)
        other = names.get(number)
        if other is not None and other != name:
            yield Diagnostic(
                code="S020",
                at=place_of(obj),
                message=f"extension '{extension.name}' imports '{name}' from "
                f"'{provider}', which has the same SLID {shown(number, size)} as '{other}': "
                "the target would take that of the base image",
                hint=f"rename '{name}'",
            )
