# SPDX-License-Identifier: Apache-2.0
"""The rows of AArch64, x86 and x86-64: calls, faults, how many instructions code is, requests.

Encodings: Arm Architecture Reference Manual (DDI 0487), C6.2; Intel 64 and IA-32 Architectures
Software Developer's Manual, volume 2.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cross import gcc, output, tool

from west_llext.elf.read import file_content, object_file
from west_llext.emulate import aarch64, x86
from west_llext.emulate.faults import FaultKind
from west_llext.emulate.image import Chunk, Function, Image
from west_llext.emulate.limits import Limits
from west_llext.emulate.machine import Machine
from west_llext.emulate.memory import Access
from west_llext.emulate.target import Target
from west_llext.emulate.x86_length import instructions_32, instructions_64
from west_llext.model.elf import Ident

pytest.importorskip("unicorn")

CODE, DATA = 0x00400000, 0x00500000
AARCH64, X86, X86_64 = aarch64.MACHINE, x86.MACHINE_32, x86.MACHINE_64
MACHINES = pytest.mark.parametrize("machine", [AARCH64, X86, X86_64], ids=lambda each: each.name)


def words(*values: int) -> bytes:
    """A64 instructions."""
    return b"".join(value.to_bytes(4, "little") for value in values)


def code(text: str) -> bytes:
    """Bytes of instructions, in hexadecimal."""
    return bytes.fromhex(text.replace(" ", ""))


def target(machine: Machine, content: bytes, limits: Limits | None = None) -> Target:
    """A target with this code at CODE, exported as `entry`, and a page of data."""
    ident = Ident(machine=machine.number, bits=machine.bits, little=True, flags=0)
    made = Target(ident=ident, attributes={}, limits=limits)
    image = Image(
        name="demo",
        file="demo.llext",
        ident=ident,
        chunks=(
            Chunk(".text", CODE, len(content), content, Access.READ | Access.EXECUTE),
            Chunk(".data", DATA, 0x1000, b"text\0", Access.READ | Access.WRITE),
        ),
        exports={"entry": CODE},
        functions=(Function(CODE, len(content), "entry"),),
    )
    made.load(image)
    return made


HLT, NOP, RET = 0xD45E0000, 0xD503201F, 0xD65F03C0
UNKNOWN = "has an instruction that the processor doesn't know"
WAITS = "waits for an interrupt, and there are none"
RAISES = "raises an exception, and nothing handles it"
READS = "reads memory that isn't there: 0x10"
WRITES = "writes memory that isn't there: 0x10"
FAULTS = [
    (AARCH64, words(NOP, NOP, 0), 8, UNKNOWN, 2),  # udf #0
    (AARCH64, words(NOP, 0xD503207F, RET), 8, WAITS, 2),  # wfi
    (AARCH64, words(NOP, 0xD4000001, RET), 8, RAISES, 2),  # svc #0
    (AARCH64, words(NOP, 0xF9400000, RET), 4, READS, 1),  # ldr x0, [x0]
    (AARCH64, words(NOP, 0xF9000000, RET), 4, WRITES, 1),  # str x0, [x0]
    (X86, code("90 90 0f0b"), 2, UNKNOWN, 2),  # ud2
    (X86, code("90 f4 c3"), 2, WAITS, 2),  # hlt
    (X86, code("90 cc c3"), 2, RAISES, 2),  # int3
    (
        X86,
        code("90 31c9 31d2 f7f1 90 c3"),
        5,
        RAISES,
        3,
    ),  # xor %ecx, %ecx; xor %edx, %edx; div %ecx
    (X86, code("8b442404 8b00 c3"), 4, READS, 1),  # mov 4(%esp), %eax; mov (%eax), %eax
    (X86, code("8b442404 8900 c3"), 4, WRITES, 1),
    (X86_64, code("90 90 0f0b"), 2, UNKNOWN, 2),
    (X86_64, code("90 f4 c3"), 2, WAITS, 2),
    (X86_64, code("90 cc c3"), 2, RAISES, 2),
    (X86_64, code("90 0f05 90 c3"), 3, RAISES, 2),  # syscall
    (X86_64, code("90 0f34 90 c3"), 3, RAISES, 2),  # sysenter
    (X86_64, code("90 31c9 31d2 f7f1 90 c3"), 5, RAISES, 3),
    (X86_64, code("90 488b07 c3"), 1, READS, 1),  # mov (%rdi), %rax
    (X86_64, code("90 488907 c3"), 1, WRITES, 1),
]


@pytest.mark.parametrize(("machine", "content", "offset", "what", "instructions"), FAULTS)
def test_a_fault_says_what_happened_and_where(
    machine: Machine, content: bytes, offset: int, what: str, instructions: int
) -> None:
    """The instructions before it are counted; the argument is 0x10."""
    result = target(machine, content).call(CODE, 0x10)
    place = f"'entry'+{offset:#x} (demo) at {CODE + offset:#x}"
    assert (str(result.fault), result.instructions) == (f"{place} {what}", instructions)


PAGE_TABLE = code(
    "c7050400500083004000"  # movl $0x400083, 0x500004: 4 MiB at 0x400000 are at 0x400000
    "c7050008500083004000"  # movl $0x400083, 0x500800: and at 0x80000000, too
    "b810000000 0f22e0"  # mov $0x10, %eax; mov %eax, %cr4: pages of 4 MiB
    "b800005000 0f22d8"  # mov $0x500000, %eax; mov %eax, %cr3
    "b811000080 0f22c0"  # mov $0x80000011, %eax; mov %eax, %cr0
    "b833000080 ffe0"  # mov $0x80000033, %eax; jmp *%eax
)


def test_code_behind_page_tables_of_its_own_runs_and_is_bounded() -> None:
    """Its bytes aren't where its address says, so that a block counts as one instruction."""
    made = target(X86, PAGE_TABLE + code("90 90 0f0b"))
    result = made.call(CODE)
    assert (str(result.fault), result.instructions) == (f"0x80000035 {UNKNOWN}", 11)
    made = target(X86, PAGE_TABLE + code("90 ebfd"), Limits(instructions=1000))
    assert str(made.call(CODE).fault) == "0x80000033 runs more instructions than the limit"


