# SPDX-License-Identifier: Apache-2.0
"""What is said of relocations and sections that can't be had, whole texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support import elfbuild
from support.cross import gcc
from support.elfbuild import (
    LOCAL,
    NOBITS,
    OBJECT,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_ABS,
    SHN_COMMON,
    Rel,
    Sec,
    Sym,
)
from support.linking import Case, Outcome, arm, data, extension, offer, thumb
from support.oracle import assembled, compiled

from west_llext.diagnostics import Diagnostic
from west_llext.elf.dwarf import line_of
from west_llext.elf.read import object_file
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

TEXT = 0x10000000
SHF_TLS = 0x400


def texts(
    content: bytes,
    base: Sequence[Sym] = (),
    mode: Mode = Mode.PRELOCATED,
    **options: object,
) -> list[str]:
    """Every finding, whole."""
    case = Case(
        extension=extension(mode=mode),
        base=offer(base),
        place=lambda sizes: {region: TEXT + 0x1000 * region for region in sizes},
        windows={"text": (TEXT, TEXT + 0x1000)},
        **options,  # type: ignore[arg-type]  # fields of Case
    )
    made: Outcome = case.link(content, "demo.o")
    return [str(each) for each in made.findings]


def one(kind: int, symbol: Sym, *, name: str = ".text", content: bytes = bytes(4)) -> bytes:
    """An object with one relocation, at the start of one section."""
    flags = SHF_ALLOC | (SHF_EXECINSTR if name == ".text" else SHF_WRITE)
    rows = [Rel(offset=0, type=kind, symbol=symbol.name)]
    section = Sec(name=name, flags=flags, content=content, relocations=rows)
    return elfbuild.elf(sections=[section], symbols=[symbol])


def test_a_type_that_extensions_cannot_have_says_why_and_what_to_do() -> None:
    """R001, with the reason and the remedy of the table."""
    assert texts(one(26, Sym(name="things")), [data("things", 0x1000)]) == [
        """\
demo.o: error[R001]: R_ARM_GOT_BREL at .text+0x0 against 'things' can't be used in an extension: \
extensions have no global offset table
hint: compile without -fPIC and -fpie"""
    ]
    assert texts(one(20, Sym(name="things")), [data("things", 0x1000)]) == [
        """\
demo.o: error[R001]: R_ARM_COPY at .text+0x0 against 'things' can't be used in an extension: a \
dynamic relocation of an executable"""
    ]


@pytest.mark.cross
def test_position_independent_code_is_one_finding_a_type(tmp_path: Path) -> None:
    """R001 with a count, and with the source line of the first."""
    source = "extern int a, b;\nint f(void)\n{\n    return a + b;\n}\n"
    content = compiled(tmp_path, source, "-fPIC", "-g")
    found = texts(content, [data("a", 0x1000), data("b", 0x1004)], line=line_of)
    assert found == [
        """\
demo.o: error[R001]: R_ARM_BASE_PREL at .text+0x14 against '_GLOBAL_OFFSET_TABLE_' can't be used \
in an extension: extensions have no global offset table
unit.c:5:1: note: the code is made of this line
hint: compile without -fPIC and -fpie""",
        """\
demo.o: error[R001]: R_ARM_GOT_BREL at .text+0x18 against 'a' can't be used in an extension: \
extensions have no global offset table (and 1 more like it)
unit.c:5:1: note: the code is made of this line
hint: compile without -fPIC and -fpie""",
    ]


def test_a_type_that_the_psabi_does_not_have_says_its_number() -> None:
    """R002."""
    assert texts(one(200, Sym(name="things")), [data("things", 0x1000)]) == [
        "demo.o: error[R002]: relocation type 200 at .text+0x0 is not one of arm"
    ]


