# SPDX-License-Identifier: Apache-2.0
"""The answer to a build that has nothing to do, found before anything large is imported.

An IDE or another build system asks for a build all day, and most of the time nothing has changed.
Whatever isn't the usual command line, or isn't fine, is left to the command itself.
"""

from __future__ import annotations

import os

from west_llext.app.fresh import last_build
from west_llext.app.where import default_output, nearest_manifest, shown
from west_llext.cli.options import MANIFEST, SWITCH, WORDS, problem

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module would be one more import
    from collections.abc import Mapping, Sequence

#: File of every build directory of CMake's (`base.usual_dir`).
CACHE = "CMakeCache.txt"

# by spelling: name in the namespace, what values are
_OPTIONS = {each: row[1:3] for row in MANIFEST for each in row[0]}


def summary(count: int) -> str:
    """What a build says that had nothing to do."""
    return f"{count} extension{'' if count == 1 else 's'}: nothing to do\n"


def answer(words: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What to print, where `words` are a build with nothing to do; None where there is more to it.

    environment: what the user's shell has set
    """
    if not words or words[0] != "build":
        return None
    asked = plain(words[1:])
    manifest = None if asked is None else asked.manifest or _nearest()
    if asked is None or manifest is None or (not asked.build_dir and _has_usual_dir(manifest)):
        return None
    before = last_build(
        manifest=manifest,
        output=asked.output or default_output(manifest),
        extensions=asked.extension,
        build_dir=asked.build_dir,
        domain=asked.domain or "",
        allow_outside=asked.allow_outside,
        path=environment.get("PATH", ""),
    )
    return None if before is None else summary(before.count)


def _has_usual_dir(manifest: str) -> bool:
    # whether there may be a build directory that west would take, which others look into
    source = os.path.dirname(manifest)  # noqa: PTH120 (pathlib would be one more import)
    folders = (os.curdir, "build", source, os.path.join(source, "build"))  # noqa: PTH118
    return any(os.path.exists(os.path.join(each, CACHE)) for each in folders)  # noqa: PTH110, PTH118


class Asked:
    """The options of a build, under the names that argparse gives them."""

    def __init__(self) -> None:
        """None of them is given."""
        self.manifest: str | None = None
        self.build_dir: str | None = None
        self.domain: str | None = None
        self.output: str | None = None
        self.extension: list[str] = []
        self.jobs: str | None = None
        self.allow_outside = False


def plain(words: Sequence[str]) -> Asked | None:
    """The options in `words`; None where anything else is among them, or something is wrong."""
    asked = Asked()
    rest = list(reversed(words))
    while rest:
        spelling, value = _split(rest.pop())
        name, kind = _OPTIONS.get(spelling, ("", ""))
        if kind == SWITCH and value is None:
            setattr(asked, name, True)
            continue
        if value is None and rest and not rest[-1].startswith("-"):
            value = rest.pop()
        if kind in {"", SWITCH} or value is None or problem(kind, value) is not None:
            return None
        setattr(asked, name, [*getattr(asked, name), value] if kind == WORDS else value)
    return asked


def _split(word: str) -> tuple[str, str | None]:
    # `--jobs=4`, `-j4`: the option and its value
    if word.startswith("--"):
        spelling, equals, value = word.partition("=")
        return spelling, value if equals else None
    if word.startswith("-") and len(word) > 2 and word[2] != "=":
        return word[:2], word[2:]
    return word, None


def _nearest() -> str | None:
    try:
        folder = os.getcwd()  # noqa: PTH109 (pathlib would be one more import)
    except OSError:
        return None
    found = nearest_manifest(folder)
    return None if found is None else shown(found, folder)
