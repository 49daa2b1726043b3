# SPDX-License-Identifier: Apache-2.0
"""The use cases `build` and `check`: manifest in, files or findings out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from west_llext.app.fresh import last_build_of
from west_llext.app.requests import (
    CheckResult,
    Outside,
    Progress,
    Request,
    UpToDate,
    silent,
)

if TYPE_CHECKING:  # slow to import, and nothing to do is the most frequent outcome
    from west_llext.app.results import BuildResult

__all__ = [
    "CheckResult",
    "Outside",
    "Progress",
    "Request",
    "UpToDate",
    "build",
    "check",
    "silent",
]


def build(request: Request) -> BuildResult | UpToDate:
    """Compile, link, check and write everything that a manifest asks for.

    Raises LlextError with every error; then no earlier output has changed.
    """
    before = last_build_of(request)
    if before is not None:
        return UpToDate(count=before.count)
    from west_llext.app.full_build import full_build  # noqa: PLC0415  # only where there is work

    return full_build(request)


def check(request: Request) -> CheckResult:
    """Validate a manifest and every link of it; writes nothing, and compiles nothing."""
    from west_llext.app.full_check import full_check  # noqa: PLC0415  # as above

    return full_check(request)
