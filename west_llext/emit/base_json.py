# SPDX-License-Identifier: Apache-2.0
"""A base image's description: what extensions need to be built and checked without the image.

One symbol a line and everything sorted, so that a commit shows what a new base image moved
(schemas/llext-base.schema.json). Settings that are text are left out but for a few, because some
are passwords and paths.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from west_llext.model.base import BaseImage
from west_llext.model.description import ACCESS, DESCRIBES, SCHEMA, SYMBOL_TYPES
from west_llext.model.elf import Segment, Symbol

#: Settings whose text says what the base image is for.
TEXTS = ("CONFIG_ARCH", "CONFIG_BOARD", "CONFIG_BOARD_TARGET", "CONFIG_SOC", "CONFIG_SOC_SERIES")


def text(image: BaseImage, cflags: Sequence[str]) -> str:
    """The description of an image; `cflags` select the processor and the ABI for compilers."""
    ident = image.abi.ident
    width = ident.bits // 4 + 2
    symbols = [_symbol(each, width) for each in sorted(_symbols(image), key=lambda each: each.name)]
    attributes = {str(tag): value for tag, value in sorted(image.abi.attributes.items())}
    exports = image.exports
    parts = {
        "schema": str(SCHEMA),
        "describes": _compact(DESCRIBES),
        "file": _compact(PurePath(image.name).name),
        "sha256": _compact(image.digest),
        "identity": _compact(_identity(symbols)),
        "zephyr": _compact(image.zephyr_version),
        "machine": _compact(
            {
                "number": ident.machine,
                "bits": ident.bits,
                "endian": "little" if ident.little else "big",
                "flags": hex(ident.flags),
            }
        ),
        "attributes": _compact(attributes),
        "cflags": _compact(list(cflags)),
        "config": _object(_settings(image.config)),
        "segments": _lines("[", "]", (_segment(each, width) for each in image.segments)),
        "by-slid": _compact(image.by_slid),
        "exports": "null" if exports is None else _object(_exports(exports, width)),
        "exported-by-sources": _compact(sorted(image.own_exports)),
        "symbols": _lines("{", "}", symbols),
    }
    return "{\n" + ",\n".join(f'"{key}": {each}' for key, each in parts.items()) + "\n}\n"


def _symbols(image: BaseImage) -> Iterator[Symbol]:
    for name in image.symbols:
        symbol = image.symbols.get(name)
        if symbol is not None:
            yield symbol


def _symbol(symbol: Symbol, width: int) -> str:
    kind = symbol.info & 15
    row = [_hex(symbol.value, width), symbol.size, SYMBOL_TYPES.get(kind, str(kind))]
    return f"{_compact(symbol.name)}: {_compact(row)}"


def _identity(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _settings(config: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(config.items()):
        if value != "n" and (value in {"y", "m"} or name in TEXTS or _is_number(value)):
            yield name, value


def _is_number(value: str) -> bool:
    try:
        return value.isascii() and len(value) < 24 and int(value, 0) is not None
    except ValueError:
        return value.isdigit()


def _segment(segment: Segment, width: int) -> str:
    return _compact(
        {
            "address": _hex(segment.vaddr, width),
            "load": _hex(segment.paddr, width),
            "file-size": segment.filesz,
            "size": segment.memsz,
            "access": "".join(letter for letter, bit in ACCESS if segment.flags & bit),
        }
    )


def _exports(exports: Mapping[str, int], width: int) -> Iterator[tuple[str, str]]:
    for name, address in sorted(exports.items()):
        yield name, _hex(address, width)


def _object(rows: Iterable[tuple[str, str]]) -> str:
    return _lines("{", "}", (f"{_compact(key)}: {_compact(value)}" for key, value in rows))


def _lines(begin: str, end: str, values: Iterable[str]) -> str:
    joined = ",\n".join(values)
    return f"{begin}\n{joined}\n{end}" if joined else begin + end


def _hex(number: int, width: int) -> str:
    return f"{number:#0{width}x}"


def _compact(value: Any) -> str:
    # ASCII only: a name in an image may hold what is no Unicode text
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(separators=(", ", ": "), check_circular=False)
