# SPDX-License-Identifier: Apache-2.0
"""Calls on an emulated target: what comes back, and what a call can't do to us.

Encodings: Armv7-M Architecture Reference Manual (DDI 0403E), chapter A7.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.emulated import ARM, CODE, CORTEX_M3, DATA, DATA_SIZE, image, target, thumb

from west_llext.diagnostics import LlextError, MissingError, Span
from west_llext.emulate.faults import FaultKind
from west_llext.emulate.image import Chunk, Image
from west_llext.emulate.limits import Limits
from west_llext.emulate.memory import Access
from west_llext.emulate.standin import Kind, StandIn
from west_llext.emulate.target import BusyError, Target
from west_llext.emulate.touched import Touched, Watch
from west_llext.model.elf import Ident

pytest.importorskip("unicorn")

ENTRY = CODE | 1

BX_LR = 0x4770
B_SELF = 0xE7FE
LDR_R0_R0 = 0x6800
STR_R1_R0 = 0x6001
BX_R0 = 0x4700
BLX_R0 = 0x4780
PUSH_LR = 0xB500
POP_PC = 0xBD00
BKPT_AB = 0xBEAB


def test_arguments_beyond_the_registers_are_on_the_stack() -> None:
    """AAPCS32, 6.5: four core registers, then the stack, lowest address first."""
    code = thumb(
        0x1840,  # adds r0, r0, r1
        0x1880,  # adds r0, r0, r2
        0x18C0,  # adds r0, r0, r3
        0x9900,  # ldr r1, [sp, #0]
        0x9A01,  # ldr r2, [sp, #4]
        0x1840,  # adds r0, r0, r1
        0x1880,  # adds r0, r0, r2
        BX_LR,
    )
    result = target(image(code)).call(ENTRY, 1, 20, 300, 4000, 50000, 600000)
    assert (result.value, result.instructions, result.fault) == (654321, 8, None)


def test_stack_is_aligned_to_eight_bytes_at_a_call() -> None:
    """AAPCS32, 6.2.1.2; five arguments would leave it at a multiple of four."""
    code = thumb(0x4668, BX_LR)  # mov r0, sp
    assert target(image(code)).call(ENTRY, 1, 2, 3, 4, 5).value % 8 == 0


def test_result_of_two_words_has_the_low_one_in_the_first_register() -> None:
    """AAPCS32, 6.4: r0 and r1, as a 64-bit load would fill them."""
    code = thumb(0x2002, 0x2101, BX_LR)  # movs r0, #2; movs r1, #1
    result = target(image(code)).call(ENTRY)
    assert (result.value, result.pair) == (2, 0x1_0000_0002)


def test_data_stays_between_calls() -> None:
    """.data is loaded once; the second call finds what the first one left."""
    code = thumb(
        0x4902,  # ldr r1, [pc, #8]
        LDR_R0_R0 + 0o10,  # ldr r0, [r1]
        0x3001,  # adds r0, #1
        0x6008,  # str r0, [r1]
        BX_LR,
        0xBF00,
        *((DATA & 0xFFFF), DATA >> 16),
    )
    made = target(image(code, data=(41).to_bytes(4, "little")))
    assert [made.call(ENTRY).value, made.call(ENTRY).value] == [42, 43]


def test_endless_loop_ends_at_the_time_limit() -> None:
    """The limit holds even where no instruction limit would."""
    made = target(image(thumb(B_SELF)), limits=Limits(seconds=0.2, instructions=1 << 60))
    start = time.monotonic()
    result = made.call(ENTRY)
    assert time.monotonic() - start < 5
    assert result.fault is not None
    assert str(result.fault) == "'entry'+0x0 (demo) at 0x10000 runs longer than the time limit"


def test_endless_loop_ends_at_the_instruction_limit_also_the_second_time() -> None:
    """Code that has been translated in an earlier call is stopped as well."""
    made = target(image(thumb(B_SELF)), limits=Limits(instructions=1000))
    for _ in range(2):
        result = made.call(ENTRY)
        assert result.fault is not None
        assert (result.fault.kind, result.instructions) == (FaultKind.INSTRUCTION_LIMIT, 1001)


@pytest.mark.parametrize(
    ("code", "argument", "text", "instructions"),
    [
        (
            (0xBF00, LDR_R0_R0, BX_LR),
            0x70000000,
            "'entry'+0x2 (demo) at 0x10002 reads memory that isn't there: 0x70000000",
            1,
        ),
        (
            (STR_R1_R0, BX_LR),
            0xE000E010,
            "'entry'+0x0 (demo) at 0x10000 writes memory that isn't there: 0xe000e010",
            0,
        ),
        (
            (0xBF00, 0xBF00, STR_R1_R0, BX_LR),
            CODE,
            "'entry'+0x4 (demo) at 0x10004 writes read-only memory: 0x10000",
            2,
        ),
        (
            (PUSH_LR, BLX_R0, POP_PC),
            0x60000001,
            "0x60000000 is executed, but there is no memory, called from 'entry'+0x4 (demo)",
            2,
        ),
        (
            (PUSH_LR, BLX_R0, POP_PC),
            DATA + 5,
            "'.data'+0x4 (demo) at 0x20000004 is executed, but is no code",
            2,
        ),
        (
            (0xBF00, 0xDE00),
            0,
            "'entry'+0x2 (demo) at 0x10002 has an instruction that the processor doesn't know",
            1,
        ),
        (
            (BX_R0,),
            CODE,
            "'entry'+0x0 (demo) at 0x10000 has an instruction that the processor doesn't know",
            1,
        ),
        (
            (0xBF30, BX_LR),
            0,
            "'entry'+0x2 (demo) at 0x10002 waits for an interrupt, and there are none",
            1,
        ),
        (
            (0xF3AF, 0x8003, BX_LR),
            0,
            "'entry'+0x4 (demo) at 0x10004 waits for an interrupt, and there are none",
            1,
        ),
        (
            (0xE000, 0xBF30, 0xDE00),
            0,
            "'entry'+0x4 (demo) at 0x10004 has an instruction that the processor doesn't know",
            1,
        ),
        (
            (0xBF10, 0xDE00),
            0,
            "'entry'+0x2 (demo) at 0x10002 has an instruction that the processor doesn't know",
            1,
        ),
        (
            (0xDF07, BX_LR),
            0,
            "'entry'+0x2 (demo) at 0x10002 raises an exception, and nothing handles it",
            1,
        ),
        (
            (0xBE01, BX_LR),
            0,
            "'entry'+0x0 (demo) at 0x10000 raises an exception, and nothing handles it",
            0,
        ),
    ],
    ids=[
        "unmapped read",
        "unmapped write",
        "write to code",
        "wild jump",
        "jump to data",
        "undefined instruction",
        "jump to Arm state",
        "wait for interrupt",
        "wide wait for interrupt",
        "undefined instruction behind a wait that isn't executed",
        "undefined instruction behind a hint",
        "supervisor call",
        "breakpoint",
    ],
)
def test_fault_says_what_happened_and_where(
    code: tuple[int, ...], argument: int, text: str, instructions: int
) -> None:
    """Each kind of fault ends the call; instructions behind the fault don't count."""
    result = target(image(thumb(*code))).call(ENTRY, argument)
    assert (str(result.fault), result.instructions) == (text, instructions)