@pytest.mark.parametrize(
    ("machine", "content", "registers"),
    [
        (AARCH64, words(0xF94003E0, RET), 8),  # ldr x0, [sp]
        (X86, code("8b442404 c3"), 0),  # mov 4(%esp), %eax
        (X86_64, code("488b442408 c3"), 6),  # mov 8(%rsp), %rax
    ],
)
def test_arguments_beyond_the_registers_are_on_the_stack(
    machine: Machine, content: bytes, registers: int
) -> None:
    """The first of them is the lowest, behind a return address where calls push one."""
    made = target(machine, content)
    assert made.call(CODE, *range(100, 100 + registers + 3)).value == 100 + registers


@pytest.mark.parametrize(
    ("machine", "content", "odd"),
    [
        (AARCH64, words(0x910003E0, RET), 0),  # mov x0, sp
        (X86, code("89e0 c3"), 4),  # mov %esp, %eax: the return address was pushed
        (X86_64, code("4889e0 c3"), 8),
    ],
)
@pytest.mark.parametrize("count", [0, 1, 7, 12])
def test_the_stack_is_aligned_to_16_bytes_at_a_call(
    machine: Machine, content: bytes, odd: int, count: int
) -> None:
    """AAPCS64, "The Stack"; x86 psABIs, "The Stack Frame"."""
    assert target(machine, content).call(CODE, *range(count)).value % 16 == (-odd % 16)


@pytest.mark.parametrize(
    ("machine", "content", "value"),
    [
        (X86, code("b878563412 baf0debc9a c3"), 0x9ABCDEF0_12345678),  # eax, edx
        (X86_64, code("b878563412 baf0debc9a c3"), 0x9ABCDEF0 << 64 | 0x12345678),
        (AARCH64, words(0xD2800020, 0xD2800041, RET), 2 << 64 | 1),
    ],
)
def test_a_result_of_two_words_is_in_two_registers(
    machine: Machine, content: bytes, value: int
) -> None:
    """The second one has the more significant half."""
    assert target(machine, content).call(CODE).pair == value


@pytest.mark.parametrize(
    ("number", "memory", "resume"),
    [
        (1, words(HLT), 0x1004),
        (1, words(HLT + 32), None),  # hlt #0xf001
        (1, words(0), None),
        (1, b"", None),
        (7, words(HLT), None),  # a breakpoint
    ],
)
def test_a_semihosting_request_is_told_by_its_instruction(
    number: int, memory: bytes, resume: int | None
) -> None:
    """HLT 0xF000, and nothing else."""
    assert aarch64.semihosting(lambda _at, size: memory[:size], number, 0x1000, 0) == resume


