# SPDX-License-Identifier: Apache-2.0
"""Traps of addends in the place, of merged sections and of what is odd about symbols."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import elfbuild, gnuld, sameness
from support.elfbuild import (
    FUNC,
    LOCAL,
    NOTYPE,
    OBJECT,
    SECTION,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_ABS,
    SHN_COMMON,
    WEAK,
    Group,
    Rel,
    Sec,
    Sym,
)
from support.linking import START, Case, Outcome, arm, data, extension, offer, packed, thumb
from support.loading import signed
from support.oracle import assembled, same_as_ld

from west_llext.elf.read import object_file
from west_llext.emit.blob import blob
from west_llext.model.elf import ObjectFile, Relocation
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

ABS32, REL32, THM_CALL, MOVW, MOVT = 2, 3, 10, 47, 48


def linked(
    content: bytes | ObjectFile, base: Sequence[Sym] = (), mode: Mode = Mode.PRELOCATED
) -> Outcome:
    """The object, linked with the base's symbols."""
    return Case(extension=extension(mode=mode), base=offer(base)).link(content)


def words(content: bytes) -> list[int]:
    """A region as words."""
    return [word for (word,) in struct.iter_unpack("<I", content)]


def on_target(
    made: Outcome, where: dict[Region, int], base: Sequence[Sym] = ()
) -> dict[Region, bytes]:
    """Memory after the loader is done."""
    return sameness.memory(made, base, where)


def explicit(content: bytes) -> ObjectFile:
    """The object with RELA relocations: each addend is taken out of its place."""
    obj = object_file(content, "unit.o")
    raw = bytearray(content)
    rows: dict[int, list[Relocation]] = {}
    for section, relocations in obj.relocations.items():
        start = obj.sections[section].offset
        for row in relocations:
            addend = _taken_addend(raw, start + row.offset, row.type)
            rows.setdefault(section, []).append(row._replace(addend=addend))
    # a record: the reader makes the same of SHT_RELA sections
    found = object_file(bytes(raw), "unit.o")
    return ObjectFile(
        name=found.name,
        ident=found.ident,
        file_type=found.file_type,
        entry=0,
        data=bytes(raw),
        sections=found.sections,
        symbols=found.symbols,
        relocations=rows,
    )


def _taken_addend(raw: bytearray, at: int, kind: int) -> int:
    # as the loader computes it: relocate against 0, then read what is there
    before = bytes(raw[at : at + 4])
    if kind in {ABS32, REL32}:
        value = struct.unpack("<i", before)[0]
        raw[at : at + 4] = bytes(4)
        return value
    upper, lower = struct.unpack("<HH", before)
    if kind in {MOVW, MOVT, 49, 50}:
        value = (upper & 0xF) << 12 | (upper & 0x400) << 1 | (lower & 0x7000) >> 4 | lower & 0xFF
        raw[at : at + 4] = struct.pack("<HH", upper & 0xFBF0, lower & 0x8F00)
        return signed(value, 16)
    assert kind in {THM_CALL, 30}, kind
    assert before in {bytes.fromhex("fff7feff"), bytes.fromhex("fff7febf")}
    raw[at : at + 4] = struct.pack(
        "<HH", 0xF000, lower & 0xD000 | 0x2800 if lower & 0x4000 else 0xB800
    )
    return -4


EVERYTHING = """
    .text
    .thumb
    .thumb_func
    .type local, %function
local:
    bl code
    b.w code
    bl local
    movw r0, #:lower16:things + 12
    movt r0, #:upper16:things + 12
    movw r1, #:lower16:local
    movt r1, #:upper16:local
    movw r2, #:lower16:mine + 8
    movt r2, #:upper16:mine + 8
    .balign 4
    .word code, things + 4, local, mine - 4, code - ., mine - .
    .data
mine: .word local, mine, things - 8, local - .
"""


@pytest.mark.cross
@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_rela_input_gives_what_rel_input_gives(mode: Mode, tmp_path: Path) -> None:
    """Compilers for Arm write REL; where an object has RELA, nothing of the blob is different."""
    content = assembled(tmp_path, EVERYTHING)
    base = [thumb("code", START + 0x4000), data("things", 0x20000000)]
    rel, rela = linked(content, base, mode), linked(explicit(content), base, mode)
    assert rel.linked.sections == rela.linked.sections
    assert blob(rel.linked) == blob(rela.linked)


