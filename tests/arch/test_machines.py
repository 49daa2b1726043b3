# SPDX-License-Identifier: Apache-2.0
"""Which machine an ELF file is for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from west_llext.arch.machines import BIG_ENDIAN, MACHINES, Machines, machine_of
from west_llext.model.elf import Ident


@pytest.mark.parametrize("table", [MACHINES, BIG_ENDIAN], ids=["all", "big-endian"])
def test_every_machine_is_what_its_key_says(table: Machines) -> None:
    """e_machine and class."""
    assert len(table) == len({*table.values()})
    for key, machine in table.items():
        assert key == (machine.number, machine.bits)


def test_byte_order_counts_where_instructions_depend_on_it() -> None:
    """Xtensa has two machines, RISC-V one."""
    little, big = (Ident(machine=94, bits=32, little=each, flags=0) for each in (True, False))
    assert machine_of(little) is not machine_of(big)
    little, big = (Ident(machine=243, bits=64, little=each, flags=0) for each in (True, False))
    assert machine_of(little) is machine_of(big)


def test_a_machine_that_nobody_knows_is_none() -> None:
    """And so is one of another class."""
    assert machine_of(Ident(machine=0xFEED, bits=32, little=True, flags=0)) is None
    assert machine_of(Ident(machine=40, bits=64, little=True, flags=0)) is None


def test_only_the_machine_that_is_asked_for_is_imported() -> None:
    """The tables of all of them take longer to make than a small build."""
    code = (
        "import sys\n"
        "from west_llext.arch.machines import MACHINES\n"
        "MACHINES[40, 32]\n"
        "print(*(each for each in sys.modules if each.startswith('west_llext.arch.')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    found = {each.rpartition(".")[2] for each in done.stdout.split()}
    assert "arm" in found
    assert not found & {"aarch64", "arc", "riscv", "x86", "x86_64", "xtensa"}