def test_semihosting_requests_are_answered() -> None:
    """SYS_WRITE0 twice, in w0 and x1; then the code goes on."""
    made = target(
        AARCH64,
        words(
            *(0xD2800080, HLT),  # mov x0, #4
            *(0xD2800080, HLT),
            *(0xD28000E0, RET),  # mov x0, #7
        ),
    )
    result = made.call(CODE, 0, DATA)
    assert (result.output, result.value, result.fault) == ("texttext", 7, None)
    assert result.instructions == 6


def test_x86_has_no_semihosting() -> None:
    """No instruction is a request."""
    assert x86.no_semihosting(lambda _at, size: b"\xcd\x80"[:size], 0x80, 0x1000, 0) is None


@MACHINES
def test_an_endless_loop_ends_at_the_limit_of_instructions(machine: Machine) -> None:
    """A branch to itself."""
    content = words(0x14000000) if machine is AARCH64 else code("ebfe")
    result = target(machine, content, Limits(instructions=1000)).call(CODE)
    assert result.fault is not None
    assert result.fault.kind is FaultKind.INSTRUCTION_LIMIT


SOURCE = """
double f(int a, double b, const int *table)
{
    long long big = (long long)a * table[3];
    return big / (a + 3) % 77 + b * table[a & 7] + (double)(unsigned)a;
}
int g(int (*function)(int), int value) { return value ? function(value - 1) : 0; }
"""
CODE_OF = {
    "aarch64": ("aarch64-linux-gnu-", (), aarch64.instruction_count),
    "x86": ("x86_64-linux-gnu-", ("-m32",), x86.count_32),
    "x86-64": ("x86_64-linux-gnu-", ("-m64",), x86.count_64),
    "x86-64-v3": ("x86_64-linux-gnu-", ("-march=x86-64-v3",), x86.count_64),
    "x86-64-v4": ("x86_64-linux-gnu-", ("-march=x86-64-v4",), x86.count_64),
}


@pytest.mark.cross
@pytest.mark.parametrize("level", ["-O0", "-O2", "-O3"])
@pytest.mark.parametrize("name", CODE_OF)
def test_instructions_are_as_many_as_the_disassembler_shows(
    name: str, level: str, tmp_path: Path
) -> None:
    """GNU objdump prints a line for each."""
    prefix, flags, count = CODE_OF[name]
    path = gcc(tmp_path, SOURCE, level, *flags, prefix=prefix)
    assert count(*counted(path, prefix)) == shown(path, prefix) > 5


def counted(path: Path, prefix: str) -> tuple[bytes, int]:
    """The bytes of .text, without status."""
    del prefix
    file = object_file(file_content(path), "unit.o")
    text = next(index for index, each in enumerate(file.sections) if each.name == ".text")
    return file.content(text), 0


def shown(path: Path, prefix: str) -> int:
    """Lines of the disassembler."""
    listing = output(tool("objdump", prefix), "-d", "-j", ".text", "--insn-width=16", str(path))
    return len(re.findall(r"^ +[0-9a-f]+:\t", listing, re.MULTILINE))


