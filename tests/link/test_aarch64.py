# SPDX-License-Identifier: Apache-2.0
"""AArch64: every relocation of an object, what is undefined, and what is out of reach.

The oracle is GNU ld; what is left for the target is completed by a loader that was written after
Zephyr's.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import gnuld, hostloader
from support.cross import tool
from support.elfbuild import FUNC, NOTYPE, OBJECT, SHN_ABS, TLS, Sym
from support.linking import Case, Outcome, extension, offer
from support.oracle import equal_in

from west_llext.elf.read import object_file
from west_llext.emit.blob import blob
from west_llext.model.elf import Ident
from west_llext.model.link import Piece
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

MIB = 1 << 20
TEXT = 0x40000000
IDENT = Ident(machine=183, bits=64, little=True, flags=0)

#: Every operator that the assembler has for a static relocation, in code and in data.
OPERATORS = """
    adrp x0, {0}
    adrp x0, :pg_hi21_nc:{0}
    add x1, x0, :lo12:{0}
    ldrb w1, [x0, :lo12:{0}]
    ldrh w1, [x0, :lo12:{0}]
    ldr w1, [x0, :lo12:{0}]
    ldr x1, [x0, :lo12:{0}]
    str q1, [x0, :lo12:{0}]
    movz x2, #:abs_g3:{0}
    movk x2, #:abs_g2_nc:{0}
    movk x2, #:abs_g1_nc:{0}
    movk x2, #:abs_g0_nc:{0}
    movz x2, #:abs_g2:{0}
    movz x2, #:abs_g1:{0}
    movz x2, #:abs_g2_s:{0}
    movz x2, #:abs_g1_s:{0}
    movz x2, #:prel_g3:{0}
    movk x2, #:prel_g2_nc:{0}
    movk x2, #:prel_g1_nc:{0}
    movk x2, #:prel_g0_nc:{0}
    movz x2, #:prel_g2:{0}
    movz x2, #:prel_g1:{0}
    bl {0}
    b {0}
    adrp x3, :got:{0}
    ldr x3, [x3, :got_lo12:{0}]
    ldr x4, :got:{0}
"""
NEAR_OPERATORS = """
    adr x5, {0}
    ldr x5, {0}
    b.ne {0}
    cbz x6, {0}
"""
DATA = """
    .xword {0} + 5
    .xword {0} - .
    .word {0} + 5
    .word {0} - .
