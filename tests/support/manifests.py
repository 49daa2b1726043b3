# SPDX-License-Identifier: Apache-2.0
"""Manifests for tests: written to a folder, read by the tool, findings as the user sees them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from west_llext.diagnostics import Diagnostic, LlextError
from west_llext.manifest.load import manifest
from west_llext.model.manifest import Manifest

NAME = "llext.yml"


def written(
    folder: Path, text: str | bytes, files: Mapping[str, str | bytes] | None = None
) -> Path:
    """Put a manifest and the files beside it into a folder; return the manifest's path."""
    for name, content in {NAME: text, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / NAME


def read(
    folder: Path,
    text: str | bytes,
    files: Mapping[str, str | bytes] | None = None,
    *,
    allow_outside: bool = False,
) -> tuple[Manifest, tuple[Diagnostic, ...]]:
    """The manifest, and warnings; messages call it `llext.yml`."""
    path = written(folder, text, files)
    return manifest(path, allow_outside=allow_outside, display=NAME)


def complaints(
    folder: Path,
    text: str | bytes,
    files: Mapping[str, str | bytes] | None = None,
    *,
    allow_outside: bool = False,
) -> str:
    """Everything that the tool says of a manifest, one finding after the other."""
    try:
        _manifest, findings = read(folder, text, files, allow_outside=allow_outside)
    except LlextError as err:
        findings = err.diagnostics
    return "\n".join(str(each) for each in findings)


def codes(text: str) -> list[str]:
    """The codes in what `complaints` returned, in order."""
    return [part[:4] for line in text.splitlines() for part in line.split("[")[1:] if ": " in part]
