# SPDX-License-Identifier: Apache-2.0
"""RISC-V: what other machines don't have, linked by GNU ld too and completed by it in each mode.

The C library and libgcc are compared in tests/conformance.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.cross import output, tool
from support.elfbuild import SHN_ABS, Sym
from support.linking import Sizes, packed
from support.oracle import link, same_as_ld, same_in_all_modes
from support.riscv import PLAIN, RISCV, assembled, compiled, function

from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

BITS = pytest.mark.parametrize("bits", [32, 64], ids=["rv32", "rv64"])
GIB = 1 << 30


def names(left: Mapping[str, int]) -> set[str]:
    """The types that are left for the target, without the prefix."""
    return {each.removeprefix("R_RISCV_") for each in left}


LOW_PARTS = """
    .option norelax
    .section .text.first, "ax"
    lw a0, %pcrel_lo(upper)(a1)
    sw a0, %pcrel_lo(other)(a2)
upper:
    auipc a1, %pcrel_hi(data + 2040)
    addi a1, a1, %pcrel_lo(upper)
    .fill 300, 4, 0x13
    lb a3, %pcrel_lo(upper)(a1)
    addi a4, a2, %pcrel_lo(2f)
    .section .text.second, "ax"
    .p2align 2
other:
    auipc a2, %pcrel_hi(their_data)
    sb a3, %pcrel_lo(upper)(a1)
    sw a3, %pcrel_lo(2f)(a4)
2:  auipc a4, %pcrel_hi(.text.first + 12)
    addi a4, a4, %pcrel_lo(2b)
    .data
    .zero 40
data:
    .zero 4096