def rela(kind: int, addend: int, code: bytes, *more: Sec, symbol: str = "things") -> bytes:
    """An object with one RELA relocation in .text."""
    row = Rel(offset=0, type=kind, symbol=symbol, addend=addend)
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=code, relocations=[row])
    return elfbuild.elf(
        sections=[text, *more],
        symbols=[
            Sym(name="things"),
            Sym(name=".data", binding=LOCAL, type=SECTION, section=".data" if more else 0),
        ],
    )


@pytest.mark.parametrize("addend", [-0x12345, -32769, 32768, 0x40000])
def test_an_addend_of_rela_input_that_rel_cant_hold_moves_into_the_symbol(addend: int) -> None:
    """MOVW holds -32768 <= A < 32768; the loader adds a symbol that is behind the target."""
    section = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, size=0x10)
    code = bytes.fromhex("40f20000")  # movw r0, #0
    content = rela(MOVW, addend, code, section, symbol=".data")
    made = linked(content, mode=Mode.RELOCATABLE)
    where = {Region.TEXT: 0x10000, Region.DATA: 0x20004560}
    memory = on_target(made, where)
    fixed = Case(extension=extension(), base=offer([]), place=lambda _: where).link(content)
    assert fixed.content(Region.TEXT) == memory[Region.TEXT]


def test_an_addend_of_rela_input_that_cant_go_anywhere_is_refused() -> None:
    """The base image's symbol is looked up by name: there is no place for the addend."""
    content = rela(MOVW, 0x8000, bytes.fromhex("40f20000"))
    made = linked(content, [data("things", 0x20000000)], Mode.RELOCATABLE)
    assert [str(each) for each in made.findings] == [
        """\
unit.o: error[R008]: R_ARM_THM_MOVW_ABS_NC at .text+0x0 refers to 'things' +0x8000, an addend in \
the place must be in [-0x8000, 0x8000)
hint: set 'mode: prelocated', or refer to a symbol nearer to the target"""
    ]
    bound = linked(content, [data("things", 0x20000000)], Mode.BOUND)
    assert bound.content(Region.TEXT) == bytes.fromhex("48f20000")


@pytest.mark.cross
def test_moves_of_an_address_far_behind_the_start_of_its_region_load_right(tmp_path: Path) -> None:
    """After merging, the offset in the region is beyond ±32 KiB: it gets a symbol of its own."""
    source = """
        .text
        .thumb
        .thumb_func
        .type far_code, %function
        .space 0x9000
    far_code:
        movw r0, #:lower16:far_data + 4
        movt r0, #:upper16:far_data + 4
        movw r1, #:lower16:near_data - 8
        movt r1, #:upper16:near_data - 8
        movw r2, #:lower16:far_code
        movt r2, #:upper16:far_code
        .section .data.a, "aw"
    near_data: .space 0xa000
        .section .data.b, "aw"
        .space 0x100
    far_data: .space 8
    """
    content = assembled(tmp_path, source)
    made = linked(content, mode=Mode.RELOCATABLE)
    where = {Region.TEXT: 0x00012340, Region.DATA: 0x2000FFF0}
    memory = on_target(made, where)
    theirs = gnuld.linked(
        tmp_path, content, layout=sameness.layout(made), addresses=where, symbols=[]
    )
    assert {region: row[2] for region, row in theirs.items()} == memory
    own = [each for each in made.linked.symbols if not each.name and each.info == LOCAL << 4]
    assert {0x9001, 0xA100} == {each.value for each in own}


