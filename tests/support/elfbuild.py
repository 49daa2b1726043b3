# SPDX-License-Identifier: Apache-2.0
"""ELF files for tests, made from a description; nothing of the product is used to lay them out.

    0        ELF header
    e_phoff  program headers        where there are segments
             groups                 SHT_GROUP, the first sections
             sections               as given, each at a multiple of its alignment; sections of one
                                    segment keep the distances of their addresses
             .relNAME or .relaNAME  one for each section with relocations
             .symtab                local symbols first, in the order given
             .symtab_shndx          where a symbol has `extended=True`
             .strtab .shstrtab
    e_shoff  section headers

Sections are named by their names; of two with the same name the first is meant. A section whose
content isn't given gets bytes that are derived from their address, so that misplaced ones show.
Integers in place of a name go into the file as they are, so that they can be wrong on purpose.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_INFO_LINK, SHF_GROUP = 0x1, 0x2, 0x4, 0x40, 0x200
SHF_TLS = 0x400
SHN_ABS, SHN_COMMON, SHN_XINDEX = 0xFFF1, 0xFFF2, 0xFFFF
ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
EM_386, EM_ARM, EM_AARCH64, EM_RISCV = 3, 40, 183, 243
PROGBITS, SYMTAB, STRTAB, RELA, NOBITS, REL, DYNSYM, GROUP, SYMTAB_SHNDX = (
    1,
    2,
    3,
    4,
    8,
    9,
    11,
    17,
    18,
)
LOCAL, GLOBAL, WEAK = 0, 1, 2
NOTYPE, OBJECT, FUNC, SECTION, FILE, TLS = 0, 1, 2, 3, 4, 6

# by class: ELF header after e_ident, program header, section header, symbol, REL, RELA
_FORMATS = {
    32: ("HHIIIIIHHHHHH", "IIIIIIII", "IIIIIIIIII", "IIIBBH", "II", "IIi"),
    64: ("HHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ", "IBBHQQ", "QQ", "QQq"),
}
# fields in their order, without the prefix
_HEADER = ["type", "machine", "version", "entry", "phoff", "shoff", "flags"]
_HEADER += ["ehsize", "phentsize", "phnum", "shentsize", "shnum", "shstrndx"]
_SECTION = ["name", "type", "flags", "addr", "offset", "size", "link", "info"]
_SECTION += ["addralign", "entsize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rel:
    """A relocation: `symbol` by name or index, `addend` None for REL."""

    offset: int
    type: int
    symbol: str | int = 0
    addend: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sec:
    """A section; `content` None stands for `size` derived bytes (none for NOBITS)."""

    name: str
    type: int = PROGBITS
    flags: int = SHF_ALLOC
    addr: int = 0
    content: bytes | None = None
    size: int = 0
    align: int = 4
    link: str | int = 0
    info: str | int = 0
    entsize: int = 0
    relocations: Sequence[Rel] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sym:
    """A symbol; `section` by name or number (0 undefined, SHN_ABS …)."""

    name: str
    value: int = 0
    size: int = 0
    binding: int = GLOBAL
    type: int = NOTYPE
    other: int = 0
    section: str | int = 0
    extended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A section group, with its signature symbol and its members by name."""

    signature: str
    members: Sequence[str | int]
    flags: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seg:
    """A program header over consecutive sections; `paddr` None is the address of the first."""

    sections: Sequence[str]
    flags: int = 7
    paddr: int | None = None
    type: int = 1


@dataclass(slots=True, kw_only=True)
class _Out:
    # One section header while the file grows.
    sec: Sec
    content: bytes
    offset: int = 0
    size: int = field(default=0)


def payload(*, addr: int, size: int) -> bytes:
    """Bytes that tell their address: no two neighbours are equal, the period isn't a power of 2."""
    return bytes([(each * 7 + (each >> 8) * 11 + 1) % 251 for each in range(addr, addr + size)])


