# SPDX-License-Identifier: Apache-2.0
"""Whether there is anything to do; asked before anything else is imported."""

from __future__ import annotations

import os

from west_llext.app import state

TYPE_CHECKING = False
if TYPE_CHECKING:  # the modules would be more imports
    from collections.abc import Iterable

    from west_llext.app.requests import Request

#: Folder inside the output folder for everything that compilers make.
OBJECT_FOLDER = "obj"


def last_build(
    *,
    manifest: str,
    output: str,
    extensions: Iterable[str] = (),
    build_dir: str | None = None,
    usual_dir: str | None = None,
    domain: str = "",
    allow_outside: bool = False,
    path: str = "",
) -> state.State | None:
    """What the last build did, where another one would do nothing; else None.

    Arguments are those of a `Request`, as texts; `path` is the variable PATH.
    """
    root = state.root_of(manifest)
    wanted = key(
        manifest=manifest,
        extensions=extensions,
        build_dir=build_dir,
        usual_dir=usual_dir,
        domain=domain,
        path=path,
        allow_outside=allow_outside,
    )
    before = state.unchanged(output, root, wanted)
    if before is not None and before.plan and not _same_objects(output, root, before.plan):
        return None
    return before


def last_build_of(request: Request) -> state.State | None:
    """The same for a request."""
    return last_build(
        manifest=os.fspath(request.manifest),
        output=os.fspath(request.output),
        extensions=request.extensions,
        build_dir=None if request.build_dir is None else os.fspath(request.build_dir),
        usual_dir=None if request.usual_dir is None else os.fspath(request.usual_dir),
        domain=request.domain or "",
        allow_outside=request.allow_outside,
        path=request.environment.get("PATH", ""),
    )


def key_of(request: Request) -> str:
    """What `key` gives for a request."""
    return key(
        manifest=os.fspath(request.manifest),
        extensions=request.extensions,
        build_dir=None if request.build_dir is None else os.fspath(request.build_dir),
        usual_dir=None if request.usual_dir is None else os.fspath(request.usual_dir),
        domain=request.domain or "",
        path=request.environment.get("PATH", ""),
        allow_outside=request.allow_outside,
    )


def key(
    *,
    manifest: str,
    extensions: Iterable[str],
    build_dir: str | None,
    usual_dir: str | None,
    domain: str,
    path: str,
    allow_outside: bool,
) -> str:
    """A digest of what decides about the outputs of a request and isn't in a file."""
    return state.key(
        [
            os.path.basename(manifest),  # noqa: PTH119 (as texts, see above)
            str(len(wanted := sorted(set(extensions)))),
            *wanted,
            *(os.path.abspath(each) if each else "" for each in (build_dir, usual_dir)),  # noqa: PTH100
            domain,
            str(allow_outside),
            path,
        ]
    )


def _same_objects(output: str, root: str, plan: str) -> bool:
    # a build of other extensions, one that failed later, may have used the same folder since then
    from west_llext.toolchain.state import unchanged  # noqa: PLC0415  # only where it compiles

    folder = os.path.join(os.path.realpath(output), OBJECT_FOLDER)  # noqa: PTH118
    return unchanged(folder, root, plan)
