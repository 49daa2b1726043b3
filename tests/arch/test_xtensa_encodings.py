# SPDX-License-Identifier: Apache-2.0
"""Encodings compared with what others read and write: at the limits and at 20 values between them.

The GNU assembler knows the one core that it was built for, which has neither windows nor loops.
QEMU disassembles those of other cores, and big-endian code.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from support.cross import output, tool
from support.qemu_insns import BIG as BIG_CORE
from support.qemu_insns import LITTLE as LITTLE_CORE
from support.qemu_insns import Core as QemuCore
from support.qemu_insns import disassembled

from west_llext.arch.formula import evaluate
from west_llext.arch.machine import Core, Machine
from west_llext.arch.table import Row
from west_llext.arch.xtensa import (
    BIG,
    LITTLE,
    MACHINE,
    MACHINE_BIG,
    Instructions,
    undefined_branch,
    veneer,
)

pytestmark = pytest.mark.cross

PREFIX = "xtensa-lx106-elf-"
CALL0_CORE, WINDOWED_CORE = Core(), Core(windowed=True)


class Insn(NamedTuple):
    """An instruction with a field for an address.

    field: the row, by its name and for calls its place among them
    text: assembler's text, with the target for `{}`
    little, big: its word with a field of zeros
    low, high, step: distance of the target from the instruction; the limits are inclusive
    """

    field: str
    text: str
    little: int
    big: int
    low: int
    high: int
    step: int = 1


# fmt: off
INSNS = (
    Insn("l32r",    "l32r a3, {}",          0x000031, 0x130000, -262144, -4, 4),
    Insn("calls 0", "call0 {}",             0x000005, 0x500000, -524284, 524288, 4),
    Insn("jump",    "j {}",                 0x000006, 0x600000, -131068, 131075),
    Insn("compare", "beq a3, a4, {}",       0x001347, 0x743100, -124, 131),
    Insn("compare", "bbci a3, 17, {}",      0x007317, 0x713700, -124, 131),
    Insn("compare", "bgei a3, 16, {}",      0x00B3E6, 0x6B3B00, -124, 131),
    Insn("compare", "bgeui a3, 16, {}",     0x00B3F6, 0x6F3B00, -124, 131),
    Insn("zero",    "bltz a3, {}",          0x000396, 0x663000, -2044, 2051),
    Insn("narrow",  "beqz.n a3, {}",        0x038C,   0xC830,   4, 67),
    Insn("narrow",  "bnez.n a3, {}",        0x03CC,   0xCC30,   4, 67),
    # what the lx106 lacks
    Insn("calls 1", "call4 {}",             0x000015, 0x540000, -524284, 524288, 4),
    Insn("calls 2", "call8 {}",             0x000025, 0x580000, -524284, 524288, 4),
    Insn("calls 3", "call12 {}",            0x000035, 0x5C0000, -524284, 524288, 4),
    Insn("loop",    "loop a3, {}",          0x008376, 0x6D3800, 4, 259),
    Insn("loop",    "loopnez a3, {}",       0x009376, 0x6D3900, 4, 259),
    Insn("loop",    "loopgtz a3, {}",       0x00A376, 0x6D3A00, 4, 259),
)
# fmt: on


def sampled(insn: Insn) -> list[int]:
    """Both limits and 20 more that are always the same."""
    chance = random.Random(insn.text)  # noqa: S311 (any even spread will do)
    more = {chance.randrange(insn.low, insn.high + 1, insn.step) for _ in range(20)}
    return sorted({insn.low, insn.high} | more)


def row_of(insn: Insn, known: Instructions) -> Row:
    """The row of an instruction."""
    name, _, number = insn.field.partition(" ")
    found = getattr(known, name)
    return found[int(number)] if number else found  # type: ignore[no-any-return]  # a Row


def encoded(insn: Insn, known: Instructions, place: int, value: int) -> bytes:
    """The instruction at an address, with its target at a distance."""
    row = row_of(insn, known)
    word = insn.little if known is LITTLE else insn.big
    found = row.encode(word, evaluate(row.formula, S=place + value, A=0, P=place))
    return found.to_bytes(row.size, "little" if known is LITTLE else "big")


def assembled(folder: Path, lines: list[str]) -> bytes:
    """The bytes of `.text`."""
    source, made, raw = folder / "unit.s", folder / "unit.o", folder / "unit.bin"
    body = [".text", ".begin no-transform", *lines, ".end no-transform", ""]
    source.write_text("\n".join(body), encoding="utf-8")
    output(tool("as", PREFIX), str(source), "-o", str(made))
    output(tool("objcopy", PREFIX), "-O", "binary", "-j", ".text", str(made), str(raw))
    return raw.read_bytes()


@pytest.mark.parametrize("insn", INSNS[:10], ids=[each.text for each in INSNS[:10]])
def test_an_encoded_field_is_what_the_assembler_writes(insn: Insn, tmp_path: Path) -> None:
    """Each at a word boundary, so that all formulas count from the same place."""
    values = sampled(insn)
    lines = [f".balign 4\n{insn.text.format(f'. + ({value})')}" for value in values]
    code = assembled(tmp_path, [*lines, ".balign 4"])
    size = row_of(insn, LITTLE).size
    theirs = [code[at : at + size] for at in range(0, 4 * len(values), 4)]
    assert theirs == [encoded(insn, LITTLE, 0x40000000, value) for value in values]


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("core", "known"), [(LITTLE_CORE, LITTLE), (BIG_CORE, BIG)], ids=["little", "big"]
)
def test_an_encoded_field_is_what_another_core_reads(
    core: QemuCore, known: Instructions, tmp_path: Path
) -> None:
    """Instruction and target, for every instruction, at every place of a word."""
    place, words, expected = core.address, [], []
    for insn in INSNS:
        for value in sampled(insn):
            # targets that must be word-aligned count from a word boundary too
            origin = place + 3 if insn.field == "l32r" else place
            target = (origin & -insn.step) + value
            words.append(encoded(insn, known, place, target - place))
            expected.append((place, insn.text.format(f"{target:#x}")))
            place += len(words[-1])
    found = disassembled(tmp_path, core, words)
    assert [(at, re.sub("0x0+", "0x", text)) for at, text in found] == expected


@pytest.mark.parametrize(
    ("machine", "known"), [(MACHINE, LITTLE), (MACHINE_BIG, BIG)], ids=["little", "big"]
)
def test_the_opcode_picks_the_row(machine: Machine, known: Instructions) -> None:
    """Each instruction's bytes lead to its own field, wherever they stand."""
    slot = machine.rows[20]
    assert isinstance(slot, Row)
    assert slot.pick is not None
    for insn in INSNS:
        for value in sampled(insn):
            code = b"\xff\xff" + encoded(insn, known, 0x1000, value)
            assert slot.pick(code, 2) is row_of(insn, known), insn.text


