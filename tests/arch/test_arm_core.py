# SPDX-License-Identifier: Apache-2.0
"""What build attributes say of a processor."""

from __future__ import annotations

import pytest

from west_llext.arch.arm import MACHINE
from west_llext.arch.machine import Core
from west_llext.model.elf import Ident

IDENT = Ident(machine=40, bits=32, little=True, flags=0x05000000)
ARCH, PROFILE, ARM_ISA = 6, 7, 8


@pytest.mark.parametrize(
    ("attributes", "core"),
    [
        ({ARCH: 11, PROFILE: ord("M")}, Core(blx=False, thumb2=False)),  # v6-M
        ({ARCH: 12, PROFILE: ord("M")}, Core(blx=False, thumb2=False)),  # v6S-M
        ({ARCH: 10, PROFILE: ord("M")}, Core(blx=False, thumb2=True)),  # v7-M
        ({ARCH: 13, PROFILE: ord("M")}, Core(blx=False, thumb2=True)),  # v7E-M
        ({ARCH: 16, PROFILE: ord("M")}, Core(blx=False, thumb2=False)),  # v8-M.baseline
        ({ARCH: 17, PROFILE: ord("M")}, Core(blx=False, thumb2=True)),  # v8-M.mainline
        ({ARCH: 21, PROFILE: ord("M")}, Core(blx=False, thumb2=True)),  # v8.1-M.mainline
        ({ARCH: 10, PROFILE: ord("A"), ARM_ISA: 1}, Core(blx=True, thumb2=True)),  # v7-A
        ({ARCH: 10, PROFILE: ord("R"), ARM_ISA: 1}, Core(blx=True, thumb2=True)),  # v7-R
        ({ARCH: 4, ARM_ISA: 1}, Core(blx=True, thumb2=False)),  # v5TE
        ({ARCH: 2, ARM_ISA: 1}, Core(blx=False, thumb2=False)),  # v4T
        ({ARCH: 14, ARM_ISA: 1}, Core(blx=True, thumb2=True)),  # v8-A
    ],
)
def test_a_core_has_what_its_architecture_has(attributes: dict[int, int], core: Core) -> None:
    """BLX came with v5T and isn't in M-profile; LDR.W to pc and NOP.W are Thumb-2."""
    assert MACHINE.core(IDENT, attributes) == core


@pytest.mark.parametrize(
    "attributes",
    [{}, {ARCH: 999}, {ARCH: 10, PROFILE: 300}, {ARCH: 10, PROFILE: -1}, {ARCH: "v7"}],
)
def test_odd_attributes_promise_nothing(attributes: dict[int, int | str]) -> None:
    """A damaged object may say anything: the smallest core is assumed, or that of its number."""
    assert not MACHINE.core(IDENT, attributes).blx
