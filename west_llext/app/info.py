# SPDX-License-Identifier: Apache-2.0
"""The use case `info`: what a blob or a base image is, and whether the one fits the other."""

from __future__ import annotations

from pathlib import Path

from west_llext.app.base_info import BaseInfo, base_image, base_info
from west_llext.app.bases import opened
from west_llext.app.blob_info import BlobInfo, blob_info
from west_llext.app.fit import Fit, fit
from west_llext.base.description import is_description
from west_llext.base.image import is_extension
from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span
from west_llext.elf.headers import headers
from west_llext.elf.read import file_content, object_file
from west_llext.model.elf import FileType
from west_llext.record import record


@record(frozen=True, slots=True, kw_only=True)
class InfoRequest:
    """Which files to describe.

    base: image to hold the blobs against, or None
    build_dir: of a base image, which tells more than the image; None to look around the image
    domain: which of sysbuild's images `build_dir` is about; None for the one that sysbuild says
    """

    files: tuple[Path, ...]
    base: Path | None = None
    build_dir: Path | None = None
    domain: str | None = None


@record(frozen=True, slots=True, kw_only=True)
class InfoResult:
    """What the files are, in their order.

    fits: of every blob, where there is a base image to hold it against
    findings: files that can't be described, and everything in `fits`
    """

    files: tuple[BlobInfo | BaseInfo, ...]
    base: str | None = None
    fits: tuple[Fit, ...] = ()
    findings: tuple[Diagnostic, ...] = ()


def info(request: InfoRequest) -> InfoResult:
    """Describe files, and hold blobs against a base image.

    Raises LlextError where that base image can't be read; MissingError where a file isn't there.
    """
    base = None
    around = request.build_dir
    if around is not None:
        around = opened(around, domain=request.domain).path
    if request.base is not None:
        base = base_image(file_content(request.base), request.base, around)
    files: list[BlobInfo | BaseInfo] = []
    fits: list[Fit] = []
    findings: list[Diagnostic] = []
    for path in request.files:
        data = file_content(path)
        try:
            found = described(data, path, around)
        except MissingError:
            raise
        except LlextError as err:
            findings += err.diagnostics
            continue
        files.append(found)
        if isinstance(found, BaseInfo):
            findings += found.findings if base is None else [_no_blob(path, base.name)]
        elif base is not None:
            fits.append(fit(found, base))
            findings += fits[-1].findings
    return InfoResult(
        files=tuple(files),
        base=None if base is None else base.name,
        fits=tuple(fits),
        findings=tuple(findings),
    )


def _no_blob(path: Path, base: str) -> Diagnostic:
    message = f"it is a base image, expected a blob to hold against base image '{base}'"
    return Diagnostic(code="I006", at=Span(path), message=message)


def described(data: bytes, path: Path, folder: Path | None = None) -> BlobInfo | BaseInfo:
    """What the file in `data` is; `folder` is a build directory, where it is a base image.

    Raises LlextError: L002 where it can't be read, I003 and I004 for its note, I006 where it is
    neither.
    """
    if is_description(data):
        return base_info(base_image(data, path, folder), len(data))
    head = headers(data, path.as_posix())
    kind = head.file_type
    if kind == FileType.EXEC and not is_extension(head.sections):
        return base_info(base_image(data, path, folder), len(data))
    if kind in {FileType.REL, FileType.DYN}:
        return blob_info(object_file(data, path.as_posix()), data)
    expected = "expected a blob (1 or 3) or a base image (2)"
    message, hint = f"it is of ELF type {kind}, {expected}", None
    if kind == FileType.EXEC:
        message = "it is the debugger's file of an extension, expected a blob or a base image"
        hint = f"describe '{path.with_suffix('.llext').name}' instead"
    raise LlextError([Diagnostic(code="I006", at=Span(path), message=message, hint=hint)])