def test_a_value_out_of_range_shows_the_arithmetic() -> None:
    """R003: formula, value and half-open range."""
    small = one(103, Sym(name="near"), content=bytes.fromhex("fed0"))
    assert texts(small, [thumb("near", TEXT + 0x200)]) == [
        """\
demo.o: error[R003]: R_ARM_THM_JUMP8 at .text+0x0 does not reach 'near': S + A - P = +0x1fc is \
not in [-0x100, 0x100), 2-aligned"""
    ]
    assert texts(small, [thumb("near", TEXT - 0x200)]) == [
        """\
demo.o: error[R003]: R_ARM_THM_JUMP8 at .text+0x0 does not reach 'near': S + A - P = -0x204 is \
not in [-0x100, 0x100), 2-aligned"""
    ]
    named = one(103, Sym(name="_ZN5sound4beepEi"), content=bytes.fromhex("fed0"))
    assert texts(named, [thumb("_ZN5sound4beepEi", TEXT - 0x200)]) == [
        """\
demo.o: error[R003]: R_ARM_THM_JUMP8 at .text+0x0 does not reach '_ZN5sound4beepEi' \
[sound::beep(int)]: S + A - P = -0x204 is not in [-0x100, 0x100), 2-aligned"""
    ]
    half = one(5, Sym(name="port"), name=".data", content=bytes(2))
    assert texts(half, [data("port", 0x10000)]) == [
        """\
demo.o: error[R003]: R_ARM_ABS16 at .data+0x0 does not reach 'port': S + A = +0x10000 is not in \
[-0x8000, 0x10000)"""
    ]


def test_a_misaligned_value_shows_the_alignment() -> None:
    """R004: in range, but between two values that the field can hold."""
    jump = one(29, Sym(name="code"), content=bytes.fromhex("feffffea"))
    assert texts(jump, [arm("code", TEXT + 0x102)]) == [
        """\
demo.o: error[R004]: R_ARM_JUMP24 at .text+0x0 can't reach 'code' exactly: ((S + A) | T) - P = \
+0xfa is not in [-0x2000000, 0x2000000), 4-aligned"""
    ]


def test_a_place_outside_of_its_section_says_both_sizes() -> None:
    """R005."""
    rows = [Rel(offset=2, type=2, symbol="things")]
    section = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=bytes(5), relocations=rows)
    content = elfbuild.elf(sections=[section], symbols=[Sym(name="things")])
    assert texts(content, [data("things", 0x1000)]) == [
        "demo.o: error[R005]: R_ARM_ABS32 at .data+0x2 changes 4 bytes, '.data' has 0x5"
    ]


def test_a_relocation_of_a_section_without_bytes_is_said() -> None:
    """R005 for NOBITS."""
    rows = [Rel(offset=4, type=2, symbol="things")]
    section = Sec(name=".bss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, size=16, relocations=rows)
    content = elfbuild.elf(sections=[section], symbols=[Sym(name="things")])
    assert texts(content, [data("things", 0x1000)]) == [
        "demo.o: error[R005]: relocation at .bss+0x4, '.bss' has no bytes"
    ]


def test_a_reference_to_what_is_not_loaded_is_said() -> None:
    """R006: the target's loader would take the plain value, without a word."""
    rows = [Rel(offset=0, type=2, symbol="frames")]
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(4), relocations=rows)
    unwind = Sec(name=".eh_frame", content=bytes(8))
    symbol = Sym(name="frames", binding=LOCAL, section=".eh_frame")
    content = elfbuild.elf(sections=[text, unwind], symbols=[symbol])
    for mode in Mode:
        assert texts(content, mode=mode) == [
            """\
demo.o: error[R006]: R_ARM_ABS32 at .text+0x0 refers to 'frames', which is in a section that isn't \
loaded"""
        ]


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_a_type_that_the_loader_does_not_know_says_what_to_do(mode: Mode) -> None:
    """R007: what can be applied here is no problem."""
    content = one(103, Sym(name="near"), content=bytes.fromhex("fed0"))
    assert texts(content, [thumb("near", TEXT + 0x40)], mode) == [
        """\
demo.o: error[R007]: R_ARM_THM_JUMP8 at .text+0x0 refers to 'near', and the target's loader can't \
apply that type
hint: set 'mode: prelocated', or make the reference through a pointer"""
    ]
    assert texts(content, [thumb("near", TEXT + 0x40)]) == []


def test_a_type_that_an_older_loader_does_not_know_says_since_when() -> None:
    """R007 by release: 3.6 knows R_ARM_ABS32 alone, R_ARM_THM_CALL came with 3.7."""
    branch = bytes.fromhex("fff7feff")
    call = one(10, Sym(name="later"), content=branch)
    word = one(2, Sym(name="later"))
    for content, release, expected in (
        (call, "3.6.0", 1),
        (call, "3.7.0", 0),
        (call, None, 0),
        (call, "next", 0),
        (word, "3.6.0", 0),
    ):
        base = offer([thumb("later", TEXT + 0x40)], zephyr_version=release)
        near = (TEXT, TEXT + 0x1000)
        case = Case(extension=extension(mode=Mode.RELOCATABLE), base=base, heap=near)
        found = [str(each) for each in case.link(content, "demo.o").findings]
        assert len(found) == expected, (release, found)
    old = offer([thumb("later", TEXT + 0x40)], zephyr_version="3.6.0")
    case = Case(extension=extension(mode=Mode.RELOCATABLE), base=old, heap=(TEXT, TEXT + 0x1000))
    assert [str(each) for each in case.link(call, "demo.o").findings] == [
        """\
demo.o: error[R007]: R_ARM_THM_CALL at .text+0x0 refers to 'later', and the target's loader can't \
apply that type before Zephyr 3.7
hint: set 'mode: prelocated', or make the reference through a pointer"""
    ]


