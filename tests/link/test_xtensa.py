# SPDX-License-Identifier: Apache-2.0
"""Xtensa: where literals go, what is left for the target, veneers, and what can't be had.

The C library and libgcc are compared with GNU ld in tests/conformance.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import xtensa
from support.cross import gcc, tool
from support.elfbuild import (
    FUNC,
    LOCAL,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_ABS,
    TLS,
    Group,
    Rel,
    Sec,
    Sym,
    elf,
)
from support.elfbuild import OBJECT as OBJ
from support.linking import Case, Outcome, extension, offer
from support.oracle import same_as_ld

from west_llext.elf.read import object_file
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

PREFIX = "xtensa-lx106-elf-"
TEXT = 0x40000000
CODE = SHF_ALLOC | SHF_EXECINSTR
SLOT0_OP = 20
CALL0 = bytes.fromhex("050000")
CALL8 = bytes.fromhex("250000")
L32R = bytes.fromhex("310000")
J = bytes.fromhex("060000")
#: The note of a windowed object, and of one that isn't.
WINDOWED, PLAIN = (
    Sec(
        name=".xtensa.info",
        type=7,
        flags=0,
        content=struct.pack("<III", 12, 8, 1) + b"Xtensa_Info\0ABI=%d\n\0\0" % abi,
    )
    for abi in (0, 1)
)


def code(content: bytes, *rows: Rel, name: str = ".text", align: int = 1) -> Sec:
    """A section of code."""
    return Sec(name=name, flags=CODE, content=content, align=align, relocations=rows)


def slot(offset: int, symbol: str, kind: int = SLOT0_OP, addend: int = 0) -> Rel:
    """A relocation of an instruction."""
    return Rel(offset=offset, type=kind, symbol=symbol, addend=addend)


def unit(*sections: Sec, symbols: Sequence[Sym] = (), note: Sec = PLAIN) -> bytes:
    """A little-endian object."""
    return elf(machine=94, flags=0x300, sections=[*sections, note], symbols=symbols)


def function(name: str, address: int) -> Sym:
    """A function of the base image."""
    return Sym(name=name, value=address, type=FUNC, section=SHN_ABS)


def made_of(
    content: bytes, base: Sequence[Sym] = (), mode: Mode = Mode.PRELOCATED, name: str = "demo.o"
) -> Outcome:
    """The object with its code at TEXT."""
    case = Case(
        extension=extension(mode=mode),
        base=offer(base),
        place=lambda sizes: {region: TEXT + 0x1000 * region for region in sizes},
        windows={"text": (TEXT, TEXT + 0x1000)},
        heap=(TEXT, TEXT + 0x1000),
    )
    return case.link(content, name)


def texts(content: bytes, base: Sequence[Sym] = (), mode: Mode = Mode.PRELOCATED) -> list[str]:
    """Every finding, whole."""
    return [str(each) for each in made_of(content, base, mode).findings]


def order(*names: str) -> list[str]:
    """Sections of code in the order in which they come out."""
    sections = [code(bytes(8), name=name, align=4) for name in names]
    return pieces(unit(*sections))


def pieces(content: bytes) -> list[str]:
    """Sections of code of an object in the order in which they come out."""
    made = made_of(content)
    found = made.first.arranged.outputs[Region.TEXT].pieces
    return [made.first.obj.sections[source].name for source, _, _ in found]


def test_literals_are_in_front_of_their_code() -> None:
    """As assemblers name them: .text.f has .literal.f, .iram1.text has .iram1.literal."""
    assert order(".text", ".text.f", ".literal", ".literal.f") == [
        ".literal",
        ".text",
        ".literal.f",
        ".text.f",
    ]
    assert order(".iram1.text", ".init", ".init.literal", ".iram1.literal") == [
        ".iram1.literal",
        ".iram1.text",
        ".init.literal",
        ".init",
    ]
    assert order(".gnu.linkonce.t.g", ".gnu.linkonce.literal.g") == [
        ".gnu.linkonce.literal.g",
        ".gnu.linkonce.t.g",
    ]


def test_literals_of_a_group_are_in_front_of_all_of_its_code() -> None:
    """Assemblers name them after the group's signature, whatever its sections of code are named."""
    names = (".text.a", ".text.C2", ".text.C1", ".text.b", ".literal.b", ".literal.C5", ".literal")
    content = elf(
        machine=94,
        flags=0x300,
        sections=[*(code(bytes(8), name=name, align=4) for name in names), PLAIN],
        symbols=[Sym(name="C5", section=".text.C1")],
        groups=[Group(signature="C5", members=[".literal.C5", ".text.C2", ".text.C1"])],
    )
    assert pieces(content) == [
        *(".text.a", ".literal.C5", ".text.C2", ".text.C1", ".literal.b", ".text.b", ".literal"),
    ]


