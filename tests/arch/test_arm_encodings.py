# SPDX-License-Identifier: Apache-2.0
"""Encodings compared with the GNU assembler's: at the limits and at 50 values between them.

The assembler resolves branches inside a section by itself, so that no relocation is involved.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from support.cross import output, tool
from support.fields import row_of, sampled

from west_llext.arch.arm import ARM_LDR_PC, LDR_PC, MACHINE, PUSH_POP, ROWS
from west_llext.arch.machine import Core, Veneer
from west_llext.arch.table import Row

pytestmark = pytest.mark.cross

M = 1 << 20


class Insn(NamedTuple):
    """An instruction with a field.

    text: assembler's text, with the value of the field for `{}`
    state: directive of its instruction set
    empty: its word with a field of zeros
    low, high, step: what the field holds; the limits are inclusive
    """

    row: str
    text: str
    state: str
    empty: int
    low: int
    high: int
    step: int


# fmt: off
INSNS = (
    Insn("R_ARM_THM_CALL", "bl . + 4 + ({})", ".thumb", 0xF000F800, -16 * M, 16 * M - 2, 2),
    Insn("R_ARM_THM_JUMP24", "b.w . + 4 + ({})", ".thumb", 0xF000B800, -16 * M, 16 * M - 2, 2),
    Insn("R_ARM_THM_JUMP19", "bge.w . + 4 + ({})", ".thumb", 0xF2808000, -1 * M, 1 * M - 2, 2),
    Insn("R_ARM_THM_JUMP11", "b.n . + 4 + ({})", ".thumb", 0xE000, -2048, 2046, 2),
    Insn("R_ARM_THM_JUMP8", "bne.n . + 4 + ({})", ".thumb", 0xD100, -256, 254, 2),
    Insn("R_ARM_THM_JUMP6", "cbnz r5, . + 4 + {}", ".thumb", 0xB905, 0, 126, 2),
    Insn("R_ARM_CALL", "bl . + 8 + ({})", ".arm", 0xEB000000, -32 * M, 32 * M - 4, 4),
    Insn("R_ARM_JUMP24", "bllt . + 8 + ({})", ".arm", 0xBB000000, -32 * M, 32 * M - 4, 4),
    Insn("R_ARM_MOVW_ABS_NC", "movw r11, #{}", ".arm", 0xE300B000, 0, 0xFFFF, 1),
    Insn("R_ARM_MOVT_ABS", "movt r11, #{}", ".arm", 0xE340B000, 0, 0xFFFF, 1),
    Insn("R_ARM_THM_MOVW_ABS_NC", "movw r11, #{}", ".thumb", 0xF2400B00, 0, 0xFFFF, 1),
    Insn("R_ARM_THM_MOVT_ABS", "movt r11, #{}", ".thumb", 0xF2C00B00, 0, 0xFFFF, 1),
    Insn("R_ARM_THM_ALU_ABS_G0_NC", "movs r6, #{}", ".thumb", 0x2600, 0, 0xFF, 1),
)
# fmt: on


def assembled(folder: Path, state: str, lines: list[str], size: int) -> list[int]:
    """The words of instructions of equal size; a Thumb word has its first halfword on top."""
    source, made, raw = folder / "unit.s", folder / "unit.o", folder / "unit.bin"
    head = [".syntax unified", ".arch armv7-a", *state.split("; ")]
    source.write_text("\n".join([*head, *lines, ""]), encoding="utf-8")
    output(tool("as"), str(source), "-o", str(made))
    output(tool("objcopy"), "-O", "binary", "-j", ".text", str(made), str(raw))
    data = raw.read_bytes()
    assert len(lines) * size == len(data)
    words = [data[at : at + size] for at in range(0, len(data), size)]
    if state.endswith(".thumb"):
        halves = [[each[at : at + 2] for at in range(0, size, 2)] for each in words]
        return [int.from_bytes(b"".join(h[::-1] for h in each), "big") for each in halves]
    return [int.from_bytes(each, "little") for each in words]


def row(name: str) -> Row:
    """The row of that name."""
    return row_of(ROWS, name)


@pytest.mark.parametrize("insn", INSNS, ids=[f"{i.row}" for i in INSNS])
def test_an_encoded_field_is_what_the_assembler_writes(insn: Insn, tmp_path: Path) -> None:
    """Encoding and, the other way, the addend that is read from the assembler's word."""
    values = sampled(insn.low, insn.high, insn.step)
    rule = row(insn.row)
    lines = [insn.text.format(value) for value in values]
    words = assembled(tmp_path, insn.state, lines, rule.size)
    assert words == [rule.encode(insn.empty, value << rule.shift) for value in values]
    kept = rule.layout.extract_signed if insn.low < 0 else rule.layout.extract
    assert values == [kept(word) for word in words]