def test_a_low_part_without_its_high_part_is_refused() -> None:
    """R010 (RISC-V): the symbol has to be at the place of an upper part."""
    row = Rel(offset=0, type=24, symbol="here", addend=0)
    flags = SHF_ALLOC | SHF_EXECINSTR
    section = Sec(name=".text", flags=flags, content=bytes(8), relocations=[row])
    here = Sym(name="here", value=4, binding=LOCAL, section=".text")
    content = elfbuild.elf(machine=243, flags=0, sections=[section], symbols=[here])
    for mode in Mode:
        assert texts(content, mode=mode) == [
            """\
demo.o: error[R010]: R_RISCV_PCREL_LO12_I at .text+0x0 refers to 'here', where no instruction has \
the high part of an address"""
        ]


def test_an_addend_that_the_place_cannot_hold_is_said() -> None:
    """R008: only RELA input can have one."""
    row = Rel(offset=0, type=42, symbol="things", addend=0x40000000)
    section = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=bytes(4), relocations=[row])
    content = elfbuild.elf(sections=[section], symbols=[Sym(name="things")])
    assert texts(content, [data("things", 0x1000)], Mode.RELOCATABLE) == [
        """\
demo.o: error[R008]: R_ARM_PREL31 at .data+0x0 refers to 'things' +0x40000000, an addend in the \
place must be in [-0x40000000, 0x40000000)
hint: set 'mode: prelocated', or refer to a symbol nearer to the target"""
    ]


@pytest.mark.cross
def test_every_complaint_is_made_once_a_symbol_in_input_order(tmp_path: Path) -> None:
    """Two symbols, three places: two findings, one with a count."""
    source = ".text\n.thumb\nbeq.n far\nb.n near\nbne.n far\n"
    base = [thumb("far", TEXT + 0x800), thumb("near", TEXT + 0x2000)]
    found = texts(assembled(tmp_path, source), base)
    assert [each.split("'")[1] for each in found] == ["far", "near"]
    assert ["(and 1 more like it)" in each for each in found] == [True, False]


def test_thread_local_variables_are_refused() -> None:
    """L010: also those without initial values."""
    sections = [
        Sec(name=".tdata", flags=SHF_ALLOC | SHF_WRITE | SHF_TLS, content=bytes(4)),
        Sec(name=".tbss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE | SHF_TLS, size=12),
    ]
    assert texts(elfbuild.elf(sections=sections)) == [
        """\
demo.o: error[L010]: section '.tdata' defines thread-local variables (4 bytes), the loader gives \
an extension none
hint: make them ordinary variables, or define them in the base image""",
        """\
demo.o: error[L010]: section '.tbss' defines thread-local variables (12 bytes), the loader gives \
an extension none
hint: make them ordinary variables, or define them in the base image""",
    ]


@pytest.mark.parametrize("align", [3, 0x20000, 0x80000000])
def test_an_alignment_that_cannot_be_had_is_refused(align: int) -> None:
    """L011: of sections and of COMMON symbols."""
    section = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=bytes(4))
    content = elfbuild.elf(
        sections=[section], symbols=[Sym(name="c", value=align, size=4, section=SHN_COMMON)]
    )
    place = elfbuild.section_field(content, 1, "sh_addralign")
    assert texts(elfbuild.patched(content, place, align)) == [
        f"""\
demo.o: error[L011]: section '.data' has alignment {align:#x}, expected a power of two up to \
0x10000""",
        f"""\
demo.o: error[L011]: COMMON symbol 'c' has alignment {align:#x}, expected a power of two up to \
0x10000""",
    ]


