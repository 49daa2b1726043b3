# SPDX-License-Identifier: Apache-2.0
"""Encodings compared with the GNU assembler's: at the limits and at 50 values between them.

The assembler resolves branches inside a section by itself, so that no relocation is involved.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from support.cross import output, tool
from support.fields import MIB, row_of, sampled

from west_llext.arch.aarch64 import LDR_BR, MACHINE, ROWS
from west_llext.arch.machine import Core
from west_llext.arch.table import Row

pytestmark = pytest.mark.cross

AARCH64 = "aarch64-linux-gnu-"


class Insn(NamedTuple):
    """An instruction with a field.

    text: assembler's text, with the value of the field for `{}`
    empty: its word with a field of zeros
    low, high, step: what the field holds; the limits are inclusive
    """

    row: str
    text: str
    empty: int
    low: int
    high: int
    step: int


# fmt: off
INSNS = (
    Insn("R_AARCH64_CALL26", "bl . + ({})", 0x94000000, -128 * MIB, 128 * MIB - 4, 4),
    Insn("R_AARCH64_JUMP26", "b . + ({})", 0x14000000, -128 * MIB, 128 * MIB - 4, 4),
    Insn("R_AARCH64_CONDBR19", "b.lt . + ({})", 0x5400000B, -1 * MIB, 1 * MIB - 4, 4),
    Insn("R_AARCH64_CONDBR19", "cbnz w9, . + ({})", 0x35000009, -1 * MIB, 1 * MIB - 4, 4),
    Insn("R_AARCH64_TSTBR14", "tbnz x7, #45, . + ({})", 0xB7680007, -32768, 32764, 4),
    Insn("R_AARCH64_LD_PREL_LO19", "ldr x21, . + ({})", 0x58000015, -1 * MIB, 1 * MIB - 4, 4),
    Insn("R_AARCH64_LD_PREL_LO19", "ldr q3, . + ({})", 0x9C000003, -1 * MIB, 1 * MIB - 4, 4),
    Insn("R_AARCH64_ADR_PREL_LO21", "adr x21, . + ({})", 0x10000015, -1 * MIB, 1 * MIB - 1, 1),
    Insn("R_AARCH64_ADD_ABS_LO12_NC", "add x1, x2, #{}", 0x91000041, 0, 4095, 1),
    Insn("R_AARCH64_LDST8_ABS_LO12_NC", "strb w1, [x2, #{}]", 0x39000041, 0, 4095, 1),
    Insn("R_AARCH64_LDST16_ABS_LO12_NC", "ldrsh x1, [x2, #{}]", 0x79800041, 0, 4094, 2),
    Insn("R_AARCH64_LDST32_ABS_LO12_NC", "ldr s1, [x2, #{}]", 0xBD400041, 0, 4092, 4),
    Insn("R_AARCH64_LDST64_ABS_LO12_NC", "str x1, [x2, #{}]", 0xF9000041, 0, 4088, 8),
    Insn("R_AARCH64_LDST128_ABS_LO12_NC", "ldr q1, [x2, #{}]", 0x3DC00041, 0, 4080, 16),
    Insn("R_AARCH64_MOVW_UABS_G0", "movz x11, #{}", 0xD280000B, 0, 0xFFFF, 1),
    Insn("R_AARCH64_MOVW_UABS_G1", "movz w11, #{}, lsl #16", 0x52A0000B, 0, 0xFFFF, 1),
    Insn("R_AARCH64_MOVW_UABS_G2_NC", "movk x11, #{}, lsl #32", 0xF2C0000B, 0, 0xFFFF, 1),
    Insn("R_AARCH64_MOVW_UABS_G3", "movk x11, #{}, lsl #48", 0xF2E0000B, 0, 0xFFFF, 1),
    Insn("R_AARCH64_TLSLE_ADD_TPREL_HI12", "add x1, x2, #{}, lsl #12", 0x91400041, 0, 4095, 1),
)
# fmt: on


def assembled(folder: Path, lines: list[str]) -> list[int]:
    """The words of the code that the lines are."""
    source, made, raw = folder / "unit.s", folder / "unit.o", folder / "unit.bin"
    source.write_text("\n".join([*lines, ""]), encoding="utf-8")
    output(tool("as", AARCH64), str(source), "-o", str(made))
    output(tool("objcopy", AARCH64), "-O", "binary", "-j", ".text", str(made), str(raw))
    data = raw.read_bytes()
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


def row(name: str) -> Row:
    """The row of that name."""
    return row_of(ROWS, name)


@pytest.mark.parametrize("insn", INSNS, ids=[i.text.split(maxsplit=1)[0] for i in INSNS])
def test_an_encoded_field_is_what_the_assembler_writes(insn: Insn, tmp_path: Path) -> None:
    """Encoding and, the other way, the value that is read from the assembler's word."""
    values = sampled(insn.low, insn.high, insn.step)
    rule = row(insn.row)
    words = assembled(tmp_path, [insn.text.format(value) for value in values])
    assert words == [rule.encode(insn.empty, value << rule.shift) for value in values]
    kept = rule.layout.extract_signed if insn.low < 0 else rule.layout.extract
    assert values == [kept(word) for word in words]


