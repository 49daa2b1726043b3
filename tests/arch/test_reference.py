# SPDX-License-Identifier: Apache-2.0
"""The page on machines is what the tables say."""

from __future__ import annotations

from pathlib import Path

from west_llext.arch import reference
from west_llext.arch.machines import MACHINES

PAGE = Path(__file__).parents[2] / "docs" / "machines.md"


def test_the_page_in_the_repository_is_made_of_these_tables() -> None:
    """tools/machine_reference.py writes it."""
    assert reference.text() == PAGE.read_text(encoding="utf-8")


def test_every_type_of_every_machine_has_a_line() -> None:
    """Counted by the names, which no two types of a machine share."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for machine in MACHINES.values():
        for number, entry in machine.rows.items():
            assert any(line.startswith(f"| {number} | `{entry.name}` |") for line in lines)


def test_a_branch_has_the_range_of_the_manual() -> None:
    """BL of Thumb reaches ±16 MiB (DDI 0406C, A8.8.25), JAL ±1 MiB (Unprivileged ISA)."""
    page = PAGE.read_text(encoding="utf-8")
    assert "`R_ARM_THM_CALL` | `((S + A) \\| T) - P` | [-0x1000000, 0x1000000), 2-aligned |" in page
    assert "| 17 | `R_RISCV_JAL` | `S + A - P` | [-0x100000, 0x100000), 2-aligned | 4.0 |" in page