"""


@BITS
def test_a_low_part_may_be_anywhere(bits: int, tmp_path: Path) -> None:
    """In front of its high part, far behind it, in another section, twice.

    GNU ld wants both in one section, as `ld -r` leaves them.
    """
    unit, merged, control = (tmp_path / name for name in ("apart.o", "merged.o", "merge.ld"))
    unit.write_bytes(assembled(tmp_path, LOW_PARTS, bits))
    control.write_text("SECTIONS { .text : { *(.text .text.*) } }", encoding="utf-8")
    command = [tool("ld", RISCV), f"-melf{bits}lriscv", "-r", "-T", str(control)]
    output(*command, str(unit), "-o", str(merged))
    symbols = [function("their_data", 0x7654321)]
    found = same_in_all_modes(tmp_path, merged.read_bytes(), symbols)
    # what is in the same region is done; the rest keeps a label at the place of the high part
    for mode in (Mode.RELOCATABLE, Mode.BOUND):
        assert found[mode].linked.left == {
            "R_RISCV_PCREL_HI20": 2,
            "R_RISCV_PCREL_LO12_I": 3,
            "R_RISCV_PCREL_LO12_S": 2,
        }
    assert found[Mode.PRELOCATED].linked.left == {}
    apart = link(unit.read_bytes(), symbols)
    assert apart.content(Region.TEXT) == found[Mode.PRELOCATED].content(Region.TEXT)


@BITS
def test_addresses_in_two_parts_and_in_words(bits: int, tmp_path: Path) -> None:
    """LUI with its low parts; words of data, code and the base image, with addends."""
    source = f"""
        .option norelax
        .text
        lui a0, %hi(mine + 2048)
        addi a0, a0, %lo(mine + 2048)
        lui a1, %hi(theirs - 1)
        sw a0, %lo(theirs - 1)(a1)
        ret
        .data
        .zero 12
    mine:
        .{"dword" if bits == 64 else "word"} mine, theirs + 8, .text + 4
        .word mine + 1, theirs
        .byte 0
        .4byte .text
        .zero 4096
    """
    content = assembled(tmp_path, source, bits)
    found = same_in_all_modes(tmp_path, content, [function("theirs", 0x12345800)])
    word = str(bits)
    assert names(found[Mode.BOUND].linked.left) == {"HI20", "LO12_I", "32", word}
    assert names(found[Mode.RELOCATABLE].linked.left) == {"HI20", "LO12_I", "LO12_S", "32", word}


@BITS
def test_branches_of_every_kind(bits: int, tmp_path: Path) -> None:
    """Inside the section, to another section, to the base image."""
    source = """
        .option norelax
        .section .text.first, "ax"
    back:
        beq a0, a1, back
        bltu a0, a1, ahead
        c.beqz a0, back
        c.bnez a1, ahead
        c.j ahead
        jal back
        j ahead
        call back
        tail ahead
        call theirs
        tail theirs + 4
        jump theirs, t0
        .section .text.second, "ax"
    ahead:
        beq a0, a1, back
        call theirs
    """
    content = assembled(tmp_path, source, bits)
    found = same_in_all_modes(tmp_path, content, [function("theirs", 0x80000)])
    for mode in (Mode.RELOCATABLE, Mode.BOUND):
        assert names(found[mode].linked.left) == {"CALL_PLT"}


@BITS
def test_calls_of_nothing(bits: int, tmp_path: Path) -> None:
    """An undefined weak function: a call goes to address 0, whose address is 0."""
    source = f"""
        .option norelax
        .weak nothing
        .text
        call nothing
        tail nothing
        jump nothing, t2
        lui a0, %hi(nothing)
        addi a0, a0, %lo(nothing)
        ret
        .data
        .{"dword" if bits == 64 else "word"} nothing, nothing + 8
    """
    found = same_in_all_modes(tmp_path, assembled(tmp_path, source, bits))
    assert all(made.linked.left == {} for made in found.values())


def high(start: int, sizes: Sizes) -> dict[Region, int]:
    """One region behind the other, from an address on."""
    return packed(sizes, start)


@pytest.mark.parametrize("start", [0x10000, 0x7FFFE000, 0x80000000, 0x1_23456000])
def test_the_address_of_nothing_is_made_by_lui_where_auipc_cannot_reach(
    start: int, tmp_path: Path
) -> None:
    """RV64, medany: GNU ld turns AUIPC into LUI, loads and stores through it too."""
    source = """
        .option norelax
        .weak nothing
        .text
    1:  auipc a0, %pcrel_hi(nothing)
        addi a0, a0, %pcrel_lo(1b)
        lw a1, %pcrel_lo(1b)(a0)
        sd a1, %pcrel_lo(1b)(a0)
    2:  auipc t6, %pcrel_hi(nothing + 0x12345)
        ld t6, %pcrel_lo(2b)(t6)
        ret
    """
    content = assembled(tmp_path, source, 64)
    windows = {"text": (start, start + 0x1000)}
    same_as_ld(tmp_path, content, place=lambda sizes: high(start, sizes), windows=windows)


def test_the_address_of_nothing_is_made_by_lui_wherever_the_loader_may_go(tmp_path: Path) -> None:
    """RV64, medany: nobody knows how far from address 0 an extension is loaded."""
    source = """
        .option norelax
        .weak nothing
        .text
    1:  auipc a0, %pcrel_hi(nothing)
        addi a0, a0, %pcrel_lo(1b)
        ret
    """
    content = assembled(tmp_path, source, 64)
    start = 0x1_23456000
    found = same_in_all_modes(
        *(tmp_path, content),
        place=lambda sizes: high(start, sizes),
        windows={"text": (start, start + 0x1000)},
    )
    for made in found.values():
        assert made.linked.left == {}
        assert made.content(Region.TEXT)[:8] == bytes.fromhex("37050000 13050500")


@BITS
def test_addresses_from_a_table(bits: int, tmp_path: Path) -> None:
    """The word is in .text, so that its distance is final in every mode."""
    load = "lw" if bits == 32 else "ld"
    source = f"""
        .option norelax
        .text
    1:  auipc a0, %got_pcrel_hi(there)
        {load} a0, %pcrel_lo(1b)(a0)
        {load} a1, %pcrel_lo(2f)(a2)
    2:  auipc a2, %got_pcrel_hi(there)
        ret
    """
    there = Sym(name="there", value=0x7000_1230, section=SHN_ABS)
    found = same_in_all_modes(tmp_path, assembled(tmp_path, source, bits), [there])
    for mode, made in found.items():
        assert len(made.second.table.words) == 1
        expected = {f"R_RISCV_{bits}": 1} if mode is Mode.RELOCATABLE else {}
        assert made.linked.left == expected
        assert made.linked.applied["R_RISCV_GOT_HI20"] == 2


@BITS
def test_each_symbol_has_one_word_in_the_table(bits: int, tmp_path: Path) -> None:
    """Its own symbols, those of the base image and one that nobody defines."""
    source = """
    extern int first, second; __attribute__((weak)) extern int nothing; int mine = 5;
    int sum(void) { return first + second + mine + (&nothing ? nothing : 0); }
    int again(void) { return first * mine; }
    """
    content = compiled(tmp_path, source, bits, "-fPIC", *PLAIN)
    symbols = [
        Sym(name="first", value=0x1000, section=SHN_ABS),
        Sym(name="second", value=0x2000, section=SHN_ABS),
    ]
    where = {Region.TEXT: 0x10000, Region.DATA: 0x20000}
    made = link(content, symbols, place=lambda sizes: {each: where[each] for each in sizes})
    text, size = made.content(Region.TEXT), bits // 8
    words = [text[place : place + size] for place, *_ in made.second.table.words]
    assert sorted(int.from_bytes(word, "little") for word in words) == [0, 0x1000, 0x2000, 0x20000]


@BITS
def test_differences_of_labels(bits: int, tmp_path: Path) -> None:
    """Of one region, of two, and with a symbol of the base image."""
    source = """
        .option norelax
        .text
    first:
        nop
    last:
        ret
        .section .rodata, "a"
    table:
        .word last - first, first - last, theirs - first, mine - table
        .half last - first
        .byte last - first
        .byte 0
        .word table - .
        .data
    mine:
        .dword last - first, theirs - mine, mine - first
    """
    content = assembled(tmp_path, source, bits)
    found = same_in_all_modes(tmp_path, content, [function("theirs", 0x4000)])
    assert found[Mode.PRELOCATED].linked.left == {}
    expected = {"ADD32": 2, "SUB32": 2, "ADD64": 2, "SUB64": 2}
    for mode in (Mode.RELOCATABLE, Mode.BOUND):
        left = found[mode].linked.left
        assert {each.removeprefix("R_RISCV_"): count for each, count in left.items()} == expected


@BITS
def test_what_is_compiled_to_be_relaxed_is_linked_as_it_is(bits: int, tmp_path: Path) -> None:
    """Without -mno-relax: hints are ignored, padding is deleted, small data is reached by AUIPC."""
    source = """
    extern int printk(const char *, ...); extern int ticks;
    static int calls[3]; int shared = 5; static const char *const names[] = {"one", "two"};
    __attribute__((aligned(16))) int twice(int x) { calls[x & 1]++; return 2 * x; }
    __attribute__((aligned(32))) int run(int x)
    {
        switch (x) {
        case 0: return shared; case 1: return ticks; case 2: return printk("%d", x);
        case 3: return calls[2]; case 4: return twice(3); case 5: return x * 7;
        }
        return printk("%s", names[x & 1]) + twice(x);
    }
    """
    content = compiled(tmp_path, source, bits, "-O2", "-ffunction-sections")
    symbols = [function("printk", 0x40000), Sym(name="ticks", value=0x20001000, section=SHN_ABS)]
    same_in_all_modes(tmp_path, content, symbols)
