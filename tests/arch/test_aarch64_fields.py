# SPDX-License-Identifier: Apache-2.0
"""What is special about the fields of AArch64: instructions that become others."""

from __future__ import annotations

import pytest
from support.fields import refused, row_of

from west_llext.arch.aarch64 import LDR_BR, MACHINE, ROWS
from west_llext.arch.machine import Core
from west_llext.arch.table import Row


def row(name: str) -> Row:
    """The row of that name."""
    return row_of(ROWS, name)


@pytest.mark.parametrize(
    ("load", "value", "expected"),
    [
        (0xF9400063, 0x12345678, 0xF28ACF03),  # ldr x3, [x3]: movk x3, #0x5678
        (0xF9400063, -1, 0xF29FFFE3),
        (0xF9400043, 0x1234, 0xD2824683),  # ldr x3, [x2]: movz x3, #0x1234
        (0xF9400043, 0xFFFF, 0xD29FFFE3),
        (0xF9400043, 0x10000, None),
        (0xF9400043, -1, None),
    ],
)
def test_a_load_of_an_offset_becomes_a_move(load: int, value: int, expected: int | None) -> None:
    """AAELF64, "Relocation optimization": MOVK where the register has the upper half, else MOVZ."""
    general = row("R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC")
    assert general.pick is not None
    picked = general.pick(b"____" + load.to_bytes(4, "little"), 4)
    assert picked is not None
    if expected is None:
        assert refused(picked, load, value) == (value, 0, 0x10000, 1)
    else:
        assert picked.encode(load, value) == expected
    assert general.pick(b"___", 0) is None


@pytest.mark.parametrize("word", [0xD2800000, 0x92800000])
def test_the_sign_picks_the_instruction_whatever_it_was(word: int) -> None:
    """AAELF64: "X < 0: Set the instruction to MOVN", "X >= 0: to MOVZ"."""
    assert row("R_AARCH64_MOVW_SABS_G0").encode(word | 5, -2) == 0x92800025
    assert row("R_AARCH64_MOVW_SABS_G0").encode(word | 5, 1) == 0xD2800025


@pytest.mark.parametrize(("name", "word"), [("CALL26", 0x94000000), ("JUMP26", 0x14000000)])
def test_a_branch_to_nowhere_is_no_instruction(name: str, word: int) -> None:
    """AAELF64: the call becomes a no-op; C6.2 "NOP"."""
    assert MACHINE.undefined_branch(row(f"R_AARCH64_{name}"), word, Core()) == 0xD503201F


@pytest.mark.parametrize(
    ("alignment", "expected"), [(1, -16), (8, -16), (16, -16), (32, -32), (64, -64)]
)
def test_the_thread_pointer_is_in_front_of_the_variables(alignment: int, expected: int) -> None:
    """Variant 1: 16 bytes of the thread control block, then padding to the block's alignment."""
    assert MACHINE.thread_pointer is not None
    assert MACHINE.thread_pointer(100, alignment) == expected


def test_a_veneer_holds_its_address_aligned() -> None:
    """The literal of LDR may not be misaligned where the processor checks that."""
    assert LDR_BR.target_offset % 8 == 0 == LDR_BR.alignment % 8
    assert len(LDR_BR.code) == LDR_BR.target_offset + 8