@pytest.mark.parametrize(
    ("attributes", "code", "instructions"),
    [
        (CORTEX_M3, thumb(0xBF10, 0x2005, BX_LR), 3),  # yield; movs r0, #5
        (CORTEX_M3, thumb(0xF3AF, 0x8001, 0x2005, BX_LR), 3),  # yield.w
        (CORTEX_M3, thumb(0xBF04, 0xBF10, 0x2005, BX_LR), 4),  # itt eq; both of them are run
        ({6: 10}, bytes.fromhex("01f020e3 0500a0e3 1eff2fe1"), 3),  # the same as A32
    ],
)
def test_yield_does_nothing(
    attributes: dict[int, int | str], code: bytes, instructions: int
) -> None:
    """DDI 0403E, A7.7.263: a hint, which processors without other threads do nothing for."""
    state = 1 if attributes == CORTEX_M3 else 0
    made = Target(ident=ARM, attributes=attributes)
    made.load(image(code))
    result = made.call(CODE | state)
    assert (result.value, result.instructions, result.fault) == (5, instructions, None)


def test_endless_yields_end_at_the_instruction_limit() -> None:
    """Each of them is a start of its own for the emulator."""
    code = thumb(0xBF10, 0xE7FD)  # yield; b back
    result = target(image(code), limits=Limits(instructions=1000)).call(ENTRY)
    assert result.fault is not None
    assert (result.fault.kind, result.instructions) == (FaultKind.INSTRUCTION_LIMIT, 1001)


