# SPDX-License-Identifier: Apache-2.0
"""The note of a bound or prelocated blob: which symbols of its base image it uses, and where.

docs/blob-format.md describes the bytes. Whatever is in the file, reading takes time and memory in
proportion to the note's size.
"""

from __future__ import annotations

import hashlib
import itertools
import struct
from pathlib import PurePath
from typing import NoReturn

from west_llext.diagnostics import Diagnostic, LlextError, Span
from west_llext.model.elf import ObjectFile
from west_llext.model.manifest import Mode
from west_llext.record import record

SECTION = ".note"
OWNER = b"west-llext\0"
TYPE = 1
VERSION = 1

_MODES = {1: Mode.BOUND, 2: Mode.PRELOCATED}
_DIGEST_SIZE = 32
# version, mode, number of symbols
_HEAD = "III"


@record(frozen=True, slots=True, kw_only=True)
class Note:
    """What a blob demands of its base image.

    identity: SHA-256 over the symbols, hexadecimal
    symbols: (name, address), sorted by name; bit 0 of the address set for a Thumb function
    """

    mode: Mode
    identity: str
    symbols: tuple[tuple[str, int], ...]


def note(file: ObjectFile) -> Note | None:
    """The note of a blob, or None where it has none.

    Raises LlextError: I003 where the note is damaged, I004 where another version has made it.
    """
    for index, section in enumerate(file.sections):
        if section.name == SECTION:
            return _Reader(file, file.content(index)).note()
    return None


class _Reader:
    # Reads one note; a class because each step may have to refuse the file by its name.

    def __init__(self, file: ObjectFile, raw: bytes) -> None:
        self.file = file
        self.raw = raw
        self.order = file.ident.order
        self.row = struct.Struct(file.ident.order + ("II" if file.ident.bits == 32 else "QQ"))

    def note(self) -> Note:
        content = self.description()
        head = struct.calcsize(_HEAD)
        if len(content) < head + _DIGEST_SIZE:
            self.damaged(f"its content has {len(content)} bytes, expected {head + _DIGEST_SIZE}")
        version, mode, count = struct.unpack_from(self.order + _HEAD, content)
        if version != VERSION:
            self.refuse(
                "I004",
                f"the note '{SECTION}' has version {version}, expected {VERSION}",
                "update west-llext" if version > VERSION else "build the blob again",
            )
        if mode not in _MODES:
            self.damaged(f"it has mode {mode}, expected 1 (bound) or 2 (prelocated)")
        identity = content[head : head + _DIGEST_SIZE]
        symbols = self.symbols(content[head + _DIGEST_SIZE :], count)
        if _digest(symbols) != identity:
            self.damaged("its digest isn't that of the symbols in it")
        return Note(mode=_MODES[mode], identity=identity.hex(), symbols=symbols)

    def description(self) -> bytes:
        # the one note of the section (gABI, "Note Section"): three words, owner, content
        if len(self.raw) < 12:
            self.damaged(f"it has {len(self.raw)} bytes, expected at least 12")
        name_size, size, kind = struct.unpack_from(self.order + _HEAD, self.raw)
        start = 12 + -(-name_size // 4) * 4
        if self.raw[12 : 12 + name_size] != OWNER or kind != TYPE:
            self.damaged("it belongs to another tool")
        if start + size > len(self.raw):
            self.damaged(f"its content has {size} bytes and ends behind the section")
        return self.raw[start : start + size]

    def symbols(self, rest: bytes, count: int) -> tuple[tuple[str, int], ...]:
        if count * self.row.size > len(rest):
            self.damaged(f"it has {count} symbols, which is more than fit its content")
        names = rest[count * self.row.size :]
        found: list[tuple[str, int]] = []
        end = 0
        for address, offset in self.row.iter_unpack(rest[: count * self.row.size]):
            # names lie one behind the other, so that they can't add up to more than the note
            stop = names.find(b"\0", end)
            if offset != end or stop < 0:
                self.damaged(f"symbol {len(found)} has its name at {offset:#x}, expected {end:#x}")
            found.append((names[end:stop].decode("utf-8", "surrogateescape"), address))
            end = stop + 1
        if any(names[end:]):
            self.damaged("there is something behind the last name")
        for (first, _), (second, _) in itertools.pairwise(found):
            if first >= second:
                self.damaged(f"'{second}' comes behind '{first}', expected symbols sorted by name")
        return tuple(found)

    def damaged(self, why: str) -> NoReturn:
        message = f"the note '{SECTION}' is damaged: {why}"
        self.refuse("I003", message, "build the blob again")

    def refuse(self, code: str, message: str, hint: str) -> NoReturn:
        at = Span(PurePath(self.file.name))
        raise LlextError([Diagnostic(code=code, at=at, message=message, hint=hint)])


def _digest(symbols: tuple[tuple[str, int], ...]) -> bytes:
    # as the link has it (docs/blob-format.md)
    state = hashlib.sha256()
    for name, address in symbols:
        state.update(name.encode("utf-8", "surrogateescape") + b"\0")
        state.update(address.to_bytes(8, "little"))
    return state.digest()
