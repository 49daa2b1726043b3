# SPDX-License-Identifier: Apache-2.0
"""RISC-V: what is said of relocations that can't be had, whole texts, and what is hard to reach."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from support.elfbuild import (
    LOCAL,
    NOBITS,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_ABS,
    WEAK,
    Rel,
    Sec,
    Sym,
    elf,
)
from support.linking import Case, Outcome, extension, offer
from support.riscv import EM_RISCV, function, ident

from west_llext.model.manifest import Mode
from west_llext.model.region import Region

CODE = SHF_ALLOC | SHF_EXECINSTR
MIB = 1 << 20
GIB = 1 << 30
TEXT, DATA = 0x10000000, 0x20000000
AUIPC, ADDI, SW = 0x00000517, 0x00050513, 0x00B52023
JAL, CALL = 0x000000EF, (0x00000097, 0x000080E7)
UNLOADED = ", which is in a section that isn't loaded"


def words(*values: int) -> bytes:
    """Little-endian words."""
    return struct.pack(f"<{len(values)}I", *values)


def code(content: bytes, *rows: Rel) -> Sec:
    """A section of code."""
    return Sec(name=".text", flags=CODE, content=content, relocations=rows)


def variables(content: bytes, *rows: Rel) -> Sec:
    """A section of data."""
    flags = SHF_ALLOC | SHF_WRITE
    return Sec(name=".data", flags=flags, content=content, relocations=rows, align=8)


def made(
    *sections: Sec,
    symbols: Sequence[Sym] = (),
    base: Sequence[Sym] = (),
    mode: Mode = Mode.PRELOCATED,
    bits: int = 64,
    text: int = TEXT,
    window: int = 0x1000,
    heap: int | None = None,
) -> Outcome:
    """The link of an object, with .text at `text` in a memory of `window` bytes.

    heap: size of what the loader can put it into, at the same address; None for anywhere
    """
    case = Case(
        extension=extension(mode=mode),
        base=offer(base, ident=ident(bits)),
        place=lambda sizes: {
            region: text if region is Region.TEXT else DATA + 0x1000 * region for region in sizes
        },
        windows={"text": (text, text + window)},
        heap=None if heap is None else (text, text + heap),
    )
    file = elf(machine=EM_RISCV, bits=bits, flags=1, sections=sections, symbols=symbols)
    return case.link(file)


def said(*sections: Sec, **options: object) -> list[str]:
    """Every finding, whole, without the file's name."""
    findings = made(*sections, **options).findings  # type: ignore[arg-type]  # those of made
    return [str(each).removeprefix("unit.o: ") for each in findings]


HERE = Sym(name="here", section=".text", binding=LOCAL)
LOW_ROW = Rel(offset=4, type=24, symbol="here", addend=0)


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
@pytest.mark.parametrize(
    ("rows", "label"),
    [
        ([LOW_ROW], HERE),  # nothing at the label
        ([Rel(offset=0, type=16, symbol="here", addend=0), LOW_ROW], HERE),  # a branch there
        ([Rel(offset=0, type=26, symbol="here", addend=0), LOW_ROW], HERE),  # LUI there
        (
            [Rel(offset=8, type=23, symbol="here", addend=0), LOW_ROW],
            Sym(name="here", section=".text", value=8),  # its instruction isn't whole
        ),
        ([LOW_ROW], Sym(name="here", section=SHN_ABS)),
        ([LOW_ROW], Sym(name="here", section=".text", value=0xFFFFFFFF)),
    ],
)
def test_a_low_part_without_its_high_part(mode: Mode, rows: list[Rel], label: Sym) -> None:
    """R010: R_RISCV_PCREL_LO12_I names the place of an AUIPC, not its target."""
    text = code(words(AUIPC, ADDI) + b"\x17\x05", *rows)
    findings = said(text, symbols=[label], mode=mode)
    assert findings[-1] == (
        "error[R010]: R_RISCV_PCREL_LO12_I at .text+0x4 refers to 'here', where no instruction has "
        "the high part of an address"
    )
    assert {each[6:10] for each in findings[:-1]} <= {"R005", "[R00"}


