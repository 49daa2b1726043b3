# SPDX-License-Identifier: Apache-2.0
"""What a base image offers and demands."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Container, Iterator, Mapping
from dataclasses import field
from enum import Enum

from west_llext.diagnostics import Diagnostic, Span
from west_llext.model.elf import SHF_TLS, Ident, Section, Segment, Symbol, new_symbol
from west_llext.record import record

#: Rows of a symbol table by name: of the names that are given, or of all for None.
FindRows = Callable[[Collection[str] | None], dict[str, int]]


class SymbolIndex:
    """The global and weak defined symbols of an image, by name.

    An image can have 200,000 of them, and extensions need few: those that `prepare` was told of
    are looked for in one pass over the table. Whoever asks for another one, or for all, makes an
    index of all names. A `Symbol` is made when one is asked for.
    """

    __slots__ = ("_bits", "_complete", "_find", "_raw", "_rows", "_size", "_unpack")

    def __init__(
        self, *, find: FindRows, raw: bytes, bits: int, order: str, names: Collection[str] = ()
    ) -> None:
        """`find` gives rows of the symbol table whose bytes are `raw`; of `names` at once."""
        self._find = find
        self._raw = raw
        self._bits = bits
        form = struct.Struct(order + ("IIIBBH" if bits == 32 else "IBBHQQ"))
        self._size = form.size
        self._unpack = form.unpack_from
        #: by name; negative for one that was looked for and isn't there
        self._rows: dict[str, int] = dict.fromkeys(names, -1) | find(names)
        #: whether every name is known
        self._complete = False

    def prepare(self, names: Collection[str]) -> None:
        """Look for some names, so that `get` and `in` know them without making an index of all."""
        if self._complete:
            return
        new = set(names).difference(self._rows)
        if new:
            self._rows |= dict.fromkeys(new, -1) | self._find(new)

    def get(self, name: str) -> Symbol | None:
        """The symbol of that name, or None."""
        row = self._row(name)
        if row < 0:
            return None
        if self._bits == 32:
            _, value, size, info, other, section = self._unpack(self._raw, row * self._size)
        else:
            _, info, other, section, value, size = self._unpack(self._raw, row * self._size)
        return new_symbol((name, value, size, info, other, section))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._row(name) >= 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())

    def _row(self, name: str) -> int:
        row = self._rows.get(name)
        return self._whole().get(name, -1) if row is None else row

    def _whole(self) -> dict[str, int]:
        if not self._complete:
            self._rows = self._find(None)
            self._complete = True
        return self._rows


class LazyNames(Collection[str]):
    """Names that are worked out when somebody first asks, which only messages do."""

    __slots__ = ("_found", "_source")

    def __init__(self, source: Callable[[], frozenset[str]]) -> None:
        """`source` is called once at most."""
        self._source = source
        self._found: frozenset[str] | None = None

    def names(self) -> frozenset[str]:
        """All of them."""
        if self._found is None:
            self._found = self._source()
        return self._found

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())


def _nothing(_: object) -> dict[str, int]:
    return {}


EMPTY_INDEX = SymbolIndex(find=_nothing, raw=b"", bits=32, order="<")


@record(frozen=True, slots=True, kw_only=True)
class Abi:
    """What decides whether code of two files can be linked.

    ident: machine, class, byte order and flags of the ELF header
    attributes: build attributes of the processor's vendor section (tag number to value), empty
        where the file has none
    """

    ident: Ident
    attributes: Mapping[int, int | str] = field(default_factory=dict)


@record(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """A base image's ELF file, as far as extensions can see it.

    name: what messages call it
    digest: SHA-256 of the file, hexadecimal
    symbols: its global and weak definitions
    exports: names in its exported table with their addresses (bit 0 set for Thumb functions), or
        None where no table was found in it
    by_slid: whether the target looks symbols up by SLID instead of by name
    local: names that it defines as local (static) symbols
    hidden: those of `local` that only the linker made local, because they are hidden
    own_exports: names that its own sources export, beside the generated table
    sections, segments: headers, for addresses
    zephyr_version: such as `4.3.0`, or None where it isn't known
    config: Kconfig settings (`CONFIG_X` to its text), empty where there is no .config
    findings: what is wrong with it, though it can be used; warnings
    """

    name: str
    digest: str
    abi: Abi
    symbols: SymbolIndex
    exports: Mapping[str, int] | None
    by_slid: bool = False
    local: Collection[str] = frozenset()
    hidden: Collection[str] = frozenset()
    own_exports: Collection[str] = frozenset()
    sections: tuple[Section, ...] = ()
    segments: tuple[Segment, ...] = ()
    zephyr_version: str | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Diagnostic, ...] = ()

    @property
    def thread_block(self) -> tuple[int, int] | None:
        """(size, alignment) of the block of thread-local variables that each thread has, or None.

        A symbol's value is its offset in it (gABI, "Symbol Table", STT_TLS).
        """
        parts = [each for each in self.sections if each.flags & SHF_TLS and each.size]
        if not parts:
            return None
        start = min(each.addr for each in parts)
        end = max(each.addr + each.size for each in parts)
        return end - start, max(each.align or 1 for each in parts)


class Reason(Enum):
    """Why a symbol can't be had from the base image."""

    #: no such symbol
    ABSENT = "absent"
    #: there, but local to a source file
    STATIC = "static"
    #: there and global, but hidden, so that the linker made it local
    HIDDEN = "hidden"
    #: there and global, but not exported
    NOT_EXPORTED = "not exported"
    #: in an export group that its `when` switches off
    SWITCHED_OFF = "switched off"
    #: declared as an export in the manifest, but this image was built without it
    NOT_BUILT_IN = "not built in"