@pytest.mark.cross
def test_pointers_through_section_symbols_keep_the_thumb_bit(tmp_path: Path) -> None:
    """`.word func` of a local Thumb function, by symbol and by section symbol plus odd addend."""
    source = """
        .section .text.a, "ax"
        .thumb
        nop
        .section .text.b, "ax"
        .thumb
        nop
        .thumb_func
        .type local, %function
    local: nop
        .section .data.a, "aw"
        .byte 1
        .section .data.b, "aw"
        .balign 4
        .word local, .text.b + 3, .data.b, .data.a, local + 2
    """
    content = assembled(tmp_path, source)
    same_as_ld(tmp_path, content)
    for mode in (Mode.RELOCATABLE, Mode.BOUND):
        made = linked(content, mode=mode)
        memory = on_target(made, {Region.TEXT: 0x8000, Region.DATA: 0x20000000})
        local = 0x8000 + 2 + 2
        expected = [local | 1, local | 1, 0x20000004, 0x20000000, local + 2 | 1]
        assert expected == words(memory[Region.DATA][4:])


@pytest.mark.cross
def test_data_never_gets_a_thumb_bit(tmp_path: Path) -> None:
    """Even where the name is a function elsewhere: only STT_FUNC has one (trap of `| 1`)."""
    content = assembled(tmp_path, ".data\n.word things, label, code\n")
    base = [
        data("things", 0x200000E0),
        Sym(name="label", value=0x200000E2, type=NOTYPE, section=SHN_ABS),
        thumb("code", 0x100),
    ]
    assert words(linked(content, base).content(Region.DATA)) == [0x200000E0, 0x200000E2, 0x101]


def comdat(*signatures: str) -> bytes:
    """An object with a group for each signature, each with one section of four bytes."""
    sections, symbols, groups = [], [], []
    for number, signature in enumerate(signatures):
        name = f".text.{number}"
        flags = SHF_ALLOC | SHF_EXECINSTR | elfbuild.SHF_GROUP
        sections.append(Sec(name=name, flags=flags, content=bytes([number] * 4)))
        symbols.append(Sym(name=signature, type=FUNC, value=1, section=name, binding=WEAK))
        groups.append(Group(signature=signature, members=[name]))
    return elfbuild.elf(sections=sections, symbols=symbols, groups=groups)


def test_of_equal_comdat_groups_the_first_stays() -> None:
    """gABI chapter 4, section groups: "only one of them" is kept."""
    made = linked(comdat("same", "other", "same"))
    assert bytes([0] * 4 + [1] * 4) == made.content(Region.TEXT)


def test_groups_that_are_not_comdat_stay() -> None:
    """Without GRP_COMDAT a group is only there to be kept together."""
    groups = [Group(signature="same", members=[f".text.{n}"], flags=0) for n in (0, 1)]
    sections = [
        Sec(name=f".text.{n}", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes([n] * 4))
        for n in (0, 1)
    ]
    content = elfbuild.elf(sections=sections, symbols=[Sym(name="same")], groups=groups)
    assert bytes([0] * 4 + [1] * 4) == linked(content).content(Region.TEXT)


@pytest.mark.cross
def test_labels_in_empty_sections_and_at_the_end(tmp_path: Path) -> None:
    """A label of an empty section lies at the end of its region; one can end a section."""
    source = """
        .data
    first: .word begin, end, first, last, stop
    last:
        .section .data.begin, "aw"
        .balign 4
    begin:
        .section .data.more, "aw"
        .word 1
    stop:
        .section .data.end, "aw"
    end:
    """
    made = linked(assembled(tmp_path, source))
    start = made.addresses[Region.DATA]
    assert [start + 24, start + 24, start, start + 20, start + 24, 1] == words(
        made.content(Region.DATA)
    )


def test_a_label_in_an_empty_region_is_a_finding() -> None:
    """The loader skips a region without bytes, so that nothing in it has an address."""
    content = elfbuild.elf(
        sections=[
            Sec(
                name=".text",
                flags=SHF_ALLOC | SHF_EXECINSTR,
                content=bytes(4),
                relocations=[Rel(offset=0, type=ABS32, symbol="label")],
            ),
            Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=b""),
        ],
        symbols=[Sym(name="label", section=".data")],
    )
    assert [str(each) for each in linked(content).findings] == [
        """\
unit.o: error[R006]: R_ARM_ABS32 at .text+0x0 refers to 'label', which is in a section that isn't \
loaded"""
    ]


