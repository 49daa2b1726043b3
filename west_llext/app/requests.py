# SPDX-License-Identifier: Apache-2.0
"""What the use cases `build` and `check` are asked, and what they answer in short.

A build that has nothing to do ends with what is here, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from enum import Enum
from pathlib import Path, PurePath

from west_llext.diagnostics import Diagnostic
from west_llext.record import record


class Outside(Enum):
    """Whether a manifest may name files outside of the workspace."""

    REFUSED = "refused"
    ALLOWED = "allowed"


class ImageUse(Enum):
    """Whether the base image itself counts."""

    #: it is there, and links are checked against it
    READ = "read"
    #: it isn't linked yet: extensions will be part of it
    IGNORED = "ignored"


#: Told about long work: what is being done, how much of it is done, how much there is.
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


#: Told about every command that ran: the folder that it ran in, as messages spell it (empty for
#: the current one), its words, and what it printed.
Commands = Callable[[str, Sequence[str], str], None]


def unheard(folder: str, words: Sequence[str], output: str) -> None:
    """A command that nobody asks for."""


@record(frozen=True, slots=True, kw_only=True)
class Request:
    """What to build or check.

    manifest: the manifest's file; display: how messages spell it
    output: folder for everything that is written
    extensions: names to build; empty for all
    build_dir: west build directory of the base image, before what the manifest says
    domain: which of sysbuild's images is the base image; None for the one that sysbuild says
    usual_dir: build directory for a manifest that says nothing of a base image, if there is one
    linked: objects and archives that the base image is linked from, whose exports count where the
        image is ignored
    jobs: most processes at a time; None for one a core, and for compilers what a jobserver says
    launcher: words in front of compiler commands, where the manifest names no launcher
    environment: variables that the toolchain search may read (PATH and the like)
    """

    manifest: Path
    display: str
    output: Path
    extensions: tuple[str, ...] = ()
    build_dir: Path | None = None
    domain: str | None = None
    usual_dir: Path | None = None
    image: ImageUse = ImageUse.READ
    linked: tuple[Path, ...] = ()
    outside: Outside = Outside.REFUSED
    jobs: int | None = None
    launcher: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = silent
    commands: Commands = unheard

    @property
    def shown(self) -> PurePath:
        """How messages spell the manifest's folder, which paths in it start from."""
        return PurePath(self.display).parent

    @property
    def allow_outside(self) -> bool:
        """Whether the manifest may."""
        return self.outside is Outside.ALLOWED


@record(frozen=True, slots=True, kw_only=True)
class UpToDate:
    """What a build did that had nothing to do.

    count: extensions of the build
    """

    count: int


@record(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found: every finding, errors included, in the order to show them."""

    count: int
    findings: tuple[Diagnostic, ...]