def test_fault_has_the_registers() -> None:
    """As they were when it happened."""
    result = target(image(thumb(0x2107, LDR_R0_R0, BX_LR))).call(ENTRY, 0x70000000)
    assert result.fault is not None
    registers = dict(result.fault.registers)
    assert (registers["R0"], registers["R1"], registers["PC"]) == (0x70000000, 7, CODE + 2)


def test_places_of_a_fault_have_source_lines() -> None:
    """Of the caller it is the line of the call, not the one that it would come back to."""
    made = image(thumb(PUSH_LR, BLX_R0, POP_PC))
    lines = dataclasses.replace(made, lines=lambda address: Span(PurePath("demo.c"), address))
    fault = target(lines).call(ENTRY, 0x60000001).fault
    assert fault is not None
    assert fault.caller is not None
    assert (str(fault.caller), fault.caller.line) == (
        "'entry'+0x4 (demo)",
        Span(PurePath("demo.c"), CODE + 2),
    )


def test_endless_recursion_is_a_stack_overflow() -> None:
    """The address below the stack is never part of anything else."""
    code = thumb(0xB5FF, 0xF7FF, 0xFFFD)  # push {r0-r7, lr}; bl entry
    fault = target(image(code)).call(ENTRY).fault
    assert fault is not None
    assert fault.kind is FaultKind.STACK_OVERFLOW


def test_large_array_is_a_stack_overflow() -> None:
    """A frame that goes far beyond the stack is named for what it is."""
    code = thumb(
        0x4901,  # ldr r1, [pc, #4]
        0x448D,  # add sp, r1
        0x9000,  # str r0, [sp]
        BX_LR,
        0x0000,
        0xFFF0,  # -1 MiB
    )
    fault = target(image(code)).call(ENTRY).fault
    assert fault is not None
    assert fault.kind is FaultKind.STACK_OVERFLOW


def test_call_after_a_fault_starts_afresh() -> None:
    """Registers and stack are set anew, and the emulator has no error left."""
    made = target(image(thumb(LDR_R0_R0, BX_LR), data=b"\x2a\0\0\0"))
    assert made.call(ENTRY, 0x70000000).fault is not None
    result = made.call(ENTRY, DATA)
    assert (result.value, result.fault) == (42, None)


def test_constructors_run_once_and_in_order() -> None:
    """Each appends its digit to a number in .data; what was run doesn't wait any more."""
    # ldr r2, [pc, #12]; ldr r1, [r2]; movs r3, #10; muls r1, r3
    head = (0x4A03, 0x6811, 0x230A, 0x4359)
    # str r1, [r2]; mov r0, r1; bx lr
    tail = (0x6011, 0x4608, BX_LR, DATA & 0xFFFF, DATA >> 16)
    first = thumb(*head, 0x3101, *tail)  # adds r1, #1
    second = thumb(*head, 0x3102, *tail)
    made = target(image(first + second, constructors=(ENTRY, ENTRY + len(first))))
    assert [(each.image, each.number) for each in made.bring_up()] == [("demo", 1), ("demo", 2)]
    assert made.bring_up() == ()
    assert made.call(ENTRY).value == 121


def test_constructors_stop_at_the_first_that_faults() -> None:
    """What comes later would run on a state that nobody has set up."""
    made = target(image(thumb(0xDE00), constructors=(ENTRY, ENTRY)))
    assert [each.result.returned for each in made.bring_up()] == [False]


