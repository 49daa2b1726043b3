# SPDX-License-Identifier: Apache-2.0
"""Thread-local variables of the base image: their offset is final in every mode.

Addenda to the ABI for the Arm Architecture, "Thread Local Storage"; the oracle is GNU ld.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support import gnuld, sameness
from support.cross import gcc, lld
from support.elfbuild import OBJECT, SHF_ALLOC, SHF_EXECINSTR, SHN_ABS, TLS, Rel, Sec, Sym, elf
from support.linking import Case, extension, offer, packed
from support.tools import tools_of

from west_llext.elf.read import object_file
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

SOURCE = """
extern __thread int first, code;
int *place(void) { return &code; }
int sum(void) { return first + code; }
"""
BLOCK = [
    Sym(name="first", value=0, type=TLS, section=".tbss"),
    Sym(name="code", value=24, type=TLS, section=".tbss"),
    Sym(name="__aeabi_read_tp", value=0x10401, type=2, section=SHN_ABS),
]


def one(symbol: Sym, kind: int) -> bytes:
    """An object with one data word, relocated by a symbol of that type."""
    section = Sec(
        name=".text",
        flags=SHF_ALLOC | SHF_EXECINSTR,
        content=bytes(4),
        relocations=[Rel(offset=0, type=kind, symbol=symbol.name)],
    )
    return elf(sections=[section], symbols=[symbol])


@pytest.mark.cross
@pytest.mark.parametrize("mode", Mode)
def test_a_local_exec_reference_is_what_gnu_ld_makes(mode: Mode, tmp_path: Path) -> None:
    """The block is aligned to 16, so it begins 16 bytes behind the thread pointer."""
    flags = ("-mcpu=cortex-m3", "-mthumb", "-O1", "-ftls-model=local-exec")
    content = gcc(tmp_path, SOURCE, *flags).read_bytes()
    case = Case(extension=extension(mode=mode), base=offer(BLOCK), heap=(0x10000, 0x11000))
    made = case.link(content)
    where = made.addresses or packed(made.second.sizes())
    theirs = gnuld.linked(
        tmp_path, content, layout=sameness.layout(made), addresses=where, symbols=BLOCK
    )
    assert theirs[Region.TEXT][2] == sameness.memory(made, BLOCK, where)[Region.TEXT]
    assert struct.pack("<I", 16 + 24) in theirs[Region.TEXT][2]
    assert made.linked.left.get("R_ARM_TLS_LE32", 0) == 0


def test_the_offset_counts_from_two_words_in_front_of_the_block() -> None:
    """TLS_LE32 is S + A - tp; the base image's block of these tests is aligned to 16."""
    made = Case(extension=extension(), base=offer(BLOCK)).link(one(Sym(name="code"), 108))
    assert struct.pack("<I", 40) == made.content(Region.TEXT)


#: Code with a weak thread-local variable, by prefix of the assembler's name.
WEAK = {
    "x86_64-linux-gnu-": "movl %fs:nothing@tpoff+8, %eax",
    "aarch64-linux-gnu-": "add x0, x0, :tprel_hi12:nothing+8\nadd x0, x0, :tprel_lo12_nc:nothing+8",
    "riscv64-unknown-elf-": "lui a5, %tprel_hi(nothing+8)\naddi a5, a5, %tprel_lo(nothing+8)",
}


@pytest.mark.cross
@pytest.mark.zig
@pytest.mark.parametrize("prefix", WEAK)
@pytest.mark.parametrize("mode", Mode)
def test_a_variable_that_nobody_defines_has_the_offset_of_the_addend(
    mode: Mode, prefix: str, tmp_path: Path
) -> None:
    """As with lld: no psABI says what it is, and nothing uses it."""
    source = f"    .weak nothing\n    .type nothing, %tls_object\n{WEAK[prefix]}\n"
    source = source.replace("%tls", "@tls") if prefix != "aarch64-linux-gnu-" else source
    content = gcc(tmp_path, source, name="unit.s", prefix=prefix).read_bytes()
    obj = object_file(content, "unit.o")
    made = Case(extension=extension(mode=mode), base=offer([], ident=obj.ident)).link(obj)
    where = made.addresses or packed(made.second.sizes())
    theirs = gnuld.linked(
        tmp_path,
        content,
        layout=sameness.layout(made),
        addresses=where,
        linker=lld(),
        options=tools_of(content).lld,
    )
    assert made.content(Region.TEXT) == theirs[Region.TEXT][2]
    assert not made.linked.left


def test_what_was_used_of_the_block_is_part_of_the_identity() -> None:
    """A base image in which the variable has moved is another one."""
    made = Case(extension=extension(), base=offer(BLOCK)).link(one(Sym(name="code"), 108))
    assert [(each.name, each.address) for each in made.linked.imports] == [("code", 24)]


def test_an_address_of_a_thread_local_variable_is_refused() -> None:
    """R011, whole."""
    made = Case(extension=extension(), base=offer(BLOCK)).link(one(Sym(name="code"), 2), "demo.o")
    assert [str(each) for each in made.findings] == [
        """\
demo.o: error[R011]: R_ARM_ABS32 at .text+0x0 makes an address of 'code', a thread-local variable \
of the base image, which has one in each thread
hint: declare it in the extension as the base image does, with or without __thread"""
    ]


def test_an_offset_of_an_ordinary_variable_is_refused() -> None:
    """R011, the other way round."""
    base = [*BLOCK, Sym(name="ticks", value=0x20000000, type=OBJECT, section=SHN_ABS)]
    made = Case(extension=extension(), base=offer(base)).link(one(Sym(name="ticks"), 108), "demo.o")
    assert [str(each) for each in made.findings] == [
        """\
demo.o: error[R011]: R_ARM_TLS_LE32 at .text+0x0 counts from the thread pointer to 'ticks', which \
isn't thread-local
hint: declare it in the extension as the base image does, with or without __thread"""
    ]