LOCAL_STATICS = """\
struct counter { int n; counter(int n) : n(n) {} ~counter() { gone(n); } static void gone(int); };
inline int one() { static counter c(needed(1)); return c.n; }
inline int two() { static counter c(needed(2)); return c.n; }
extern "C" int entry() { return one() + two(); }
"""


@pytest.mark.cross
@pytest.mark.parametrize("level", ["-O0", "-Os", "-O2"])
def test_literals_of_local_statics_are_reached(level: str, tmp_path: Path) -> None:
    """Their destructors are in the group of the function, in front of it, and use its literals."""
    source = f"int needed(int);\n{LOCAL_STATICS}"
    flags = (level, "-ffunction-sections", "-fno-exceptions", "-fno-use-cxa-atexit")
    flags += ("-fno-threadsafe-statics",)
    content = gcc(tmp_path, source, *flags, prefix=PREFIX, name="unit.cpp").read_bytes()
    names = {each.name for each in object_file(content, "unit.o").symbols if not each.section}
    base = [function(name, 0x40000800 + 4 * n) for n, name in enumerate(sorted(names - {""}))]
    assert texts(content, base) == []


def test_literals_without_code_stay_where_they_are() -> None:
    """Somebody has named them by hand; two sections of code can share one of literals."""
    assert order(".text", ".literal.h", ".text.g") == [".text", ".literal.h", ".text.g"]
    assert order(".iram1", ".iram1.text", ".iram1.literal") == [
        ".iram1.literal",
        ".iram1",
        ".iram1.text",
    ]


def test_code_begins_at_a_word_boundary() -> None:
    """Distances from rounded places are only kept by a region whose alignment is theirs."""
    made = made_of(unit(code(bytes(7))))
    assert made.second.sizes()[Region.TEXT] == (7, 4)


@pytest.mark.cross
def test_literals_behind_the_code_are_what_gnu_ld_makes_in_front(tmp_path: Path) -> None:
    """L32R reaches backwards only."""
    symbols = [Sym(name="value", section=".literal", binding=LOCAL)]
    content = unit(
        code(b"\x3d\xf0" + L32R + L32R, slot(2, "value"), slot(5, "value", addend=4)),
        code(bytes(range(8)), name=".literal", align=4),
        symbols=symbols,
    )
    same_as_ld(tmp_path, content)


@pytest.mark.cross
def test_addends_in_the_place_and_in_the_relocation_are_added_up(tmp_path: Path) -> None:
    """`ld -r` moves them into the place."""
    rows = [
        Rel(offset=0, type=1, symbol="here", addend=0x10),
        Rel(offset=4, type=1, symbol="there", addend=-3),
        Rel(offset=8, type=14, symbol="there", addend=8),
        Rel(offset=12, type=6, symbol="there", addend=2),
    ]
    words = struct.pack("<4I", 0x100, 5, 0x200, 0x300)
    content = unit(
        Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=words, relocations=rows),
        symbols=[Sym(name="here", value=4, section=".data", binding=LOCAL), Sym(name="there")],
    )
    made = same_as_ld(tmp_path, content, [function("there", 0x40001000)])
    start = made.addresses[Region.DATA]
    assert struct.unpack("<4I", made.content(Region.DATA)) == (
        start + 4 + 0x110,
        0x40001002,
        0x40001008 - (start + 8),
        0x40001002,
    )