def test_stand_in_replaces_a_function_of_the_base() -> None:
    """The base's own code is not executed, and counts no instruction."""
    base = Image(
        name="base image",
        file="base.elf",
        ident=ARM,
        chunks=(Chunk("segment 0", 0, 4, thumb(0xDE00, 0xDE00), Access.READ | Access.EXECUTE),),
        exports={"k_uptime_get_32": 0x1, "k_msleep": 0x3},
    )
    code = thumb(
        PUSH_LR,
        0x2003,  # movs r0, #3
        0x4902,  # ldr r1, [pc, #8]
        0x4788,  # blx r1
        0x2101,  # movs r1, #1
        0x4788,  # blx r1
        POP_PC,
        0xBF00,
        0x0003,  # k_msleep
        0x0000,
    )
    made = target(base, image(code), replace=["k_msleep", "k_uptime_get_32"])
    result = made.call(ENTRY)
    assert (result.value, result.instructions, result.fault) == (3, 7, None)


def test_stand_in_has_an_address_where_no_image_has_the_function() -> None:
    """So that an extension can be linked against it."""
    made = target(image(thumb(BX_LR)))
    address = made.address_of("k_malloc")
    assert address is not None
    assert made.address_of("k_malloc") == address
    assert made.address_of("entry") == ENTRY
    assert made.address_of("no_such_function") is None
    first, second = made.call(address, 20).value, made.call(address, 1 << 30).value
    assert (first % 8, second) == (0, 0)


def test_stand_in_with_a_wild_pointer_is_a_fault() -> None:
    """The format is read from the target's memory, wherever it says."""
    made = target(image(thumb(BX_LR)))
    puts = made.address_of("puts")
    assert puts is not None
    fault = made.call(puts, 0x70000000).fault
    assert fault is not None
    assert (fault.kind, fault.address) == (FaultKind.STAND_IN, 0x70000000)


def test_output_beyond_the_limit_ends_the_call() -> None:
    """An endless loop that prints takes no memory without end."""
    code = thumb(0x2003, BKPT_AB, 0xE7FC)  # movs r0, #SYS_WRITEC; bkpt 0xab; b entry
    made = target(image(code, data=b"x"), limits=Limits(output=10))
    # r1 is the address of the character
    result = made.call(ENTRY, 0, DATA)
    assert result.fault is not None
    assert (result.fault.kind, result.output) == (FaultKind.OUTPUT_LIMIT, "x" * 10)


def test_semihosting_exit_ends_the_call_with_a_status() -> None:
    """ADP_Stopped_ApplicationExit is success, any other reason is not."""
    code = thumb(0x2018, BKPT_AB, BX_LR)  # movs r0, #SYS_EXIT
    made = target(image(code))
    assert [made.call(ENTRY, 0, reason).status for reason in (0x20026, 0x20023)] == [0, 1]


def test_image_is_loaded_beside_others_while_the_target_runs() -> None:
    """Code on a page that is in use already is executed, not what was translated before."""
    made = target(image(thumb(0x2001, BX_LR)))
    assert made.call(ENTRY).value == 1
    made.load(image(thumb(0x2002, BX_LR), name="late", address=CODE + 0x800, data=None))
    assert [made.call(CODE + 0x801).value, made.call(ENTRY).value] == [2, 1]


def test_images_at_the_same_address_are_refused() -> None:
    """X007: each overlap is named, with both files."""
    made = target(image(thumb(BX_LR, BX_LR)))
    with pytest.raises(LlextError) as caught:
        made.load(image(thumb(BX_LR), name="late", address=CODE + 2))
    assert [str(each) for each in caught.value.diagnostics] == [
        (
            "late.llext: error[X007]: '.text' of 'late' at [0x10002, 0x10004) overlaps '.text' "
            "of 'demo' at [0x10000, 0x10004)\n"
            "demo.llext: note: '.text' is in this file"
        ),
        (
            "late.llext: error[X007]: '.data' of 'late' at [0x20000000, 0x20001000) overlaps "
            "'.data' of 'demo' at [0x20000000, 0x20001000)\n"
            "demo.llext: note: '.data' is in this file"
        ),
    ]


def test_image_at_the_end_of_the_address_space_is_refused() -> None:
    """X007: a chunk may end with the last address, not behind it."""
    target(image(thumb(BX_LR), address=0xFFFFFFFE))
    with pytest.raises(LlextError) as caught:
        target(image(thumb(BX_LR, BX_LR), address=0xFFFFFFFE))
    assert str(caught.value) == (
        "demo.llext: error[X007]: '.text' of 'demo' at [0xfffffffe, 0x100000002) "
        "goes beyond the machine's last address 0xffffffff"
    )


