# SPDX-License-Identifier: Apache-2.0
"""ARC: types that compilers don't emit, what is left for the target, veneers, and refusals.

What comes with the compiler is compared with GNU ld in tests/conformance.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import arcloader, hostloader
from support.branches import arc_jump, veneer_target
from support.cross import gcc
from support.elfbuild import (
    FUNC,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_ABS,
    TLS,
    WEAK,
    Rel,
    Sec,
    Sym,
    elf,
)
from support.linking import START, Case, Outcome, extension, offer
from support.oracle import same_as_ld

from west_llext.emit.blob import blob
from west_llext.model.elf import SHN_ABS as ABSOLUTE
from west_llext.model.elf import Ident
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

TEXT = 0x20000000
FLAGS = 0x406
#: BL, BLNE, B, BEQ and BL_S with empty fields, as little-endian halves.
BL, BLNE, B, BEQ = (
    struct.pack("<HH", word >> 16, word & 0xFFFF)
    for word in (0x08020000, 0x08000002, 0x00010000, 0x00000001)
)
BL_S = struct.pack("<H", 0xF800)
BRANCHES = {16: B, 17: BL, 61: B, 76: BL, 14: BEQ, 15: BLNE, 60: BLNE, 77: BEQ}


#: A memory in which code is at one address alone.
ITS_OWN = {"text": (START, START + 16)}


def unit(*sections: Sec, symbols: Sequence[Sym], machine: int = 195) -> bytes:
    """A little-endian object."""
    return elf(machine=machine, flags=FLAGS, sections=sections, symbols=symbols)


def code(content: bytes, *rows: Rel) -> Sec:
    """A section of code."""
    return Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=content, relocations=rows)


def function(name: str, address: int) -> Sym:
    """A function of the base image."""
    return Sym(name=name, value=address, type=FUNC, section=SHN_ABS)


def made_of(content: bytes, base: Sequence[Sym] = (), mode: Mode = Mode.PRELOCATED) -> Outcome:
    """The object with its code at TEXT."""
    case = Case(
        extension=extension(mode=mode),
        base=offer(base, ident=Ident(machine=195, bits=32, little=True, flags=FLAGS)),
        place=lambda sizes: {region: TEXT + 0x10000 * region for region in sizes},
        windows={"text": (TEXT, TEXT + 0x1000)},
        heap=(TEXT, TEXT + 0x1000),
    )
    return case.link(content, "demo.o")


def texts(content: bytes, base: Sequence[Sym] = (), mode: Mode = Mode.PRELOCATED) -> list[str]:
    """Every finding, whole."""
    return [str(each) for each in made_of(content, base, mode).findings]


@pytest.mark.cross
def test_data_of_every_kind_is_what_gnu_ld_makes(tmp_path: Path) -> None:
    """Plain and middle-endian words, negated ones, addresses of words, and parts of words."""
    # GNU ld itself refuses 105, which is above its limit, and reads 4 bytes for the 3 of 3 and 10
    kinds = (1, 2, 4, 8, 9, 11, 26, 27, 28, 31, 49, 50, 52)
    rows = [
        Rel(offset=8 * index, type=kind, symbol="there", addend=3 + index)
        for index, kind in enumerate(kinds)
    ]
    content = unit(
        Sec(
            name=".data",
            flags=SHF_ALLOC | SHF_WRITE,
            content=bytes(range(8 * len(kinds))),
            relocations=rows,
        ),
        symbols=[Sym(name="there")],
    )
    same_as_ld(tmp_path, content, [function("there", 0x31)])


@pytest.mark.cross
@pytest.mark.parametrize("kind", BRANCHES)
def test_branches_are_what_gnu_ld_makes(kind: int, tmp_path: Path) -> None:
    """From both halves of a word, to an address in front and one behind."""
    nop = struct.pack("<H", 0x78E0)
    insn = BRANCHES[kind]
    rows = [
        Rel(offset=at, type=kind, symbol=name, addend=addend)
        for at, name, addend in ((0, "before", 0), (4, "behind", 8), (10, "behind", 0))
    ]
    content = unit(
        code(insn + insn + nop + insn, *rows), symbols=[Sym(name="before"), Sym(name="behind")]
    )
    base = [function("before", 0x4000), function("behind", 0x80000)]
    same_as_ld(tmp_path, content, base, windows=ITS_OWN)


@pytest.mark.cross
def test_a_short_call_is_what_gnu_ld_makes(tmp_path: Path) -> None:
    """BL_S, 4 KiB."""
    content = unit(
        code(BL_S + BL_S, Rel(offset=2, type=25, symbol="near", addend=4)),
        symbols=[Sym(name="near")],
    )
    same_as_ld(tmp_path, content, [function("near", 0x10800)], windows=ITS_OWN)


@pytest.mark.cross
def test_a_thread_local_offset_is_what_gnu_ld_makes(tmp_path: Path) -> None:
    """Two words, and as much more as the block's alignment asks for, are in front of it."""
    insn = struct.pack("<HHHH", 0x200A, 0x0F80, 0, 0)
    content = unit(
        code(insn, Rel(offset=4, type=75, symbol="errno", addend=0)),
        symbols=[Sym(name="errno", type=TLS)],
    )
    made = same_as_ld(tmp_path, content, [Sym(name="errno", value=24, type=TLS, section=".tbss")])
    assert arcloader.middle(made.content(Region.TEXT), 4) == 16 + 24


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("kind", BRANCHES)
def test_a_far_branch_goes_through_a_veneer(kind: int, mode: Mode) -> None:
    """J with a long immediate; a branch and its twin share it."""
    insn = BRANCHES[kind]
    content = unit(
        code(
            insn + insn,
            Rel(offset=0, type=kind, symbol="far", addend=0),
            Rel(offset=4, type=kind, symbol="far", addend=0),
        ),
        symbols=[Sym(name="far")],
    )
    base = [function("far", 0x60000100)]
    made = made_of(content, base, mode)
    if mode is Mode.PRELOCATED:
        memory = made.content(Region.TEXT)
    else:
        known = {"far": 0x60000100}
        loaded = hostloader.load(hostloader.read(blob(made.linked)), {"text": TEXT}, known.get)
        memory = bytes(loaded.memory["text"])
    assert veneer_target(memory, 8) == (0x60000100, 0)
    for at in (0, 4):
        jump = arc_jump(memory, at, TEXT)
        assert jump is not None
        assert jump.target == TEXT + 8