@pytest.mark.cross
def test_a_thread_local_offset_is_what_gnu_ld_makes(tmp_path: Path) -> None:
    """Two words, and as much more as the block's alignment asks for, are in front of it."""
    content = unit(
        code(bytes(4), slot(0, "errno", 53), name=".literal", align=4),
        symbols=[Sym(name="errno", type=TLS)],
    )
    base = [Sym(name="errno", value=24, type=TLS, section=".tbss")]
    made = same_as_ld(tmp_path, content, base)
    assert struct.pack("<I", 16 + 24) == made.content(Region.TEXT)


@pytest.mark.parametrize("mode", [Mode.BOUND, Mode.RELOCATABLE])
def test_what_is_left_has_its_addend_in_the_place(mode: Mode) -> None:
    """The loader ignores the addend of the relocation, whatever the type had been."""
    rows = [
        Rel(offset=0, type=1, symbol="here", addend=0x10),
        Rel(offset=4, type=6, symbol="here", addend=1),
        Rel(offset=8, type=64, symbol="here", addend=2),
        Rel(offset=12, type=1, symbol="there", addend=6),
    ]
    words = struct.pack("<4I", 0x100, 0xBAD, 0xBAD, 0)
    content = unit(
        Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=words, relocations=rows),
        symbols=[Sym(name="here", value=4, type=OBJ, section=".data"), Sym(name="there")],
    )
    made = made_of(content, [function("there", 0x40001000)], mode).linked
    section = made.section(Region.DATA)
    assert section is not None
    assert {(row.type, row.addend) for row in section.relocations} == {(1, 0)}
    last = 0x40001006 if mode is Mode.BOUND else 6
    assert struct.unpack("<4I", section.content) == (0x114, 5, 6, last)
    assert len(section.relocations) == (3 if mode is Mode.BOUND else 4)


@pytest.mark.cross
def test_exports_of_a_merged_object_are_found(tmp_path: Path) -> None:
    """Their names are at addends in the place then."""
    source = """
    struct entry { const char *name; const void *addr; };
    int twice(int x) { return 2 * x; }
    int thrice(int x) { return 3 * x; }
    #define EXPORT(x) static const struct entry e_##x \\
        __attribute__((section(".exported_sym"), used)) = { #x, x }
    EXPORT(twice);
    EXPORT(thrice);
    """
    first = gcc(tmp_path, source, "-Os", prefix=PREFIX)
    second = gcc(tmp_path, 'const char text[] = "x";', prefix=PREFIX, name="second.c")
    merged = tmp_path / "merged.o"
    command = [tool("ld", PREFIX), "-r", str(second), str(first), "-o", str(merged)]
    subprocess.run(command, check=True)
    obj = object_file(merged.read_bytes(), "merged.o")
    places = [row for rows in obj.relocations.values() for row in rows if row.type == 1]
    assert all(row.addend == 0 for row in places)
    made = made_of(merged.read_bytes())
    assert [each.name for each in made.linked.exports] == ["thrice", "twice"]


def veneered(content: bytes, base: Sequence[Sym], mode: Mode) -> bytes:
    """The code, with what the target's loader completes."""
    made = made_of(content, base, mode)
    if mode is Mode.PRELOCATED:
        return made.content(Region.TEXT)
    from west_llext.emit.blob import blob

    addresses = {region.label: TEXT + 0x1000 * region for region in made.second.sizes()}
    known = {symbol.name: symbol.value for symbol in base}
    memory, _ = xtensa.completed(blob(made.linked), addresses, known.get)
    return memory["text"]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("call", "note", "load"),
    [
        (CALL0, PLAIN, "91ffffa00900"),
        (J, PLAIN, "91ffffa00900"),
        (bytes.fromhex("150000"), WINDOWED, "51ffffa00500"),
        (CALL8, WINDOWED, "91ffffa00900"),
        (bytes.fromhex("350000"), WINDOWED, "d1ffffa00d00"),
    ],
    ids=["call0", "j", "call4", "call8", "call12"],
)
def test_a_far_call_goes_through_a_veneer(call: bytes, note: Sec, load: str, mode: Mode) -> None:
    """One for both calls: l32r aN; jx aN, with the address in the word before."""
    content = unit(
        code(call + call, slot(0, "far"), slot(3, "far")),
        symbols=[Sym(name="far")],
        note=note,
    )
    made = veneered(content, [function("far", 0x40100000)], mode)
    assert made[8:] == struct.pack("<I", 0x40100000) + bytes.fromhex(load)
    for at in (0, 3):
        kind = call[0] & 15
        assert xtensa.call(made, at, TEXT) == (kind << 2 | call[0] >> 4 & 3, TEXT + 12)


