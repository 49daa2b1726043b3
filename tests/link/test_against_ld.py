# SPDX-License-Identifier: Apache-2.0
"""Relocations that the C library lacks, written by hand and linked by GNU ld too.

The C library and libgcc are compared in tests/conformance.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support import elfbuild
from support.elfbuild import NOTYPE, SHF_ALLOC, SHF_EXECINSTR, SHN_ABS, Rel, Sec, Sym
from support.linking import arm, data, thumb
from support.oracle import assembled, link, retyped, same_as_ld

from west_llext.elf.read import object_file
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

BLX = ["--use-blx"]

#: An address of .text, in a memory in which there is no other.
TEXT = 0x200000


def at_text(folder: Path, content: bytes, symbol: Sym) -> None:
    """The object with .text at TEXT, in a memory of its size, is what GNU ld makes."""
    size = next(each.size for each in object_file(content, "unit.o").sections if each.flags & 4)
    windows = {"text": (TEXT, TEXT + size)}
    same_as_ld(folder, content, [symbol], place=lambda _: {Region.TEXT: TEXT}, windows=windows)


def test_calls_that_change_the_instruction_set(tmp_path: Path) -> None:
    """BL becomes BLX and BLX becomes BL, both ways, at word-aligned and other places."""
    source = """
        .text
        .thumb
        .thumb_func
        .type mine_t, %function
    mine_t:
        bl their_a
        bl their_t
        blx their_a
        blx their_t
        nop
        bl their_a
        blx their_t
        bl mine_a
        blx mine_a
        bl mine_t
        bl their_a + 8
        bl their_t + 8
        .balign 4
        .arm
        .type mine_a, %function
    mine_a:
        bl their_a
        bl their_t
        blx their_a
        blx their_t
        bl mine_t
        bl mine_a
        blne their_a
        bl their_a + 8
        bl their_t + 4
        b their_a
        beq their_a
    """
    content = assembled(tmp_path, source, "cortex-a7")
    symbols = [arm("their_a", 0x80000), thumb("their_t", 0x80102)]
    same_as_ld(tmp_path, content, symbols, options=BLX)


@pytest.mark.parametrize("cpu", ["cortex-a7", "arm926ej-s"])
def test_branches_of_arm_code_to_nothing(tmp_path: Path, cpu: str) -> None:
    """An undefined weak target: the branch does nothing, and keeps its condition."""
    source = """
        .text
        .arm
        .weak nowhere
        bl nowhere
        blne nowhere
        b nowhere
        bgt nowhere
        .word nowhere, nowhere + 4, nowhere - .
    """
    same_as_ld(tmp_path, assembled(tmp_path, source, cpu), options=BLX)


@pytest.mark.parametrize("cpu", ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m23", "cortex-m33"])
def test_branches_of_thumb_code_to_nothing(tmp_path: Path, cpu: str) -> None:
    """NOP.W where the core has it; else a branch to the next instruction."""
    jump = "b.w nowhere" if cpu != "cortex-m0" else ""
    source = f"""
        .text
        .thumb
        .weak nowhere
        bl nowhere
        {jump}
        nop
        bl nowhere
        .balign 4
        .word nowhere, nowhere + 4, nowhere - .
    """
    same_as_ld(tmp_path, assembled(tmp_path, source, cpu))


MOVES = """
    .text
    .{state}
    movw r0, #:lower16:code
    movt r0, #:upper16:code
    movw r1, #:lower16:code + 0x7ff0
    movt r1, #:upper16:code + 0x7ff0
    movw r2, #:lower16:things
    movt r2, #:upper16:things
    movw r3, #:lower16:things - 0x8000
    movt r3, #:upper16:things - 0x8000
    movw r4, #:lower16:things + 0x7fff
    movt r4, #:upper16:things + 0x7fff
    movw r5, #:lower16:(code - .)
    movt r5, #:upper16:(code - .)
    movw r6, #:lower16:(things - . + 6)
    movt r6, #:upper16:(things - . + 6)
    movw r7, #:lower16:mine + 4
    movt r7, #:upper16:mine + 4
    movw r8, #:lower16:nowhere
    movt r8, #:upper16:nowhere
    .weak nowhere
    .bss
    .space 0x234
