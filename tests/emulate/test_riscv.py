# SPDX-License-Identifier: Apache-2.0
"""The RISC-V rows: how many instructions code is, what asks the host, what a base image gives.

Encodings: The RISC-V Instruction Set Manual, Volume I, "RV32/64G Instruction Set Listings".
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.cross import gcc, output, tool
from support.riscv import EM_RISCV, ISA, PLAIN, RISCV

from west_llext.elf.read import file_content, object_file
from west_llext.emulate import engine, riscv
from west_llext.emulate.base import base_image
from west_llext.emulate.faults import FaultKind
from west_llext.emulate.image import Chunk, Function, Image
from west_llext.emulate.limits import Limits
from west_llext.emulate.machine import INVALID
from west_llext.emulate.memory import Access
from west_llext.emulate.target import Target
from west_llext.model.elf import Ident

pytest.importorskip("unicorn")

BITS = pytest.mark.parametrize("bits", [32, 64], ids=["rv32", "rv64"])
CODE, DATA = 0x80000000, 0x80100000
RET, NOP, WFI, ECALL = 0x00008067, 0x00000013, 0x10500073, 0x00000073
SLLI, EBREAK, SRAI = 0x01F01013, 0x00100073, 0x40705013


def image(*words: int, bits: int, name: str = "demo", **exports: int) -> Image:
    """Code at CODE, exported as `entry`, and a page of data."""
    code = b"".join(word.to_bytes(4, "little") for word in words)
    return Image(
        name=name,
        file=f"{name}.llext",
        ident=Ident(machine=EM_RISCV, bits=bits, little=True, flags=1),
        chunks=(
            Chunk(".text", CODE, len(code), code, Access.READ | Access.EXECUTE),
            Chunk(".data", DATA, 0x1000, b"text\0", Access.READ | Access.WRITE),
        ),
        exports={"entry": CODE, **exports},
        functions=(Function(CODE, len(code), "entry"),),
    )


def target(made: Image, limits: Limits | None = None) -> Target:
    """A target with this image."""
    found = Target(ident=made.ident, attributes={}, limits=limits)
    found.load(made)
    return found


@pytest.mark.cross
@pytest.mark.parametrize("isa", ["rv32i", "rv32imac", "rv64gc"])
def test_instructions_are_as_many_as_the_disassembler_shows(isa: str, tmp_path: Path) -> None:
    """GNU objdump prints a line for each."""
    source = "int f(int a, int b) { return a * 1000 / (a + 3) % 77 ^ (b * 3); }\n"
    abi = "lp64d" if "64" in isa else "ilp32"
    path = gcc(tmp_path, source, "-O2", f"-march={isa}", f"-mabi={abi}", prefix=RISCV)
    listing = output(tool("objdump", RISCV), "-d", str(path))
    lines = re.findall(r"^ +([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)", listing, re.MULTILINE)
    file = object_file(file_content(path), "unit.o")
    text = next(index for index, each in enumerate(file.sections) if each.name == ".text")
    assert riscv.instruction_count(file.content(text), 0) == len(lines) > 5


@pytest.mark.parametrize(
    ("number", "memory", "resume"),
    [
        (INVALID, (SLLI, EBREAK, SRAI), 0x1004),
        (INVALID, (SLLI, EBREAK, NOP), None),
        (INVALID, (NOP, EBREAK, SRAI), None),
        (INVALID, (EBREAK,), None),
        (3, (SLLI, EBREAK, SRAI), None),
        (8, (SLLI, ECALL, SRAI), None),
    ],
)
def test_semihosting_request_is_told_by_its_instructions(
    number: int, memory: tuple[int, ...], resume: int | None
) -> None:
    """EBREAK alone is a breakpoint: what is around it makes a request of it."""
    content = b"".join(word.to_bytes(4, "little") for word in memory)

    def read(address: int, size: int) -> bytes:
        return content[address - 0xFFC : address - 0xFFC + size] if address >= 0xFFC else b""

    assert riscv.semihosting(read, number, 0x1000, 0) == resume


@BITS
def test_semihosting_requests_are_answered(bits: int) -> None:
    """SYS_WRITE0 twice, in a0 and a1; then the code goes on."""
    made = target(
        image(
            0x00058413,  # mv s0, a1
            *(0x00400513, SLLI, EBREAK, SRAI),  # li a0, 4
            *(0x00400513, 0x00040593, SLLI, EBREAK, SRAI),  # mv a1, s0
            0x00750513,  # addi a0, a0, 7
            RET,
            bits=bits,
        )
    )
    result = made.call(CODE, 0, DATA)
    assert (result.output, result.value, result.fault) == ("texttext", 7, None)
    assert result.instructions == 12
    assert made.call(CODE, 0, DATA).output == "texttext"


@BITS
def test_semihosting_can_end_the_target(bits: int) -> None:
    """SYS_EXIT_EXTENDED with a block of reason and status."""
    code = (0x02000513, SLLI, EBREAK, SRAI, RET)  # li a0, 0x20
    made = target(image(*code, bits=bits))
    size = bits // 8
    block = (0x20026).to_bytes(size, "little") + (42).to_bytes(size, "little")
    made._engine.write(DATA, block)
    result = made.call(CODE, 0, DATA)
    assert (result.status, result.fault) == (42, None)


@BITS
def test_semihosting_with_a_wild_pointer_is_a_fault(bits: int) -> None:
    """The text isn't there; the target can be called again."""
    made = target(image(0x00400513, SLLI, EBREAK, SRAI, RET, bits=bits))
    result = made.call(CODE, 0, 0x10)
    assert result.fault is not None
    assert (result.fault.kind, result.fault.address) == (FaultKind.STAND_IN, 0x10)
    assert made.call(CODE, 0, DATA).output == "text"


