# SPDX-License-Identifier: Apache-2.0
"""Encodings compared with the GNU assembler and disassembler: at the limits and between them.

The assembler leaves branches to the linker, so those are read back by the disassembler.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from support.cross import output, tool
from support.fields import MIB, row_of, sampled

from west_llext.arch.machine import Core, Veneer
from west_llext.arch.riscv import MACHINE_64, ROWS_64, VENEER_32, VENEER_64
from west_llext.arch.table import Row

pytestmark = pytest.mark.cross

RISCV = "riscv64-unknown-elf-"
GIB = 1 << 30
#: Where the disassembler is told that the code is.
PLACE = 1 << 40


class Insn(NamedTuple):
    """An instruction with a field.

    text: assembler's text, with the value of the field for `{}`; the disassembler writes the
        address that a branch goes to
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
BRANCHES = (
    Insn("R_RISCV_BRANCH", "bne a0,a1,{}", 0x00B51063, -4096, 4094, 2),
    Insn("R_RISCV_BRANCH", "bgeu s11,t6,{}", 0x01FDF063, -4096, 4094, 2),
    Insn("R_RISCV_JAL", "jal ra,{}", 0x000000EF, -1 * MIB, 1 * MIB - 2, 2),
    Insn("R_RISCV_JAL", "jal t6,{}", 0x00000FEF, -1 * MIB, 1 * MIB - 2, 2),
    Insn("R_RISCV_RVC_BRANCH", "c.beqz a0,{}", 0xC101, -256, 254, 2),
    Insn("R_RISCV_RVC_BRANCH", "c.bnez s1,{}", 0xE081, -256, 254, 2),
    Insn("R_RISCV_RVC_JUMP", "c.j {}", 0xA001, -2048, 2046, 2),
)
IMMEDIATES = (
    Insn("R_RISCV_LO12_I", "addi a0, a0, {}", 0x00050513, -2048, 2047, 1),
    Insn("R_RISCV_LO12_I", "lbu t6, {}(s11)", 0x000DCF83, -2048, 2047, 1),
    Insn("R_RISCV_PCREL_LO12_I", "ld s11, {}(t6)", 0x000FBD83, -2048, 2047, 1),
    Insn("R_RISCV_TPREL_LO12_I", "lw a0, {}(tp)", 0x00022503, -2048, 2047, 1),
    Insn("R_RISCV_LO12_S", "sw a1, {}(a0)", 0x00B52023, -2048, 2047, 1),
    Insn("R_RISCV_PCREL_LO12_S", "sd t6, {}(s11)", 0x01FDB023, -2048, 2047, 1),
    Insn("R_RISCV_TPREL_LO12_S", "sb t6, {}(tp)", 0x01F20023, -2048, 2047, 1),
)
UPPERS = (
    Insn("R_RISCV_HI20", "lui a0, {}", 0x00000537, 0, 0xFFFFF, 1),
    Insn("R_RISCV_TPREL_HI20", "lui t6, {}", 0x00000FB7, 0, 0xFFFFF, 1),
    Insn("R_RISCV_PCREL_HI20", "auipc s11, {}", 0x00000D97, 0, 0xFFFFF, 1),
)
# fmt: on


def row(name: str) -> Row:
    """The row of that name."""
    return row_of(ROWS_64, name)


def assembled(folder: Path, lines: list[str], size: int = 4, isa: str = "rv64gc") -> list[int]:
    """The words of instructions of equal size."""
    source, made, raw = folder / "unit.s", folder / "unit.o", folder / "unit.bin"
    source.write_text("\n".join([".option norvc", *lines, ""]), encoding="utf-8")
    output(tool("as", RISCV), f"-march={isa}", str(source), "-o", str(made))
    output(tool("objcopy", RISCV), "-O", "binary", "-j", ".text", str(made), str(raw))
    data = raw.read_bytes()
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]


def disassembled(folder: Path, code: bytes, bits: int = 64) -> list[str]:
    """What the disassembler makes of code at `PLACE`, with its own names for instructions."""
    raw = folder / "unit.bin"
    raw.write_bytes(code)
    command = [tool("objdump", RISCV), "-D", "-b", "binary", "-m", f"riscv:rv{bits}"]
    command += ["-M", "no-aliases", f"--adjust-vma={PLACE if bits == 64 else 0:#x}"]
    text = output(*command, str(raw))
    lines = [line.split("\t") for line in text.splitlines() if line.count("\t") >= 2]
    return [" ".join(each[2:]).split(" #")[0].strip() for each in lines]


