# SPDX-License-Identifier: Apache-2.0
"""A first manifest, with comments that say what else there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from west_llext.manifest.text import escaped
from west_llext.model.manifest import Memory, Mode, Toolchain
from west_llext.record import record

# plain in every version of YAML, inside and outside of brackets
_PLAIN = re.compile(r"[A-Za-z0-9_./+-][A-Za-z0-9_./+=-]*")
_SPECIAL = re.compile(
    r"(?i:y|n|yes|no|on|off|true|false|null|-+|\.+|=|[-+]?[0-9][0-9a-fox_.+e-]*"
    r"|[-+]?\.(?:inf|nan|[0-9].*))"
)
_ESCAPES = {'"': '\\"', "\\": "\\\\"}
_WIDTH = 80
_NO_TOOLCHAIN = Toolchain()


@record(frozen=True, slots=True, kw_only=True)
class DraftExtension:
    """An extension to begin with; paths are relative to the manifest, with forward slashes."""

    name: str
    sources: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    include_dirs: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    mode: Mode | None = None


@record(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is known when somebody begins.

    build_dir, image: of the base image, relative to the manifest; None for neither
    zephyr_version: None where the build directory tells it
    toolchain: only what the build directory doesn't tell
    exports: names that the base image offers
    schema: path or URL of the JSON schema for editors; None for no such line
    """

    build_dir: str | None = None
    image: str | None = None
    zephyr_version: str | None = None
    toolchain: Toolchain = _NO_TOOLCHAIN
    exports: tuple[str, ...] = ()
    memories: tuple[Memory, ...] = ()
    extensions: tuple[DraftExtension, ...] = ()
    schema: str | None = None


def text(draft: Draft) -> str:
    """The manifest."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    if draft.schema is not None:
        yield f"# yaml-language-server: $schema={draft.schema}"
    yield "# Loadable extensions: 'west llext build' makes them, 'west llext check' validates this."
    yield "version: 1"
    yield ""
    yield "base: # the firmware that loads them"
    yield from _base(draft)
    yield ""
    yield "defaults: # for every extension"
    yield "  mode: relocatable # or bound: made for one base; prelocated: at fixed addresses"
    yield "  cflags: [-Os]"
    yield ""
    if draft.extensions:
        yield "extensions:"
        for each in draft.extensions:
            yield from _extension(each)
    else:
        yield "# extensions:"
        yield "#   - name: hello # 15 characters at most"
        yield "#     sources: [src/hello.c]"
        yield "#     exports: [hello_run]"


def _base(draft: Draft) -> Iterator[str]:
    if draft.build_dir is not None:
        yield f"  build-dir: {_scalar(draft.build_dir)} # image, settings and compiler come from it"
    if draft.image is not None:
        yield f"  image: {_scalar(draft.image)}"
    if draft.build_dir is None and draft.image is None:
        yield "  # build-dir: build # a west build directory"
        yield "  # image: base.elf # or the image itself"
    if draft.zephyr_version is not None:
        yield f"  zephyr-version: {_scalar(draft.zephyr_version)}"
    yield from _toolchain(draft.toolchain)
    if draft.exports:
        yield "  exports: # become the generated symbol table"
        yield from _list("symbols", draft.exports, "    - ", "      ")
    else:
        yield "  exports: [] # names of functions and variables, for the generated symbol table"
    if draft.memories:
        yield "  memory: # where prelocated extensions may lie"
        for each in draft.memories:
            yield (
                f"    - {{name: {_scalar(each.name)}, address: {each.address:#010x},"
                f" size: {_size(each.size)}, access: {each.access}}}"
            )
    else:
        yield "  # memory: # where prelocated extensions may lie"
        yield "  #   - {name: ext_ram, address: 0x20020000, size: 64K, access: rwx}"


def _toolchain(toolchain: Toolchain) -> Iterator[str]:
    if toolchain.cc or toolchain.target or toolchain.cflags or toolchain.launcher:
        yield "  toolchain:"
    if toolchain.cc is not None:
        yield f"    cc: {_scalar(toolchain.cc)}"
    if toolchain.target is not None:
        yield f"    target: {_scalar(toolchain.target)}"
    if toolchain.cflags:
        yield from _list("cflags", toolchain.cflags, "    ", "    ")
    if toolchain.launcher:
        yield from _list("launcher", toolchain.launcher, "    ", "    ")


def _extension(extension: DraftExtension) -> Iterator[str]:
    yield f"  - name: {_scalar(extension.name)}"
    for key, values in (
        ("sources", extension.sources),
        ("objects", extension.objects),
        ("include-dirs", extension.include_dirs),
        ("exports", extension.exports),
    ):
        if values:
            yield from _list(key, values, "    ", "    ")
    if not extension.exports:
        yield "    # exports: [NAME] # besides those that the source exports itself"
    if extension.mode is not None:
        yield f"    mode: {extension.mode.value}"


def _list(key: str, values: Iterable[str], first: str, indent: str) -> Iterator[str]:
    scalars = [_scalar(each) for each in values]
    line = f"{first}{key}: [{', '.join(scalars)}]"
    if len(line) <= _WIDTH:
        yield line
        return
    yield f"{first}{key}:"
    for each in scalars:
        yield f"{indent}  - {each}"


def _scalar(value: str) -> str:
    if _PLAIN.fullmatch(value) and not _SPECIAL.fullmatch(value):
        return value
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(_ESCAPES.get(each) or escaped(each) for each in value) + '"'


def _size(size: int) -> str:
    for shift, unit in ((30, "G"), (20, "M"), (10, "K")):
        if size and size % (1 << shift) == 0:
            return f"{size >> shift}{unit}"
    return str(size)
