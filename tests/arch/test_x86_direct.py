# SPDX-License-Identifier: Apache-2.0
"""Instructions that read a word of a table and then don't: against the GNU assembler.

The assembler writes both forms; between them is what `west_llext.arch.x86_direct` does.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cross import tool
from support.elfbuild import SHF_ALLOC, SHF_EXECINSTR, Rel, Sec, Sym, elf

from west_llext.arch import x86, x86_64
from west_llext.arch.machine import Nearness
from west_llext.arch.x86_direct import direct_32, direct_64, prepared_64
from west_llext.elf.read import object_file
from west_llext.model.elf import ObjectFile

NEAR, LOW, FIXED, NOTHING = Nearness.NEAR, Nearness.LOW, Nearness.FIXED, Nearness.NOTHING
BINARY = ("add", "or", "adc", "sbb", "and", "sub", "xor", "cmp")
REGISTERS_64 = ("rax", "rcx", "rbx", "rsi", "r8", "r13", "r15")
REGISTERS_32 = ("eax", "ecx", "ebx", "esi")
EXTENDED_32 = ("r8d", "r13d")


def assembled(folder: Path, bits: int, lines: Sequence[str]) -> ObjectFile:
    """The object of a source with a section for each line."""
    text = "".join(f'.section part{at},"ax"\n{line}\n' for at, line in enumerate(lines))
    (folder / "unit.s").write_text(text, encoding="utf-8")
    command = [tool("as", "x86_64-linux-gnu-"), f"--{bits}", "unit.s", "-o", "unit.o"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return object_file((folder / "unit.o").read_bytes(), "unit.o")


#: The bytes of a section, and (offset, type, addend) of what is left to do there.
Code = tuple[bytes, list[tuple[int, int, int | None]]]


def codes(obj: ObjectFile) -> list[Code]:
    """The code of every line."""
    found = []
    for index, section in enumerate(obj.sections):
        if section.name.startswith("part"):
            rows = [
                (each.offset, each.type, each.addend) for each in obj.relocations.get(index, ())
            ]
            found.append((obj.content(index), rows))
    return found


def nearness(found: Nearness) -> Callable[[int], Nearness]:
    """The same for every symbol."""
    return lambda _symbol: found


def pairs_64(found: Nearness) -> list[tuple[str, str]]:
    """Instructions with what they become, for a target of that nearness."""
    constant = LOW in found and FIXED in found
    pairs = []
    for name in (*REGISTERS_64, *REGISTERS_32, *EXTENDED_32):
        if NEAR in found and not constant:
            made = f"lea foo(%rip), %{name}"
        elif LOW in found:
            made = f"mov $foo, %{name}"
        else:
            made = ""
        pairs.append((f"mov foo@GOTPCREL(%rip), %{name}", made))
        low = LOW in found
        pairs.append((f"test %{name}, foo@GOTPCREL(%rip)", f"test $foo, %{name}" if low else ""))
        pairs += [
            (f"{each} foo@GOTPCREL(%rip), %{name}", f"{{load}} {each} $foo, %{name}" if low else "")
            for each in BINARY
        ]
    # the assembler prints branches with the types of branches
    pairs.append(("call *foo@GOTPCREL(%rip)", "addr32 call foo@PLT" if NEAR in found else ""))
    pairs.append(("jmp *foo@GOTPCREL(%rip)", "jmp foo@PLT; nop" if NEAR in found else ""))
    return pairs


@pytest.mark.cross
@pytest.mark.parametrize(
    "found", [NEAR, LOW, NEAR | LOW, NEAR | LOW | FIXED, NEAR | FIXED, NOTHING]
)
def test_an_x86_64_instruction_becomes_one_that_needs_no_word(
    found: Nearness, tmp_path: Path
) -> None:
    """x86-64 psABI 1.0, "Optimize GOTPCRELX Relocations"; in the words of the assembler."""
    pairs = pairs_64(found)
    obj = assembled(tmp_path, 64, [before for before, _ in pairs])
    before, made = codes(obj), codes(direct_64(obj, nearness(found)))
    after = codes(assembled(tmp_path, 64, [text for _, text in pairs]))
    said = disassembled(tmp_path, [content for content, _ in made], 64)
    for at, (_, text) in enumerate(pairs):
        if not text:
            assert made[at] == before[at], pairs[at]
            continue
        assert len(made[at][0]) == len(before[at][0])
        # `mov` and the accumulator have shorter or other forms; these are the ones of equal length
        assert not comparable(after[at], made[at]) or after[at] == made[at], pairs[at]
        assert said[at] == [plain(each) for each in text.replace("foo@PLT", "foo").split("; ")]


def comparable(theirs: Code, ours: Code) -> bool:
    """Whether the assembler chose that size; the accumulator has short forms."""
    return len(theirs[0]) == len(ours[0]) and theirs[0][0] not in SHORT


#: Opcodes of the accumulator with an immediate; A9 is TEST.
SHORT = {0xA9, *range(0x05, 0x40, 8)}


def disassembled(folder: Path, contents: Sequence[bytes], bits: int) -> list[list[str]]:
    """The instructions of each, with `foo` for the zeros in their fields."""
    (folder / "code").write_bytes(b"".join(contents))
    machine = "i386:x86-64" if bits == 64 else "i386"
    command = [tool("objdump", "x86_64-linux-gnu-"), "-D", "-b", "binary", "-m", machine, "code"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") >= 2]
    by_address = {int(each[0].strip(" :"), 16): plain(each[2]) for each in lines}
    found, end = [], 0
    for content in contents:
        start, end = end, end + len(content)
        found.append([by_address[at] for at in range(start, end) if at in by_address])
    return found


def plain(text: str) -> str:
    """An instruction without what the two spellings differ in."""
    words = text.split("#", maxsplit=1)[0].replace("{load}", "").replace(",", " ").split()
    words = [word.rstrip("lq") if word.startswith(("mov", "test")) else word for word in words]
    kept = []
    for word in words:
        if word in {"$foo", "$0x0"}:
            kept.append("$")
        elif word in {"foo(%rip)", "0x0(%rip)"}:
            kept.append("(%rip)")
        elif word.startswith("0x") or word == "foo":
            kept.append("there")
        else:
            kept.append(word)
    return " ".join(kept)


def pairs_32() -> list[tuple[str, str]]:
    """Instructions of i386 with what they become."""
    pairs = []
    for name in REGISTERS_32:
        for base in ("(%ebx)", "(%eax)", "(%edi)", ""):
            pairs.append((f"mov foo@GOT{base}, %{name}", f"mov $foo, %{name}"))
            pairs.append((f"test %{name}, foo@GOT{base}", f"test $foo, %{name}"))
            pairs += [
                (f"{each} foo@GOT{base}, %{name}", f"{each} $foo, %{name}") for each in BINARY
            ]
    for base in ("(%ebx)", "(%eax)", ""):
        pairs.append((f"call *foo@GOT{base}", "addr16 call foo"))
        pairs.append((f"jmp *foo@GOT{base}", "jmp foo; nop"))
    return pairs


@pytest.mark.cross
def test_an_i386_instruction_becomes_one_that_needs_no_word(tmp_path: Path) -> None:
    """i386 psABI 1.1, "Optimize R_386_GOT32X"; every address is in reach."""
    pairs = pairs_32()
    obj = assembled(tmp_path, 32, [before for before, _ in pairs])
    before, made = codes(obj), codes(direct_32(obj))
    after = codes(assembled(tmp_path, 32, [text for _, text in pairs]))
    said = disassembled(tmp_path, [content for content, _ in made], 32)
    for at, (_, text) in enumerate(pairs):
        content, rows = made[at]
        assert len(content) == len(before[at][0])
        if text.startswith("jmp"):
            # the assembler would write a jump of 2 bytes with another type
            assert (content, rows) == (bytes.fromhex("e9fcffffff90"), [(1, 2, None)])
        elif text.startswith("addr16"):
            assert (content, rows) == (bytes.fromhex("67e8fcffffff"), [(2, 2, None)])
        else:
            assert not comparable(after[at], made[at]) or after[at] == made[at], pairs[at]
            assert rows == [(2, 1, None)]
            assert said[at] == [plain(text)]


@pytest.mark.cross
def test_what_the_psabi_does_not_name_stays(tmp_path: Path) -> None:
    """These read the word in another way, so that they need it."""
    lines = (
        "mov foo@GOTPCREL+4(%rip), %rax",  # something behind the word
        "push foo@GOTPCREL(%rip)",
        "cmpq $1, foo@GOTPCREL(%rip)",
        "movzbl foo@GOTPCREL(%rip), %eax",
    )
    obj = assembled(tmp_path, 64, lines)
    assert codes(obj) == codes(direct_64(obj, nearness(NEAR | LOW | FIXED)))


THREAD_64 = (
    *((f"mov foo@gottpoff(%rip), %{name}", f"mov $foo@tpoff, %{name}") for name in REGISTERS_64),
    *(
        (f"add foo@gottpoff(%rip), %{name}", f"lea foo@tpoff(%{name}), %{name}")
        for name in REGISTERS_64
    ),
    # with these as a base, LEA would be a byte longer
    ("add foo@gottpoff(%rip), %rsp", "add $foo@tpoff, %rsp"),
    ("add foo@gottpoff(%rip), %r12", "add $foo@tpoff, %r12"),
)
THREAD_32 = (
    ("mov foo@indntpoff, %eax", "mov $foo@ntpoff, %eax"),
    ("add foo@indntpoff, %ecx", "add $foo@ntpoff, %ecx"),
    ("add foo@gotntpoff(%ebx), %edi", "add $foo@ntpoff, %edi"),
    ("sub foo@gotntpoff(%esi), %edx", "sub $foo@ntpoff, %edx"),
)


@pytest.mark.cross
@pytest.mark.parametrize(
    ("bits", "pairs", "prepare"),
    [(64, THREAD_64, prepared_64), (32, THREAD_32, direct_32)],
)
def test_a_load_of_an_offset_becomes_the_offset(
    bits: int,
    pairs: Sequence[tuple[str, str]],
    prepare: Callable[[ObjectFile], ObjectFile],
    tmp_path: Path,
) -> None:
    """ELF Handling For Thread-Local Storage, "Initial Exec To Local Exec"."""
    made = prepare(assembled(tmp_path, bits, [before for before, _ in pairs]))
    after = assembled(tmp_path, bits, [text for _, text in pairs])
    assert [
        each for each in zip(codes(made), codes(after), pairs, strict=True) if each[0] != each[1]
    ] == []


@pytest.mark.cross
def test_an_offset_that_is_read_in_another_way_stays(tmp_path: Path) -> None:
    """What is none of the instructions that the model has."""
    lines = (
        "mov foo@gottpoff(%rip), %eax",
        "cmp foo@gottpoff(%rip), %rax",
        "push foo@gottpoff(%rip)",
    )
    obj = assembled(tmp_path, 64, lines)
    assert codes(prepared_64(obj)) == codes(obj)
    obj = assembled(tmp_path, 32, ("cmp foo@gotntpoff(%ebx), %eax", "push foo@indntpoff"))
    assert codes(direct_32(obj)) == codes(obj)


@pytest.mark.parametrize("addend", [-8, 0, -4])
def test_only_an_operand_at_the_end_of_an_instruction_is_known(addend: int) -> None:
    """An addend of -4 says that nothing is behind the field."""
    content = bytes.fromhex("488b0500000000")
    obj = made(62, 64, content, Rel(offset=3, type=42, symbol="foo", addend=addend))
    changed = direct_64(obj, nearness(NEAR))
    assert (changed is not obj) is (addend == -4)


def made(machine: int, bits: int, content: bytes, *rows: Rel) -> ObjectFile:
    """An object with that code."""
    flags = SHF_ALLOC | SHF_EXECINSTR
    text = Sec(name=".text", flags=flags, content=content, relocations=rows)
    data = elf(machine=machine, bits=bits, sections=[text], symbols=[Sym(name="foo")])
    return object_file(data, "unit.o")


def test_an_object_without_such_references_is_the_same_object() -> None:
    """Nothing is copied where nothing changes."""
    obj = made(62, 64, bytes(16), Rel(offset=4, type=2, symbol="foo", addend=-4))
    assert direct_64(obj, nearness(NEAR | LOW)) is obj
    obj = made(3, 32, bytes(16), Rel(offset=4, type=2, symbol="foo"))
    assert direct_32(obj) is obj


def test_the_start_of_the_table_is_at_address_0() -> None:
    """An undefined _GLOBAL_OFFSET_TABLE_ becomes an absolute symbol; a defined one stays."""
    text = Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=bytes(4))
    for prepare, machine, bits in (
        (x86.MACHINE.prepare, 3, 32),
        (x86_64.MACHINE.prepare, 62, 64),
    ):
        assert prepare is not None
        for section, expected in ((0, (0xFFF1, 0)), (".text", (1, 2))):
            symbols = [
                Sym(name="_GLOBAL_OFFSET_TABLE_", section=section, value=2 if section else 0)
            ]
            data = elf(machine=machine, bits=bits, sections=[text], symbols=symbols)
            symbol = prepare(object_file(data, "unit.o")).symbols[1]
            assert (symbol.section, symbol.value) == expected


@given(
    st.binary(min_size=4, max_size=24),
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from([3, 9, 15, 16, 22, 41, 42, 43])), max_size=4
    ),
    st.sampled_from([NEAR, LOW, NEAR | LOW, NOTHING]),
)
def test_any_bytes_keep_their_length(
    content: bytes, places: list[tuple[int, int]], found: Nearness
) -> None:
    """Damaged code, and relocations outside of it or on top of each other, harm nothing."""
    rows = [Rel(offset=at, type=kind, symbol="foo", addend=-4) for at, kind in places]
    wide = direct_64(prepared_64(made(62, 64, content, *rows)), nearness(found))
    bare = [Rel(offset=each.offset, type=each.type, symbol="foo") for each in rows]
    narrow = direct_32(made(3, 32, content, *bare))
    for obj in (wide, narrow):
        assert len(obj.content(1)) == len(content)
        assert len(obj.relocations.get(1, ())) == len(places)