@pytest.mark.parametrize("insn", BRANCHES, ids=[each.text for each in BRANCHES])
def test_an_encoded_branch_is_what_the_disassembler_reads(insn: Insn, tmp_path: Path) -> None:
    """Encoding and, the other way, the value that is in the word."""
    values = sampled(insn.low, insn.high, insn.step)
    rule = row(insn.row)
    words = [rule.encode(insn.empty, value) for value in values]
    code = b"".join(word.to_bytes(rule.size, "little") for word in words)
    targets = [PLACE + rule.size * number + value for number, value in enumerate(values)]
    assert disassembled(tmp_path, code) == [insn.text.format(hex(each)) for each in targets]
    assert values == [rule.layout.extract_signed(word) for word in words]


@pytest.mark.parametrize("insn", IMMEDIATES, ids=[each.text for each in IMMEDIATES])
def test_an_encoded_immediate_is_what_the_assembler_writes(insn: Insn, tmp_path: Path) -> None:
    """Encoding and, the other way, the value that is in the word."""
    values = sampled(insn.low, insn.high, insn.step)
    rule = row(insn.row)
    words = assembled(tmp_path, [insn.text.format(value) for value in values])
    assert words == [rule.encode(insn.empty, value) for value in values]
    assert values == [rule.layout.extract_signed(word) for word in words]


@pytest.mark.parametrize("insn", UPPERS, ids=[each.text for each in UPPERS])
def test_an_encoded_upper_part_is_what_the_assembler_writes(insn: Insn, tmp_path: Path) -> None:
    """The assembler takes bits 31 to 12; the lower part that belongs to a value may be negative."""
    uppers = sampled(insn.low, insn.high, insn.step)
    rule = row(insn.row)
    words = assembled(tmp_path, [insn.text.format(value) for value in uppers])
    for low in (-0x800, 0, 0x7FF):
        signed = [(upper ^ 0x80000) - 0x80000 for upper in uppers]
        assert words == [rule.encode(insn.empty, (value << 12) + low) for value in signed]


def test_a_call_is_what_the_disassembler_reads(tmp_path: Path) -> None:
    """AUIPC adds bits 31 to 12 to the place, JALR the rest with its sign."""
    values = sampled(-2 * GIB - 0x800, 2 * GIB - 0x801, 1)
    rule = row("R_RISCV_CALL_PLT")
    words = [rule.encode(0x00000317_000300E7, value) for value in values]
    halves = [half for word in words for half in (word >> 32, word & 0xFFFFFFFF)]
    code = b"".join(half.to_bytes(4, "little") for half in halves)
    lines = disassembled(tmp_path, code)
    reached = []
    for number in range(0, len(lines), 2):
        upper = int(lines[number].removeprefix("auipc t1,"), 16)
        lower = int(lines[number + 1].removeprefix("jalr ra,").removesuffix("(t1)"))
        reached.append((((upper ^ 0x80000) - 0x80000) << 12) + lower)
    assert reached == values


@pytest.mark.parametrize(
    ("form", "isa", "lines"),
    [
        (VENEER_32, "rv32i", "auipc t1, 0; lw t1, 12(t1); jr t1; .word 0"),
        (VENEER_64, "rv64i", "auipc t1, 0; ld t1, 16(t1); jr t1; nop; .word 0; .word 0"),
    ],
    ids=["rv32", "rv64"],
)
def test_the_code_of_a_veneer_is_what_the_assembler_writes(
    form: Veneer, isa: str, lines: str, tmp_path: Path
) -> None:
    """Its instructions are those of the smallest core; its address goes into the last word."""
    words = assembled(tmp_path, lines.split("; "), isa=isa)
    assert b"".join(word.to_bytes(4, "little") for word in words) == form.code


def test_a_veneer_uses_no_register_that_a_call_keeps(tmp_path: Path) -> None:
    """The psABI, "Integer Register Convention": t1 is temporary; the small E base has it, too."""
    for form, bits in ((VENEER_32, 32), (VENEER_64, 64)):
        lines = disassembled(tmp_path, form.code[: form.target_offset], bits)
        assert lines[0] == "auipc t1,0x0"
        assert lines[2] == "jalr zero,0(t1)"
        assert all(each in {"t1", "zero"} for line in lines for each in registers(line))


def registers(line: str) -> list[str]:
    """The registers of a line of the disassembler."""
    words = line.split(None, 1)[1].replace("(", ",").replace(")", "").split(",")
    return [each for each in words if each[0].isalpha()]


def test_a_call_of_nothing_is_what_the_assembler_writes(tmp_path: Path) -> None:
    """AUIPC doesn't matter then; JALR counts from x0."""
    ours = MACHINE_64.undefined_branch(row("R_RISCV_CALL"), 0x00000317_000300E7, Core())
    assert ours is not None
    words = assembled(tmp_path, ["auipc t1, 0", "jalr ra, 0(x0)"])
    assert [ours >> 32, ours & 0xFFFFFFFF] == words
