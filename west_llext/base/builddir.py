# SPDX-License-Identifier: Apache-2.0
"""A west build directory: where its image is, and how it was configured.

Layout: what CMake and Zephyr's build leave there; `zephyr/.config` and `zephyr/zephyr.elf` below
the directory of the application, CMakeCache.txt in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path, PurePath

from west_llext.base.config import config_settings
from west_llext.base.sysbuild import (
    DOMAINS,
    Document,
    domain_name,
    domain_path,
    domains,
    no_domains,
)
from west_llext.diagnostics import Diagnostic, MissingError, Span
from west_llext.elf.read import file_content
from west_llext.record import record

_CACHED = re.compile(r"([A-Za-z0-9_.+-]+):[A-Z]+=(.*)")
_DEFINE = r'#define\s+KERNEL_VERSION_STRING\s+"([^"]*)"'
_NUMBER = r"^(VERSION_MAJOR|VERSION_MINOR|PATCHLEVEL)\s*=\s*(\d+)\s*$"
# older releases keep the header one level up
_VERSION_HEADERS = (
    "zephyr/include/generated/zephyr/version.h",
    "zephyr/include/generated/version.h",
)
_CACHE = "CMakeCache.txt"
_CONFIG = "zephyr/.config"


@record(frozen=True, slots=True, kw_only=True)
class BuildDir:
    """What a west build directory says.

    path: the directory, of the image where sysbuild has several; name: what messages call it
    image: the linked image; image_name: its path below the directory
    config: Kconfig settings: `CONFIG_X` to its text, strings without quotes, `n` where it isn't set
    cache: entries of CMakeCache.txt by name
    compiler: path of the C compiler, or None
    board: as west spells it (`mps2/an385`), or None
    zephyr_base: folder of Zephyr's sources, or None
    zephyr_version: such as `4.3.0`, or None where it isn't known
    digests: SHA-256 (hexadecimal) of each file that was read for this, which the image isn't
    """

    path: Path
    name: str
    image: Path
    image_name: str
    config: Mapping[str, str] = field(default_factory=dict)
    cache: Mapping[str, str] = field(default_factory=dict)
    compiler: str | None = None
    board: str | None = None
    zephyr_base: Path | None = None
    zephyr_version: str | None = None
    digests: Mapping[Path, str] = field(default_factory=dict)


class _Texts:
    # Reads files, and remembers what was in them.

    def __init__(self) -> None:
        self.digests: dict[Path, str] = {}

    def data(self, path: Path, name: str) -> bytes:
        data = file_content(path, name)
        self.digests[path] = hashlib.sha256(data).hexdigest()
        return data

    def text(self, path: Path, name: str) -> str:
        return self.data(path, name).decode("utf-8", "replace")


def build_dir(
    path: Path, name: str | None = None, *, document: Document, domain: str | None = None
) -> BuildDir:
    """The build directory at `path`, which messages call `name`.

    document: reads YAML
    domain: which of sysbuild's images it is about; None for the one that sysbuild says

    Raises MissingError: B001 where it isn't a build directory of Zephyr, B002 where the image
    hasn't been built; LlextError (B030, B031) for a domain that it doesn't have.
    """
    found = configured(path, name, document=document, domain=domain)
    if not found.image.is_file():
        raise MissingError([_no_image(found.name, found.image_name)])
    return found


def configured(
    path: Path, name: str | None = None, *, document: Document, domain: str | None = None
) -> BuildDir:
    """A build directory whose image need not be there; for the rest as `build_dir`."""
    texts = _Texts()
    path, name = _domain(path, name or path.as_posix(), domain, texts, document)
    if not (path / _CACHE).is_file() or not (path / _CONFIG).is_file():
        raise MissingError([_no_build_dir(path, name)])
    cache = _cache(texts.text(path / _CACHE, f"{name}/{_CACHE}"))
    config = config_settings(texts.text(path / _CONFIG, f"{name}/{_CONFIG}"))
    image_name = f"zephyr/{config.get('CONFIG_KERNEL_BIN_NAME') or 'zephyr'}.elf"
    base = cache.get("ZEPHYR_BASE") or cache.get("Zephyr_DIR", "").partition("/share/")[0]
    zephyr_base = Path(base) if base else None
    return BuildDir(
        path=path,
        name=name,
        image=path / image_name,
        image_name=image_name,
        config=config,
        cache=cache,
        compiler=cache.get("CMAKE_C_COMPILER") or None,
        board=config.get("CONFIG_BOARD_TARGET") or cache.get("CACHED_BOARD") or cache.get("BOARD"),
        zephyr_base=zephyr_base,
        zephyr_version=_zephyr_version(path, zephyr_base, texts),
        digests=texts.digests,
    )


def image_dir(path: Path, name: str, *, document: Document, domain: str | None = None) -> Path:
    """Where the build directory of an image is: `path` itself, or inside it with sysbuild.

    It need not have been configured. Raises LlextError as `build_dir` does.
    """
    return _domain(path, name, domain, _Texts(), document)[0]


def _domain(
    path: Path, name: str, wanted: str | None, texts: _Texts, document: Document
) -> tuple[Path, str]:
    # the build directory of an image where `path` is that of sysbuild, and what messages call it
    if not (path / DOMAINS).is_file():
        if wanted is not None:
            raise no_domains(name, wanted)
        return path, name
    shown = f"{name}/{DOMAINS}"
    known = domains(texts.data(path / DOMAINS, shown), shown, document)
    chosen = domain_name(known, wanted, name)
    inner = domain_path(path, chosen, known.places[chosen])
    below = inner.is_relative_to(path)
    return inner, f"{name}/{inner.relative_to(path).as_posix()}" if below else inner.as_posix()


def _cache(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        if match := _CACHED.fullmatch(line):
            found[match[1]] = match[2]
    return found


def _zephyr_version(path: Path, zephyr_base: Path | None, texts: _Texts) -> str | None:
    for header in _VERSION_HEADERS:
        if (path / header).is_file():
            match = re.search(_DEFINE, texts.text(path / header, header))
            if match is not None:
                return match[1]
    version = None if zephyr_base is None else zephyr_base / "VERSION"
    if version is None or not version.is_file():
        return None
    numbers = dict(re.findall(_NUMBER, texts.text(version, version.as_posix()), re.MULTILINE))
    parts = [numbers.get(key) for key in ("VERSION_MAJOR", "VERSION_MINOR", "PATCHLEVEL")]
    return ".".join(part for part in parts if part is not None) if None not in parts else None


def _no_build_dir(path: Path, name: str) -> Diagnostic:
    at = Span(PurePath(name))
    if not path.is_dir():
        message = f"there is no build directory '{name}'"
        hint = "build the base image first: west build -b BOARD -d " + name
        return Diagnostic(code="B001", at=at, message=message, hint=hint)
    missing = _CONFIG if (path / _CACHE).is_file() else _CACHE
    message = f"'{name}' isn't a build directory of Zephyr: it has no '{missing}'"
    inner = sorted(each.parent.parent.name for each in path.glob("*/" + _CONFIG))[:1]
    # a directory of sysbuild has one for each image
    hint = f"name '{name}/{inner[0]}'" if inner else "name the directory that west build made"
    return Diagnostic(code="B001", at=at, message=message, hint=hint)


def _no_image(name: str, image_name: str) -> Diagnostic:
    return Diagnostic(
        code="B002",
        at=Span(PurePath(name)),
        message=f"build directory '{name}' has no image: '{image_name}' isn't there",
        hint=f"build the base image: west build -d {name}",
    )
