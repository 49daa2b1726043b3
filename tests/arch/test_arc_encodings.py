# SPDX-License-Identifier: Apache-2.0
"""Encodings compared with the GNU assembler's: at the limits and at 30 values between them.

The assembler resolves branches inside a section by itself, so that no relocation is involved.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import NamedTuple

import pytest
from support.cross import output, tool
from support.fields import row_of

from west_llext.arch.arc import MACHINE, MACHINE_700, MACHINE_BIG, ROWS
from west_llext.arch.formula import evaluate
from west_llext.arch.machine import Core, Machine
from west_llext.link.codec import codec

pytestmark = pytest.mark.cross

MIB = 1 << 20


class Insn(NamedTuple):
    """An instruction with a field.

    text: assembler's text, with the target for `{}`
    empty: its word with a field of zeros
    low, high, step: distance of the target from the instruction's word; the limits are inclusive
    """

    row: str
    text: str
    empty: int
    low: int
    high: int
    step: int


# fmt: off
INSNS = (
    Insn("R_ARC_S25W_PCREL", "bl {}",     0x08020000, -16 * MIB, 16 * MIB - 4, 4),
    Insn("R_ARC_S25W_PCREL", "bl.d {}",   0x08020020, -16 * MIB, 16 * MIB - 4, 4),
    Insn("R_ARC_S25H_PCREL", "b {}",      0x00010000, -16 * MIB, 16 * MIB - 2, 2),
    Insn("R_ARC_S21W_PCREL", "blne {}",   0x08000002, -1 * MIB, 1 * MIB - 4, 4),
    Insn("R_ARC_S21H_PCREL", "beq {}",    0x00000001, -1 * MIB, 1 * MIB - 2, 2),
    Insn("R_ARC_S21H_PCREL", "bhi.d {}",  0x0000002D, -1 * MIB, 1 * MIB - 2, 2),
    Insn("R_ARC_S13_PCREL",  "bl_s {}",   0xF800, -4096, 4092, 4),
)
# fmt: on
ORDERS = pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])


def sampled(insn: Insn) -> list[int]:
    """Both limits and 30 more that are always the same."""
    chance = random.Random(insn.text)  # noqa: S311 (any even spread will do)
    more = {chance.randrange(insn.low, insn.high + 1, insn.step) for _ in range(30)}
    return sorted({insn.low, insn.high} | more)


def assembled(folder: Path, lines: list[str], order: str = "<") -> bytes:
    """The bytes of `.text`."""
    source, made, raw = folder / "unit.s", folder / "unit.o", folder / "unit.bin"
    source.write_text("\n".join([".text", *lines, ""]), encoding="utf-8")
    side = "-EL" if order == "<" else "-EB"
    output(tool("as", "arc-linux-gnu-"), "-mcpu=archs", side, str(source), "-o", str(made))
    command = ["-O", "binary", "-j", ".text", str(made), str(raw)]
    output(tool("objcopy", "arc-linux-gnu-"), *command)
    return raw.read_bytes()


@ORDERS
@pytest.mark.parametrize("insn", INSNS, ids=[each.text for each in INSNS])
def test_an_encoded_field_is_what_the_assembler_writes(
    insn: Insn, order: str, tmp_path: Path
) -> None:
    """At both halves of a word, which count from the same place."""
    values = sampled(insn)
    rule = row_of(ROWS, insn.row)
    lines, ours = [], bytearray()
    for value in values:
        # the instruction, a delay slot, and one halfword, so that the next one is in the other half
        here = len(ours)
        target = (here & ~3) + value
        lines += [insn.text.format(f". + ({target - here})"), "nop_s"]
        word = rule.encode(insn.empty, evaluate(rule.formula, S=target, A=0, P=here))
        ours += bytes(rule.size) + struct.pack(order + "H", 0x78E0)
        codec(order).dump(rule.word, ours, here, word)
    assert assembled(tmp_path, lines, order)[: len(ours)] == ours


@ORDERS
def test_an_address_is_in_the_middle_endian_order_of_instructions(
    order: str, tmp_path: Path
) -> None:
    """MOV with a long immediate, behind an instruction of either length."""
    rule = row_of(ROWS, "R_ARC_32_ME")
    code = assembled(tmp_path, ["mov_s r0, 0x12345678", "mov r8, 0x87654321"], order)
    for at, address in ((2, 0x12345678), (10, 0x87654321)):
        ours = bytearray(code)
        codec(order).dump(rule.word, ours, at, rule.encode(0, address))
        assert codec(order).load(rule.word, code, at) == address
        assert ours == code


@pytest.mark.parametrize(
    ("machine", "order"), [(MACHINE, "<"), (MACHINE_BIG, ">"), (MACHINE_700, "<")]
)
def test_the_code_of_a_veneer_is_what_the_assembler_writes(
    machine: Machine, order: str, tmp_path: Path
) -> None:
    """A jump to any address, which touches no register."""
    form = machine.veneer(row_of(ROWS, "R_ARC_S25W_PCREL"), Core())
    assert form is not None
    code = bytearray(form.code)
    rule = machine.rows[form.relocation]
    codec(order).dump(rule.word, code, form.target_offset, 0x12345678)  # type: ignore[union-attr]
    assert assembled(tmp_path, ["j 0x12345678"], order)[: len(code)] == code
