# SPDX-License-Identifier: Apache-2.0
"""Tables are the same as records and in columns, and records are made when they are looked at."""

from __future__ import annotations

import pickle

from west_llext.model.elf import Relocation, Symbol
from west_llext.model.rows import (
    RelocationColumns,
    Rows,
    SymbolColumns,
    relocation_columns,
    symbol_columns,
)

FIRST = Relocation(0, 1, 2, None)
SECOND = Relocation(4, 3, 10, None)
THIRD = Relocation(8, 3, 2, -4)


def table() -> Rows[Relocation]:
    """Three entries of two sections of a file."""
    rows = Rows(Relocation)
    rows.add(lambda: [(0, 4), (1, 3), (2, 10), (None, None)], 2)
    rows.add(lambda: [(8,), (3,), (2,), (-4,)], 1)
    return rows


def test_records_are_those_of_every_part() -> None:
    """In the order in which the parts were added."""
    rows = table()
    assert [*rows] == [FIRST, SECOND, THIRD]
    assert isinstance(rows[1], Relocation)
    assert rows[1:] == [SECOND, THIRD]
    assert len(rows) == 3
    assert rows == (FIRST, SECOND, THIRD)
    assert rows == table()
    assert rows != [FIRST, SECOND]


def test_columns_are_those_of_every_part() -> None:
    """The same for a table of a file and for records that somebody made."""
    expected = RelocationColumns([0, 4, 8], [1, 3, 3], [2, 10, 2], [None, None, -4])
    assert relocation_columns(table()) == expected
    assert [*map(list, relocation_columns((FIRST, SECOND, THIRD)))] == [*expected]
    symbols = [Symbol("", 0, 0, 0, 0, 0), Symbol("name", 1, 2, 3, 4, 5)]
    columns = SymbolColumns(("", "name"), (0, 1), (0, 2), (0, 3), (0, 4), (0, 5))
    assert symbol_columns(symbols) == columns


def test_no_records_have_empty_columns() -> None:
    """As many as records have fields."""
    assert relocation_columns([]) == RelocationColumns((), (), (), ())
    assert symbol_columns(()) == SymbolColumns((), (), (), (), (), ())


def test_records_are_made_once_until_they_are_forgotten() -> None:
    """Columns need none."""
    asked = []

    def unpack() -> list[tuple[int | None, ...]]:
        asked.append(1)
        return [(0,), (1,), (2,), (None,)]

    rows = Rows(Relocation)
    rows.add(unpack, 1)
    assert (len(rows), asked) == (1, [])
    assert rows[0] is rows[0]
    assert asked == [1]
    rows.forget()
    assert [*rows] == [FIRST]
    assert asked == [1, 1]


def test_a_table_goes_to_another_process() -> None:
    """With its records, and without the file that they come from."""
    sent = pickle.loads(pickle.dumps(Rows(Relocation)))  # noqa: S301 - ours
    assert len(sent) == 0
    sent = pickle.loads(pickle.dumps(table()))  # noqa: S301 - ours
    assert sent == table()
    assert relocation_columns(sent).offsets == (0, 4, 8)
