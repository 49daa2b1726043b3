# SPDX-License-Identifier: Apache-2.0
"""What extensions need from outside, as their objects say it.

The objects are prebuilt, or those that the last build has left; nothing is compiled here.
"""

from __future__ import annotations

from west_llext.app.bases import Base, base_of
from west_llext.app.inputs import chosen
from west_llext.app.objects import checkable
from west_llext.app.requests import Request
from west_llext.diagnostics import Diagnostic, MissingError
from west_llext.elf.read import file_content, object_file
from west_llext.model.elf import SHF_ALLOC, ObjectFile, SectionType
from west_llext.model.manifest import Extension, Manifest
from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class Needs:
    """What was found.

    names: undefined symbols that loaded code or data refers to
    bits: width of an address in the objects
    """

    names: frozenset[str]
    bits: int


def needs(request: Request, manifest: Manifest) -> Needs:
    """What the extensions of a request need from outside.

    Raises MissingError (T021) with every extension whose object doesn't count (see `checkable`).
    """
    extensions = chosen(manifest, request)
    tasks, _ = checkable(request, manifest, extensions, _base(request, manifest))
    there = {task.extension.name for task in tasks}
    missing = [_not_made(each) for each in extensions if each.name not in there]
    if missing:
        raise MissingError(missing)
    files = [object_file(file_content(task.path, task.name), task.name) for task in tasks]
    return Needs(
        names=frozenset(name for file in files for name in undefined(file)),
        bits=max((file.ident.bits for file in files), default=32),
    )


def undefined(file: ObjectFile) -> set[str]:
    """Undefined symbols of an object that something in the target's memory refers to."""
    used: set[int] = set()
    for index, rows in file.relocations.items():
        section = file.sections[index]
        # unwind tables (.ARM.exidx) don't go to the target; all of a shared object's are at index 0
        loaded = section.flags & SHF_ALLOC and section.type != SectionType.ARM_EXIDX
        if loaded or not index:
            used.update(row.symbol for row in rows)
    return {
        symbol.name
        for index, symbol in enumerate(file.symbols)
        if not symbol.section and symbol.name and index in used
    }


def _base(request: Request, manifest: Manifest) -> Base:
    # it decides for which processor the objects were compiled; there may be none yet
    try:
        return base_of(manifest, request)
    except MissingError:
        return Base()


def _not_made(extension: Extension) -> Diagnostic:
    return Diagnostic(
        code="T021",
        at=extension.at,
        message=f"nobody knows what extension '{extension.name}' needs: not all that the table is "
        "trimmed by was built since the last change",
        hint="run 'west llext build' first",
    )
