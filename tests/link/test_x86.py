# SPDX-License-Identifier: Apache-2.0
"""x86 and x86-64: tables that become direct, what is far, what is undefined.

The oracle is GNU ld; what is left for the target is completed by a loader that was written after
Zephyr's and refuses what that one would cut off.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.cross import tool
from support.elfbuild import FUNC, OBJECT, SHN_ABS, TLS, Sym
from support.linking import Case, Outcome, extension, offer
from support.oracle import equal_in

from west_llext.model.elf import Ident
from west_llext.model.link import Piece
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

GIB = 1 << 30
TEXT = 0x10000000
IDENT = Ident(machine=62, bits=64, little=True, flags=0)
WHERE = {
    Region.TEXT: TEXT,
    Region.RODATA: TEXT + 0x5000,
    Region.DATA: TEXT + 0x1234560,
    Region.BSS: TEXT + 0x2345670,
}
HEAP = (TEXT, TEXT + 0x3000000)


def assembled(folder: Path, source: str, bits: int = 64) -> bytes:
    """The object of an assembler source."""
    (folder / "unit.s").write_text(source, encoding="utf-8")
    command = [tool("as", "x86_64-linux-gnu-"), f"--{bits}", "unit.s", "-o", "unit.o"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "unit.o").read_bytes()


def absolute(name: str, address: int, kind: int = FUNC) -> Sym:
    """A symbol of the base image."""
    return Sym(name=name, value=address, type=kind, section=SHN_ABS)


BASE = [absolute("function", 0x00201000), absolute("variable", 0x00304000, OBJECT)]

#: What code of the small model has, without and with a table; `{0}` is the symbol.
CODE_64 = """
    call {0}
    jmp {0}
    jne {0}
    mov {0}(%rip), %rax
    lea {0}(%rip), %rbx
    movl ${0}, %ecx
    movq ${0}, %rdx
    movabs ${0}, %rsi
    mov {0}@GOTPCREL(%rip), %rax
    mov {0}@GOTPCREL(%rip), %r11
    mov {0}@GOTPCREL(%rip), %ecx
    call *{0}@GOTPCREL(%rip)
    jmp *{0}@GOTPCREL(%rip)
    cmp {0}@GOTPCREL(%rip), %r9
    test %rdi, {0}@GOTPCREL(%rip)
    push {0}@GOTPCREL(%rip)
"""
DATA_64 = """
    .quad {0} + 3
    .long {0} - .
    .long {0}
"""
CODE_32 = """
    call {0}
    call {0}@PLT
    jmp {0}
    jne {0}
    mov {0}, %eax
    lea {0}@GOTOFF(%ebx), %eax
    mov {0}@GOT(%ebx), %eax
    mov {0}@GOT(%esi), %ecx
    mov {0}@GOT, %edx
    call *{0}@GOT(%ebx)
    jmp *{0}@GOT(%ebx)
    cmp {0}@GOT(%ebx), %edi
    test %edi, {0}@GOT(%ebx)
    push {0}@GOT(%ebx)
    add $_GLOBAL_OFFSET_TABLE_, %ebx
"""
DATA_32 = """
    .long {0} + 3
    .long {0} - .