@pytest.mark.cross
@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_absolute_symbols_of_the_object_are_addresses(mode: Mode, tmp_path: Path) -> None:
    """`.set` makes SHN_ABS symbols: registers of peripherals, entries of a boot ROM."""
    source = """
        .text
        .thumb
        .global UART, rom
        .set UART, 0x40004000
        .type rom, %function
        .set rom, 0x101
        .word UART, UART + 4, rom, UART - ., rom - .
    """
    content = assembled(tmp_path, source)
    fixed = same_as_ld(tmp_path, content)
    found = words(fixed.content(Region.TEXT))
    assert found[:3] == [0x40004000, 0x40004004, 0x101]
    made = linked(content, mode=mode)
    assert fixed.content(Region.TEXT) == on_target(made, dict(fixed.addresses))[Region.TEXT]


@pytest.mark.cross
@pytest.mark.parametrize("mode", Mode, ids=lambda each: str(each.value))
def test_own_definitions_win_over_the_base_image(mode: Mode, tmp_path: Path) -> None:
    """Also weak and hidden ones: nothing of the extension is taken from elsewhere."""
    source = """
        .data
        .word weak_one, hidden_one, plain_one
        .weak weak_one
        .global hidden_one, plain_one
        .hidden hidden_one
    weak_one: .word 1
    hidden_one: .word 2
    plain_one: .word 3
    """
    base = [data(name, 0x30000000) for name in ("weak_one", "hidden_one", "plain_one")]
    made = linked(assembled(tmp_path, source), base, mode)
    assert made.linked.imports == ()
    where = dict(made.addresses) or {Region.DATA: 0x20000000}
    start = where[Region.DATA]
    found = words(on_target(made, where)[Region.DATA])
    assert [start + 12, start + 16, start + 20] == found[:3]


@pytest.mark.parametrize(("order", "expected"), [((8, 1, 4), (8, 4, 1)), ((1, 1, 32), (32, 1, 1))])
def test_common_symbols_are_aligned(order: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """st_value of a COMMON symbol is its alignment; the largest go first."""
    symbols = [
        Sym(name=f"c{number}", value=align, size=align, section=SHN_COMMON, type=OBJECT)
        for number, align in enumerate(order)
    ]
    rows = [Rel(offset=4 * n, type=ABS32, symbol=f"c{n}") for n in range(len(order))]
    section = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=bytes(12), relocations=rows)
    made = linked(elfbuild.elf(sections=[section], symbols=symbols))
    bss = made.linked.section(Region.BSS)
    assert bss is not None
    assert list(expected) == [piece.size for piece in bss.pieces]
    assert max(order) == bss.align
    for address, align in zip(words(made.content(Region.DATA)), order, strict=True):
        assert address % align == 0
        assert made.addresses[Region.BSS] <= address < made.addresses[Region.BSS] + bss.size


@pytest.mark.cross
def test_constructors_are_sorted_by_priority(tmp_path: Path) -> None:
    """.init_array.00100 first, .init_array last, whatever the order of the sections."""
    source = "\n".join(
        f'.section .init_array{suffix}, "aw", %init_array\n.word code{number}\n'
        for number, suffix in enumerate(["", ".65000", ".00100", ".5", ".00100"])
    )
    base = [thumb(f"code{number}", 0x1000 * number) for number in range(5)]
    made = linked(assembled(tmp_path, source), base)
    assert words(made.content(Region.INIT)) == [0x3001, 0x2001, 0x4001, 0x1001, 0x1]


def test_an_arm_function_of_the_base_has_no_thumb_bit() -> None:
    """Bit 0 comes from the symbol's value alone."""
    row = Rel(offset=0, type=ABS32, symbol="code")
    section = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=bytes(4), relocations=[row])
    content = elfbuild.elf(sections=[section], symbols=[Sym(name="code")])
    assert words(linked(content, [arm("code", 0x8000)]).content(Region.DATA)) == [0x8000]


def test_packed_is_what_the_tests_think() -> None:
    """Regions one behind the other, each aligned."""
    sizes = {Region.TEXT: (6, 4), Region.BSS: (3, 32)}
    assert packed(sizes) == {Region.TEXT: 0x10000, Region.BSS: 0x10020}
