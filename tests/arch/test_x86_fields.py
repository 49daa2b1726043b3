# SPDX-License-Identifier: Apache-2.0
"""What is special about the fields of x86: addends in places, and the thread pointer."""

from __future__ import annotations

import pytest
from support.fields import row_of

from west_llext.arch import x86, x86_64


@pytest.mark.parametrize("addend", [0, -4, 0x7FFFFFFF, -0x80000000])
def test_the_place_holds_the_addend_of_i386(addend: int) -> None:
    """REL: a word with sign, as the loader of the target reads it."""
    row = row_of(x86.ROWS, "R_386_PC32")
    assert addend == row.addend(row.with_addend(0, addend))


@pytest.mark.parametrize(
    ("size", "alignment", "expected"),
    [(0, 1, 0), (5, 1, 5), (5, 8, 8), (64, 16, 64), (65, 64, 128)],
)
def test_the_thread_pointer_is_behind_the_variables(
    size: int, alignment: int, expected: int
) -> None:
    """Variant 2: the end of the block, which is as aligned as the block."""
    for machine in (x86.MACHINE, x86_64.MACHINE):
        assert machine.thread_pointer is not None
        assert machine.thread_pointer(size, alignment) == expected