"""
#: As compilers treat what is in the same file: symbols that a table is for are global.
REST = (
    "place: .zero 8\n.section .rodata\n.balign 16\n{data}"
    ".data\n.balign 16\n.globl value\nvalue: {word} value, here, variable\n"
    ".bss\n.balign 16\n.globl room\nroom: .skip 64\n"
)


def everything(bits: int, names: Sequence[str]) -> str:
    """A source with every reference that an assembler can be made to write, to each name."""
    code, data = (CODE_64, DATA_64) if bits == 64 else (CODE_32, DATA_32)
    rest = REST.format(
        data="".join(data.format(name) for name in names), word=".quad" if bits == 64 else ".long"
    )
    body = "".join(code.format(name) for name in names)
    return f".text\n.globl here\nhere:\n{body}{rest}"


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("mode", Mode)
def test_every_reference_gives_what_gnu_ld_makes(bits: int, mode: Mode, tmp_path: Path) -> None:
    """Against symbols of the base image, of the same section and of others.

    GNU ld makes constants of addresses that move with the extension, where we make distances.
    """
    own = ("here", "value", "room") if bits == 32 or mode is Mode.PRELOCATED else ()
    source = everything(bits, ("function", "variable", *own))
    windows = {region.label: HEAP for region in WHERE}
    content = assembled(tmp_path, source, bits)
    _, found = equal_in(mode, tmp_path, content, BASE, where=WHERE, heap=HEAP, windows=windows)
    assert found.regions == 4


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("mode", Mode)
def test_an_undefined_weak_symbol_is_at_address_0(bits: int, mode: Mode, tmp_path: Path) -> None:
    """Whatever refers to it; GNU ld makes a constant of it where it can."""
    source = ".weak absent\n" + everything(bits, ("absent",))
    windows = {region.label: HEAP for region in WHERE}
    equal_in(
        mode,
        tmp_path,
        assembled(tmp_path, source, bits),
        BASE,
        where=WHERE,
        heap=HEAP,
        windows=windows,
    )


BLOCK = [
    Sym(name="first", value=0, type=TLS, section=".tbss"),
    Sym(name="code", value=0x1A0, type=TLS, section=".tbss"),
]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("bits", "source"),
    [
        (64, "mov %fs:code@tpoff, %eax\nmov $first@tpoff + 4, %rax\nmovabs $code@tpoff, %rcx\n"),
        (32, "mov %gs:code@ntpoff, %eax\nmovl $first@ntpoff, %eax\n"),
    ],
)
def test_a_local_exec_offset_is_what_gnu_ld_makes(
    bits: int, source: str, mode: Mode, tmp_path: Path
) -> None:
    """It is negative: the thread pointer is behind the block, which has 1024 bytes here."""
    made, _ = equal_in(mode, tmp_path, assembled(tmp_path, source, bits), BLOCK, where=WHERE)
    assert made.linked.left == {}
    offset = 0x1A0 - 1024
    assert struct.pack("<i", offset) in made.content(Region.TEXT)


def linked(
    content: bytes,
    base: Sequence[Sym],
    mode: Mode = Mode.PRELOCATED,
    *,
    text: int = TEXT,
    window: int = 0x1000,
) -> Outcome:
    """The object with .text at an address, in a memory (or heap) of `window` bytes."""
    case = Case(
        extension=extension(mode=mode),
        base=offer(base, ident=IDENT),
        place=lambda _: {Region.TEXT: text},
        windows={"text": (text, text + window)},
        heap=(text, text + window),
    )
    return case.link(content, "demo.o")


def said(made: Outcome) -> list[str]:
    """Every finding as it is shown."""
    return [str(each) for each in made.findings]


HIGHEST = TEXT + 2 * GIB
LOWEST_TEXT = 0x8_0000_0000


@pytest.mark.parametrize("branch", ["call", "jmp", "jne"])
@pytest.mark.parametrize(
    ("address", "count"),
    [(HIGHEST - 0x1000, 0), (HIGHEST + 0x10, 1), (0xFFFF_FFFF_0000_0000, 1)],
)
def test_a_branch_past_2_gib_goes_through_a_veneer(
    branch: str, address: int, count: int, tmp_path: Path
) -> None:
    """One a target, at the end of the code; it holds the whole address."""
    content = assembled(tmp_path, f"nop\n{branch} far\n{branch} far\n")
    made = linked(content, [absolute("far", address)])
    section = made.linked.section(Region.TEXT)
    assert section is not None
    size = 1 + 2 * (6 if branch == "jne" else 5)
    start = size + size % 2
    veneers = [each for each in section.pieces if each.source.startswith("veneer")]
    assert veneers == [Piece("veneer for far", start, 14)] * count
    if count:
        text = made.content(Region.TEXT)
        assert text[start:] == bytes.fromhex("ff2500000000") + address.to_bytes(8, "little")
        for end in (1 + (size - 1) // 2, size):
            (distance,) = struct.unpack_from("<i", text, end - 4)
            assert end + distance == start


def test_a_branch_back_past_2_gib_goes_through_a_veneer(tmp_path: Path) -> None:
    """The base image is low and the extension high."""
    content = assembled(tmp_path, "call function\n")
    made = linked(content, BASE, text=LOWEST_TEXT)
    assert [stub.form.name for stub in made.second.stubs.all] == ["x86-64"]
    made = linked(content, BASE, text=0x201000 + 2 * GIB - 0x1000)
    assert made.second.stubs.all == []


def test_what_is_far_keeps_its_word_of_the_table(tmp_path: Path) -> None:
    """Neither a distance nor a constant of 32 bits would do."""
    source = "mov far@GOTPCREL(%rip), %rax\ncall *far@GOTPCREL(%rip)\n"
    address = 0x1234_5678_9ABC
    made = linked(assembled(tmp_path, source), [absolute("far", address, OBJECT)])
    text = made.content(Region.TEXT)
    assert text[:16] == bytes.fromhex("488b0509000000 ff1503000000 000000".replace(" ", ""))
    assert text[16:] == address.to_bytes(8, "little")


def test_where_nothing_is_known_of_the_heap_the_table_stays(tmp_path: Path) -> None:
    """Own functions are near anyway; the base's may not be."""
    source = (
        "mov function@GOTPCREL(%rip), %rax\ncall *here@GOTPCREL(%rip)\n.globl here\nhere: ret\n"
    )
    made = Case(
        extension=extension(mode=Mode.RELOCATABLE),
        base=offer([absolute("function", 0x9000_0000)], ident=IDENT),
    ).link(assembled(tmp_path, source))
    assert made.linked.left == {"R_X86_64_64": 1}
    text = made.content(Region.TEXT)
    assert text[:14] == bytes.fromhex("488b0509000000 67e800000000 c3".replace(" ", ""))