def blx_words(name: str, low: int, high: int, step: int) -> tuple[list[int], list[int]]:
    """Values of BLX, and what the engine makes of a BL to code of the other instruction set."""
    values = sampled(low, high, step)
    thumb = name == "R_ARM_THM_CALL"
    ahead, word = (4, 0xF7FFFFFE) if thumb else (8, 0xEBFFFFFE)
    place = 0x40000000

    def encoded(value: int) -> int:
        S = place + ahead + value
        return MACHINE.branch(row(name), word, S=S, A=-ahead, P=place, T=int(not thumb))

    return values, [encoded(value) for value in values]


def test_a_thumb_call_of_arm_code_is_what_the_assembler_writes(tmp_path: Path) -> None:
    """BL becomes BLX; the assembler writes BLX."""
    values, words = blx_words("R_ARM_THM_CALL", -16 * M, 16 * M - 4, 4)
    lines = [f"blx . + 4 + ({value})" for value in values]
    assert assembled(tmp_path, ".thumb", lines, 4) == words


def test_an_arm_call_of_thumb_code_is_what_the_assembler_writes(tmp_path: Path) -> None:
    """BL becomes BLX; the assembler writes BLX."""
    values, words = blx_words("R_ARM_CALL", -32 * M, 32 * M - 2, 2)
    lines = [f"blx . + 8 + ({value})" for value in values]
    assert assembled(tmp_path, ".arm", lines, 4) == words


@pytest.mark.parametrize(
    ("expected", "name", "word", "core"),
    [
        ((".thumb", "nop.w"), "R_ARM_THM_CALL", 0xF7FFFFFE, Core(thumb2=True)),
        ((".thumb", "b . + 4; nop"), "R_ARM_THM_CALL", 0xF7FFFFFE, Core(thumb2=False)),
        ((".arm", "nop"), "R_ARM_CALL", 0xEBFFFFFE, Core(blx=True, thumb2=True)),
        ((".arm", "nop"), "R_ARM_CALL", 0xFAFFFFFE, Core(blx=True, thumb2=True)),
        ((".arm", "nopne"), "R_ARM_JUMP24", 0x1BFFFFFE, Core(blx=True, thumb2=True)),
        ((".arm", "moveq r0, r0"), "R_ARM_JUMP24", 0x0BFFFFFE, Core(blx=True, thumb2=False)),
        ((".arm", "mov r0, r0"), "R_ARM_CALL", 0xEBFFFFFE, Core(blx=True, thumb2=False)),
    ],
)
def test_a_branch_to_nowhere_is_an_instruction_that_does_nothing(
    expected: tuple[str, str], name: str, word: int, core: Core, tmp_path: Path
) -> None:
    """AAELF32: an unresolved weak call goes to the next instruction; a condition stays."""
    state, text = expected
    assert assembled(tmp_path, state, [text], 4) == [
        MACHINE.undefined_branch(row(name), word, core)
    ]


@pytest.mark.parametrize(
    ("form", "state", "lines"),
    [
        (LDR_PC, ".arch armv7-m; .thumb", "ldr.w pc, [pc]; .word 0"),
        (
            PUSH_POP,
            ".arch armv6s-m; .thumb",
            "push {r4}; ldr r4, [pc, #8]; mov ip, r4; pop {r4}; bx ip; nop; .word 0",
        ),
        (ARM_LDR_PC, ".arch armv5te; .arm", "ldr pc, [pc, #-4]; .word 0"),
    ],
    ids=lambda each: each.name if isinstance(each, Veneer) else "",
)
def test_the_code_of_a_veneer_is_what_the_assembler_writes(
    form: Veneer, state: str, lines: str, tmp_path: Path
) -> None:
    """Its instructions are those of the smallest core; its address goes into the last word."""
    words = assembled(tmp_path, state, [lines.replace("; ", "\n")], len(form.code))
    size = len(form.code)
    if state.endswith(".thumb"):
        halves = words[0].to_bytes(size, "big")
        code = b"".join(halves[at : at + 2][::-1] for at in range(0, size, 2))
    else:
        code = words[0].to_bytes(size, "little")
    assert code == form.code
    assert (size - 4, 4) == (form.target_offset, form.alignment)


def test_the_short_veneer_is_no_code_for_small_cores(tmp_path: Path) -> None:
    """v6-M has no LDR.W to the program counter, which is why there is a form for it."""
    with pytest.raises(subprocess.CalledProcessError):
        assembled(tmp_path, ".arch armv6s-m; .thumb", ["ldr.w pc, [pc]"], 4)