def test_a_low_part_of_what_is_not_loaded() -> None:
    """R010: the label is in a section that isn't loaded."""
    rows = [Rel(offset=0, type=23, symbol="note", addend=0)]
    note = Sec(name=".note", flags=0, content=words(AUIPC), relocations=rows)
    text = code(words(AUIPC, SW), Rel(offset=4, type=25, symbol="note", addend=0))
    expected = (
        "error[R010]: R_RISCV_PCREL_LO12_S at .text+0x4 refers to 'note', where no instruction has "
        "the high part of an address"
    )
    label = Sym(name="note", section=".note", binding=LOCAL)
    assert said(text, note, symbols=[label]) == [expected]


def test_a_low_part_of_what_is_refused() -> None:
    """R001 of the high part says it all: %tls_ie_pcrel_hi, in an initial-exec access."""
    rows = [Rel(offset=0, type=21, symbol="errno", addend=0), LOW_ROW]
    symbols = [HERE, Sym(name="errno", section=SHN_ABS)]
    expected = (
        "error[R001]: R_RISCV_TLS_GOT_HI20 at .text+0x0 against 'errno' can't be used in an "
        "extension: thread-local storage of the initial-exec model\nhint: use the local-exec model "
        "(-ftls-model=local-exec) for variables of the base image"
    )
    assert said(code(words(AUIPC, ADDI), *rows), symbols=symbols) == [expected]


def test_both_parts_of_what_is_not_loaded() -> None:
    """R006, for both."""
    rows = [
        Rel(offset=0, type=23, symbol="note", addend=0),
        Rel(offset=4, type=24, symbol="here", addend=0),
    ]
    note = Sec(name=".note", flags=0, content=b"text")
    symbols = [HERE, Sym(name="note", section=".note", binding=LOCAL)]
    findings = said(code(words(AUIPC, ADDI), *rows), note, symbols=symbols)
    assert findings == [f"error[R006]: R_RISCV_PCREL_HI20 at .text+0x0 refers to 'note'{UNLOADED}"]


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_six_bits_of_a_difference_are_for_the_host_alone(mode: Mode) -> None:
    """R007: the target's loader keeps five of them. Inside one region the host does it."""
    rows = [
        Rel(offset=0, type=53, symbol="last", addend=0),
        Rel(offset=0, type=52, symbol="here", addend=0),
    ]
    text = code(bytes(0x40))
    inside = [HERE, Sym(name="last", section=".text", value=0x2A)]
    link = made(text, variables(b"\xc0" + bytes(7), *rows), symbols=inside, mode=mode)
    assert link.content(Region.DATA)[0] == 0xEA
    assert link.linked.left == {}
    across = [HERE, Sym(name="last", section=".data", value=4)]
    findings = said(text, variables(b"\xc0" + bytes(7), *rows), symbols=across, mode=mode)
    hint = "\nhint: set 'mode: prelocated', or make the reference through a pointer"
    unknown = ", and the target's loader can't apply that type"
    expected = [
        f"error[R007]: R_RISCV_SET6 at .data+0x0 refers to 'last'{unknown}{hint}",
        f"error[R007]: R_RISCV_SUB6 at .data+0x0 refers to 'here'{unknown}{hint}",
    ]
    assert findings == ([] if mode is Mode.PRELOCATED else expected)


def uleb(content: bytes, last: int, *, mode: Mode = Mode.RELOCATABLE) -> Outcome:
    """The distance from 0x10 to `last` in a number of variable length, at the start of .data."""
    rows = [
        Rel(offset=0, type=60, symbol="last", addend=0),
        Rel(offset=0, type=61, symbol="first", addend=0),
    ]
    symbols = [
        Sym(name="first", section=".text", value=0x10),
        Sym(name="last", section=".text", value=last),
    ]
    text = code(bytes(0x8000))
    return made(text, variables(content, *rows), symbols=symbols, mode=mode)


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_a_number_of_variable_length_keeps_its_length(mode: Mode) -> None:
    """DWARF 5, 7.6: seven bits a byte, the top bit where another byte follows; by hand."""
    for before, last, after in (
        (b"\x00tail", 0x10 + 0x7F, b"\x7ftail"),
        (b"\x80\x00tail", 0x10 + 0x7F, b"\xff\x00tail"),
        (b"\x80\x80\x00tail", 0x10 + 0x1234, b"\xb4\xa4\x00tail"),
        (b"\xff\xff\x7ftail", 0x10, b"\x80\x80\x00tail"),
    ):
        assert uleb(before, last, mode=mode).content(Region.DATA) == after
        assert uleb(before, last, mode=mode).linked.left == {}


