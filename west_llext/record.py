# SPDX-License-Identifier: Apache-2.0
"""Dataclasses that are made quickly: a start of the program makes more than a hundred.

The standard decorator compiles half a dozen functions for each class, most of which no run calls,
and that took a quarter of the whole start. Here only `__init__` is compiled, and the others are
shared. That a record is frozen is for the type checker to enforce, which makes instances cheaper
as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["record"]


def _record(*, frozen: bool = False, eq: bool = True, **options: bool) -> Callable[[type], type]:
    def decorated(cls: type) -> type:
        if not cls.__doc__:
            cls.__doc__ = cls.__name__  # or the signature would be put there, which takes long
        has_repr = "__repr__" in cls.__dict__
        made: Any = dataclasses.dataclass(eq=False, repr=False, **options)(cls)
        if not has_repr:
            made.__repr__ = _repr
        if eq:
            made.__eq__ = _eq
            made.__hash__ = _hash if frozen else None
        return made  # type: ignore[no-any-return]  # a class that got methods

    return decorated


def _compared(each: Any) -> list[Any]:
    return [getattr(each, field.name) for field in dataclasses.fields(each) if field.compare]


def _eq(self: Any, other: object) -> bool:
    if other.__class__ is not self.__class__:
        return NotImplemented  # type: ignore[no-any-return]  # as every __eq__ does
    return _compared(self) == _compared(other)


def _hash(self: Any) -> int:
    return hash(tuple(_compared(self)))


def _repr(self: Any) -> str:
    shown = [each.name for each in dataclasses.fields(self) if each.repr]
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{self.__class__.__qualname__}({values})"


if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    record = _record