def test_a_near_call_needs_no_veneer() -> None:
    """From everywhere in its memory to everywhere within 512 KiB."""
    content = unit(code(CALL0, slot(0, "near")), symbols=[Sym(name="near")])
    made = made_of(content, [function("near", TEXT + 0x7F000)])
    assert made.content(Region.TEXT) == (0x05 | (0x7F000 - 4 >> 2) << 6).to_bytes(3, "little")


@pytest.mark.parametrize("mode", [Mode.BOUND, Mode.RELOCATABLE])
def test_a_near_call_goes_through_a_veneer_where_the_loader_cant_make_it(mode: Mode) -> None:
    """The loader takes a symbol of the base image for one of the extension."""
    content = unit(code(CALL0, slot(0, "near")), symbols=[Sym(name="near")])
    made = veneered(content, [function("near", TEXT + 0x2000)], mode)
    assert xtensa.call(made, 0, TEXT) == (5 << 2, TEXT + 8)
    assert made[4:8] == struct.pack("<I", TEXT + 0x2000)


def test_a_call_of_an_undefined_weak_function_does_nothing() -> None:
    """OR a1, a1, a1 in its place."""
    content = unit(code(CALL0, slot(0, "maybe")), symbols=[Sym(name="maybe", binding=2)])
    assert made_of(content).content(Region.TEXT) == bytes.fromhex("101120")


def test_a_literal_behind_its_use_is_refused() -> None:
    """R003, whole: in one section nobody can put it in front."""
    content = unit(
        code(L32R + bytes(5), slot(0, "later"), align=4),
        symbols=[Sym(name="later", value=4, section=".text", binding=LOCAL)],
    )
    assert texts(content) == [
        """\
demo.o: error[R003]: R_XTENSA_SLOT0_OP (L32R) at .text+0x0 does not reach 'later': \
S + A - Pn = +0x4 is not in [-0x40000, 0x0), 4-aligned
hint: compile with -mtext-section-literals"""
    ]


def test_a_jump_of_windowed_code_has_no_veneer() -> None:
    """R003 and R007, whole."""
    content = unit(code(J, slot(0, "far")), symbols=[Sym(name="far")], note=WINDOWED)
    base = [function("far", TEXT + 0x100000)]
    assert texts(content, base) == [
        """\
demo.o: error[R003]: R_XTENSA_SLOT0_OP (J) at .text+0x0 does not reach 'far': \
S + A - P = +0x100000 is not in [-0x1fffc, 0x20004)
hint: write it as j.l with a free register, such as 'j.l there, a9'"""
    ]
    assert texts(content, base, Mode.BOUND) == [
        """\
demo.o: error[R007]: R_XTENSA_SLOT0_OP (J) at .text+0x0 refers to 'far', and the target's loader \
can't apply that type
hint: set 'mode: prelocated', or write it as j.l with a free register, such as 'j.l there, a9'"""
    ]


@pytest.mark.cross
def test_a_jump_through_a_register_reaches_everything(tmp_path: Path) -> None:
    """What the hint says; -mlongcalls does nothing for jumps."""
    base = [function("far", TEXT + 0x100000)]
    for mode in (Mode.PRELOCATED, Mode.BOUND, Mode.RELOCATABLE):
        source = "f: j.l far, a9\n"
        content = gcc(tmp_path, source, "-mtext-section-literals", name="unit.s", prefix=PREFIX)
        assert texts(content.read_bytes(), base, mode) == []


