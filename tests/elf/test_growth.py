# SPDX-License-Identifier: Apache-2.0
"""Four times as much to read takes about four times the work, not sixteen times."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.counting import LINEAR, growth
from support.elfbuild import ET_DYN, Group, Rel, Sec, Sym, elf

from west_llext.elf import read
from west_llext.elf.exported import exported
from west_llext.elf.read import object_file


def test_symbols_whose_sections_are_in_a_table_of_their_own() -> None:
    """The table is looked for once, not for each symbol."""

    def case(size: int) -> Callable[[], object]:
        content = elf(
            sections=[Sec(name=f".s{each}", size=4) for each in range(size)],
            symbols=[
                Sym(name=f"s{each}", section=f".s{each}", extended=True) for each in range(size)
            ],
        )
        return lambda: object_file(content, "unit.o")

    assert growth(case, 50) < LINEAR


def test_groups_look_at_the_symbol_table_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a file of the other byte order each look turns the whole table around."""
    content = elf(
        little=False,
        sections=[Sec(name=f".s{each}", size=4, flags=0x202) for each in range(20)],
        symbols=[Sym(name=f"s{each}", section=f".s{each}") for each in range(20)],
        groups=[Group(signature=f"s{each}", members=[f".s{each}"]) for each in range(20)],
    )
    looks = []
    columns = read.columns

    def counted(raw: memoryview, bits: int, order: str) -> read.Columns:
        looks.append(len(raw))
        return columns(raw, bits, order)

    monkeypatch.setattr(read, "columns", counted)
    assert len(object_file(content, "unit.o").groups) == 20
    assert len(looks) == 2


def test_tables_of_exports_in_a_linked_file() -> None:
    """The relocations are put in order once, not for each table."""

    def case(size: int) -> Callable[[], object]:
        rows = [Rel(offset=0x1000 + 8 * each, type=2, symbol="run") for each in range(size)]
        content = elf(
            file_type=ET_DYN,
            sections=[
                Sec(name=".rel", addr=0x1000, size=8, relocations=rows),
                *(
                    Sec(name=".exported_sym", addr=0x1000 + 8 * each, size=8)
                    for each in range(size)
                ),
            ],
            symbols=[Sym(name="run", section=".rel")],
        )
        file = object_file(content, "unit.llext")
        assert len(file.relocations[0]) == len(exported(file)) == size
        return lambda: exported(file)

    assert growth(case, 50) < LINEAR