def test_a_number_of_variable_length_that_does_not_fit() -> None:
    """R003: nothing is cut off."""
    where = "R_RISCV_SUB_ULEB128 at .data+0x0 does not reach 'first': V - S - A = "
    for content, last, text in (
        (b"\x00tail", 0x90, "+0x80 is not in [0x0, 0x80)"),
        (b"\x80\x00tail", 0x4010, "+0x4000 is not in [0x0, 0x4000)"),
        (b"\x80\x00tail", 0xF, "-0x1 is not in [0x0, 0x4000)"),
    ):
        findings = [str(each) for each in uleb(content, last).findings]
        assert findings == [f"unit.o: error[R003]: {where}{text}"]


@pytest.mark.parametrize("content", [b"\x80\x80", b"\xff" * 16])
def test_a_number_of_variable_length_that_does_not_end(content: bytes) -> None:
    """R005: the section ends first, or 64 bits do."""
    findings = [str(each) for each in uleb(content, 0x20).findings]
    assert len(findings) == 1
    assert findings[0].startswith("unit.o: error[R005]: R_RISCV_SET_ULEB128 at .data+0x0 changes ")


NAMES = {
    1: "32", 2: "64", 16: "BRANCH", 17: "JAL", 18: "CALL", 20: "GOT_HI20", 23: "PCREL_HI20",
    26: "HI20", 36: "ADD64", 38: "SUB16", 45: "RVC_JUMP", 54: "SET8", 60: "SET_ULEB128",
}  # fmt: skip


@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
@pytest.mark.parametrize(
    ("kind", "offset", "size"),
    [
        (1, 13, 4), (2, 9, 8), (16, 13, 4), (17, 14, 4), (18, 12, 8), (20, 13, 4), (23, 14, 4),
        (26, 16, 4), (36, 12, 8), (38, 15, 2), (45, 15, 2), (54, 16, 1), (60, 16, 1),
        (1, 0xFFFFFFFF, 4), (36, 1 << 60, 8),
    ],
)  # fmt: skip
def test_a_place_at_the_end_of_its_section(kind: int, offset: int, size: int, mode: Mode) -> None:
    """R005, wherever it begins; nothing behind the section changes."""
    text = code(b"\x11" * 16, Rel(offset=offset, type=kind, symbol="here", addend=0))
    expected = (
        f"error[R005]: R_RISCV_{NAMES[kind]} at .text+{offset:#x} changes {size} bytes, "
        "'.text' has 0x10"
    )
    assert said(text, variables(bytes(8)), symbols=[HERE], mode=mode) == [expected]


def test_half_of_a_difference_behind_the_end_of_its_section() -> None:
    """R005 for the wider one; what is left of the pair has nothing to be subtracted from."""
    rows = [Rel(offset=13, type=each, symbol="here", addend=0) for each in (35, 37)]
    expected = "error[R005]: R_RISCV_ADD32 at .text+0xd changes 4 bytes, '.text' has 0x10"
    assert said(code(bytes(16), *rows), variables(bytes(8)), symbols=[HERE]) == [expected]


