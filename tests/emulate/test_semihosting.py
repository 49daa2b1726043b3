# SPDX-License-Identifier: Apache-2.0
"""Semihosting requests: what the target can ask of us, and what it can't."""

from __future__ import annotations

import struct

import pytest

from west_llext.emulate.faults import FaultKind
from west_llext.emulate.host import ExitError, Host, StopError
from west_llext.emulate.memory import PAGE, Access, Range
from west_llext.emulate.semihosting import answer

SIZE = 4 * PAGE


class Memory:
    """A target's memory: some pages at address 0."""

    def __init__(self) -> None:
        self.content = bytearray(SIZE)

    def read(self, address: int, size: int) -> bytes:
        if address + size > SIZE:
            raise StopError(FaultKind.STAND_IN, address)
        return bytes(self.content[address : address + size])

    def store(self, address: int, data: bytes) -> None:
        self.read(address, len(data))
        self.content[address : address + len(data)] = data

    def host(self, output_limit: int = 1000) -> Host:
        return Host(
            read=self.read,
            store=self.store,
            heap=Range(SIZE, SIZE, Access.NONE),
            output_limit=output_limit,
        )


def test_character_and_texts_are_printed() -> None:
    """SYS_WRITEC, SYS_WRITE0 and SYS_WRITE to the console."""
    memory = Memory()
    memory.store(0x100, b"ab\0")
    memory.store(0x200, struct.pack("<III", 1, 0x300, 5))
    memory.store(0x300, b"cd\0\xc3\xa4")
    host = memory.host()
    answers = [
        answer(host, operation, address, 4)
        for operation, address in ((3, 0x100), (4, 0x100), (5, 0x200))
    ]
    assert (answers, host.taken_output()) == ([0, 0, 0], "aabcd\0ä")


def test_text_may_end_with_its_page() -> None:
    """What lies behind the last page must not be read for a text that ends before it."""
    memory = Memory()
    memory.store(SIZE - 3, b"ab\0")
    host = memory.host()
    assert (answer(host, 4, SIZE - 3, 4), host.taken_output()) == (0, "ab")


def test_text_without_an_end_is_a_fault() -> None:
    """It runs into memory that isn't there."""
    memory = Memory()
    memory.store(SIZE - 3, b"abc")
    with pytest.raises(StopError) as caught:
        answer(memory.host(), 4, SIZE - 3, 4)
    assert (caught.value.kind, caught.value.address) == (FaultKind.STAND_IN, SIZE)


def test_write_of_four_gigabytes_ends_with_the_memory() -> None:
    """The length is the target's word for it; memory is read piece by piece."""
    memory = Memory()
    memory.store(0x200, struct.pack("<III", 1, 0, 0xFFFFFFFF))
    with pytest.raises(StopError):
        answer(memory.host(), 5, 0x200, 4)


def test_output_beyond_the_limit_stops_the_target() -> None:
    """What fits is kept."""
    memory = Memory()
    memory.store(0, b"abcdef\0")
    host = memory.host(output_limit=4)
    with pytest.raises(StopError) as caught:
        answer(host, 4, 0, 4)
    assert (caught.value.kind, host.taken_output()) == (FaultKind.OUTPUT_LIMIT, "abcd")


def test_console_is_all_that_can_be_opened() -> None:
    """A file name of the host is refused, and so is writing to a handle that wasn't opened."""
    memory = Memory()
    memory.store(0x100, b":tt\0/etc/passwd\0")
    for number, (name, mode, size) in enumerate([(0x100, 0, 3), (0x100, 4, 3), (0x104, 0, 11)]):
        memory.store(0x200 + 16 * number, struct.pack("<III", name, mode, size))
    memory.store(0x300, struct.pack("<III", 7, 0x100, 3))
    host = memory.host()
    opened = [answer(host, 1, 0x200 + 16 * number, 4) for number in range(3)]
    assert (opened, answer(host, 5, 0x300, 4), host.taken_output()) == ([1, 2, -1], 3, "")


@pytest.mark.parametrize("operation", [0x00, 0x06, 0x0E, 0x12, 0x15, 0x99, 0xFFFFFFFF])
def test_unknown_request_is_answered_with_minus_one(operation: int) -> None:
    """SYS_SYSTEM (0x12) and SYS_REMOVE (0x0e) among them."""
    assert answer(Memory().host(), operation, 0, 4) == -1


@pytest.mark.parametrize(
    ("operation", "word", "reason", "code", "status"),
    [
        (0x18, 4, 0x20026, 0, 0),
        (0x18, 4, 0x20024, 0, 1),
        (0x20, 4, 0x20026, 42, 42),
        (0x20, 4, 0x20024, 0, 1),
        (0x18, 8, 0x20026, 42, 42),
    ],
)
def test_exit_carries_a_status(
    operation: int, word: int, reason: int, code: int, status: int
) -> None:
    """SYS_EXIT has the reason itself on 32 bits; elsewhere a block has reason and status."""
    memory = Memory()
    memory.store(0x100, reason.to_bytes(word, "little") + code.to_bytes(word, "little"))
    direct = operation == 0x18 and word == 4
    with pytest.raises(ExitError) as caught:
        answer(memory.host(), operation, reason if direct else 0x100, word)
    assert caught.value.status == status


@pytest.mark.parametrize("microseconds", [1 << 64, (1 << 64) + 7, -1])
def test_a_clock_that_has_gone_round_still_answers(microseconds: int) -> None:
    """SYS_ELAPSED has room for 64 bits; k_sleep() of all ticks goes beyond."""
    memory = Memory()
    host = memory.host()
    host.microseconds = microseconds
    assert answer(host, 0x30, 0x100, 4) == 0
    assert memory.read(0x100, 8) == (microseconds % (1 << 64)).to_bytes(8, "little")


def test_clock_follows_the_sleeps() -> None:
    """SYS_CLOCK counts hundredths of a second, SYS_ELAPSED ticks of SYS_TICKFREQ a second."""
    memory = Memory()
    host = memory.host()
    host.microseconds = 2_345_678
    assert (answer(host, 0x10, 0, 4), answer(host, 0x31, 0, 4)) == (234, 1_000_000)
    assert answer(host, 0x30, 0x100, 4) == 0
    assert int.from_bytes(memory.read(0x100, 8), "little") == 2_345_678
