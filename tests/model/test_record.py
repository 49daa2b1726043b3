# SPDX-License-Identifier: Apache-2.0
"""Records do what the standard library's dataclasses do, except that nothing stops a change."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

import pytest

from west_llext.record import record


def made(decorator: Callable[..., Any], **options: bool) -> Any:
    """The same class by either decorator."""

    class Place:
        line: int
        name: str = "here"
        notes: list[str] = field(default_factory=list, repr=False)
        cache: int = field(default=0, compare=False)

    return decorator(slots=True, kw_only=True, **options)(Place)


PAIRS = [
    ({"line": 1}, {"line": 1}),
    ({"line": 1}, {"line": 2}),
    ({"line": 1, "name": "there"}, {"line": 1}),
    ({"line": 1, "cache": 3}, {"line": 1}),
    ({"line": 1, "notes": ["a"]}, {"line": 1, "notes": ["a"]}),
]


@pytest.mark.parametrize(("left", "right"), PAIRS)
@pytest.mark.parametrize("options", [{"frozen": True}, {}, {"frozen": True, "eq": False}], ids=str)
def test_records_compare_and_print_as_dataclasses_do(
    options: dict[str, bool], left: dict[str, Any], right: dict[str, Any]
) -> None:
    """Fields that aren't compared or shown are left out on both sides."""
    ours, theirs = made(record, **options), made(dataclasses.dataclass, **options)
    assert (ours(**left) == ours(**right)) is (theirs(**left) == theirs(**right))
    assert repr(ours(**left)) == repr(theirs(**left))
    assert ours(**left) != theirs(**left)


@pytest.mark.parametrize("options", [{"frozen": True}, {}, {"eq": False}], ids=str)
def test_records_are_hashed_as_dataclasses_are(options: dict[str, bool]) -> None:
    """By their fields where they are frozen, by identity without comparison, else not at all."""
    for decorator in (record, dataclasses.dataclass):
        kind = made(decorator, **options)
        one, other = (kind(line=1, notes=(), cache=each) for each in range(2))  # type: ignore[arg-type]
        if options:
            assert (hash(one) == hash(other)) is ("frozen" in options)
        else:
            with pytest.raises(TypeError, match="unhashable type: 'Place'"):
                hash(one)


@record(frozen=True, slots=True, kw_only=True)
class Base:
    """A record."""

    first: int


@record(frozen=True, slots=True, kw_only=True)
class Derived(Base):
    """One that has its own words for itself."""

    second: int = 2

    def __repr__(self) -> str:
        return "short"


def test_records_have_slots_and_can_be_sent_copied_and_matched() -> None:
    """What the rest of the standard library does with dataclasses."""
    one = Derived(first=1)
    assert not hasattr(one, "__dict__")
    assert pickle.loads(pickle.dumps(one)) == one == replace(one, second=2)  # noqa: S301
    assert [each.name for each in dataclasses.fields(one)] == ["first", "second"]
    assert dataclasses.asdict(one) == {"first": 1, "second": 2}
    assert (repr(one), repr(Base(first=3))) == ("short", "Base(first=3)")
    match one:
        case Derived(first=first, second=2):
            assert first == 1
        case _:
            pytest.fail("didn't match")
    with pytest.raises(TypeError, match="first"):
        Derived()  # type: ignore[call-arg]