def test_a_place_in_what_has_no_bytes() -> None:
    """R005: NOBITS."""
    rows = [Rel(offset=0, type=2, symbol="here", addend=0)]
    bss = Sec(name=".bss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, size=8, relocations=rows)
    assert said(code(bytes(4)), bss, symbols=[HERE]) == [
        "error[R005]: relocation at .bss+0x0, '.bss' has no bytes"
    ]


def test_what_extensions_cannot_have_says_why_and_what_to_do() -> None:
    """R001 for each reason, with the remedy of the table; R002 for what the psABI reserves."""
    rows = [Rel(offset=0, type=kind, symbol="here", addend=0) for kind in (21, 191, 192, 47, 58)]
    rows.append(Rel(offset=0, type=66, symbol="here", addend=0))
    start = "error[R001]: R_RISCV_{} at .text+0x0 against 'here' can't be used in an extension: "
    tls = "hint: use the local-exec model (-ftls-model=local-exec) for variables of the base image"
    vendor = "compile without the vendor's extension of the instruction set"
    old = "rebuild the object with a current assembler"
    assert said(code(bytes(8), *rows), symbols=[HERE]) == [
        f"{start.format('TLS_GOT_HI20')}thread-local storage of the initial-exec model\n{tls}",
        f"{start.format('VENDOR')}says whose the next relocation is\nhint: {vendor}",
        f"{start.format('CUSTOM192')}private to a vendor\nhint: {vendor}",
        f"{start.format('GPREL_I')}withdrawn by the psABI\nhint: {old}",
        f"{start.format('IRELATIVE')}an indirect function, which the loader doesn't resolve",
        "error[R002]: relocation type 66 at .text+0x0 is not one of riscv",
    ]


@pytest.mark.parametrize(
    ("kind", "content", "value", "text"),
    [
        (23, words(AUIPC), -2 * GIB - 0x801, "[-0x80000800, 0x7ffff800)"),
        (57, bytes(4), 2 * GIB, "[-0x80000000, 0x80000000)"),
        (16, words(0x00B51063), 4096, "[-0x1000, 0x1000), 2-aligned"),
        (44, b"\x01\xc1", -258, "[-0x100, 0x100), 2-aligned"),
    ],
)
def test_a_target_out_of_reach_on_rv64(kind: int, content: bytes, value: int, text: str) -> None:
    """R003 with the range of the formula's value, not of the rounded one."""
    rows = [Rel(offset=0, type=kind, symbol="far", addend=0)]
    base = [Sym(name="far", value=TEXT + 4 * GIB, section=SHN_ABS)]
    link = made(
        code(content, *rows),
        symbols=[Sym(name="far")],
        base=base,
        text=TEXT + 4 * GIB - value,
        window=1 << 40,
    )
    name = {23: "PCREL_HI20", 57: "32_PCREL", 16: "BRANCH", 44: "RVC_BRANCH"}[kind]
    shown = f"{'-' if value < 0 else '+'}{abs(value):#x}"
    hint = "\nhint: compile with -fPIC, so that the address is in a word of the extension"
    expected = (
        f"unit.o: error[R003]: R_RISCV_{name} at .text+0x0 does not reach 'far': "
        f"S + A - P = {shown} is not in {text}{hint if kind == 23 else ''}"
    )
    assert [str(each) for each in link.findings] == [expected]


def test_code_for_low_addresses_does_not_reach_ram_on_rv64() -> None:
    """R003: LUI with ADDI makes what is below 2 GiB; 2 GiB is where RAM begins."""
    rows = [Rel(offset=0, type=26, symbol="far", addend=0)]
    far = [Sym(name="far", value=0x80000000, section=SHN_ABS)]
    expected = (
        "error[R003]: R_RISCV_HI20 at .text+0x0 does not reach 'far': S + A = +0x80000000 is "
        "not in [-0x80000800, 0x7ffff800)\nhint: compile with -mcmodel=medany"
    )
    for mode in (Mode.PRELOCATED, Mode.BOUND):
        text = code(words(0x00000537), *rows)
        assert said(text, symbols=[Sym(name="far")], base=far, mode=mode) == [expected]
        assert said(text, symbols=[Sym(name="far")], base=far, mode=mode, bits=32) == []


def followed(content: bytes, at: int) -> int:
    """Where a JAL, or an AUIPC with its JALR, at an offset goes, as an offset."""
    word = int.from_bytes(content[at : at + 4], "little")
    if word & 0x7F == 0x6F:
        value = word >> 31 << 20 | (word >> 12 & 0xFF) << 12 | (word >> 20 & 1) << 11
        value |= (word >> 21 & 0x3FF) << 1
        return at + (value ^ MIB) - MIB
    low = int.from_bytes(content[at + 4 : at + 8], "little") >> 20
    return at + ((word & ~0xFFF) ^ 1 << 31) - (1 << 31) + (low ^ 0x800) - 0x800


VENEERS = {
    32: bytes.fromhex("17030000 0323c300 67000300"),
    64: bytes.fromhex("17030000 03330301 67000300 13000000"),
}


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(
    ("distance", "window", "veneers"),
    [
        (MIB - 0x1000 - 2, 0x1000, 0),
        (MIB - 2, 4, 0),
        (MIB, 4, 1),
        (-MIB + 0x1000, 0x1000, 0),
        (-MIB, 4, 0),
        (-MIB - 2, 4, 1),
        (0x1000, 2 * MIB, 1),
    ],
)
def test_a_jump_that_may_not_reach_goes_through_a_veneer(
    bits: int, distance: int, window: int, veneers: int
) -> None:
    """±1 MiB from wherever it can be; the address is in a word behind the veneer's code."""
    rows = [Rel(offset=0, type=17, symbol="far", addend=0)]
    far = function("far", TEXT + distance)
    link = made(
        code(words(JAL), *rows), symbols=[Sym(name="far")], base=[far], bits=bits, window=window
    )
    content = link.content(Region.TEXT)
    assert len(link.second.stubs.all) == veneers
    if not veneers:
        assert followed(content, 0) == distance
        assert len(content) == 4
        return
    at, form = followed(content, 0), VENEERS[bits]
    assert content[at : at + len(form)] == form
    address = content[at + len(form) : at + len(form) + bits // 8]
    assert int.from_bytes(address, "little") == TEXT + distance
    assert (at + len(form)) % (bits // 8) == 0


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
@pytest.mark.parametrize("bits", [32, 64])
def test_no_jump_is_left_for_the_loader_that_could_fail(bits: int, mode: Mode) -> None:
    """The loader forgets that JAL reaches ±1 MiB: a jump to another region, or to the base."""
    rows = [
        Rel(offset=0, type=17, symbol="far", addend=0),
        Rel(offset=4, type=17, symbol="far", addend=0),
        Rel(offset=8, type=17, symbol="far", addend=8),
        Rel(offset=12, type=17, symbol="here", addend=0),
    ]
    symbols, base = [HERE, Sym(name="far")], [function("far", TEXT + 0x1000)]
    options = {"symbols": symbols, "base": base, "bits": bits, "mode": mode}
    link = made(code(words(JAL, JAL, JAL, JAL), *rows), **options)  # type: ignore[arg-type]
    word = f"R_RISCV_{bits}"
    assert link.linked.left == ({word: 2} if mode is Mode.RELOCATABLE else {})
    content = link.content(Region.TEXT)
    assert followed(content, 0) == followed(content, 4) != followed(content, 8)
    assert followed(content, 12) == 0
    near = made(code(words(JAL, JAL, JAL, JAL), *rows), **options, heap=0x1000)  # type: ignore[arg-type]
    assert near.linked.left == {"R_RISCV_JAL": 3}
    assert near.second.stubs.all == []


@pytest.mark.parametrize(("bits", "veneers"), [(32, 0), (64, 1)])
def test_a_call_needs_a_veneer_where_2_gib_may_not_be_enough(bits: int, veneers: int) -> None:
    """On RV32 AUIPC and JALR reach everything; code for RV64 counts on 2 GiB until it is known."""
    rows = [Rel(offset=0, type=19, symbol="far", addend=0)]
    text, symbols = code(words(*CALL), *rows), [Sym(name="far")]
    far = [function("far", 0xF0000000)]
    link = made(text, symbols=symbols, base=far, bits=bits)
    assert len(link.second.stubs.all) == veneers
    left = made(text, symbols=symbols, base=far, bits=bits, mode=Mode.BOUND)
    assert left.linked.left == {"R_RISCV_CALL_PLT": 1}
    known = made(text, symbols=symbols, base=far, bits=bits, mode=Mode.BOUND, heap=0x1000)
    assert len(known.second.stubs.all) == veneers


def test_a_jump_to_nothing_stays_where_it_is() -> None:
    """An undefined weak target of JAL: nothing executes it, and lld does the same."""
    rows = [Rel(offset=0, type=17, symbol="nothing", addend=0)]
    symbols = [Sym(name="nothing", binding=WEAK)]
    for mode in Mode:
        link = made(code(words(JAL), *rows), symbols=symbols, mode=mode)
        assert link.content(Region.TEXT) == words(JAL)
        assert link.linked.left == {}
