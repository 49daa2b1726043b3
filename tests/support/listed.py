# SPDX-License-Identifier: Apache-2.0
"""Lists of relocation numbers and names that others made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from west_llext.arch.table import Entry

DATA = Path(__file__).parent.parent / "arch" / "data"


def listed(name: str) -> dict[int, str]:
    """A list of the data folder: number to name."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {int(number): text for number, text in rows}


def named(rows: Mapping[int, Entry]) -> dict[int, str]:
    """A table of ours: number to name."""
    return {number: entry.name for number, entry in rows.items()}