@pytest.mark.parametrize("text", ["movi.n a3, 5", "add a3, a4, a5", "ret.n", "memw", "extw"])
def test_an_instruction_without_a_field_picks_none(text: str, tmp_path: Path) -> None:
    """MOVI.N shares its op0 with BEQZ.N."""
    slot = MACHINE.rows[20]
    assert isinstance(slot, Row)
    assert slot.pick is not None
    assert slot.pick(assembled(tmp_path, [text]), 0) is None


@pytest.mark.parametrize(("machine", "word"), [(MACHINE, "364100"), (MACHINE_BIG, "6c1004")])
def test_entry_has_no_field(machine: Machine, word: str) -> None:
    """ENTRY a1, 32 shares op0 and n with BLTUI and LOOP."""
    slot = machine.rows[20]
    assert isinstance(slot, Row)
    assert slot.pick is not None
    assert slot.pick(bytes.fromhex(word), 0) is None


def test_the_code_of_a_veneer_is_what_the_assembler_writes(tmp_path: Path) -> None:
    """The literal is the word before the first instruction."""
    for row, register in zip(LITTLE.calls, (9, 5, 9, 13), strict=True):
        form = veneer(row, CALL0_CORE)
        assert form is not None
        lines = [".long 0", f"l32r a{register}, . - 4", f"jx a{register}"]
        code = assembled(tmp_path, lines)
        assert code == form.code
        assert (form.target_offset, form.entry, form.relocation) == (0, 4, 1)


@pytest.mark.qemu
def test_the_code_of_a_veneer_is_what_a_big_endian_core_reads(tmp_path: Path) -> None:
    """The same instructions, with the same registers."""
    for row, register in zip((*BIG.calls, BIG.jump), (9, 5, 9, 13, 9), strict=True):
        form = veneer(row, CALL0_CORE)
        assert form is not None
        found = disassembled(tmp_path, BIG_CORE, [form.code[4:7], form.code[7:10]])
        start = BIG_CORE.address
        assert found == [
            (start, f"l32r a{register}, {start - 4:#x}"),
            (start + 3, f"jx a{register}"),
        ]


def test_windowed_code_has_veneers_for_calls_that_move_the_window_alone() -> None:
    """Every register may be in use at a J, and CALL0 isn't a call of that convention."""
    for known in (LITTLE, BIG):
        rows = (*known.calls, known.jump)
        made = [veneer(row, WINDOWED_CORE) for row in rows]
        assert [form and form.name for form in made] == [None, "call4", "call8", "call12", None]
        assert veneer(known.compare, CALL0_CORE) is None


def test_a_branch_to_nowhere_does_nothing(tmp_path: Path) -> None:
    """OR a1, a1, a1, which cores without NOP have too."""
    word = undefined_branch(LITTLE.jump, 0x000006, CALL0_CORE)
    assert assembled(tmp_path, ["or a1, a1, a1"]) == word.to_bytes(3, "little")


@pytest.mark.qemu
def test_a_big_endian_branch_to_nowhere_does_nothing(tmp_path: Path) -> None:
    """The same instruction."""
    word = undefined_branch(BIG.calls[2], 0x580000, WINDOWED_CORE)
    found = disassembled(tmp_path, BIG_CORE, [word.to_bytes(3, "big")])
    assert [text for _, text in found] == ["or a1, a1, a1"]
