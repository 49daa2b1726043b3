# SPDX-License-Identifier: Apache-2.0
"""The use cases `build` and `check`: manifest in, files or findings out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from west_llext.diagnostics import Diagnostic
from west_llext.emit.outputs import Changes
from west_llext.model.link import Linked
from west_llext.model.manifest import Manifest


class Outside(Enum):
    """Whether a manifest may name files outside of the workspace."""

    REFUSED = "refused"
    ALLOWED = "allowed"


#: Told about long work: what is being done, how much of it is done, how much there is.
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to build or check.

    manifest: the manifest's file; display: how messages spell it
    output: folder for everything that is written
    extensions: names to build; empty for all
    build_dir: west build directory of the base image, before what the manifest says
    jobs: most processes at a time
    environment: variables that the toolchain search may read (PATH and the like)
    """

    manifest: Path
    display: str
    output: Path
    extensions: tuple[str, ...] = ()
    build_dir: Path | None = None
    outside: Outside = Outside.REFUSED
    jobs: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = silent


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What a build did; errors are raised, so `findings` holds warnings and notes.

    manifest, extensions: None and empty where everything was up to date and nothing was read
    count: extensions of the build
    changes: None where everything was up to date
    occupied: half-open address ranges that the base image takes
    """

    count: int
    findings: tuple[Diagnostic, ...] = ()
    changes: Changes | None = None
    manifest: Manifest | None = None
    extensions: tuple[Linked, ...] = ()
    occupied: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found: every finding, errors included, in the order to show them."""

    count: int
    findings: tuple[Diagnostic, ...]