def disassembled(folder: Path, words: list[int]) -> list[str]:
    """What the disassembler makes of words at 0x40000000, with single spaces."""
    raw = folder / "unit.bin"
    raw.write_bytes(b"".join(word.to_bytes(4, "little") for word in words))
    command = [tool("objdump", AARCH64), "-D", "-b", "binary", "-m", "aarch64"]
    text = output(*command, "--adjust-vma=0x40000000", str(raw))
    lines = [line.split("\t") for line in text.splitlines() if line.count("\t") >= 2]
    return [" ".join(each[2:]).strip() for each in lines]


def test_a_page_is_what_the_disassembler_reads(tmp_path: Path) -> None:
    """ADRP counts in pages of 4096 bytes, from the one of the place."""
    values = sampled(-4096 * MIB, 4096 * MIB - 4096, 4096)
    rule = row("R_AARCH64_ADR_PREL_PG_HI21")
    ours = [rule.encode(0x90000015, value) for value in values]
    targets = [(0x40000000 + value) & (1 << 64) - 1 for value in values]
    assert disassembled(tmp_path, ours) == [f"adrp x21, 0x{each:x}" for each in targets]
    assert values == [rule.layout.extract_signed(word) for word in ours]


@pytest.mark.parametrize("group", [0, 1, 2])
def test_a_signed_move_is_what_the_assembler_writes(group: int, tmp_path: Path) -> None:
    """AAELF64: MOVN with inverted bits for negative values, MOVZ for others."""
    rule = row(f"R_AARCH64_MOVW_SABS_G{group}")
    shift, limit = 16 * group, 1 << 16 * (group + 1)
    values = sampled(-limit, limit - 1, 1)
    lines = [
        f"movn x11, #{~value >> shift}, lsl #{shift}"
        if value < 0
        else f"movz x11, #{value >> shift}, lsl #{shift}"
        for value in values
    ]
    words = assembled(tmp_path, lines)
    assert words == [rule.encode(0xD280000B | group << 21, value) for value in values]
    assert [value >> shift for value in values] == [
        rule.layout.extract_signed(word) for word in words
    ]


def test_the_code_of_a_veneer_is_what_the_assembler_writes(tmp_path: Path) -> None:
    """The address goes into the last two words."""
    words = assembled(tmp_path, ["ldr x16, . + 8", "br x16", ".quad 0"])
    assert LDR_BR.code == b"".join(word.to_bytes(4, "little") for word in words)


def test_a_branch_to_nowhere_is_the_assemblers_nop(tmp_path: Path) -> None:
    """AAELF64, "Call and Jump relocations"."""
    word = MACHINE.undefined_branch(row("R_AARCH64_CALL26"), 0x94000000, Core())
    assert [word] == assembled(tmp_path, ["nop"])
