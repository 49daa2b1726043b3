# SPDX-License-Identifier: Apache-2.0
"""An extension as the model of the loader has placed and relocated it, for the emulator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from west_llext.app.debug_info import SourceLines
from west_llext.diagnostics import Span
from west_llext.emulate.image import Chunk, Function, Image, Lines
from west_llext.emulate.memory import Access
from west_llext.loader.danger import Danger
from west_llext.loader.extension import Llext
from west_llext.loader.system import System
from west_llext.loader.wording import text
from west_llext.model.elf import STT_FILE, STT_FUNC, STT_SECTION, FileType, ObjectFile, Symbol
from west_llext.record import record

_READ, _WRITE = Access.READ, Access.READ | Access.WRITE
_CODE = Access.READ | Access.EXECUTE
#: What may be done with the regions that are used while an extension runs.
_ACCESS: Mapping[str, Access] = {
    "text": _CODE,
    "veneer": _CODE,
    "data": _WRITE,
    "bss": _WRITE,
    "rodata": _READ,
    "noreloc": _READ,
    "export": _READ,
    "preinit": _READ,
    "init": _READ,
    "fini": _READ,
}


@record(frozen=True, slots=True, kw_only=True)
class Placed:
    """An extension in memory; symbols: addresses of all that are known, by name."""

    image: Image
    symbols: Mapping[str, int]


def placed(system: System, ext: Llext, name: str, blob: ObjectFile, debug: ObjectFile) -> Placed:
    """What `llext_load()` has made of a blob that isn't prelocated.

    debug: the blob, or its unstripped twin
    """
    places = _Places(system, ext, blob)
    exports = dict(_exports(system, ext))
    symbols: dict[str, int] = {}
    functions = []
    for symbol in debug.symbols:
        address = places.of_symbol(debug, symbol)
        if address is not None:
            symbols.setdefault(symbol.name, address)
            if symbol.type == STT_FUNC:
                functions.append(Function(address, symbol.size, symbol.name))
    known = {each.name for each in functions} | symbols.keys()
    functions += [Function(each, 0, label) for label, each in exports.items() if label not in known]
    image = Image(
        name=name,
        file=blob.name,
        ident=blob.ident,
        chunks=tuple(_chunks(system, ext)),
        exports=exports,
        functions=tuple(sorted(functions)),
        lines=places.lines(SourceLines(debug)),
    )
    return Placed(image=image, symbols={**symbols, **exports})


def fixed(image: Image, debug: ObjectFile) -> Placed:
    """A prelocated extension, with what its unstripped twin knows of it."""
    named = [each for each in debug.symbols if each.section and _is_named(each)]
    symbols = {each.name: each.value for each in reversed(named)}
    known = {each.name for each in named if each.type == STT_FUNC}
    functions = [Function(each.value, each.size, each.name) for each in named if each.name in known]
    functions += [each for each in image.functions if each.name not in symbols]
    return Placed(
        image=Image(
            name=image.name,
            file=image.file,
            ident=image.ident,
            chunks=image.chunks,
            exports=image.exports,
            functions=tuple(sorted(functions)),
            constructors=image.constructors,
            destructors=image.destructors,
            lines=SourceLines(debug).of_address,
        ),
        symbols={**symbols, **image.exports},
    )


def _is_named(symbol: Symbol) -> bool:
    # not the marks of Arm and RISC-V for what is code and what is data
    marks = not symbol.name or symbol.name[0] == "$"
    return not marks and symbol.type not in {STT_SECTION, STT_FILE}


def _chunks(system: System, ext: Llext) -> Iterator[Chunk]:
    for number, name in enumerate(system.target.mem.names):
        start, size = ext.mem[number], ext.mem_size[number]
        if name in _ACCESS and start and size:
            content = system.memory.read(start, size, name)
            yield Chunk(name, start, size, content, _ACCESS[name])


def _exports(system: System, ext: Llext) -> Iterator[tuple[str, int]]:
    for entry in ext.exp_tab:
        name = _name(system, entry.name)
        if name is not None:
            yield name, entry.addr


def _name(system: System, address: int) -> str | None:
    try:
        return text(system.memory.string(address, "the name of an export"))
    except Danger:
        return None  # nobody can ask for it


class _Places:
    # where sections of a blob have gone

    def __init__(self, system: System, ext: Llext, blob: ObjectFile) -> None:
        self.blob = blob
        self.numbers = {each.name: index for index, each in enumerate(blob.sections)}
        self.starts: dict[int, int] = {}
        none = system.target.mem.count
        rows = zip(ext.sect_map, ext.sect_offset, strict=False)
        for index, (region, offset) in enumerate(rows):
            if region != none and index < len(blob.sections) and ext.mem[region]:
                self.starts[index] = ext.mem[region] + offset

    def of_symbol(self, debug: ObjectFile, symbol: Symbol) -> int | None:
        if not 0 < symbol.section < len(debug.sections) or not _is_named(symbol):
            return None
        section = debug.sections[symbol.section]
        start = self.starts.get(self.numbers.get(section.name, -1))
        if start is None:
            return None
        return start + symbol.value - (0 if debug.file_type == FileType.REL else section.addr)

    def lines(self, source: SourceLines) -> Lines:
        ranges = [
            (start, start + self.blob.sections[index].size, self.blob.sections[index].name)
            for index, start in self.starts.items()
        ]

        def line(address: int) -> Span | None:
            for start, end, name in ranges:
                if start <= address < end:
                    return source.of_section(name, address - start)
            return None

        return line
