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

#: How a request says that the base image counts (`requests.ImageUse`).
READ = "read"


def last_build(
    *,
    manifest: str,
    output: str,
    extensions: Iterable[str] = (),
    build_dir: str | None = None,
    usual_dir: str | None = None,
    domain: str = "",
    image: str = READ,
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
        image=image,
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
        image=_image_of(request),
        allow_outside=request.allow_outside,
        path=request.environment.get("PATH", ""),
    )


def _image_of(request: Request) -> str:
    # whether the base image counts, and what it is linked from where it doesn't
    return "\n".join([request.image.value, *(os.fspath(each) for each in request.linked)])


def key_of(request: Request) -> str:
    """What `key` gives for a request."""
    return key(
        manifest=os.fspath(request.manifest),
        extensions=request.extensions,
        build_dir=None if request.build_dir is None else os.fspath(request.build_dir),
        usual_dir=None if request.usual_dir is None else os.fspath(request.usual_dir),
        domain=request.domain or "",
        image=_image_of(request),
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
    image: str,
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
            image,
            str(allow_outside),
            path,
        ]
    )


def _same_objects(output: str, root: str, plan: str) -> bool:
    # a build of other extensions, one that failed later, may have used the same folder since then
    from west_llext.toolchain.state import unchanged  # noqa: PLC0415  # only where it compiles

    folder = os.path.join(os.path.realpath(output), OBJECT_FOLDER)  # noqa: PTH118
    return unchanged(folder, root, plan)