def test_images_everywhere_leave_no_room_for_a_stack() -> None:
    """X007: where the emulator would put its stack and heap, images are."""
    chunks = tuple(
        Chunk(".text", address, 4, b"", Access.READ)
        for address in (0x9FF00000, 0x8FF00000, 0x7FF00000, 0x6FF00000, 0x3FF00000)
    )
    made = target(
        Image(name="demo", file="demo.llext", ident=ARM, chunks=chunks, exports={}),
    )
    with pytest.raises(LlextError) as caught:
        made.call(ENTRY)
    assert str(caught.value) == (
        "emulator: error[X007]: no room for a stack and a heap: the images use memory at each of "
        "0x9ff00000, 0x8ff00000, 0x7ff00000, 0x6ff00000, 0x3ff00000"
    )


@pytest.mark.parametrize("size", [1 << 20, 1 << 40])
def test_image_beyond_the_memory_limit_is_refused(size: int) -> None:
    """X006: a size from a hostile file costs nothing."""
    made = target(limits=Limits(memory=1 << 20))
    large = Image(
        name="demo",
        file="demo.llext",
        ident=ARM,
        chunks=(Chunk(".bss", DATA + 4, size, b"", Access.READ),),
        exports={},
    )
    with pytest.raises(LlextError) as caught:
        made.load(large)
    assert str(caught.value) == (
        f"demo.llext: error[X006]: 'demo' takes {size} bytes, with what is there already more "
        "than 1048576 bytes of memory"
    )


def test_image_for_another_machine_is_refused() -> None:
    """X005: a base for Arm, an extension for RISC-V."""
    riscv = Ident(machine=243, bits=32, little=True, flags=0)
    with pytest.raises(LlextError) as caught:
        target().load(Image(name="demo", file="demo.llext", ident=riscv, chunks=(), exports={}))
    assert str(caught.value) == (
        "demo.llext: error[X005]: 'demo' is for machine 243 (32 bits, little endian), "
        "expected machine 40 (32 bits, little endian) as the base image is"
    )


def test_machine_that_cannot_be_emulated_is_refused() -> None:
    """X002: ARC isn't among the emulator's machines."""
    with pytest.raises(LlextError) as caught:
        Target(ident=Ident(machine=195, bits=32, little=True, flags=0), attributes={})
    assert str(caught.value) == (
        "emulator: error[X002]: machine 195 (32 bits, little endian) can't be emulated, "
        "expected one of these, little endian: AArch64 (machine 183, 64 bits), "
        "Arm (machine 40, 32 bits), RISC-V (machine 243, 32 bits), RISC-V (machine 243, 64 bits), "
        "x86 (machine 3, 32 bits), x86-64 (machine 62, 64 bits), Xtensa (machine 94, 32 bits)"
    )


def test_big_endian_target_is_refused() -> None:
    """X002: the emulated memory is little endian."""
    with pytest.raises(LlextError):
        Target(ident=Ident(machine=40, bits=32, little=False, flags=0), attributes={})


def test_missing_emulator_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """X001 and exit status 3: the input may be fine."""
    monkeypatch.setitem(sys.modules, "unicorn", None)
    with pytest.raises(MissingError) as caught:
        Target(ident=ARM, attributes=CORTEX_M3)
    assert str(caught.value) == (
        "unicorn: error[X001]: the Python package 'unicorn' is missing, expected it for running "
        "extensions\nhint: run 'pip install unicorn'"
    )
    assert caught.value.status == 3


def test_error_in_a_stand_in_is_not_swallowed() -> None:
    """A bug of ours must show its traceback, not end as a fault of the target."""

    def broken(_host: object) -> int:
        raise RuntimeError("bug")

    stand_in = StandIn(name="entry", parameters=(), result=Kind.VOID, function=broken)
    made = Target(ident=ARM, attributes=CORTEX_M3, stand_ins={"entry": stand_in}, replace=["entry"])
    made.load(image(thumb(BX_LR)))
    with pytest.raises(RuntimeError, match="bug"):
        made.call(ENTRY)