mine: .space 8
"""


@pytest.mark.parametrize("state", ["thumb", "arm"])
@pytest.mark.parametrize("address", [0x100, 0x2000FF00, 0xFFFF8000])
def test_moves_of_an_address_in_two_halves(tmp_path: Path, state: str, address: int) -> None:
    """MOVW and MOVT, absolute and relative; the addend at both limits of REL."""
    content = assembled(tmp_path, MOVES.format(state=state), "cortex-a7")
    symbols = [thumb("code", address + 0x100), data("things", address)]
    same_as_ld(tmp_path, content, symbols)


def test_data_words(tmp_path: Path) -> None:
    """Absolute and relative words, halves, bytes, TARGET1, TARGET2; sections and labels."""
    source = """
        .text
        .thumb
        .thumb_func
        .type local, %function
    local: nop
        .thumb_func
    label: nop
        .data
        .balign 4
        .word code, things, local, label, label + 2, .data, .text + 1, plain
        .word code + 2, things - 0x100, code - ., things - . + 4, plain - .
        .word local - ., . - 4
        .word code(TARGET1), code(TARGET2), things(TARGET2)
        .hword tiny, tiny + 0x7f00, tiny - 0x100
        .byte tiny, tiny + 0x7f, tiny - 0x90
        .byte 0
        .word tiny - 0x100
    """
    content = assembled(tmp_path, source)
    symbols = [
        thumb("code", 0x08000100),
        data("things", 0x20000000),
        Sym(name="plain", value=0x30001, type=NOTYPE, section=SHN_ABS),
        data("tiny", 0x80),
    ]
    same_as_ld(tmp_path, content, symbols)


def test_words_of_31_bits(tmp_path: Path) -> None:
    """R_ARM_PREL31 keeps the highest bit; the assembler makes it in unwind tables only."""
    source = ".data\n.word code - ., code - . + 0x10, things - . + 0x80000000\n"
    content = retyped(assembled(tmp_path, source), 3, 42)
    symbols = [thumb("code", 0x08000100), data("things", 0x20000000)]
    same_as_ld(tmp_path, content, symbols)


def test_unaligned_words(tmp_path: Path) -> None:
    """Packed structures have pointers anywhere."""
    source = ".data\n.byte 1\n.4byte code, things\n.byte 2\n.4byte things - .\n"
    symbols = [thumb("code", 0x08000100), data("things", 0x20000000)]
    same_as_ld(tmp_path, assembled(tmp_path, source), symbols)


@pytest.mark.parametrize("address", [0x12345678, 0x80, 0xFF00FF00])
def test_an_address_in_four_bytes(tmp_path: Path, address: int) -> None:
    """R_ARM_THM_ALU_ABS_G0_NC to G3, which compilers use for v6-M code that can't be read."""
    source = """
        .text
        .thumb
        movs r0, #:upper8_15:things
        lsls r0, r0, #8
        adds r0, #:upper0_7:things
        movs r1, #:lower8_15:code
        adds r1, #:lower0_7:code
        movs r2, #:lower8_15:things + 0x90
        adds r2, #:lower0_7:things + 0x90
    """
    content = assembled(tmp_path, source, "cortex-m0")
    symbols = [thumb("code", address), data("things", address)]
    same_as_ld(tmp_path, content, symbols)


def test_short_branches_to_another_file(tmp_path: Path) -> None:
    """B, B<c>, B.W and B<c>.W with a target that the linker supplies."""
    source = ".text\n.thumb\nb.n near\nbeq.n near\nb.w near\nbne.w near\nb.n near + 6\n"
    content = assembled(tmp_path, source)
    at_text(tmp_path, content, thumb("near", TEXT + 0x40))
    at_text(tmp_path, content, thumb("near", TEXT - 0x40))


@pytest.mark.parametrize("distance", [4, 0x10, 0x40, 0x80])
def test_compare_and_branch_to_another_file(tmp_path: Path, distance: int) -> None:
    """CBZ with the psABI's addend of -4, which GNU ld takes for 124: so the assembler is asked."""
    code = bytes.fromhex("f0b3 f7bb")  # cbz r0, . and cbnz r7, .: imm is 0x7c
    rows = [Rel(offset=offset, type=52, symbol="ahead") for offset in (0, 2)]
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=code, relocations=rows)
    content = elfbuild.elf(sections=[text], symbols=[Sym(name="ahead")])
    made = link(
        content,
        [thumb("ahead", TEXT + distance + 2)],
        place=lambda _: {Region.TEXT: TEXT},
    )
    source = f".text\n.thumb\ncbz r0, . + {distance + 2}\ncbnz r7, . + {distance}\n"
    expected = object_file(assembled(tmp_path, source), "unit.o")
    index = next(n for n, each in enumerate(expected.sections) if each.name == ".text")
    assert expected.content(index) == made.content(Region.TEXT)


@pytest.mark.parametrize("distance", [-0x100000, -0x80000, -0x40000, -4, 0x40000, 0x80000, 0xFFFFE])
def test_conditional_branches_that_go_further(tmp_path: Path, distance: int) -> None:
    """B<c>.W with J1 and J2 both ways, at both limits of ±1 MiB."""
    content = assembled(tmp_path, ".text\n.thumb\nbmi.w far\n")
    at_text(tmp_path, content, thumb("far", TEXT + 4 + distance))


def test_bx_of_armv4t_stays(tmp_path: Path) -> None:
    """R_ARM_V4BX marks a BX for cores that have none; GNU ld leaves it alone, unless told."""
    source = ".text\n.arm\nbx lr\nbxne r3\n"
    content = assembled(tmp_path, source, "arm7tdmi", "-Wa,--fix-v4bx")
    made = same_as_ld(tmp_path, content)
    assert made.content(Region.TEXT).hex() == "1eff2fe113ff2f11"


def test_common_symbols(tmp_path: Path) -> None:
    """They go behind .bss, those of the largest alignment first."""
    source = """
        .bss
        .space 3
        .data
        .word one, eight + 4, thirty
        .comm one, 1, 1
        .comm eight, 8, 8
        .comm thirty, 6, 32
    """
    content = assembled(tmp_path, source)
    made = link(content)
    bss = made.addresses[Region.BSS]
    assert bss % 32 == 0
    expected = [(".bss", 0, 3), ("COMMON", 32, 6), ("COMMON", 40, 8), ("COMMON", 48, 1)]
    section = made.linked.section(Region.BSS)
    assert section is not None
    assert expected == [tuple(piece) for piece in section.pieces]
    assert (section.size, section.align) == (49, 32)
    words = struct.unpack("<3I", made.content(Region.DATA))
    assert words == (bss + 48, bss + 44, bss + 32)
