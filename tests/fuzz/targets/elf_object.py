# SPDX-License-Identifier: Apache-2.0
"""The reader of ELF files, with everything that reads in what it gives."""

from __future__ import annotations

from tests.fuzz.elf_steps import elf_mutated
from tests.fuzz.objects import base, kinds, objects
from tests.fuzz.target import Target, attempt
from west_llext.elf.attributes import abi
from west_llext.elf.dwarf import line_of
from west_llext.elf.exported import exported
from west_llext.elf.headers import headers
from west_llext.elf.note import note
from west_llext.elf.read import object_file
from west_llext.elf.symbols import image_symbols
from west_llext.model.elf import ObjectFile


def seeds() -> dict[str, bytes]:
    """Objects and images of all kinds."""
    return dict(objects()) | {f"{each.label} base": base(each) for each in kinds()}


def run(data: bytes) -> bool:
    """Read a file in every way; what is read has to hold together."""
    head = attempt(lambda: headers(data, "unit.o"))
    if head is not None:
        index = attempt(lambda: image_symbols(head))
        if index is not None:
            symbols, local, hidden, objects = index
            assert all(isinstance(value, int) for _, _, value in objects())
            assert all(symbols.get(name) is not None for name in symbols)
            assert hidden.names() <= local.names()
    obj = attempt(lambda: object_file(data, "unit.o"))
    if obj is None:
        return False
    assert head is not None
    _look_at(obj, data)
    return True


def _look_at(obj: ObjectFile, data: bytes) -> None:
    count = len(obj.sections)
    for number in range(count):
        assert len(obj.content(number)) <= len(data)
    places = []
    for section, rows in obj.relocations.items():
        assert section < count
        for row in rows:
            assert row.symbol < max(len(obj.symbols), 1)
            places.append((section, row.offset))
    for _, _, members in obj.groups:
        assert all(member < count for member in members)
    for section, offset in [*places[:20], (0, 0), (count - 1, 8)]:
        if 0 <= section < count:
            line_of(obj, section, offset)
    exported(obj)
    attempt(lambda: note(obj))
    attempt(lambda: abi(obj))


TARGET = Target(name="elf_object", seeds=seeds, run=run, mutate=elf_mutated)
