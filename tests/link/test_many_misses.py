# SPDX-License-Identifier: Apache-2.0
"""Objects that need thousands of symbols which nobody has, as where the base image is another."""

from __future__ import annotations

import time
from dataclasses import replace

from support.elfbuild import SHF_ALLOC, SHF_WRITE, Rel, Sec, Sym, elf
from support.linking import Case, extension, offer

from west_llext.link.extension import MAX_SUGGESTED
from west_llext.model.base import Reason, Why


def needy(count: int) -> bytes:
    """An object with pointers to so many undefined symbols."""
    rows = [Rel(offset=4 * each, type=2, symbol=each + 1) for each in range(count)]
    section = Sec(
        name=".data", flags=SHF_ALLOC | SHF_WRITE, content=bytes(4 * count), relocations=rows
    )
    return elf(sections=[section], symbols=[Sym(name=f"name_{each}") for each in range(count)])


def test_all_are_reported_but_names_that_look_alike_are_searched_for_few() -> None:
    """A search takes milliseconds, thousands take minutes."""

    def why(name: str) -> Why:
        return Why(reason=Reason.ABSENT, nearest=(f"{name}_searched",))

    base = replace(offer([], why=why), briefly=lambda _: Why(reason=Reason.ABSENT))
    begin = time.process_time()
    made = Case(extension=extension(), base=base).link(needy(4000))
    assert time.process_time() - begin < 5
    assert [each.code for each in made.findings] == ["S001"] * 4000
    hints = [each.hint for each in made.findings]
    assert hints[:MAX_SUGGESTED] == [
        f"did you mean 'name_{each}_searched'?" for each in range(MAX_SUGGESTED)
    ]
    assert set(hints[MAX_SUGGESTED:]) == {None}
