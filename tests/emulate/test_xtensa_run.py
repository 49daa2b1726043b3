# SPDX-License-Identifier: Apache-2.0
"""`run` for Xtensa: QEMU's lx106 in the place of unicorn, by the same rules.

Encodings: Xtensa ISA Reference Manual, chapter 6; QEMU's own are in test_xtensa_windows.py.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path, PurePath

import pytest
from support.cross import gcc

from west_llext.diagnostics import LlextError, Span
from west_llext.elf.attributes import abi
from west_llext.elf.read import file_content, object_file
from west_llext.emulate import qemu, xtensa
from west_llext.emulate.blob import blob_image
from west_llext.emulate.image import Chunk, Function, Image
from west_llext.emulate.limits import Limits
from west_llext.emulate.memory import Access
from west_llext.emulate.standin import Kind, StandIn
from west_llext.emulate.target import Target
from west_llext.model.elf import Ident

pytestmark = pytest.mark.qemu

IDENT = Ident(machine=94, bits=32, little=True, flags=0x300)
CODE, DATA = 0x60100000, 0x60200000
RET, NOP = "800000", "f02000"
CALL0 = {1: 1}


@pytest.fixture(autouse=True)
def program() -> str:
    """QEMU; skips where it isn't installed."""
    found = shutil.which("qemu-system-xtensa")
    if found is None:
        pytest.skip("qemu-system-xtensa isn't installed")
    return found


def target(code: str, limits: Limits | None = None) -> Target:
    """A target with this code, in hexadecimal, exported as `entry`, and a page of data."""
    content = bytes.fromhex(code.replace(" ", ""))
    made = Target(ident=IDENT, attributes=CALL0, limits=limits)
    made.load(
        Image(
            name="demo",
            file="demo.llext",
            ident=IDENT,
            chunks=(
                Chunk(".text", CODE, len(content), content, Access.READ | Access.EXECUTE),
                Chunk(".data", DATA, 0x1000, b"text\0", Access.READ | Access.WRITE),
            ),
            exports={"entry": CODE},
            functions=(Function(CODE, len(content), "entry"),),
            lines=lambda address: Span(PurePath("demo.c"), address - CODE),
        )
    )
    return made


def test_instructions_are_counted_one_by_one() -> None:
    """Also behind each other, and beyond what a 16-bit register counts."""
    made = target(f"22a005 {NOP} {RET}")  # movi a2, 5
    assert [made.call(CODE).instructions for _ in range(3)] == [3, 3, 3]
    assert made.call(CODE).value == 5
    # movi a3, 1000; addi a3, a3, -1; bnez a3, .-3; ret
    loop = target(f"32a3e8 32c3ff 5693ff {RET}")
    assert loop.call(CODE).instructions == 2 + 2 * 1000


def test_arguments_beyond_the_registers_are_on_the_stack() -> None:
    """Six registers, then the stack, lowest address first; results are in two registers."""
    made = target(f"22 21 00 32 21 01 {RET}")  # l32i a2, a1, 0; l32i a3, a1, 4
    result = made.call(CODE, 1, 2, 3, 4, 5, 6, 77, 88)
    assert (result.value, result.pair) == (77, 88 << 32 | 77)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (f"{NOP} 222200 {RET}", "+0x3 (demo) at 0x60100003 reads memory that isn't there: 0x10"),
        (f"{NOP} 326200 {RET}", "+0x3 (demo) at 0x60100003 writes memory that isn't there: 0x10"),
        (f"{NOP} 000000", "+0x3 (demo) at 0x60100003 has an instruction that the processor "),
        (f"{NOP} 005000 {RET}", "+0x3 (demo) at 0x60100003 raises an exception, and nothing"),
    ],
    ids=["load", "store", "illegal", "system call"],
)
def test_a_fault_says_what_happened_and_where(code: str, text: str) -> None:
    """The argument is 0x10, where QEMU's machine has nothing."""
    result = target(code).call(CODE, 0x10)
    assert result.fault is not None
    assert f"'entry'{text}" in str(result.fault)
    assert result.fault.place is not None
    assert result.fault.place.line == Span(PurePath("demo.c"), 3)
    assert dict(result.fault.registers)["A2"] == 0x10


def test_after_a_fault_the_target_still_works() -> None:
    """Its exception was not handled, and is forgotten."""
    made = target(f"222200 {RET}")
    assert made.call(CODE, 0x10).fault is not None
    assert made.call(CODE, DATA).value == int.from_bytes(b"text", "little")


def test_an_endless_loop_ends_at_the_time_limit() -> None:
    """A jump to itself."""
    result = target("06ffff", Limits(seconds=0.3)).call(CODE)
    assert str(result.fault) == "'entry'+0x0 (demo) at 0x60100000 runs longer than the time limit"


