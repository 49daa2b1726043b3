# SPDX-License-Identifier: Apache-2.0
"""What is in the archive of an extension development kit: tar (xz, gz, bz2, zstd) or zip.

An archive comes from a stranger: only plain files with plain relative paths are taken out of it,
and only so many bytes.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from lzma import LZMAError
from pathlib import PurePath
from typing import NoReturn

from west_llext.diagnostics import Diagnostic, LlextError, MissingError, Span

#: Bytes of all files together; vendors' headers for one family of chips have some 100 MiB.
MAX_TOTAL = 1 << 30
MAX_FILES = 100_000

_ZSTD = b"\x28\xb5\x2f\xfd"
_ZIP = b"PK\x03\x04"
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, LZMAError, zlib.error, EOFError, OSError)


def members(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Path (forward slashes) and content of every file in an archive that messages call `name`.

    Raises LlextError (B034) where it is no archive, is damaged or holds more than a kit can, and
    MissingError (B035) where it is compressed in a way that this Python can't undo.
    """
    total = count = 0
    try:
        for path, content in _files(data, name):
            total += len(content)
            count += 1
            if total > MAX_TOTAL or count > MAX_FILES:
                refuse(name, f"it holds more than {MAX_TOTAL >> 20} MiB or {MAX_FILES} files")
            yield path, content
    except _BROKEN as err:
        refuse(name, f"it can't be unpacked: {err}")
    except (RuntimeError, NotImplementedError, ValueError) as err:
        refuse(name, f"it can't be unpacked: {err}")


def refuse(name: str, why: str) -> NoReturn:
    """Raise LlextError (B034)."""
    raise LlextError([Diagnostic(code="B034", at=Span(PurePath(name)), message=f"'{name}': {why}")])


def _files(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    if data[:4] == _ZIP:
        yield from _zipped(data, name)
        return
    if data[:4] == _ZSTD:
        data = _decompressed(data, name)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
        left = MAX_TOTAL
        for each in archive:
            if not each.isreg():
                continue
            path = _checked(each.name, name)
            left -= each.size
            if left < 0:
                refuse(name, f"it holds more than {MAX_TOTAL >> 20} MiB")
            file = archive.extractfile(each)
            yield path, b"" if file is None else file.read()


def _zipped(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        left = MAX_TOTAL
        for each in archive.infolist():
            # bits 12 to 15 of the Unix mode: 8 is a plain file, 0 says nothing
            if each.is_dir() or each.external_attr >> 28 not in {0, 8}:
                continue
            path = _checked(each.filename, name)
            with archive.open(each) as file:
                content = file.read(left + 1)
            left -= len(content)
            if left < 0:
                refuse(name, f"it holds more than {MAX_TOTAL >> 20} MiB")
            yield path, content


def _checked(path: str, name: str) -> str:
    parts = [each for each in path.replace("\\", "/").split("/") if each not in {"", "."}]
    odd = path.startswith("/") or ".." in parts or ":" in path or "\0" in path or not parts
    if odd or not path.isprintable():
        refuse(name, f"it holds the path {path[:80]!a}, which leads out of it")
    return "/".join(parts)


def _decompressed(data: bytes, name: str) -> bytes:
    decompress = _zstd()
    if decompress is None:
        raise MissingError(
            [
                Diagnostic(
                    code="B035",
                    at=Span(PurePath(name)),
                    message=f"'{name}' is compressed with zstd, which this Python can't undo",
                    hint="unpack it and name the folder, or run 'pip install zstandard'",
                )
            ]
        )
    return decompress(data)


def _zstd() -> Callable[[bytes], bytes] | None:
    # the standard library has it from 3.14 on
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415

        return lambda data: zstd.ZstdDecompressor().decompress(data, MAX_TOTAL)
    except ImportError:
        pass
    try:
        import zstandard  # type: ignore[import-not-found]  # noqa: PLC0415

        return lambda data: zstandard.ZstdDecompressor().stream_reader(data).read(MAX_TOTAL)
    except ImportError:
        return None