@pytest.mark.parametrize("what", ["call", "load", "stand in", "address"])
def test_a_stand_in_that_uses_the_target_itself_is_refused(what: str) -> None:
    """Two calls at a time would share one state: the first would go on with the second's."""
    made = target(image(thumb(BX_LR)))
    own = StandIn(name="memcpy", parameters=(), result=Kind.VOID, function=lambda _host: 0)
    uses = {
        "call": lambda: made.call(ENTRY),
        "load": lambda: made.load(image(thumb(BX_LR), name="late", address=0x30000, data=None)),
        "stand in": lambda: made.stand_in(own),
        "address": lambda: made.address_of("memset"),
    }

    def nested(_host: object) -> int:
        uses[what]()
        return 0

    made.stand_in(StandIn(name="entry", parameters=(), result=Kind.VOID, function=nested))
    with pytest.raises(BusyError):
        made.call(ENTRY)
    assert made.call(made.address_of("k_yield") or 0).fault is None


def test_data_ends_with_zeros() -> None:
    """A chunk that is larger than its content is zero behind it: .bss."""
    made = target(image(thumb(LDR_R0_R0, BX_LR), data=b"\xff" * 4))
    assert made.call(ENTRY, DATA + DATA_SIZE - 4).value == 0


@given(
    code=st.binary(min_size=2, max_size=128),
    arguments=st.lists(
        st.one_of(st.sampled_from([0, CODE, DATA, 0x70000000]), st.integers(0, 2**32 - 1)),
        max_size=6,
    ),
)
@settings(max_examples=200, deadline=None)
def test_any_code_comes_to_an_end(code: bytes, arguments: list[int]) -> None:
    """Random instructions with random arguments: a result, whatever they do."""
    limits = Limits(seconds=1.0, instructions=2000, output=1000)
    result = target(image(code), limits=limits).call(ENTRY, *arguments)
    # a block goes on to its end, and a page has no more than so many instructions
    assert 0 <= result.instructions <= 2000 + 2048


def test_heap_of_stand_ins_is_checked() -> None:
    """What wasn't allocated can't be freed; the call in front of it is named."""
    made = target(image(thumb(PUSH_LR, 0x4788, POP_PC)))  # blx r1
    free = made.address_of("k_free")
    assert free is not None
    result = made.call(ENTRY, 0x20000010, free)
    assert str(result.fault) == (
        f"'k_free'+0x0 (the emulator's stack and heap) at {free & ~1:#x} frees memory that isn't "
        "allocated, called from 'entry'+0x4 (demo): 0x20000010"
    )


def test_a_stand_in_can_end_the_call() -> None:
    """abort() and its kin."""
    made = target(image(thumb(PUSH_LR, 0x4780, POP_PC)))
    abort = made.address_of("abort")
    assert abort is not None
    assert str(made.call(ENTRY, abort).fault) == (
        f"'abort'+0x0 (the emulator's stack and heap) at {abort & ~1:#x} gives up, "
        "called from 'entry'+0x4 (demo)"
    )


def test_memory_that_a_call_touches_is_counted_by_bytes() -> None:
    """Each byte once, whatever reads it how often; calls don't add up."""
    # ldr r0, [r1]; ldrb r2, [r1]; str r0, [r1, #4]
    code = thumb(LDR_R0_R0 + 0o10, 0x780A, 0x6048, BX_LR)
    made = Target(ident=ARM, attributes=CORTEX_M3, watch=Watch.MEMORY)
    made.load(image(code))
    for _ in range(2):
        assert made.call(ENTRY, 0, DATA).touched == (Touched("demo", ".data", 4, 4),)


def test_more_stand_ins_than_there_is_room_for_have_no_address() -> None:
    """A page of them."""
    nothing = {
        f"f{number}": StandIn(
            name=f"f{number}", parameters=(), result=Kind.VOID, function=lambda _host: 0
        )
        for number in range(300)
    }
    made = Target(ident=ARM, attributes=CORTEX_M3, stand_ins=nothing)
    made.load(image(thumb(BX_LR)))
    found = [made.address_of(name) for name in nothing]
    assert [each is None for each in found] == [number >= 256 for number in range(300)]
