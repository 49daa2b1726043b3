# SPDX-License-Identifier: Apache-2.0
"""Arguments and files that mean harm: whatever is asked for, it ends, and takes little memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.emulated import DATA, DATA_SIZE

from west_llext.diagnostics import LlextError
from west_llext.emulate import aarch64, arm, riscv, x86
from west_llext.emulate.budget import Budget
from west_llext.emulate.faults import FaultKind
from west_llext.emulate.image import Chunk, Image
from west_llext.emulate.limits import Limits
from west_llext.emulate.machine import Machine
from west_llext.emulate.mapped import Mapping
from west_llext.emulate.memory import Access, Range
from west_llext.emulate.standins import STAND_INS
from west_llext.emulate.target import Target
from west_llext.emulate.touched import Accesses, Touched
from west_llext.model.elf import Ident

pytest.importorskip("unicorn")

MACHINES = pytest.mark.parametrize(
    "machine",
    [
        *(arm.MACHINE, aarch64.MACHINE, riscv.MACHINE_32),
        *(riscv.MACHINE_64, x86.MACHINE_32, x86.MACHINE_64),
    ],
    ids=lambda each: f"{each.name} {each.bits}",
)


def target(machine: Machine, data: bytes = b"", size: int = DATA_SIZE) -> Target:
    """A target with so many bytes of data, and nothing else."""
    ident = Ident(machine=machine.number, bits=machine.bits, little=True, flags=0)
    made = Target(ident=ident, attributes={}, limits=Limits(instructions=1000))
    chunk = Chunk(".data", DATA, size, data, Access.READ | Access.WRITE)
    made.load(Image(name="demo", file="demo", ident=ident, chunks=(chunk,), exports={}))
    return made


def parts(machine: Machine, count: int) -> Image:
    """So many bytes, each with an empty page behind its own."""
    ident = Ident(machine=machine.number, bits=machine.bits, little=True, flags=0)
    chunks = tuple(
        Chunk(f".data.{number}", 0x01000000 + 0x2000 * number, 1, b"x", Access.READ)
        for number in range(count)
    )
    return Image(name="filters", file="filters.llext", ident=ident, chunks=chunks, exports={})


def address_of(made: Target, name: str) -> int:
    """The address of a stand-in."""
    found = made.address_of(name)
    assert found is not None
    return found


@MACHINES
def test_stand_ins_take_every_argument(machine: Machine) -> None:
    """Pointers to nothing, sizes of all memory, formats out of nowhere: a result or a fault."""
    made = target(machine, b"%*.*s%-999999999d%n%s%5$*d%1000000000.1000000000f%\0")
    top = machine.mask
    values = (0, 1, DATA, DATA + DATA_SIZE - 1, top >> 1, (top >> 1) + 1, 0xFFFFFFFF, top)
    for name in STAND_INS:
        address = address_of(made, name)
        for first in values:
            for last in (DATA, 0xFFFFFFFF, top):
                result = made.call(address, first, DATA, last, last)
                assert result.fault is None or result.fault.kind in {
                    *(FaultKind.STAND_IN, FaultKind.HEAP, FaultKind.ABORT),
                    *(FaultKind.READ, FaultKind.EXCEPTION, FaultKind.FETCH),
                }, (name, first, last)


@MACHINES
def test_zeros_behind_a_copied_text_are_not_made_before_there_is_room(machine: Machine) -> None:
    """strncpy() fills what it is told is there."""
    made = target(machine, b"text\0")
    strncpy = address_of(made, "strncpy")
    tracemalloc.start()
    try:
        faults = [
            made.call(strncpy, DATA, DATA, size).fault
            for size in (machine.mask >> 1, 0x7FFFFFFF, machine.mask)
        ]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [each is not None and each.kind for each in faults] == [FaultKind.STAND_IN] * 3
    assert peak < 1 << 24


def test_a_text_of_known_size_is_printed_to_its_end() -> None:
    """k_str_out() has no limit of its own; the output has one."""
    size = 0x20001
    made = target(arm.MACHINE, b"x" * size, 1 << 20)
    assert made.call(address_of(made, "k_str_out"), DATA, size).output == "x" * size


@MACHINES
def test_sections_all_over_memory_are_refused(machine: Machine) -> None:
    """Each takes a page, and the emulator longer than the one before: 12,000 took ten minutes."""
    made = target(machine)
    with pytest.raises(LlextError) as caught:
        made.load(parts(machine, 1024))
    assert str(caught.value) == (
        "filters.llext: error[X006]: 'filters' and what is there already lie in more than 1024 "
        "parts of memory that are apart, or differ in what may be done there\n"
        "hint: place its sections beside each other"
    )
    made.load(parts(machine, 1023))


def test_touched_bytes_are_counted_in_many_regions_of_many_accesses() -> None:
    """Not every access is compared with every region: that would take minutes here."""
    accesses = Accesses()
    for number in range(1 << 16):
        accesses.note(16 * number, 8, write=False)
        accesses.note(16 * number + 4, 6, write=bool(number % 2))
    regions = [
        Mapping("demo", f".data.{number}", Range(200 * number, 200 * number + 100, Access.READ))
        for number in range(5000)
    ]
    found = accesses.touched(regions)
    assert found[0] == Touched("demo", ".data.0", 6 * 8 + 4 + 3 * 2, 3 * 6)
    assert len(found) == len(regions)


@given(
    rows=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9), st.booleans()), max_size=20),
    start=st.integers(0, 50),
    size=st.integers(0, 50),
)
def test_touched_bytes_are_those_that_a_set_holds(
    rows: list[tuple[int, int, bool]], start: int, size: int
) -> None:
    """Each byte counts once, however often and in whatever pieces it was accessed."""
    accesses = Accesses()
    sets: dict[bool, set[int]] = {False: set(), True: set()}
    for address, length, write in rows:
        accesses.note(address, length, write=write)
        sets[write].update(range(address, address + length))
    region = Mapping("demo", ".data", Range(start, start + size, Access.READ))
    counts = [len(sets[write] & set(range(start, start + size))) for write in (False, True)]
    expected = (Touched("demo", ".data", *counts),) if any(counts) else ()
    assert accesses.touched([region]) == expected


def test_what_calls_take_together_is_taken_off() -> None:
    """Only inside of the block; behind it every call has all of it again."""
    budget = Budget(Limits(seconds=10, instructions=100, output=20))

    def left() -> tuple[float, int, int]:
        budget.begin()
        return budget.seconds, budget.instructions, budget.output

    with budget.shared():
        for _ in range(2):
            left()
            budget.spend(seconds=4, instructions=60, output=7)
        assert left() == (2, -20, 6)
    assert left() == (10, 100, 20)
