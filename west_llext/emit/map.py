# SPDX-License-Identifier: Apache-2.0
"""`NAME.map`: where everything of an extension went, for people to read.

A build makes one for each of its extensions, with a line per symbol: columns are set off by
tabulators and formatted many lines in one call, which is five times as fast as padding each field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from west_llext.emit.veneers import veneers
from west_llext.model.elf import STT_FILE, STT_NOTYPE, STT_SECTION
from west_llext.model.link import Import, Linked
from west_llext.model.rows import symbol_columns

# Local symbols without a type are marks between code and data ($t, $d) and labels of assembler.
_DULL = frozenset((STT_NOTYPE, STT_SECTION, STT_FILE))
_PLAIN = bytes(range(0x20, 0x7F))


def text(linked: Linked, *, origin: str) -> str:
    """The map of an extension; `origin` is the manifest, by a relative path.

    Addresses are offsets from the start of their section where the target decides on addresses.
    Bit 0 of an address is set for Thumb functions.
    """
    linked = linked if _is_plain(linked) else _printable(linked)
    address = f"0x%0{linked.ident.bits // 4}x"
    return "".join(
        (
            f"west-llext: map of {linked.name}, from {printable(origin)}\n",
            f"mode {linked.mode.value}\n",
            f"identity {linked.identity}\n" if linked.identity else "",
            _sections(linked, address),
            _symbols(linked, address),
            _imports(linked, address),
            _veneers(linked, address),
            _relocations(linked),
        )
    )


def printable(name: str) -> str:
    """The name on one line, whatever it holds."""
    return name if name.isprintable() else ascii(name)[1:-1]


def _is_plain(linked: Linked) -> bool:
    names = [*symbol_columns(linked.all_symbols).names]
    names += [each[0] for each in linked.imports]
    names += [piece[0] for section in linked.sections for piece in section.pieces]
    names += [linked.name, *(section.name for section in linked.sections)]
    joined = "".join(names)
    return joined.isascii() and not joined.encode().translate(None, _PLAIN)


def _printable(linked: Linked) -> Linked:
    # Names in object files may hold anything: a line feed, an escape sequence for the terminal.
    return replace(
        linked,
        name=printable(linked.name),
        all_symbols=tuple(each._replace(name=printable(each.name)) for each in linked.all_symbols),
        imports=tuple(each._replace(name=printable(each.name)) for each in linked.imports),
        sections=tuple(
            replace(
                section,
                name=printable(section.name),
                pieces=tuple(
                    each._replace(source=printable(each.source)) for each in section.pieces
                ),
            )
            for section in linked.sections
        ),
    )


def _table(title: str, columns: str, row: str, values: Sequence[Sequence[object]]) -> str:
    text = row * len(values) % tuple(chain.from_iterable(values)) if values else ""
    return f"\n{title}\n{columns}\n{text}"


def _sections(linked: Linked, address: str) -> str:
    parts = [_table("sections", "address\t\tsize\talign\tname", "", ())]
    for each in linked.sections:
        start = "floating" if each.address is None else address % each.address
        parts.append(f"{start}\t{each.size}\t{each.align}\t{each.name}\n")
    for each in linked.sections:
        if each.pieces:
            base = each.address or 0
            title = f"pieces of {each.name}"
            rows = [(base + offset, size, source) for source, offset, size in each.pieces]
            parts.append(_table(title, "address\t\tsize\tname", f"{address}\t%d\t%s\n", rows))
    return "".join(parts)


def _symbols(linked: Linked, address: str) -> str:
    count = len(linked.sections)
    found: list[list[tuple[int, int, str]]] = [[] for _ in range(count + 1)]
    starts = [0, *(section.address or 0 for section in linked.sections)]
    names, values, sizes, infos, _, sections = symbol_columns(linked.all_symbols)
    for index, section in enumerate(sections):
        if section <= count and infos[index] not in _DULL:  # most are of the base image
            found[section].append((starts[section] + values[index], sizes[index], names[index]))
    row = f"{address}\t%d\t%s\n"
    return "".join(
        _table(f"symbols in {section.name}", "address\t\tsize\tname", row, sorted(rows))
        for section, rows in zip(linked.sections, found[1:], strict=True)
        if rows
    )


def _imports(linked: Linked, address: str) -> str:
    title, columns = "imports", "address\t\tuses\tfrom\tname"
    if not linked.imports:
        return _table(title, columns, "", ())
    names, providers, addresses, _, uses = zip(*linked.imports, strict=True)
    form, places = address, addresses
    if None in addresses:
        form, places = "%s", tuple([_place(each, address) for each in linked.imports])
    sources = [each or "-" for each in providers]
    rows = [*zip(places, uses, sources, names, strict=True)]
    return _table(title, columns, f"{form}\t%d\t%s\t%s\n", rows)


def _place(each: Import, address: str) -> str:
    if each.address is not None:
        return address % each.address
    return "nowhere " if each.weak else "by name  "


def _veneers(linked: Linked, address: str) -> str:
    rows = [(each.address, each.size, each.target) for each in veneers(linked)]
    return _table("veneers", "address\t\tsize\ttarget", f"{address}\t%d\t%s\n", rows)


def _relocations(linked: Linked) -> str:
    applied, left = linked.applied, linked.left
    rows = [(applied.get(kind, 0), left.get(kind, 0), kind) for kind in sorted({*applied, *left})]
    return _table("relocations", "applied\tleft\ttype", "%d\t%d\t%s\n", rows)