class Origin(Enum):
    """Where a symbol's name comes from."""

    #: a source file has it
    SOURCE = "source"
    #: Zephyr makes it of a devicetree node
    DEVICE = "device"
    #: Zephyr makes it of a system call
    SYSCALL = "system call"
    #: compilers call it where the source doesn't
    HELPER = "compiler helper"
    #: compilers of C++ register destructors of static objects with it
    DESTRUCTORS = "destructors"
    #: compilers of C++ call it for what the language has: `new`, `delete`, pure virtual functions
    LANGUAGE = "language"


@record(frozen=True, slots=True, kw_only=True)
class Why:
    """Why the base image doesn't offer a symbol, and what is near.

    reason: the first that applies
    nearest: names that are offered and look alike, the best first
    group: for SWITCHED_OFF, the group; `when`: its condition as written; at: where
    origin, about: what the symbol is, and in words, such as "the device of node '/soc/uart@0'";
        None where somebody wrote it
    """

    reason: Reason
    nearest: tuple[str, ...] = ()
    group: str | None = None
    when: str | None = None
    at: Span | None = None
    origin: Origin = Origin.SOURCE
    about: str | None = None


@record(frozen=True, slots=True, kw_only=True)
class Offer:
    """What extensions can use of a base image, seen from the manifest.

    image: the base image, or None where there is only the manifest
    exported: names that the target can look up
    why: explains a name that isn't offered; called for misses only, because it searches
    briefly: the same without names that look alike, which take long to find
    unlinked: Zephyr's version where there is no image yet, or None
    unlinked_by_slid: whether an image that isn't there yet is going to look symbols up by SLID
    """

    image: BaseImage | None
    exported: Container[str]
    why: Callable[[str], Why]
    briefly: Callable[[str], Why]
    unlinked: str | None = None
    unlinked_by_slid: bool = False

    @property
    def by_slid(self) -> bool:
        """Whether the target looks symbols up by SLID instead of by name."""
        return self.unlinked_by_slid if self.image is None else self.image.by_slid

    @property
    def zephyr(self) -> str | None:
        """Zephyr's version, such as `4.3.0`, or None where it isn't known."""
        return self.unlinked if self.image is None else self.image.zephyr_version

    def prepare(self, names: Collection[str]) -> None:
        """Look for some names of the base image in one pass, because `symbol` will be asked."""
        if self.image is not None:
            self.image.symbols.prepare(names)

    def symbol(self, name: str) -> Symbol | None:
        """The base image's global definition of a name, or None."""
        return None if self.image is None else self.image.symbols.get(name)
