# SPDX-License-Identifier: Apache-2.0
"""What the parts of the model of Zephyr's loader share."""

from __future__ import annotations


class LoadError(Exception):
    """The loader's own words."""


def signed(value: int, bits: int) -> int:
    """`bits` bits of a value as two's complement."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
