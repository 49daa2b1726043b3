# SPDX-License-Identifier: Apache-2.0
"""Symbolic links in an output folder that lead out of it: nothing is written or removed there."""

# ruff: noqa: PTH118 (pathlib costs more than the system calls themselves)

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from west_llext.diagnostics import Diagnostic, LlextError, Span


def refuse_links(output: Path, folders: Iterable[str]) -> None:
    """Raise LlextError (O002) where a link takes one of the folders out of the output folder.

    folders: relative to it, with forward slashes
    """
    top = os.path.realpath(output)
    findings = []
    for folder in folders:
        real = os.path.realpath(os.path.join(top, folder))
        if real != os.path.join(top, *folder.split("/")) and not is_inside(real, top):
            findings.append(
                Diagnostic(
                    code="O002",
                    at=Span(output / folder),
                    message=f"output folder '{folder}' leads out of '{output}' by a link",
                    hint="remove the symbolic link",
                )
            )
    if findings:
        raise LlextError(findings)


def is_inside(path: str, folder: str) -> bool:
    """Whether a path is below a folder; both without links."""
    return path.startswith(folder.rstrip(os.sep) + os.sep)
