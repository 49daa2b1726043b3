# SPDX-License-Identifier: Apache-2.0
"""Archives of kits, of which some are from people with ideas."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping

import pytest

from west_llext.base import edk_archive
from west_llext.base.edk_archive import members
from west_llext.diagnostics import LlextError

FILES = {"llext-edk/cmake.cflags": b"set(A b)\n", "llext-edk/include/zephyr/kernel.h": b"\n"}


def tarred(files: Mapping[str, bytes], how: str = "w:xz", **about: object) -> bytes:
    """A tar archive; `about` are attributes of the last member."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=how) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if name == [*files][-1]:
                for key, value in about.items():
                    setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def refusal(data: bytes) -> str:
    """What is said of an archive."""
    with pytest.raises(LlextError) as caught:
        list(members(data, "kit.tar.xz"))
    return str(caught.value)


@pytest.mark.parametrize("how", ["w:xz", "w:gz", "w:bz2", "w"])
def test_tar_archives(how: str) -> None:
    """Zephyr makes .tar.xz."""
    assert dict(members(tarred(FILES, how), "kit")) == FILES


def test_zip_archives() -> None:
    """CONFIG_LLEXT_EDK_FORMAT_ZIP; folders have entries of their own there."""
    assert dict(members(zipped({"llext-edk/": b"", **FILES}), "kit")) == FILES


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../b", "C:/x", "..\\x", "a\nb"])
@pytest.mark.parametrize("make", [tarred, zipped], ids=["tar", "zip"])
def test_paths_that_lead_out(path: str, make: object) -> None:
    """Nothing is taken from such an archive."""
    data = make({path: b"x"})  # type: ignore[operator]
    assert refusal(data) == (
        f"kit.tar.xz: error[B034]: 'kit.tar.xz': it holds the path {path!a}, which leads out of it"
    )


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_left_out(kind: bytes) -> None:
    """They could lead anywhere."""
    files = {**FILES, "llext-edk/x": b""}
    data = tarred(files, type=kind, linkname="/etc/passwd")
    assert dict(members(data, "kit")) == FILES


def test_more_than_a_kit_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before memory runs out."""
    monkeypatch.setattr(edk_archive, "MAX_TOTAL", 1 << 20)
    many = {f"x{number}": bytes(600_000) for number in range(2)}
    for data in (tarred(many), zipped(many)):
        assert refusal(data) == ("kit.tar.xz: error[B034]: 'kit.tar.xz': it holds more than 1 MiB")
    monkeypatch.setattr(edk_archive, "MAX_FILES", 1)
    assert "more than 1 MiB or 1 files" in refusal(tarred(FILES))


@pytest.mark.parametrize("cut", [0, 5, 100])
def test_damaged_archives(cut: int) -> None:
    """One message, whatever the library raises."""
    for data in (tarred(FILES), zipped(FILES), tarred(FILES, "w:gz"), b"no archive at all" * 9):
        assert refusal(data[:cut] if cut else data[1:]).startswith(
            "kit.tar.xz: error[B034]: 'kit.tar.xz': it can't be unpacked: "
        )


def test_zstd_without_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14 has one, and a package has."""
    monkeypatch.setattr(edk_archive, "_zstd", lambda: None)
    assert refusal(b"\x28\xb5\x2f\xfd" + bytes(40)) == (
        "kit.tar.xz: error[B035]: 'kit.tar.xz' is compressed with zstd, which this Python can't "
        "undo\nhint: unpack it and name the folder, or run 'pip install zstandard'"
    )


def test_zstd_with_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it gives is a tar archive."""
    monkeypatch.setattr(edk_archive, "_zstd", lambda: lambda _: tarred(FILES, "w"))
    assert dict(members(b"\x28\xb5\x2f\xfd", "kit")) == FILES
