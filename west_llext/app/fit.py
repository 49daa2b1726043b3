# SPDX-License-Identifier: Apache-2.0
"""Whether a blob fits a base image: are the symbols that it uses where it takes them to be."""

from __future__ import annotations

from pathlib import PurePath

from west_llext.app.blob_info import BlobInfo, ImportInfo
from west_llext.base.abi import abi_findings
from west_llext.diagnostics import Diagnostic, Severity, Span, has_errors
from west_llext.model.base import BaseImage
from west_llext.model.manifest import Mode
from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class Fit:
    """A blob held against a base image.

    compared: symbols of the base image that were looked at
    findings: what doesn't fit (I001, I002, B010 …), or may not (I005)
    """

    blob: str
    compared: int
    findings: tuple[Diagnostic, ...]


def fit(blob: BlobInfo, base: BaseImage) -> Fit:
    """Whether a blob fits a base image: every symbol that it uses, in the order of their names."""
    findings = list(abi_findings(blob.file, blob.abi, base.name, base.abi))
    compared = 0
    base.symbols.prepare([each.name for each in blob.imports])
    if not has_errors(findings):
        for each in blob.imports:
            if each.address is None and blob.mode is not Mode.RELOCATABLE:
                continue  # it comes from another extension
            compared += 1
            found = _moved(blob, each, base) if each.address is not None else None
            if each.address is None and not each.weak:
                found = _unknown(blob, each, base)
            findings += [] if found is None else [found]
    return Fit(blob=blob.file, compared=compared, findings=tuple(findings))


def _moved(blob: BlobInfo, wanted: ImportInfo, base: BaseImage) -> Diagnostic | None:
    # the link looks a name up in the same way
    symbol = base.symbols.get(wanted.name)
    now = (base.exports or {}).get(wanted.name) if symbol is None else symbol.value
    if now == wanted.address:
        return None
    if now is None:
        code = "I002"
        message = f"'{wanted.name}' is gone from '{base.name}', it was at {wanted.address:#x}"
    else:
        code = "I001"
        message = f"'{wanted.name}' moved from {wanted.address:#x} to {now:#x} in '{base.name}'"
    return Diagnostic(
        code=code,
        at=Span(PurePath(blob.file)),
        message=message,
        hint="build the extension again, against this base image",
    )


def _unknown(blob: BlobInfo, wanted: ImportInfo, base: BaseImage) -> Diagnostic | None:
    # the target would look it up by its name: in the base image, then in other extensions
    if wanted.name in (base.symbols if base.exports is None else base.exports):
        return None
    return Diagnostic(
        code="I005",
        at=Span(PurePath(blob.file)),
        message=f"'{wanted.name}' isn't exported by '{base.name}', so another extension has to",
        hint="build and check with a manifest, which knows the other extensions",
        severity=Severity.WARNING,
    )