@BITS
def test_endless_requests_end_at_the_time_limit(bits: int) -> None:
    """Each of them starts the emulator anew, none of them the clock."""
    code = (0x01000513, SLLI, EBREAK, SRAI, 0xFF1FF06F)  # li a0, 0x10; j back
    made = target(image(*code, bits=bits), limits=Limits(seconds=0.2, instructions=1 << 60))
    result = made.call(CODE)
    assert result.fault is not None
    assert result.fault.kind is FaultKind.TIME_LIMIT


@BITS
def test_the_first_block_beyond_the_time_limit_is_the_end(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However short a request takes: here the clock goes on by a second with each block."""
    clock = itertools.count()
    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    code = (0x01000513, SLLI, EBREAK, SRAI, 0xFF1FF06F)  # li a0, 0x10; j back
    limits = Limits(seconds=5, instructions=1000)
    result = target(image(*code, bits=bits), limits=limits).call(CODE)
    assert result.fault is not None
    assert result.fault.kind is FaultKind.TIME_LIMIT
    assert next(clock) == 7  # behind the start at 0, five blocks, and one that isn't run


UNKNOWN = "has an instruction that the processor doesn't know"
FAULTS = [
    ((NOP, NOP, 0xFFFFFFFF), 8, UNKNOWN, 2),
    ((0x0D057057,), 0, UNKNOWN, 0),  # vsetvli
    ((NOP, EBREAK), 4, UNKNOWN, 1),
    ((NOP, WFI, RET), 8, "waits for an interrupt, and there are none", 2),
    ((NOP, ECALL, RET), 8, "raises an exception, and nothing handles it", 2),
    ((NOP, 0x00052503, RET), 4, "reads memory that isn't there: 0x10", 1),  # lw a0, 0(a0)
    ((NOP, 0x00A52023, RET), 4, "writes memory that isn't there: 0x10", 1),  # sw a0, 0(a0)
]


@BITS
@pytest.mark.parametrize(("words", "offset", "what", "instructions"), FAULTS)
def test_a_fault_says_what_happened_and_where(
    words: tuple[int, ...], offset: int, what: str, instructions: int, bits: int
) -> None:
    """The instructions before it are counted, and it isn't; a0 is 0x10."""
    result = target(image(*words, bits=bits)).call(CODE, 0x10)
    place = f"'entry'+{offset:#x} (demo) at {CODE + offset:#x}"
    assert (str(result.fault), result.instructions) == (f"{place} {what}", instructions)
    assert result.fault is not None
    assert dict(result.fault.registers)["A0"] == 0x10


@BITS
def test_a_jump_to_nowhere_says_where_it_came_from(bits: int) -> None:
    """By the return address."""
    result = target(image(NOP, 0x000500E7, RET, bits=bits)).call(CODE, 0x10)  # jalr ra, 0(a0)
    assert str(result.fault) == (
        "0x10 is executed, but there is no memory, called from 'entry'+0x8 (demo)"
    )


@BITS
def test_code_of_the_base_image_has_its_global_pointer(bits: int) -> None:
    """Linkers make loads of small data relative to gp; extensions don't use it."""
    code = (0x00018513, RET)  # mv a0, gp
    base = image(*code, bits=bits, name="base image", **{"__global_pointer$": DATA + 0x800})
    made = target(base)
    assert [made.call(CODE).value, made.call(CODE).value] == [DATA + 0x800] * 2
    assert target(image(*code, bits=bits)).call(CODE).value == 0


@pytest.mark.cross
@BITS
def test_a_base_image_whose_linker_relaxed_it_runs(bits: int, tmp_path: Path) -> None:
    """A variable of .sdata is loaded from gp, which GNU ld makes of AUIPC and a load."""
    source = "int small = 41; int next(void) { return ++small; }\n"
    control, path = tmp_path / "base.ld", tmp_path / "base.elf"
    control.write_text(
        "SECTIONS { . = 0x80000000; .text : { *(.text*) } . = 0x80100000;\n"
        ".data : { __global_pointer$ = . + 0x100; *(.sdata* .data*) } }\n",
        encoding="utf-8",
    )
    made = gcc(tmp_path, source, "-O1", *ISA[bits], "-mcmodel=medany", prefix=RISCV)
    command = [tool("ld", RISCV), f"-melf{bits}lriscv", "-e", "next", "-T", str(control)]
    output(*command, "--no-warn-rwx-segments", str(made), "-o", str(path))
    assert "gp,-256" in output(tool("objdump", RISCV), "-d", str(path))
    found = target(base_image(object_file(file_content(path), "base.elf")))
    entry = found.address_of("next")
    assert entry is not None
    assert [found.call(entry).value, found.call(entry).value] == [42, 43]


@BITS
def test_arguments_beyond_the_registers_are_on_the_stack(bits: int) -> None:
    """Integer Calling Convention: a0 to a7, then the stack, which is aligned to 16 bytes."""
    size = bits // 8
    load = 0x00012503 if bits == 32 else 0x00013503  # lw/ld a0, 0(sp)
    made = target(image(load | size << 20, RET, bits=bits))
    assert made.call(CODE, *range(1, 11)).value == 10
    assert target(image(0x00010513, RET, bits=bits)).call(CODE, *range(9)).value % 16 == 0


def test_the_small_base_has_six_registers_for_arguments() -> None:
    """ILP32E: a0 to a5; the stack is aligned to 4 bytes."""
    made = image(0x00012503, RET, bits=32)  # lw a0, 0(sp)
    small = Target(ident=replace(made.ident, flags=8), attributes={})
    small.load(made)
    assert small.call(CODE, *range(1, 8)).value == 7
    assert small.machine is riscv.MACHINE_32E


@pytest.mark.cross
def test_flags_of_the_compiler_choose_the_calling_convention(tmp_path: Path) -> None:
    """-mabi=ilp32e sets EF_RISCV_RVE."""
    flags = ("-march=rv32e", "-mabi=ilp32e", *PLAIN)
    made = object_file(gcc(tmp_path, "", *flags, prefix=RISCV).read_bytes(), "unit.o")
    assert Target(ident=made.ident, attributes={}).machine is riscv.MACHINE_32E
