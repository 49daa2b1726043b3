# SPDX-License-Identifier: Apache-2.0
"""The use case `base export`: a base image as a description that can be kept without the image."""

from __future__ import annotations

from pathlib import Path

from west_llext.app.base_info import base_image
from west_llext.app.bases import base_of, opened
from west_llext.app.flags import base_words
from west_llext.app.inputs import draft
from west_llext.app.requests import Request
from west_llext.base.builddir import BuildDir
from west_llext.base.extension_flags import abi_flags
from west_llext.diagnostics import NOWHERE, Diagnostic, LlextError, Span
from west_llext.elf.read import file_content
from west_llext.emit import base_json
from west_llext.model.base import BaseImage
from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """Which base image to describe: the first of these that is there.

    image: its ELF file
    build_dir: of the image, or beside it; domain: which of sysbuild's images
    manifest: that names the base image
    """

    image: Path | None = None
    build_dir: Path | None = None
    domain: str | None = None
    manifest: Request | None = None


@record(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """The description.

    symbols, exports: how many of them are in it; exports is None where the image has no table
    """

    content: str
    source: str
    symbols: int
    exports: int | None
    findings: tuple[Diagnostic, ...] = ()


def base_export(request: ExportRequest) -> ExportResult:
    """Describe a base image; writes nothing.

    Raises MissingError where it can't be read (L001, B001, B002), LlextError where it is no base
    image or nothing names one (B020).
    """
    build = None
    if request.build_dir is not None:
        build = opened(request.build_dir, domain=request.domain)
    if request.image is not None:
        folder = None if build is None else build.path
        image = base_image(file_content(request.image), request.image, folder)
    elif build is not None:
        name = f"{build.name}/{build.image_name}"
        image = base_image(file_content(build.image, name), build.image, build.path)
    else:
        image, build = _of_manifest(request)
    cflags = () if build is None else abi_flags(base_words(build)[0])
    return ExportResult(
        content=base_json.text(image, cflags),
        source=image.name,
        symbols=len(image.symbols),
        exports=None if image.exports is None else len(image.exports),
        findings=image.findings,
    )


def _of_manifest(request: ExportRequest) -> tuple[BaseImage, BuildDir | None]:
    if request.manifest is None:
        raise LlextError([_nothing_named(NOWHERE)])
    written = draft(request.manifest)
    base = base_of(written.manifest, request.manifest)
    if base.image is None:
        raise LlextError(base.absent or [_nothing_named(written.manifest.base.at)])
    return base.image, base.build


def _nothing_named(at: Span) -> Diagnostic:
    return Diagnostic(
        code="B020",
        at=at,
        message="nothing says which base image to describe",
        hint="name its ELF file, or pass a build directory with '-d'",
    )