def left(made: Outcome) -> list[tuple[int, int, int]]:
    """Type, addend and value of the symbol of what is left in the code."""
    section = made.linked.section(Region.TEXT)
    assert section is not None
    symbols = made.linked.symbols
    return [
        (row.type, row.addend or 0, symbols[row.symbol - 1].value) for row in section.relocations
    ]


def test_a_near_branch_is_left_without_an_addend() -> None:
    """The loader adds it twice, so that the symbol takes it where the symbol is ours to make."""
    content = unit(
        code(
            BL + B,
            Rel(offset=0, type=76, symbol="near", addend=8),
            Rel(offset=4, type=16, symbol="near", addend=0),
        ),
        symbols=[Sym(name="near")],
    )
    base = [function("near", TEXT + 0x4000)]
    made = made_of(content, base, Mode.BOUND)
    assert left(made) == [(17, 0, TEXT + 0x4008), (16, 0, TEXT + 0x4000)]
    assert {each.section for each in made.linked.symbols if not each.binding} == {ABSOLUTE}


def test_a_near_branch_by_name_with_an_addend_is_refused() -> None:
    """R007, whole."""
    content = unit(
        code(BL, Rel(offset=0, type=17, symbol="near", addend=8)), symbols=[Sym(name="near")]
    )
    assert texts(content, [function("near", TEXT + 0x4000)], Mode.RELOCATABLE) == [
        """\
demo.o: error[R007]: R_ARC_S25W_PCREL at .text+0x0 refers to 'near', and the target's loader can't \
apply that type
hint: set 'mode: prelocated', or make the reference through a pointer"""
    ]


@pytest.mark.cross
@pytest.mark.parametrize("mode", [Mode.BOUND, Mode.RELOCATABLE])
def test_position_independent_code_is_none_for_the_loader(mode: Mode, tmp_path: Path) -> None:
    """R007, whole: the hint's flag makes other code."""
    source = "static int state; int run(int x) { return state += x; }\n"
    flags = ("-mcpu=archs", "-mno-sdata", "-O1", "-ffreestanding")

    def said(flag: str) -> list[str]:
        content = gcc(tmp_path, source, *flags, flag, prefix="arc-linux-gnu-").read_bytes()
        return texts(content, (), mode)

    assert said("-fPIC") == [
        """\
demo.o: error[R007]: R_ARC_PC32 at .text+0x4 refers to '.bss', and the target's loader can't apply \
that type
hint: set 'mode: prelocated', or compile without -fPIC and -fpie"""
    ]
    assert said("-fno-pic") == []


def test_a_branch_to_an_undefined_weak_symbol_stays() -> None:
    """As GNU ld leaves it."""
    content = unit(
        code(BL, Rel(offset=0, type=17, symbol="maybe", addend=0)),
        symbols=[Sym(name="maybe", binding=WEAK)],
    )
    assert made_of(content).content(Region.TEXT) == BL


def test_small_data_is_refused() -> None:
    """R001, whole."""
    content = unit(
        code(bytes(4), Rel(offset=0, type=19, symbol="x", addend=0)), symbols=[Sym(name="x")]
    )
    assert texts(content, [function("x", TEXT)]) == [
        """\
demo.o: error[R001]: R_ARC_SDA_LDST at .text+0x0 against 'x' can't be used in an extension: \
data relative to the small data base
hint: compile with -mno-sdata"""
    ]


def test_a_call_to_half_a_word_is_refused() -> None:
    """R004, whole: GNU ld would cut the half off and call something else."""
    content = unit(
        code(BL, Rel(offset=0, type=17, symbol="odd", addend=0)), symbols=[Sym(name="odd")]
    )
    assert texts(content, [function("odd", TEXT + 0x102)]) == [
        (
            "demo.o: error[R004]: R_ARC_S25W_PCREL at .text+0x0 can't reach 'odd' exactly: "
            "S + A - Pa = +0x102 is not in [-0x1000000, 0x1000000), 4-aligned"
        )
    ]


@pytest.mark.parametrize("machine", [93, 195])
def test_big_endian_code_is_plain(machine: int) -> None:
    """Instructions and immediates have no halves to swap; ARC 700 has the same types."""
    rows = [
        Rel(offset=0, type=17, symbol="there", addend=0),
        Rel(offset=8, type=27, symbol="there", addend=4),
    ]
    words = struct.pack(">III", 0x08020000, 0x200A0F80, 0)
    content = elf(
        machine=machine,
        flags=FLAGS,
        little=False,
        sections=[code(words, *rows)],
        symbols=[Sym(name="there")],
    )
    made = made_of(content, [function("there", TEXT + 0x100)])
    expected = struct.pack(">III", 0x09020000, 0x200A0F80, TEXT + 0x104)
    assert made.content(Region.TEXT) == expected
