# SPDX-License-Identifier: Apache-2.0
"""A source file through our link and GNU ld at the same addresses, every byte compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from west_llext.elf.read import object_file
from west_llext.link.veneers import Window
from west_llext.model.elf import SectionType
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

from . import gnuld, sameness
from .cross import gcc
from .elfbuild import Sym
from .linking import Case, Outcome, Sizes, extension, offer, packed


def assembled(folder: Path, source: str, cpu: str = "cortex-m3", *flags: str) -> bytes:
    """The object of an assembler source in unified syntax."""
    text = f".syntax unified\n{source}\n"
    return gcc(folder, text, f"-mcpu={cpu}", *flags, name="unit.s").read_bytes()


def compiled(folder: Path, source: str, *flags: str) -> bytes:
    """The object of a C source for Cortex-M3."""
    return gcc(folder, source, "-mcpu=cortex-m3", "-mthumb", "-O1", *flags).read_bytes()


def retyped(content: bytes, old: int, new: int) -> bytes:
    """The object with every REL relocation of one type turned into another."""
    found = bytearray(content)
    obj = object_file(content, "unit.o")
    for section in obj.sections:
        if section.type == SectionType.REL:
            for at in range(section.offset, section.offset + section.size, 8):
                if found[at + 4] == old:
                    found[at + 4] = new
    return bytes(found)


def link(
    content: bytes,
    symbols: Sequence[Sym] = (),
    *,
    place: Callable[[Sizes], Mapping[Region, int]] = packed,
    windows: Mapping[str, Window] | None = None,
) -> Outcome:
    """The object, prelocated, with the base's symbols."""
    made, obj = extension(mode=Mode.PRELOCATED), object_file(content, "unit.o")
    base = offer(symbols, ident=obj.ident)
    return Case(extension=made, base=base, place=place, windows=windows).link(obj)


def same_as_ld(
    folder: Path,
    content: bytes,
    symbols: Sequence[Sym] = (),
    *,
    options: Sequence[str] = (),
    place: Callable[[Sizes], Mapping[Region, int]] = packed,
    windows: Mapping[str, Window] | None = None,
) -> Outcome:
    """Our link, after every region was found to be what GNU ld makes with `options`."""
    content = gnuld.unmerged(content)
    made = link(content, symbols, place=place, windows=windows)
    theirs = gnuld.linked(
        folder,
        content,
        layout=sameness.layout(made),
        addresses=made.addresses,
        symbols=symbols,
        options=options,
        table=sameness.table(made),
    )
    ours = {each.region: (each.address, each.size, each.content) for each in made.linked.sections}
    assert theirs == ours
    return made


def same_in_all_modes(
    folder: Path,
    content: bytes,
    symbols: Sequence[Sym] = (),
    *,
    place: Callable[[Sizes], Mapping[Region, int]] = packed,
    windows: Mapping[str, Window] | None = None,
    heap: Window | None = None,
) -> dict[Mode, Outcome]:
    """Our links by mode, after memory was found to be what GNU ld makes in each."""
    return {
        mode: equal_in(mode, folder, content, symbols, place=place, windows=windows, heap=heap)[0]
        for mode in Mode
    }


def equal_in(
    mode: Mode,
    folder: Path,
    content: bytes,
    symbols: Sequence[Sym] = (),
    *,
    place: Callable[[Sizes], Mapping[Region, int]] = packed,
    where: Mapping[Region, int] | None = None,
    windows: Mapping[str, Window] | None = None,
    heap: Window | None = None,
    exports: Sequence[str] = (),
) -> tuple[Outcome, sameness.Comparison]:
    """Our link in a mode, after the target was found to end with what GNU ld makes.

    where: addresses of the regions, instead of `place`
    """
    content = gnuld.unmerged(content)
    ident = object_file(content, "unit.o").ident

    def placed(sizes: Sizes) -> Mapping[Region, int]:
        return place(sizes) if where is None else {region: where[region] for region in sizes}

    case = Case(
        extension=extension(mode=mode, exports=exports),
        base=offer(symbols, ident=ident),
        place=placed,
        windows=windows,
        heap=heap,
    )
    made = case.link(content)
    there = made.addresses or placed(made.second.sizes())
    commons = {
        made.first.obj.symbols[index].name: there[Region.BSS] + offset
        for index, offset in made.first.arranged.commons.items()
    }
    theirs = gnuld.linked(
        folder,
        content,
        layout=sameness.layout(made),
        addresses=there,
        symbols=symbols,
        assignments="".join(f"{name} = {value:#x};\n" for name, value in commons.items()),
        table=sameness.table(made),
    )
    assert not made.findings, [str(each) for each in made.findings]
    found = sameness.matched(case, made, theirs, symbols=symbols, where=there)
    assert found.different == [], found.different
    return made, found
