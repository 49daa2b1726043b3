# SPDX-License-Identifier: Apache-2.0
"""The symbols of a large image: few are looked for, and all are there for whoever asks."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from support.cross import gcc, output, tool
from support.elfbuild import LOCAL, Sec, Sym, elf

from west_llext.elf.headers import headers
from west_llext.elf.symbols import image_symbols
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
    return image_symbols(headers(data, "base.elf"), names).definitions


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


@pytest.mark.cross
@pytest.mark.parametrize("others", [3, 5000])
def test_names_that_are_the_ends_of_others_are_found(others: int, tmp_path: Path) -> None:
    """Linkers keep one string for `copy` and `memcopy`; there can be too many to look at each."""
    names = ["copy", *(f"a{number}copy" for number in range(others)), "copyright"]
    lines = [f".globl {name}\n{name}: .byte 0\n" for name in names]
    obj = gcc(tmp_path, "".join([".data\n", *lines, "unseen_copy: .byte 0\n"]), name="unit.s")
    path = tmp_path / "image.elf"
    output(tool("ld"), "-Tdata=0x1000", "-e", "copy", "-o", str(path), str(obj))
    assert path.read_bytes().count(b"copy\0") == others + 1  # `copy` has none of its own
    printed = [line.split() for line in output(tool("nm"), str(path)).splitlines()]
    expected = {name: int(value, 16) for value, _, name in printed if name in names}
    wanted = ("copy", "copyright", "a1copy", "opy", "unseen_copy")
    found = index(path.read_bytes(), wanted)
    values = {name: symbol.value for name in wanted if (symbol := found.get(name))}
    assert values == {name: expected[name] for name in wanted[:3]}
    assert {name: found.get(name).value for name in names} == expected  # type: ignore[union-attr]
