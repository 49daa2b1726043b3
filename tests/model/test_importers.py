# SPDX-License-Identifier: Apache-2.0
"""Who imports from whom, over any number of steps."""

from __future__ import annotations

from collections.abc import Callable

from support.counting import LINEAR, growth

from west_llext.model.importers import reached, users


def test_circles_end_and_strangers_stay_out() -> None:
    """`a` and `b` import from each other, `c` from `b`; `d` from what isn't there."""
    importing = users([("a", ["b"]), ("b", ["a"]), ("c", ["b"]), ("d", ["nobody"])])
    assert importing == {"b": ["a", "c"], "a": ["b"], "nobody": ["d"]}
    assert reached(["a"], lambda name: importing.get(name, ())) == {"a", "b", "c"}
    assert reached(["d"], lambda name: importing.get(name, ())) == {"d"}


def test_no_more_is_looked_for_than_is_asked_for() -> None:
    """Numbers that follow one another would never end."""
    assert len(reached(["1"], lambda name: [str(int(name) + 1)], 10)) == 11


def test_a_chain_of_imports_is_walked_once() -> None:
    """From the last one to all that need it, in whatever order they are."""

    def case(size: int) -> Callable[[], object]:
        chain = [(f"e{each}", [f"e{each + 1}"]) for each in range(size)]

        def walk() -> set[str]:
            importing = users(chain)
            return reached([chain[-1][0]], lambda name: importing.get(name, ()))

        assert len(walk()) == size
        return walk

    assert growth(case, 50) < LINEAR