def test_a_misaligned_target_of_a_call_is_refused() -> None:
    """R004, whole."""
    content = unit(code(CALL0, slot(0, "odd")), symbols=[Sym(name="odd")])
    assert texts(content, [function("odd", TEXT + 0x102)]) == [
        """\
demo.o: error[R004]: R_XTENSA_SLOT0_OP (CALL0) at .text+0x0 can't reach 'odd' exactly: \
S + A - Pa = +0x102 is not in [-0x7fffc, 0x80004), 4-aligned
hint: compile with -mlongcalls"""
    ]


def test_a_windowed_call_out_of_its_gibibyte_is_refused() -> None:
    """R003, whole: its limits are those of the 1 GiB."""
    content = unit(code(CALL8, slot(0, "below")), symbols=[Sym(name="below")], note=WINDOWED)
    assert texts(content, [function("below", TEXT - 0x1000)]) == [
        """\
demo.o: error[R003]: R_XTENSA_SLOT0_OP (CALL8) at .text+0x0 does not reach 'below': \
S + A - Pa = -0x1000 is not in [0x0, 0x80004), 4-aligned
hint: compile with -mlongcalls"""
    ]


@pytest.mark.parametrize("content", ["364100", "0c53", "0df0", "ffffff"])
def test_an_instruction_without_a_field_is_refused(content: str) -> None:
    """R009, whole: ENTRY, MOVI.N, RET.N, and no instruction at all."""
    raw = bytes.fromhex(content)
    made = unit(code(raw, slot(0, "x")), symbols=[Sym(name="x")])
    assert texts(made, [function("x", TEXT)]) == [
        (
            "demo.o: error[R009]: R_XTENSA_SLOT0_OP at .text+0x0 stands at an instruction that has "
            "no field for an address"
        )
    ]


def test_an_instruction_that_its_section_cuts_off_is_refused() -> None:
    """R005, whole: two bytes of three."""
    made = unit(code(bytes.fromhex("0500"), slot(0, "x")), symbols=[Sym(name="x")])
    assert texts(made, [function("x", TEXT)]) == [
        (
            "demo.o: error[R005]: R_XTENSA_SLOT0_OP (CALL0) at .text+0x0 changes 3 bytes, '.text' "
            "has 0x2"
        )
    ]


def test_a_narrow_branch_at_the_end_of_its_section_is_encoded() -> None:
    """BEQZ.N has two bytes."""
    content = unit(code(bytes.fromhex("8c03"), slot(0, "x")), symbols=[Sym(name="x")])
    made = made_of(content, [function("x", TEXT + 67)])
    assert made.content(Region.TEXT) == bytes.fromhex("bcf3")


def test_a_bundled_instruction_is_refused() -> None:
    """R001, whole."""
    made = unit(code(bytes(8), slot(0, "x", 21)), symbols=[Sym(name="x")])
    assert texts(made, [function("x", TEXT)]) == [
        """\
demo.o: error[R001]: R_XTENSA_SLOT1_OP at .text+0x0 against 'x' can't be used in an extension: \
an instruction in a bundle, which depends on the core's own formats
hint: compile with -Wa,--no-allow-flix"""
    ]


def test_big_endian_code_is_linked_as_little_endian_is() -> None:
    """A literal, a call and a branch, byte order and fields turned round."""
    words = bytes(4) + bytes.fromhex("130000 500000 cc30")
    rows = [
        Rel(offset=0, type=1, symbol="there", addend=0x10),
        slot(4, "start"),
        slot(7, "there"),
        slot(10, "start", addend=50),
    ]
    content = elf(
        machine=94,
        flags=0x300,
        little=False,
        sections=[code(words, *rows, align=4)],
        symbols=[Sym(name="start", section=".text", binding=LOCAL), Sym(name="there")],
    )
    made = made_of(content, [function("there", TEXT + 0x1004)])
    # the literal -4 from 0x40000004, the call 0x3ff words from 0x40000008, the branch 36 from 4
    # behind it: 0x24 is 2 in one field and 4 in the other
    expected = bytes.fromhex("40001014 13ffff 5003ff ce34")
    assert made.content(Region.TEXT) == expected
