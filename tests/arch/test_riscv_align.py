# SPDX-License-Identifier: Apache-2.0
"""Excess nops are deleted where GNU ld deletes them, and everything behind them moves along.

GNU ld gets --no-relax: it deletes nops then, too, and nothing else.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.elfbuild import SHF_ALLOC, SHF_EXECINSTR, Rel, Sec, Sym, elf
from support.linking import Case, Outcome, extension, offer
from support.oracle import same_as_ld
from support.riscv import EM_RISCV, assembled, function, ident

from west_llext.arch.riscv_align import R_RISCV_ALIGN, without_excess_nops
from west_llext.elf.read import object_file
from west_llext.model.elf import ObjectFile

CODE = SHF_ALLOC | SHF_EXECINSTR
NOP, C_NOP = b"\x13\0\0\0", b"\x01\0"

# Labels, sizes, branches both ways over padding, tables of addresses and distances, a place that
# has the upper part of an address, all of them behind padding that is deleted in part.
SOURCE = """
    .text
    .globl first, second, third, data
    .type first, @function
    .type second, @function
first:
    c.nop
    c.beqz a0, 2f
    .p2align 4
1:  bnez a1, 1b
    call printk
    bgeu a2, a3, second
    .p2align 3
2:  j second
    c.nop
    .size first, . - first
    .p2align 5
second:
    la a0, table
    c.bnez a0, 2b
    lui a1, %hi(data)
    lw a1, %lo(data)(a1)
    jal first
    c.nop
    .p2align 2
third:
    beq a0, a1, first
    c.nop
    .size second, . - second
    .p2align 6
    ret

    .section .rodata, "a"
    .p2align 3
table:
    .word first - table, second - first, third - second, 1b - 2b
    .half second - first
    .byte third - second
    .p2align 3
    .{word} first, second + 2, third, 1b

    .data
    .p2align 3
data:
    .{word} table, second
