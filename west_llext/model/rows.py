# SPDX-License-Identifier: Apache-2.0
"""Tables of a file, as records and in columns.

A record for each row takes ten times the memory of the file and most of the time of reading it, and
most steps of a link want two or three fields of every row: they take the columns. Records are made
for the others, when the first is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Generic, NamedTuple, TypeVar, overload

from west_llext.model.elf import Relocation, Symbol

_Row = TypeVar("_Row")
# makes a named tuple in one step
_new: Callable[[Any, Iterable[Any]], Any] = tuple.__new__

#: The fields of some rows, one after the other, each for all of them.
_Columns = Iterable[Sequence[Any]]


class SymbolColumns(NamedTuple):
    """The fields of `Symbol`, each for all symbols of a table."""

    names: Sequence[str]
    values: Sequence[int]
    sizes: Sequence[int]
    infos: Sequence[int]
    others: Sequence[int]
    sections: Sequence[int]


class RelocationColumns(NamedTuple):
    """The fields of `Relocation`, each for all entries."""

    offsets: Sequence[int]
    symbols: Sequence[int]
    types: Sequence[int]
    addends: Sequence[int | None]


class Rows(Sequence[_Row], Generic[_Row]):
    """A table of a file, from functions that unpack its columns."""

    __slots__ = ("_count", "_parts", "_record", "_rows")

    def __init__(self, record: type[_Row]) -> None:
        """A table of that record, whose parts are to be added."""
        self._record: type[_Row] = record
        self._parts: list[Callable[[], _Columns]] = []
        self._rows: Sequence[_Row] | None = None
        self._count = 0

    def add(self, columns: Callable[[], _Columns], count: int) -> None:
        """Append `count` rows."""
        self._parts.append(columns)
        self._count += count

    def columns(self) -> _Columns:
        """Every field, in the order of the record's."""
        if len(self._parts) == 1:
            return self._parts[0]()
        parts = zip(*[part() for part in self._parts], strict=True)
        return [[*chain(*pieces)] for pieces in parts]

    def unpacked(self) -> Sequence[_Row]:
        """Every record."""
        if self._rows is None:
            rows = zip(*self.columns(), strict=True)
            self._rows = list(map(_new, repeat(self._record), rows))
        return self._rows

    def forget(self) -> None:
        """Make the records again when somebody looks."""
        self._rows = None

    def __reduce__(self) -> tuple[object, ...]:
        return in_columns, (self._record, list(self.unpacked()))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_Row]:
        return iter(self.unpacked())

    @overload
    def __getitem__(self, index: int) -> _Row: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[_Row]: ...

    def __getitem__(self, index: int | slice) -> _Row | Sequence[_Row]:
        return self.unpacked()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]

    __hash__ = None  # type: ignore[assignment]  # as a list


def in_columns(record: type[_Row], rows: Sequence[tuple[Any, ...]]) -> Rows[_Row]:
    """A table of rows that have the fields of the record."""
    found = Rows(record)
    columns = _transposed(rows, record)
    found.add(lambda: columns, len(rows))
    return found


def _transposed(rows: Sequence[Any], record: Any) -> _Columns:
    return [*zip(*rows, strict=True)] or [()] * len(record._fields)


def symbol_columns(symbols: Sequence[Symbol]) -> SymbolColumns:
    """Symbols in columns; of a table of a file, without making records."""
    return SymbolColumns(
        *(symbols.columns() if isinstance(symbols, Rows) else _transposed(symbols, Symbol))
    )


def relocation_columns(rows: Sequence[Relocation]) -> RelocationColumns:
    """Relocations in columns; of a table of a file, without making records."""
    return RelocationColumns(
        *(rows.columns() if isinstance(rows, Rows) else _transposed(rows, Relocation))
    )
