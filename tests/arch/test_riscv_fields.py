# SPDX-License-Identifier: Apache-2.0
"""What is special about the fields of RISC-V: values in two parts, and calls of nothing."""

from __future__ import annotations

import pytest
from support.fields import row_of

from west_llext.arch.machine import Core
from west_llext.arch.riscv import MACHINE_32, MACHINE_64, ROWS_32, ROWS_64, VENEER_32, VENEER_64


@pytest.mark.parametrize("value", [0, 0x7FF, 0x800, 0x801, 0xFFF, 0x1000, -1, -0x800, -0x801])
def test_upper_and_lower_part_make_the_value(value: int) -> None:
    """The lower part is added with its sign, so the upper one is rounded."""
    for rows in (ROWS_32, ROWS_64):
        upper = row_of(rows, "R_RISCV_HI20").encode(0x537, value) & ~0xFFF
        lower = row_of(rows, "R_RISCV_LO12_I").encode(0x50513, value) >> 20
        assert (upper + (lower ^ 0x800) - 0x800) & 0xFFFFFFFF == value & 0xFFFFFFFF


@pytest.mark.parametrize("name", ["R_RISCV_CALL", "R_RISCV_CALL_PLT"])
def test_a_call_of_nothing_goes_to_address_0(name: str) -> None:
    """JALR gets x0 as its base and no immediate: GNU ld does the same."""
    for made in (MACHINE_32, MACHINE_64):
        row = row_of(made.rows, name)
        assert made.undefined_branch(row, 0x00000097_000080E7, Core()) == 0x00000097_000000E7
        assert made.undefined_branch(row, 0x12345317_67830067, Core()) == 0x00000317_00000067


def test_a_jump_to_nothing_stays_as_it_is() -> None:
    """JAL can't reach address 0 from everywhere; nothing executes it."""
    for made in (MACHINE_32, MACHINE_64):
        row = row_of(made.rows, "R_RISCV_JAL")
        assert made.undefined_branch(row, 0x000000EF, Core()) is None


def test_the_thread_pointer_is_at_the_first_variable() -> None:
    """The psABI, "Thread Local Storage": variant I without a gap."""
    for made in (MACHINE_32, MACHINE_64):
        assert made.thread_pointer is not None
        assert made.thread_pointer(100, 64) == 0


def test_a_veneer_holds_its_address_aligned() -> None:
    """A load of a misaligned word may trap."""
    for form, size in ((VENEER_32, 4), (VENEER_64, 8)):
        assert form.target_offset % size == 0 == form.alignment % size
        assert len(form.code) == form.target_offset + size