def test_a_word_of_the_table_that_the_loader_would_fill_in_half_is_refused(tmp_path: Path) -> None:
    """R012: the word is behind the code, not in the object."""
    made = Case(
        extension=extension(mode=Mode.RELOCATABLE),
        base=offer([absolute("function", 0x8_0000_0000)], ident=IDENT),
    ).link(assembled(tmp_path, "mov function@GOTPCREL(%rip), %rax\n"))
    assert [str(each) for each in made.findings] == [
        """\
unit.o: error[R012]: R_X86_64_64 at a word that the link made refers to 'function', which is at \
0x800000000, and the target's loader fills in the lower 32 bits only
hint: set 'mode: bound' or 'mode: prelocated'"""
    ]


def test_an_address_past_32_bits_is_refused(tmp_path: Path) -> None:
    """R003, whole."""
    source = "movl $far, %eax\nmovq $far, %rax\nmov far(%rip), %rax\n"
    made = linked(assembled(tmp_path, source), [absolute("far", 4 * GIB, OBJECT)])
    assert said(made) == [
        (
            "demo.o: error[R003]: R_X86_64_32 at .text+0x1 does not reach 'far': S + A = "
            "+0x100000000 is not in [0x0, 0x100000000)\nhint: compile with -mcmodel=large"
        ),
        (
            "demo.o: error[R003]: R_X86_64_32S at .text+0x8 does not reach 'far': S + A = "
            "+0x100000000 is not in [-0x80000000, 0x80000000)\nhint: compile with -mcmodel=large"
        ),
        (
            "demo.o: error[R003]: R_X86_64_PC32 at .text+0xf does not reach 'far': S + A - P = "
            "+0xefffffed is not in [-0x80000000, 0x80000000)\nhint: compile with -mcmodel=large"
        ),
    ]


def test_a_tables_distance_is_an_address_for_the_loader(tmp_path: Path) -> None:
    """R_386_GOTOFF, R_386_GOTPC and R_386_PLT32 are left as what the loader knows."""
    source = (
        "call near@PLT\nadd $_GLOBAL_OFFSET_TABLE_, %ebx\nlea value@GOTOFF(%ebx), %eax\n"
        ".globl near\nnear: ret\n.data\n.globl value\nvalue: .long 0\n"
    )
    content = assembled(tmp_path, source, 32)
    made, _ = equal_in(Mode.RELOCATABLE, tmp_path, content, where=WHERE, heap=HEAP)
    assert made.linked.left == {"R_386_32": 1, "R_386_PC32": 1}