#: An instruction of every form of which the length is decided in another way.
FORMS_64 = """
    nop; ret; push %r12; leave; cpuid; syscall; ud2; cqto; endbr64; rep movsb; lock incl (%rax)
    add %al, (%rbx); add $1, %al; add $0x12345678, %eax; add $0x1234, %ax
    add $0x12345678, %rax; sub $1, %rsp; test $1, %al; test $0x12345678, %rcx; testb $1, (%rax)
    testw $0x1234, (%rax); notl (%rax); negq 8(%rax); mov $1, %bl; mov $0x1234, %bx
    mov $0x12345678, %ebx; movabs $0x123456789abcdef0, %rbx; movabs 0x123456789abcdef0, %eax
    addr32 mov (%eax), %ebx; movw $0x1234, (%rax); movl $1, 8(%rsp,%rcx,4)
    mov 0x12345678(,%rcx,8), %rdx; mov 0x1000(%rip), %rax; lea -8(%rbp,%rax), %rsi
    call .+0x100; jmp .+0x1000; jmp .+2; jne .+0x1000; jne .+2; loop .+2; call *%rax
    call *8(%rax,%rbx,2); enter $16, $0; ret $8; int $0x80; in $1, %al; out %eax, %dx
    imul $3, %rax, %rbx; imul $0x1234, %ax, %bx; imul $0x123456, %eax, %ebx; shl $3, %rax; sar %eax
    shld $3, %rax, %rbx; bt $3, %rax; bswap %rax; cmovne %eax, %ebx; sete %al; movzbl %al, %ebx
    movss (%rax), %xmm1; addsd %xmm1, %xmm2; pshufd $3, %xmm1, %xmm2; cmpps $1, %xmm1, %xmm2
    psllw $3, %xmm1; pextrw $1, %xmm1, %eax; palignr $1, %xmm1, %xmm2; pshufb %xmm1, %xmm2
    crc32b (%rax), %ebx; roundss $1, %xmm1, %xmm2; fldl (%rax); fsqrt; emms
    vaddps %ymm1, %ymm2, %ymm3; vaddps (%r15), %ymm2, %ymm3; vpalignr $1, %xmm1, %xmm2, %xmm3
    vpshufb %xmm1, %xmm2, %xmm3; vzeroupper; vpshufd $1, %xmm1, %xmm2
    vfmadd213ps %xmm1, %xmm2, %xmm3
    vaddps %zmm1, %zmm2, %zmm3; vaddps 64(%rax), %zmm2, %zmm3; vpermb %zmm1, %zmm2, %zmm3
    vcmpps $1, %zmm1, %zmm2, %k1; vpternlogd $1, %zmm1, %zmm2, %zmm3; movslq %eax, %rbx
    data16 call .+0x100; xchg %eax, %ebx; mov %fs:0x28, %rax
"""
FORMS_32 = """
    nop; ret; push %eax; push $1; push $0x12345678; pusha; daa; aam; aad; into; inc %eax; dec %ecx
    add %al, (%ebx); add $1, %al; add $0x12345678, %eax; add $0x1234, %ax; mov 0x12345678, %eax
    mov $0x1234, %bx; mov $0x12345678, %ebx; mov (%bx,%si), %eax; mov 0x12(%bx), %eax
    mov 0x1234(%bp), %eax; addr16 mov 0x1234, %ecx; lds (%eax), %ebx; les (%eax), %ebx
    bound %eax, (%ebx); arpl %ax, (%ebx); lcall $8, $0x12345678; ljmp $8, $0x12345678; call .+0x100
    data16 call .+0x100; jne .+0x1000; jmp .+2; call *%eax; mov %gs:0x14, %eax
    lea (%eax,%ebx), %ecx
    vaddps %ymm1, %ymm2, %ymm3; vaddps (%eax), %xmm2, %xmm3; vaddps %zmm1, %zmm2, %zmm3
    testw $0x1234, (%eax); imul $0x1234, %ax, %bx; enter $16, $0; jecxz .+2; xlat; fldt (%eax)
"""


@pytest.mark.cross
@pytest.mark.parametrize(("bits", "forms"), [(32, FORMS_32), (64, FORMS_64)])
def test_every_form_of_an_instruction_has_its_length(bits: int, forms: str, tmp_path: Path) -> None:
    """One by one, so that two errors can't hide each other."""
    count = instructions_32 if bits == 32 else instructions_64
    for text in re.split(r"[;\n]", forms):
        if not text.strip():
            continue
        (tmp_path / "unit.s").write_text(f"{text}\nnop\n", encoding="utf-8")
        path = tmp_path / "unit.o"
        command = (tool("as", "x86_64-linux-gnu-"), f"--{bits}", str(tmp_path / "unit.s"))
        output(*command, "-o", str(path))
        content, _ = counted(path, "")
        assert count(content) == 2, text
        assert count(content[:-1]) == 1, text


@given(st.binary(max_size=64))
def test_any_bytes_are_some_instructions(content: bytes) -> None:
    """Data between functions, or the half of an instruction, is counted as well as it goes."""
    for count in (instructions_32, instructions_64):
        assert (len(content) + 14) // 15 <= count(content) + 1
        assert count(content) <= len(content)