"""


def assembled(folder: Path, source: str) -> bytes:
    """The object of an assembler source."""
    (folder / "unit.s").write_text(source, encoding="utf-8")
    command = [tool("as", "aarch64-linux-gnu-"), "unit.s", "-o", "unit.o"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "unit.o").read_bytes()


def absolute(name: str, address: int, kind: int = FUNC) -> Sym:
    """A symbol of the base image."""
    return Sym(name=name, value=address, type=kind, section=SHN_ABS)


BASE = [
    absolute("function", TEXT + 0x20010),
    absolute("variable", TEXT - 0x30FF0, OBJECT),
    absolute("label", TEXT + 0x41230, NOTYPE),
]
EVERYWHERE = (
    ".text\n.globl here, text_end\nhere:\n"
    + "".join(OPERATORS.format(name) for name in ("function", "variable", "here", "text_end"))
    + "".join(NEAR_OPERATORS.format(name) for name in ("function", "here", "text_end"))
    + "text_end: .xword 0, 0\n"
    + ".section .rodata\n.balign 16\n"
    + "".join(DATA.format(name) for name in ("label", "function", "here"))
    + ".data\n.balign 16\nvalue: .xword value, here, variable\n"
    + ".bss\n.balign 16\nroom: .skip 64\n"
)
WHERE = {
    Region.TEXT: TEXT,
    Region.RODATA: TEXT + 0x5000,
    Region.DATA: TEXT + 0x1234560,
    Region.BSS: TEXT + 0x2345670,
}


@pytest.mark.parametrize("mode", Mode)
def test_every_operator_gives_what_gnu_ld_makes(mode: Mode, tmp_path: Path) -> None:
    """Against symbols of the base image, of the same section and of others."""
    content = assembled(tmp_path, EVERYWHERE)
    made, found = equal_in(mode, tmp_path, content, BASE, where=WHERE, heap=(TEXT, TEXT + MIB))
    assert found.regions == 4
    names = set(made.linked.applied) | set(made.linked.left)
    assert len(names) >= 30 if mode is Mode.PRELOCATED else len(names) >= 20


def test_a_table_is_left_as_ordinary_pages(tmp_path: Path) -> None:
    """The loader knows no type of a table; the word itself is an address as any other."""
    source = "adrp x0, :got:function\nldr x0, [x0, :got_lo12:function]\nldr x1, :got:function\n"
    content = assembled(tmp_path, source)
    made, _ = equal_in(Mode.RELOCATABLE, tmp_path, content, BASE, where=WHERE)
    read = hostloader.read(blob(made.linked))
    rows = [
        struct.unpack_from("<QQq", read.data, at)
        for each in read.sections
        if each.type == hostloader.SHT_RELA
        for at in range(each.offset, each.offset + each.size, 24)
    ]
    named = [
        (offset, info & 0xFFFFFFFF, read.symbols[info >> 32][0], A) for offset, info, A in rows
    ]
    assert named == [
        (0, 275, "", 16),  # R_AARCH64_ADR_PREL_PG_HI21
        (4, 286, "", 16),  # R_AARCH64_LDST64_ABS_LO12_NC
        (16, 257, "function", 0),  # R_AARCH64_ABS64
    ]


def test_a_bound_table_holds_the_addresses_of_the_base(tmp_path: Path) -> None:
    """Nothing is left but the pages of the table, which are in the extension."""
    content = assembled(tmp_path, "adrp x0, :got:function\nldr x0, [x0, :got_lo12:function]\n")
    made, _ = equal_in(Mode.BOUND, tmp_path, content, BASE, where=WHERE)
    assert made.content(Region.TEXT)[8:] == struct.pack("<Q", TEXT + 0x20010)
    assert made.linked.left == {"R_AARCH64_ADR_PREL_PG_HI21": 1, "R_AARCH64_LDST64_ABS_LO12_NC": 1}


def test_a_table_has_a_word_for_each_sum(tmp_path: Path) -> None:
    """GDAT(S + A), as AAELF64 had it before addends had to be 0.

    The assembler makes them of local labels; GNU ld 2.40 drops the addend.
    """
    source = "nop\nadrp x0, :got:there\nldr x0, [x0, :got_lo12:there]\nnop\nthere: ret\nnop\n"
    made = linked(assembled(tmp_path, source), [])
    text = made.content(Region.TEXT)
    assert text[24:] == struct.pack("<Q", TEXT + 16)
    assert text[4:12] == bytes.fromhex("0000009000 0c40f9".replace(" ", ""))


WEAK = (
    ".weak absent\n.text\n.globl here\nhere: nop\n"
    + OPERATORS.format("absent")
    + NEAR_OPERATORS.format("absent + 8")
    + "tbz x7, #3, absent\n"
    + ".data\n.balign 16\n"
    + DATA.format("absent")
)


@pytest.mark.parametrize("mode", Mode)
def test_an_undefined_weak_symbol_is_at_the_place_or_at_zero(mode: Mode, tmp_path: Path) -> None:
    """AAELF64, "Weak References"; a branch is no instruction (GNU ld treats B as BL)."""
    content = assembled(tmp_path, WEAK)
    made, _ = equal_in(mode, tmp_path, content, where=WHERE, heap=(TEXT, TEXT + MIB))
    # nothing depends on where it is but the pages of the table, which holds a zero
    left = {"R_AARCH64_ADR_PREL_PG_HI21": 1, "R_AARCH64_LDST64_ABS_LO12_NC": 1}
    assert made.linked.left == ({} if mode is Mode.PRELOCATED else left)


BLOCK = [
    Sym(name="first", value=0, type=TLS, section=".tbss"),
    Sym(name="code", value=0x1A0, type=TLS, section=".tbss"),
]
THREAD = """
    mrs x0, tpidr_el0
    add x0, x0, #:tprel_hi12:code, lsl #12
    add x0, x0, #:tprel_lo12:code
    add x0, x0, #:tprel_lo12_nc:code
    movz x1, #:tprel_g2:code
    movz x1, #:tprel_g1:code
    movk x1, #:tprel_g1_nc:code
    movz x1, #:tprel_g0:code
    movk x1, #:tprel_g0_nc:code
    ldrb w1, [x0, #:tprel_lo12:code]
    ldrb w1, [x0, #:tprel_lo12_nc:code]
    ldrh w1, [x0, #:tprel_lo12:code]
    ldrh w1, [x0, #:tprel_lo12_nc:code]
    ldr w1, [x0, #:tprel_lo12:code]
    ldr w1, [x0, #:tprel_lo12_nc:code]
    ldr x1, [x0, #:tprel_lo12:code]
    ldr x1, [x0, #:tprel_lo12_nc:first]
"""


@pytest.mark.parametrize("mode", Mode)
def test_a_local_exec_offset_is_what_gnu_ld_makes(mode: Mode, tmp_path: Path) -> None:
    """The block lies 16 bytes behind the thread pointer; the offset is final in every mode."""
    made, _ = equal_in(mode, tmp_path, assembled(tmp_path, THREAD), BLOCK, where=WHERE)
    assert made.linked.left == {}
    (word,) = struct.unpack_from("<I", made.content(Region.TEXT), 12)
    assert word >> 10 & 0xFFF == 0x1A0 + 16


def linked(
    content: bytes,
    base: Sequence[Sym],
    mode: Mode = Mode.PRELOCATED,
    *,
    window: int = 0x1000,
    release: str | None = None,
) -> Outcome:
    """The object with .text at TEXT, in a memory (or heap) of `window` bytes."""
    case = Case(
        extension=extension(mode=mode),
        base=offer(base, ident=IDENT, zephyr_version=release),
        place=lambda _: {Region.TEXT: TEXT},
        windows={"text": (TEXT, TEXT + window)},
        heap=(TEXT, TEXT + window),
    )
    return case.link(content, "demo.o")


def said(made: Outcome) -> list[str]:
    """Every finding as it is shown."""
    return [str(each) for each in made.findings]


#: The last address that a branch reaches from wherever it is in 4 KiB at TEXT, and the first.
HIGHEST = TEXT + 128 * MIB - 4
LOWEST = TEXT + 0x1000 - 4 - 128 * MIB


@pytest.mark.parametrize("branch", ["bl", "b"])
@pytest.mark.parametrize(
    ("address", "count"),
    [(HIGHEST, 0), (HIGHEST + 4, 1), (LOWEST, 0), (LOWEST - 4, 1), (0xFFFF_FFFF_0000_0000, 1)],
)
def test_a_branch_past_128_mib_goes_through_a_veneer(
    branch: str, address: int, count: int, tmp_path: Path
) -> None:
    """One a target; it holds the whole address."""
    content = assembled(tmp_path, f"nop\n{branch} far\n{branch} far\n")
    made = linked(content, [absolute("far", address)])
    section = made.linked.section(Region.TEXT)
    assert section is not None
    veneers = [each for each in section.pieces if each.source.startswith("veneer")]
    assert veneers == [Piece("veneer for far", 16, 16)] * count
    if count:
        assert made.content(Region.TEXT)[16:] == bytes.fromhex(
            "5000005800021fd6"
        ) + address.to_bytes(8, "little")


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_where_nothing_is_known_of_the_heap_every_call_has_a_veneer(
    mode: Mode, tmp_path: Path
) -> None:
    """Two calls and a jump, of two functions."""
    content = assembled(tmp_path, "bl function\nbl function\nb label\nbl here\nhere: ret\n")
    base = [absolute("function", 0x5000_0000_0000), absolute("label", 0x1000)]
    made = Case(extension=extension(mode=mode), base=offer(base, ident=IDENT)).link(content)
    assert [stub.form.name for stub in made.second.stubs.all] == ["aarch64", "aarch64"]
    left = {"R_AARCH64_ABS64": 2} if mode is Mode.RELOCATABLE else {}
    assert made.linked.left == left


def test_a_short_branch_that_does_not_reach_is_refused(tmp_path: Path) -> None:
    """R003, whole: there are no veneers for TBZ and B.cond (AAELF64)."""
    content = assembled(tmp_path, "tbz x0, #1, far\nb.eq far\nb.eq near\n")
    made = linked(content, [absolute("far", TEXT + MIB + 4), absolute("near", TEXT + MIB)])
    assert said(made) == [
        (
            "demo.o: error[R003]: R_AARCH64_TSTBR14 at .text+0x0 does not reach 'far': S + A - P = "
            "+0x100004 is not in [-0x8000, 0x8000), 4-aligned"
        ),
        (
            "demo.o: error[R003]: R_AARCH64_CONDBR19 at .text+0x4 does not reach 'far': S + A - P "
            "= +0x100000 is not in [-0x100000, 0x100000), 4-aligned"
        ),
    ]


def test_a_misaligned_variable_is_refused(tmp_path: Path) -> None:
    """R004, whole: a load of 8 bytes counts in units of 8; GNU ld refuses it as well."""
    content = assembled(tmp_path, "adrp x0, odd\nldr x1, [x0, :lo12:odd]\n")
    base = [absolute("odd", TEXT + 0x2004, OBJECT)]
    made = linked(content, base)
    assert said(made) == [
        (
            "demo.o: error[R004]: R_AARCH64_LDST64_ABS_LO12_NC at .text+0x4 can't reach 'odd' "
            "exactly: S + A = +0x4 is not in [0x0, 0x1000), 8-aligned"
        )
    ]
    with pytest.raises(gnuld.LinkerError, match="relocation truncated to fit"):
        gnuld.linked(
            tmp_path,
            content,
            layout={Region.TEXT: [(1, 0)]},
            addresses={Region.TEXT: TEXT},
            symbols=base,
        )


def test_a_page_past_4_gib_is_refused(tmp_path: Path) -> None:
    """R003, whole: ADRP reaches ±4 GiB."""
    made = linked(assembled(tmp_path, "adrp x0, far\n"), [absolute("far", TEXT + (4 << 30))])
    assert said(made) == [
        (
            "demo.o: error[R003]: R_AARCH64_ADR_PREL_PG_HI21 at .text+0x0 does not reach 'far': "
            "Page(S + A) - Page(P) = +0x100000000 is not in [-0x100000000, 0x100000000), "
            "4096-aligned\nhint: compile with -mcmodel=large"
        )
    ]


@pytest.mark.parametrize(("release", "count"), [("4.4.0", 1), ("4.5.0", 0), (None, 0)])
def test_a_signed_move_needs_a_loader_that_gets_it_right(
    release: str | None, count: int, tmp_path: Path
) -> None:
    """R007 by release: the loader took MOVN for MOVZ up to 4.4."""
    content = assembled(tmp_path, "movz x0, #:abs_g2_s:function\n")
    made = linked(content, [absolute("function", TEXT)], Mode.RELOCATABLE, release=release)
    expected = (
        "demo.o: error[R007]: R_AARCH64_MOVW_SABS_G2 at .text+0x0 refers to 'function', and the "
        "target's loader can't apply that type before Zephyr 4.5\n"
        "hint: set 'mode: prelocated', or make the reference through a pointer"
    )
    assert said(made) == [expected] * count


SMALL_TABLE = """
    adrp x0, _GLOBAL_OFFSET_TABLE_
    ldr x1, [x0, #:gotpage_lo15:function]
    ldr x2, [x0, #:gotpage_lo15:variable]
    ldr x3, [x0, #:gotpage_lo15:here]
    add x4, x0, :lo12:_GLOBAL_OFFSET_TABLE_
    movz x5, #:gotoff_g1:function
    movk x5, #:gotoff_g0_nc:function
    .globl here
here:
    ret
"""


@pytest.mark.parametrize("mode", Mode)
def test_a_small_table_is_counted_from(mode: Mode, tmp_path: Path) -> None:
    """-fpic: from the page where the table begins, which is a page of the code."""
    content = assembled(tmp_path, SMALL_TABLE)
    made, _ = equal_in(mode, tmp_path, content, BASE, where=WHERE, heap=(TEXT, TEXT + MIB))
    section = made.linked.section(Region.TEXT)
    assert section is not None
    assert section.align == 4096


def test_a_table_that_nothing_counts_from_needs_no_page(tmp_path: Path) -> None:
    """The words of -fPIC can be anywhere."""
    source = "adrp x0, :got:function\nldr x0, [x0, :got_lo12:function]\n"
    section = linked(assembled(tmp_path, source), BASE).linked.section(Region.TEXT)
    assert section is not None
    assert section.align < 4096


def test_the_object_of_the_tests_has_every_static_relocation(tmp_path: Path) -> None:
    """All of AAELF64's that the assembler of binutils 2.40 can be made to write."""
    source = EVERYWHERE + WEAK.replace("here", "there") + ".text\n" + THREAD
    content = object_file(assembled(tmp_path, source), "unit.o")
    seen = {row.type for rows in content.relocations.values() for row in rows}
    never = {259, 262, 263, 270, 274, 287, 299, 314, 315}  # 16 bits; newer than the assembler
    expected = {*range(257, 281), *range(282, 294), 299, 309, 311, 312, *range(544, 560), 570, 571}
    assert expected - seen <= never | {570, 571}
