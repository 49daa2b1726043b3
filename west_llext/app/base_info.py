# SPDX-License-Identifier: Apache-2.0
"""What a base image is, as its file and the build directory around it say it."""

from __future__ import annotations

from pathlib import Path

from west_llext.app.bases import opened
from west_llext.base.builddir import BuildDir
from west_llext.base.description import description, is_description
from west_llext.base.image import image
from west_llext.base.layout import load_window
from west_llext.diagnostics import Diagnostic, MissingError
from west_llext.model.base import Abi, BaseImage
from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class BaseInfo:
    """A base image.

    symbols: how many global symbols it defines
    exports: names in its exported table, sorted; None where it has no table
    zephyr_version: None where nothing tells
    heap: setting CONFIG_LLEXT_HEAP_SIZE (KiB), or None
    window: half-open address range in which the loader can put extensions, or None
    """

    file: str
    size: int
    digest: str
    abi: Abi
    symbols: int
    exports: tuple[str, ...] | None
    zephyr_version: str | None
    heap: int | None
    window: tuple[int, int] | None
    findings: tuple[Diagnostic, ...] = ()


def base_info(base: BaseImage, size: int) -> BaseInfo:
    """What there is to say of a base image whose file has `size` bytes."""
    heap = base.config.get("CONFIG_LLEXT_HEAP_SIZE", "")
    return BaseInfo(
        file=base.name,
        size=size,
        digest=base.digest,
        abi=base.abi,
        symbols=len(base.symbols),
        exports=None if base.exports is None else tuple(sorted(base.exports)),
        zephyr_version=base.zephyr_version,
        heap=int(heap) if heap.isascii() and heap.isdigit() and len(heap) < 10 else None,
        window=load_window(base),
        findings=base.findings,
    )


def base_image(data: bytes, path: Path, folder: Path | None) -> BaseImage:
    """The base image in `data`, with what its build directory knows.

    folder: the build directory; None to look around the image

    A description (B036) stands for the image as well.
    Raises LlextError where it can't be read, MissingError (B001, B002) for a folder that is none.
    """
    if is_description(data):
        return description(data, path.as_posix()).image
    found = _around(path) if folder is None else opened(folder)
    return image(
        data,
        path.as_posix(),
        config={} if found is None else found.config,
        zephyr_version=None if found is None else found.zephyr_version,
    )


def _around(path: Path) -> BuildDir | None:
    # a build directory has its images in `zephyr`
    if path.parent.name != "zephyr":
        return None
    try:
        return opened(path.parent.parent)
    except MissingError:
        return None