"""


def unit(folder: Path, bits: int, *flags: str) -> bytes:
    """The object of SOURCE."""
    return assembled(folder, SOURCE.format(word="word" if bits == 32 else "dword"), bits, *flags)


def aligns(obj: ObjectFile) -> int:
    """How many alignments an object leaves to the linker."""
    rows = [row for each in obj.relocations.values() for row in each]
    return sum(row.type == R_RISCV_ALIGN for row in rows)


@pytest.mark.cross
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("flags", [(), ("-mno-relax",)], ids=["padded", "no-relax"])
def test_what_is_left_is_what_gnu_ld_leaves(
    bits: int, flags: tuple[str, ...], tmp_path: Path
) -> None:
    """Bytes, symbols with their sizes, branches, tables."""
    content = unit(tmp_path, bits, *flags)
    assert aligns(object_file(content, "unit.o")) == (0 if flags else 5)
    made = same_as_ld(tmp_path, content, [function("printk", 0x80000)])
    theirs = object_file((tmp_path / "out.elf").read_bytes(), "out.elf")
    expected = {each.name: (each.value, each.size) for each in theirs.symbols}
    names = {"first", "second", "third", "data", "table"}
    starts = [section.address or 0 for section in made.linked.sections]
    ours = {
        each.name: (each.value + starts[each.section - 1], each.size)
        for each in made.linked.all_symbols
        if each.name in names
    }
    assert ours == {name: expected[name] for name in names}


@pytest.mark.cross
@pytest.mark.parametrize("seed", range(12))
def test_any_mix_of_code_and_alignment_is_what_gnu_ld_leaves(seed: int, tmp_path: Path) -> None:
    """Paddings of 0 to 62 bytes, in sections of several alignments, with calls between them."""
    chance = random.Random(seed)  # noqa: S311 (any even spread will do)
    lines = []
    for section in range(3):
        lines.append(f'.section .text.s{section}, "ax"')
        for block in range(chance.randrange(1, 7)):
            lines.append(f"s{section}_{block}:")
            for _ in range(chance.randrange(6)):
                other = chance.randrange(section + 1)
                lines.append(
                    chance.choice(["c.nop", "nop", f"call s{other}_0", f"beqz a0, s{section}_0"])
                )
            lines.append(f".p2align {chance.randrange(1, 7)}")
        lines.append("ret")
    content = assembled(tmp_path, "\n".join(lines), 32 if seed % 2 else 64)
    assert aligns(object_file(content, "unit.o"))
    same_as_ld(tmp_path, content)


def padded(content: bytes, *rows: Rel, align: int = 8, **extra: object) -> bytes:
    """An object with one section of code and these relocations."""
    text = Sec(name=".text", flags=CODE, content=content, align=align, relocations=rows)
    return elf(machine=EM_RISCV, bits=64, flags=1, sections=[text], **extra)  # type: ignore[arg-type]


def align_at(offset: int, room: int) -> Rel:
    """An alignment with so many bytes of nops."""
    return Rel(offset=offset, type=R_RISCV_ALIGN, addend=room)


def content_of(obj: ObjectFile) -> bytes:
    """The bytes of .text."""
    index = next(n for n, section in enumerate(obj.sections) if section.name == ".text")
    return obj.content(index)


@pytest.mark.parametrize(
    ("before", "kept"), [(0, b""), (2, b"\xff" * 6), (4, NOP), (6, C_NOP)], ids=[0, 2, 4, 6]
)
def test_as_many_nops_stay_as_are_needed(before: int, kept: bytes) -> None:
    """Six bytes of padding for an alignment of 8 and code that can begin at any even address.

    Where all of them are needed they stay as the assembler made them, here something else.
    """
    data = bytes(before) + b"\xff" * 6 + b"tail"
    obj = without_excess_nops(object_file(padded(data, align_at(before, 6)), "unit.o"))
    assert content_of(obj) == bytes(before) + kept + b"tail"
    assert aligns(obj) == 0


def test_what_is_behind_a_deleted_nop_moves_and_nothing_else() -> None:
    """Symbols before, at, inside and behind the padding, and relocations at their places."""
    rows = [align_at(4, 6), Rel(offset=0, type=16, addend=2), Rel(offset=10, type=16, addend=0)]
    symbols = [
        Sym(name="before", section=".text", value=0, size=14, type=2),
        Sym(name="at", section=".text", value=4, size=6, type=2),
        Sym(name="inside", section=".text", value=9),
        Sym(name="behind", section=".text", value=10, size=4, type=2),
        Sym(name="absolute", section=0xFFF1, value=10),
    ]
    file = padded(bytes(14), *rows, symbols=symbols)
    obj = without_excess_nops(object_file(file, "unit.o"))
    assert {each.name: (each.value, each.size) for each in obj.symbols if each.name} == {
        "before": (0, 12),
        "at": (4, 4),
        "inside": (8, 0),
        "behind": (8, 4),
        "absolute": (10, 0),
    }
    index = next(iter(obj.relocations))
    assert [(row.offset, row.addend) for row in obj.relocations[index]] == [(0, 2), (8, 0)]


def test_an_object_without_padding_stays_as_it_is() -> None:
    """The same object, not a copy."""
    obj = object_file(padded(bytes(8), Rel(offset=0, type=16, addend=0)), "unit.o")
    assert without_excess_nops(obj) is obj


BAD = {
    "too-short": (align_at(2, 4), 16),  # 8 bytes of alignment from offset 2 want 6
    "odd": (align_at(1, 7), 16),
    "outside": (align_at(12, 6), 16),
    "negative": (align_at(4, -2), 16),
    "huge": (align_at(4, (1 << 62) - 2), 16),
    "more-than-the-section": (align_at(4, 14), 8),  # 16 bytes in a section aligned to 8
}


@pytest.mark.parametrize("name", BAD)
def test_padding_that_cannot_be_right_keeps_its_relocation(name: str) -> None:
    """Which is refused: R001."""
    row, align = BAD[name]
    content = padded(bytes(16), row, align=align)
    obj = object_file(content, "unit.o")
    assert without_excess_nops(obj) is obj
    made = linked(obj)
    expected = (
        f"unit.o: error[R001]: R_RISCV_ALIGN at .text+{row.offset:#x} against '' can't be used in "
        "an extension: padding of a section that can't be shortened\n"
        "hint: compile with -mno-relax"
    )
    assert [str(each) for each in made.findings] == [expected]


def test_overlapping_paddings_keep_their_relocations() -> None:
    """Nobody can tell which bytes are nops."""
    obj = object_file(padded(bytes(32), align_at(4, 14), align_at(8, 6), align=16), "unit.o")
    assert without_excess_nops(obj) is obj


def linked(obj: ObjectFile) -> Outcome:
    """The object, linked."""
    return Case(extension=extension(), base=offer([], ident=ident(64))).link(obj)