def elf(
    *,
    machine: int = EM_ARM,
    bits: int = 32,
    little: bool = True,
    flags: int = 0x05000000,
    file_type: int = ET_REL,
    entry: int = 0,
    sections: Sequence[Sec] = (),
    symbols: Iterable[Sym] = (),
    groups: Sequence[Group] = (),
    segments: Sequence[Seg] = (),
    symbol_table: int = SYMTAB,
) -> bytes:
    """The bytes of the file; relocation sections are RELA where the first entry has an addend."""
    build = _Builder(bits=bits, little=little, sections=sections, groups=groups)
    build.add_symbols(sorted(symbols, key=lambda each: each.binding != LOCAL), symbol_table)
    image = build.laid_out(segments)
    header = (
        b"\x7fELF"
        + bytes([bits // 32, 1 if little else 2, 1])
        + bytes(9)
        + build.packed(
            0,
            (
                *(file_type, machine, 1, entry, build.size(0) + 16 if segments else 0),
                *(len(image), flags, build.size(0) + 16, build.size(1), len(segments)),
                *(build.size(2), len(build.out), len(build.out) - 1),
            ),
        )
    )
    image[: len(header)] = header
    return bytes(image) + b"".join(build.headers())


class _Builder:
    def __init__(
        self, *, bits: int, little: bool, sections: Sequence[Sec], groups: Sequence[Group]
    ) -> None:
        self.bits = bits
        self.order = "<" if little else ">"
        self.groups = groups
        heads = [Sec(name=".group", type=GROUP, flags=0, link=".symtab", entsize=4)] * len(groups)
        self.out = [_Out(sec=Sec(name="", type=0, flags=0, align=0), content=b"")]
        self.out += [_Out(sec=each, content=_content(each)) for each in (*heads, *sections)]

    def size(self, row: int) -> int:
        return struct.calcsize(self.order + _FORMATS[self.bits][row])

    def packed(self, row: int, values: Sequence[int]) -> bytes:
        return struct.pack(self.order + _FORMATS[self.bits][row], *values)

    def index(self, name: str | int) -> int:
        if isinstance(name, int):
            return name
        return [each.sec.name for each in self.out].index(name)

    def add_symbols(self, symbols: Sequence[Sym], table: int) -> None:
        names = ["", *(each.name for each in symbols)]
        relocated = [(n, o.sec) for n, o in enumerate(self.out) if o.sec.relocations]
        text = _Strings(names)
        rows = [self.packed(3, (0,) * 6)]
        rows += [self.symbol(each, text.offsets[each.name]) for each in symbols]
        name, strings = (".symtab", ".strtab") if table == SYMTAB else (".dynsym", ".dynstr")
        for number, sec in relocated:
            self.add_relocations(number, sec, names, name)
        first = 1 + sum(each.binding == LOCAL for each in symbols)
        self.add(
            Sec(name=name, type=table, flags=0, link=strings, info=first, entsize=self.size(3)),
            b"".join(rows),
        )
        if any(each.extended for each in symbols):
            indices = [0, *(self.index(s.section) if s.extended else 0 for s in symbols)]
            sec = Sec(name=".symtab_shndx", type=SYMTAB_SHNDX, flags=0, link=name, entsize=4)
            self.add(sec, struct.pack(f"{self.order}{len(indices)}I", *indices))
        for number, group in enumerate(self.groups, 1):
            self.fill_group(number, group, names)
        self.add(Sec(name=strings, type=STRTAB, flags=0, align=1), text.content)
        headers = _Strings([each.sec.name for each in self.out] + [".shstrtab"])
        self.add(Sec(name=".shstrtab", type=STRTAB, flags=0, align=1), headers.content)

    def add(self, sec: Sec, content: bytes) -> None:
        self.out.append(_Out(sec=sec, content=content))

    def symbol(self, sym: Sym, name: int) -> bytes:
        section = SHN_XINDEX if sym.extended else self.index(sym.section)
        info = sym.binding << 4 | sym.type
        if self.bits == 32:
            return self.packed(3, (name, sym.value, sym.size, info, sym.other, section))
        return self.packed(3, (name, info, sym.other, section, sym.value, sym.size))

    def add_relocations(self, number: int, sec: Sec, names: list[str], table: str) -> None:
        explicit = sec.relocations[0].addend is not None
        rows = []
        for each in sec.relocations:
            symbol = each.symbol if isinstance(each.symbol, int) else names.index(each.symbol)
            info = symbol << (8 if self.bits == 32 else 32) | each.type
            addend = () if each.addend is None else (each.addend,)
            rows.append(self.packed(5 if explicit else 4, (each.offset, info, *addend)))
        head = Sec(
            name=(".rela" if explicit else ".rel") + sec.name,
            type=RELA if explicit else REL,
            flags=SHF_INFO_LINK,
            link=table,
            info=number,
            entsize=self.size(5 if explicit else 4),
        )
        self.add(head, b"".join(rows))

    def fill_group(self, number: int, group: Group, names: list[str]) -> None:
        out = self.out[number]
        members = [self.index(each) for each in group.members]
        out.content = struct.pack(f"{self.order}{len(members) + 1}I", group.flags, *members)
        out.sec = Sec(
            name=".group",
            type=GROUP,
            flags=0,
            link=out.sec.link,
            info=names.index(group.signature),
            entsize=4,
        )

    def laid_out(self, segments: Sequence[Seg]) -> bytearray:
        image = bytearray(16 + self.size(0) + self.size(1) * len(segments))
        base = {name: segment.sections[0] for segment in segments for name in segment.sections}
        start: dict[str, int] = {}
        for out in self.out[1:]:
            sec = out.sec
            image += bytes(-len(image) % max(sec.align, 1))
            first = base.get(sec.name, "")
            if first in start and sec.type != NOBITS:
                origin = self.out[self.index(first)].sec.addr
                image += bytes(start[first] + sec.addr - origin - len(image))
            out.offset = len(image)
            out.size = sec.size if sec.type == NOBITS else len(out.content)
            start.setdefault(sec.name, out.offset)
            image += out.content
        image += bytes(-len(image) % 8)
        for number, segment in enumerate(segments):
            at = 16 + self.size(0) + self.size(1) * number
            image[at : at + self.size(1)] = self.segment(segment)
        return image

    def segment(self, segment: Seg) -> bytes:
        parts = [self.out[self.index(name)] for name in segment.sections]
        first, addr = parts[0], parts[0].sec.addr
        stored = [each for each in parts if each.sec.type != NOBITS]
        filesz = stored[-1].offset + stored[-1].size - first.offset if stored else 0
        memsz = parts[-1].sec.addr + parts[-1].size - addr
        paddr = addr if segment.paddr is None else segment.paddr
        place = (first.offset, addr, paddr, filesz, memsz)
        if self.bits == 32:
            return self.packed(1, (segment.type, *place, segment.flags, 4))
        return self.packed(1, (segment.type, segment.flags, *place, 4))

    def headers(self) -> Iterable[bytes]:
        names = _Strings([each.sec.name for each in self.out])
        for out in self.out:
            sec = out.sec
            yield self.packed(
                2,
                (
                    *(names.offsets[sec.name], sec.type, sec.flags, sec.addr, out.offset),
                    *(out.size, self.index(sec.link), self.index(sec.info)),
                    *(sec.align, sec.entsize),
                ),
            )


def _content(sec: Sec) -> bytes:
    if sec.content is not None or sec.type == NOBITS:
        return sec.content or b""
    return payload(addr=sec.addr, size=sec.size)


class _Strings:
    # A string table, each text once and in the order of first use.
    def __init__(self, texts: Iterable[str]) -> None:
        self.content = b"\0"
        self.offsets = {"": 0}
        for text in texts:
            if text not in self.offsets:
                self.offsets[text] = len(self.content)
                self.content += text.encode("utf-8", "surrogateescape") + b"\0"


def header_field(data: bytes, name: str) -> tuple[int, str]:
    """Offset and struct format of a field of the ELF header (`e_shnum`), for `patched`."""
    return _field(data, 16, 0, _HEADER.index(name.removeprefix("e_")))


def section_field(data: bytes, section: int, name: str) -> tuple[int, str]:
    """Offset and struct format of a field of a section header (`sh_size`), for `patched`."""
    at, letter = header_field(data, "e_shoff")
    table = struct.unpack_from(letter, data, at)[0]
    size = struct.calcsize("<" + _FORMATS[32 * data[4]][2])
    return _field(data, table + section * size, 2, _SECTION.index(name.removeprefix("sh_")))


def section_number(data: bytes, name: str) -> int:
    """Index of the first section of that name in a file that `elf` made."""
    at, letter = header_field(data, "e_shnum")
    count = struct.unpack_from(letter, data, at)[0]

    def value(number: int, text: str) -> int:
        offset, form = section_field(data, number, text)
        return int(struct.unpack_from(form, data, offset)[0])

    strings = value(count - 1, "sh_offset")
    wanted = name.encode() + b"\0"
    return next(
        number
        for number in range(count)
        if data.startswith(wanted, strings + value(number, "sh_name"))
    )


def patched(data: bytes, place: tuple[int, str], value: int) -> bytes:
    """The file with one field changed."""
    at, letter = place
    raw = struct.pack(letter, value)
    return data[:at] + raw + data[at + len(raw) :]


def _field(data: bytes, start: int, row: int, index: int) -> tuple[int, str]:
    order = "<" if data[5] == 1 else ">"
    letters = _FORMATS[32 * data[4]][row]
    return start + struct.calcsize(order + letters[:index]), order + letters[index]