@pytest.mark.parametrize(("count", "size"), [(100, 99 * 0x10000 + 1), (300, 300)])
def test_alignment_that_adds_up_is_refused(count: int, size: int) -> None:
    """L012: a byte in every 64 KiB would make gigabytes of a file of megabytes.

    Nothing is made of the padding while the rest is looked at.
    """
    section = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=b"x", align=1)
    content = elfbuild.elf(sections=[section] * count)
    for number in range(1, count + 1):
        place = elfbuild.section_field(content, number, "sh_addralign")
        content = elfbuild.patched(content, place, 0x10000)
    found = Case(extension=extension(), base=offer([])).link(content, "demo.o")
    assert found.second.sizes()[Region.DATA][0] == size
    assert [str(each) for each in found.findings] == [
        "demo.o: error[L012]: the alignment of its sections adds more than 16 MiB to data\n"
        "hint: align fewer of them to so much"
        for _ in range(count == 300)
    ]


def test_a_region_of_more_than_the_address_space_is_refused() -> None:
    """L012: zeros cost nothing in the file."""
    sections = [
        Sec(name=f".bss{n}", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, size=0x80000000)
        for n in range(3)
    ]
    assert texts(elfbuild.elf(sections=sections)) == [
        "demo.o: error[L012]: bss has 0x180000000 bytes, expected fewer than 0x100000000"
    ]


def test_half_a_pointer_in_an_array_of_functions_is_refused() -> None:
    """L013: the loader wants whole entries."""
    section = Sec(name=".init_array", type=14, flags=SHF_ALLOC | SHF_WRITE, content=bytes(6))
    assert texts(elfbuild.elf(sections=[section])) == [
        "demo.o: error[L013]: section '.init_array' has 6 bytes, expected pointers of 4"
    ]


def test_an_object_without_symbols_is_no_problem() -> None:
    """Then index 0 is all there is."""
    rows = [Rel(offset=0, type=2, symbol=0)]
    section = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=b"\1\2\3\4", relocations=rows)
    content = elfbuild.elf(sections=[section])
    number = elfbuild.section_number(content, ".symtab")
    content = elfbuild.patched(content, elfbuild.section_field(content, number, "sh_type"), 1)
    case = Case(extension=extension(), base=offer([]))
    assert case.link(content).content(Region.DATA) == b"\1\2\3\4"


def test_zeros_can_be_as_many_as_the_target_has_room_for() -> None:
    """Nothing is allocated for them here."""
    section = Sec(name=".bss", type=NOBITS, flags=SHF_ALLOC | SHF_WRITE, size=0xFFFFF000)
    symbol = Sym(name="all", type=OBJECT, size=0xFFFFF000, section=".bss")
    content = elfbuild.elf(sections=[section], symbols=[symbol, data("x", SHN_ABS)])
    case = Case(extension=extension(), base=offer([]), place=lambda _: {Region.BSS: 0})
    made = case.link(content)
    assert (made.linked.sections[0].size, made.content(Region.BSS)) == (0xFFFFF000, b"")


FAR_SOURCE = """\
extern int base_counter;
extern const int base_squares[4];
static int calls;
int far_run(int x)
{
    calls++;
    return base_counter + base_squares[x & 3] + calls;
}
"""
FAR = {
    "aarch64": ("aarch64-linux-gnu-", ("-fno-pic",), "-mcmodel=large"),
    "rv64": ("riscv64-unknown-elf-", ("-mcmodel=medany", "-mno-relax"), "-fPIC"),
    "x86-64": ("x86_64-linux-gnu-", ("-fno-pic", "-fcf-protection=none"), "-mcmodel=large"),
}


@pytest.mark.cross
@pytest.mark.parametrize("name", FAR)
def test_the_flag_that_a_hint_names_makes_code_that_reaches(name: str, tmp_path: Path) -> None:
    """An extension 32 GiB above its base image, which the default code of no compiler reaches."""
    prefix, flags, remedy = FAR[name]
    flags = ("-O1", "-ffreestanding", "-fno-stack-protector", *flags)

    def made(*more: str) -> list[Diagnostic]:
        content = gcc(tmp_path, FAR_SOURCE, *flags, *more, prefix=prefix).read_bytes()
        ident = object_file(content, "unit.o").ident
        names = ("base_counter", "base_squares")
        base = [Sym(name=each, value=0x90000000, type=OBJECT, section=SHN_ABS) for each in names]
        case = Case(
            extension=extension(mode=Mode.PRELOCATED),
            base=offer(base, ident=ident),
            place=lambda sizes: {each: 0x800000000 + 0x1000 * each for each in sizes},
        )
        return case.link(content).findings

    findings = made()
    assert {each.code for each in findings} == {"R003"}
    for each in findings:
        assert each.hint is not None
        assert each.hint.startswith(f"compile with {remedy}")
    assert made(remedy) == []