def test_waiting_for_an_interrupt_ends_at_the_time_limit() -> None:
    """WAITI: nothing wakes the processor up, not even the next call; memory stays as it is."""
    made = target(f"326200 007000 {RET}", Limits(seconds=0.1))  # s32i a3, a2, 0; waiti 0
    for value in (7, 8):
        result = made.call(CODE, DATA, value)
        assert (str(result.fault), result.instructions) == (
            "'entry'+0x6 (demo) at 0x60100006 waits for an interrupt, and there are none",
            2,
        )
        assert made.host().read(DATA, 4) == value.to_bytes(4, "little")


def test_what_a_stand_in_raises_comes_out() -> None:
    """Behind QEMU's back, and not through it."""
    made = target(RET)

    def fails(_host: object) -> int:
        raise KeyError("why")

    made.stand_in(StandIn(name="entry", parameters=(), result=Kind.VOID, function=fails))
    with pytest.raises(KeyError, match="why"):
        made.call(CODE)


def test_memory_that_qemu_does_not_have_is_refused() -> None:
    """X007: its machine has 64 MiB at one place."""
    image = Image(
        name="demo",
        file="demo.llext",
        ident=IDENT,
        chunks=(Chunk(".text", 0x40080000, 4, b"", Access.READ),),
        exports={},
    )
    with pytest.raises(LlextError) as caught:
        Target(ident=IDENT, attributes=CALL0).load(image)
    assert str(caught.value) == (
        "qemu-system-xtensa: error[X007]: memory at [0x40080000, 0x40081000) is wanted, and QEMU's "
        "Xtensa has [0x60000000, 0x64000000)"
    )


def test_windowed_code_is_refused() -> None:
    """X002: nobody would save and restore its registers."""
    with pytest.raises(LlextError) as caught:
        Target(ident=IDENT, attributes={1: 0})
    assert str(caught.value) == (
        "emulator: error[X002]: windowed code of Xtensa can't be emulated, expected the CALL0 ABI\n"
        "hint: run it on the target, or in QEMU with the base image: qemu-system-xtensa"
    )


def test_without_qemu_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """X001, as for unicorn."""
    monkeypatch.setattr(qemu.shutil, "which", lambda _name: None)
    with pytest.raises(LlextError) as caught:
        Target(ident=IDENT, attributes=CALL0)
    assert str(caught.value) == (
        "qemu-system-xtensa: error[X001]: the program 'qemu-system-xtensa' is missing or doesn't "
        "start, expected it for running extensions for Xtensa\n"
        "hint: install QEMU, such as the package 'qemu-system-misc' of Debian"
    )


@pytest.mark.parametrize("words", [("-no-such-option",), ("-cpu", "lx1066")])
def test_a_qemu_that_does_not_start_is_the_same(words: tuple[str, ...]) -> None:
    """It says why on its own standard error, which nobody shows."""
    known = xtensa.MACHINE.qemu
    assert known is not None
    with pytest.raises(LlextError, match="X001"):
        qemu.QemuEngine(xtensa.MACHINE, dataclasses.replace(known, words=words))


LISTS = """
#include <stdarg.h>
int printf(const char *, ...);
int vprintf(const char *, va_list);
#define CROWD "%d %lld %d %d %lld %d %d %d %lld %x\\n"
#define VALUES 1, 2LL << 32, 3, 4, -5LL, 6, 7, 8, 9LL << 40, 10
static int forwarded(int first, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int count = vprintf(format, list);
    va_end(list);
    return count + first;
}
int talk(void) { return printf(CROWD, VALUES) - forwarded(0, CROWD, VALUES); }
"""


@pytest.mark.cross
def test_stand_ins_take_arguments_as_the_compiler_passes_them(tmp_path: Path) -> None:
    """64-bit arguments in even registers or on the stack; a va_list is three words."""
    from support import gnublob

    flags = ("-mlongcalls", "-mtext-section-literals")
    prefix = "xtensa-lx106-elf-"
    made = gcc(tmp_path, LISTS, "-Os", "-fno-builtin", *flags, prefix=prefix)
    host = Target(ident=IDENT, attributes=abi(object_file(file_content(made), "")).attributes)
    addresses = {name: host.address_of(name) or 0 for name in ("printf", "vprintf")}
    blob = gnublob.linked(
        *(tmp_path, "demo", [made]),
        exports=["talk"],
        imports=addresses,
        cpu=flags,
        prefix=prefix,
        text=0x60300000,
        data=0x60400000,
    )
    image = blob_image(object_file(file_content(blob), "demo.llext"), "demo")
    host.load(image)
    result = host.call(image.exports["talk"])
    line = "1 8589934592 3 4 -5 6 7 8 9895604649984 a\n"
    assert (result.output, result.value, result.fault) == (2 * line, 0, None)
