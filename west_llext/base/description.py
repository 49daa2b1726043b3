# SPDX-License-Identifier: Apache-2.0
"""A base image by its description, as `emit.base_json` writes it.

Read strictly, because a description that is understood in part would let links pass that fail on
the target.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePath
from typing import Any, NoReturn, TypeVar

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.model.base import Abi, BaseImage, SymbolIndex
from west_llext.model.description import ACCESS, DESCRIBES, SCHEMA, SYMBOL_TYPES
from west_llext.model.elf import SHN_ABS, STB_GLOBAL, Ident, Segment
from west_llext.record import record

#: A description has 90 bytes a symbol; this is enough for some 700,000 of them.
MAX_SIZE = 64 << 20
_TYPES = {word: number for number, word in SYMBOL_TYPES.items()}

_T = TypeVar("_T")


@record(frozen=True, slots=True, kw_only=True)
class Described:
    """What a description says.

    cflags: flags in gcc's spelling that select the processor and the ABI
    """

    image: BaseImage
    cflags: tuple[str, ...]


def is_description(data: bytes) -> bool:
    """Whether a file is meant to be a description: it begins as JSON does, and as no ELF file."""
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def description(data: bytes, name: str) -> Described:
    """The base image that a file's content describes; `name` is what messages call the file.

    Raises LlextError (B036) where it isn't a description, or one of a newer version.
    """
    if len(data) > MAX_SIZE:
        _refuse(name, f"the file is larger than {MAX_SIZE >> 20} MiB")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as err:
        _refuse(name, f"it isn't JSON: {err}")
    if not isinstance(document, dict) or document.get("describes") != DESCRIBES:
        _refuse(name, f"it isn't the description of a base image: 'describes' isn't '{DESCRIBES}'")
    if document.get("schema") != SCHEMA:
        _refuse(name, f"it has schema {document.get('schema')!r}, expected {SCHEMA}")
    return _Reader(document, name).described()


def _refuse(name: str, why: str) -> NoReturn:
    hint = "make it anew: west llext base export -o FILE"
    raise LlextError(
        [Diagnostic(code="B036", at=Span(PurePath(name)), message=f"'{name}': {why}", hint=hint)]
    )


class _Reader:
    # Reads one document; a class because every step may have to refuse it by name.

    def __init__(self, document: Mapping[str, Any], name: str) -> None:
        self.document = document
        self.name = name
        self.bits = 32

    def described(self) -> Described:
        ident = self.ident()
        version = self.document.get("zephyr")
        exports = self.document.get("exports")
        image = BaseImage(
            name=self.name,
            digest=self.value("sha256", str),
            abi=Abi(ident=ident, attributes=dict(self.attributes())),
            symbols=self.symbols(ident),
            exports=None if exports is None else dict(self.exports()),
            own_exports=frozenset(self.words("exported-by-sources")),
            by_slid=self.value("by-slid", bool),
            segments=tuple(self.segments()),
            zephyr_version=version if isinstance(version, str) else None,
            config=dict(self.texts("config")),
        )
        return Described(image=image, cflags=self.words("cflags"))

    def bad(self, *path: str) -> NoReturn:
        _refuse(self.name, f"'{'.'.join(path)}' isn't what it should be")

    def value(self, key: str, kind: type[_T]) -> _T:
        found = self.document.get(key)
        if not isinstance(found, kind):
            self.bad(key)
        return found

    def words(self, key: str) -> tuple[str, ...]:
        found = self.value(key, list)
        if not all(isinstance(each, str) for each in found):
            self.bad(key)
        return tuple(found)

    def texts(self, key: str) -> Iterator[tuple[str, str]]:
        for name, value in self.value(key, dict).items():
            if not isinstance(value, str):
                self.bad(key, name)
            yield name, value

    def number(self, value: object, *path: str) -> int:
        # addresses are hexadecimal texts, everything else plain numbers
        found = -1
        if isinstance(value, str) and value.startswith("0x") and len(value) < 20:
            try:
                found = int(value, 16)
            except ValueError:
                self.bad(*path)
        elif isinstance(value, int) and not isinstance(value, bool):
            found = value
        if not 0 <= found < 1 << self.bits:
            self.bad(*path)
        return found

    def ident(self) -> Ident:
        machine = self.value("machine", dict)
        bits = machine.get("bits")
        if bits not in {32, 64}:
            self.bad("machine", "bits")
        self.bits = int(bits)
        endian = machine.get("endian")
        if endian not in {"little", "big"}:
            self.bad("machine", "endian")
        return Ident(
            machine=self.number(machine.get("number"), "machine", "number"),
            bits=self.bits,
            little=endian == "little",
            flags=self.number(machine.get("flags"), "machine", "flags"),
        )

    def attributes(self) -> Iterator[tuple[int, int | str]]:
        for tag, value in self.value("attributes", dict).items():
            known = isinstance(value, (int, str)) and not isinstance(value, bool)
            if not known or not tag.isascii() or not tag.isdigit() or len(tag) > 9:
                self.bad("attributes", tag)
            yield int(tag), value

    def exports(self) -> Iterator[tuple[str, int]]:
        for name, value in self.value("exports", dict).items():
            yield name, self.number(value, "exports", name)

    def segments(self) -> Iterator[Segment]:
        for each in self.value("segments", list):
            if not isinstance(each, dict):
                self.bad("segments")
            access = each.get("access")
            if not isinstance(access, str):
                self.bad("segments", "access")
            address, load, stored, size = (
                self.number(each.get(key), "segments", key)
                for key in ("address", "load", "file-size", "size")
            )
            flags = sum(bit for letter, bit in ACCESS if letter in access)
            yield Segment(
                vaddr=address, paddr=load, offset=0, filesz=stored, memsz=size, flags=flags
            )

    def symbols(self, ident: Ident) -> SymbolIndex:
        # the same bytes as in a symbol table, all of them absolute
        form = struct.Struct(ident.order + ("IIIBBH" if ident.bits == 32 else "IBBHQQ"))
        rows = {}
        raw = bytearray()
        for number, (name, row) in enumerate(self.value("symbols", dict).items()):
            if not isinstance(row, list) or len(row) != 3:
                self.bad("symbols", name)
            value = self.number(row[0], "symbols", name)
            size = self.number(row[1], "symbols", name)
            kind = self.kind(row[2], name)
            info = STB_GLOBAL << 4 | kind
            if ident.bits == 32:
                raw += form.pack(0, value, size, info, 0, SHN_ABS)
            else:
                raw += form.pack(0, info, 0, SHN_ABS, value, size)
            rows[name] = number

        def find(names: Collection[str] | None) -> dict[str, int]:
            if names is None:
                return rows
            return {name: rows[name] for name in names if name in rows}

        return SymbolIndex(find=find, raw=bytes(raw), bits=ident.bits, order=ident.order)

    def kind(self, word: object, name: str) -> int:
        if isinstance(word, str) and word in _TYPES:
            return _TYPES[word]
        if not isinstance(word, str) or word not in {str(each) for each in range(16)}:
            self.bad("symbols", name)
        return int(word)
