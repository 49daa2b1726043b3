# SPDX-License-Identifier: Apache-2.0
"""The symbols of a large image: few are looked for, and all are there for whoever asks."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from support.elfbuild import LOCAL, Sec, Sym, elf

from west_llext.elf.headers import headers
from west_llext.elf.symbols import symbol_index
from west_llext.model.base import SymbolIndex

NAMES = ("printk", "größe", "ticks")


def image(bits: int = 32, *, little: bool = True) -> bytes:
    """An image with global symbols, a local one, and one that it doesn't define."""
    return elf(
        bits=bits,
        little=little,
        sections=[Sec(name=".text", size=64)],
        symbols=[
            *(Sym(name=name, value=8 * n, section=".text") for n, name in enumerate(NAMES)),
            Sym(name="static", binding=LOCAL, section=".text"),
            Sym(name="absent"),
        ],
    )


def index(data: bytes, names: Collection[str] = ()) -> SymbolIndex:
    """The index of an image."""
    return symbol_index(headers(data, "base.elf"), names)[0]


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("first", [(), ("ticks",), ("größe", "nothing"), NAMES])
def test_what_was_prepared_and_what_was_not_are_found_alike(
    bits: int, *, little: bool, first: tuple[str, ...]
) -> None:
    """Whether one name is asked for, or all of them."""
    data = image(bits, little=little)
    for more in ((), ("printk", "static"), NAMES):
        found = index(data, first)
        found.prepare(more)
        values = {name: symbol.value for name in NAMES if (symbol := found.get(name))}
        assert values == {"printk": 0, "größe": 8, "ticks": 16}
        assert [name for name in ("static", "absent", "nothing", "") if name in found] == []
        assert found.get("nothing") is None
        assert sorted(found) == sorted(NAMES)
        assert len(found) == 3


def test_only_what_was_asked_for_is_remembered() -> None:
    """An image has 200,000 names, and every process that links would have a copy of all."""
    asked: list[object] = []

    def find(names: Collection[str] | None) -> dict[str, int]:
        asked.append(None if names is None else sorted(names))
        return {}

    found = SymbolIndex(find=find, raw=b"", bits=32, order="<", names=["a"])
    found.prepare(["a", "b"])
    found.prepare(["b"])
    assert [found.get("a"), found.get("b"), "a" in found] == [None, None, False]
    assert asked == [["a"], ["b"]]
    assert found.get("c") is None
    found.prepare(["d"])
    assert asked == [["a"], ["b"], None]
