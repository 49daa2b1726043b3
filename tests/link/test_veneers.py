# SPDX-License-Identifier: Apache-2.0
"""Veneers: when one is made, and that nothing but ip and the flags changes on the way through.

The emulator executes every instruction on every core; that a core has those of its form is tested
with the assembler, in tests/arch.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from support.branches import arm_jump, thumb_jump
from support.elfbuild import Sym
from support.linking import Case, Outcome, arm, extension, offer, thumb
from support.oracle import assembled

from west_llext.model.link import Piece
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

pytestmark = pytest.mark.cross

MIB = 1 << 20
TEXT = 0x10000000


def made_at(
    content: bytes, base: list[Sym], window: int | None = None, mode: Mode = Mode.PRELOCATED
) -> Outcome:
    """The object with .text at TEXT, in a memory (or heap) of `window` bytes (default: its own)."""
    end = TEXT + (0x1000 if window is None else window)
    case = Case(
        extension=extension(mode=mode),
        base=offer(base),
        place=lambda _: {Region.TEXT: TEXT},
        windows={"text": (TEXT, end)},
        heap=(TEXT, end),
    )
    return case.link(content)


class Core(NamedTuple):
    """A processor: what the assembler and the emulator call it, and in which state it runs."""

    cpu: str
    model: str
    state: str
    form: str


CORES = {
    "m0": Core("cortex-m0", "UC_CPU_ARM_CORTEX_M0", "thumb", "thumb1"),
    "m3": Core("cortex-m3", "UC_CPU_ARM_CORTEX_M3", "thumb", "thumb2"),
    "m33": Core("cortex-m33", "UC_CPU_ARM_CORTEX_M33", "thumb", "thumb2"),
    "a7-thumb": Core("cortex-a7", "UC_CPU_ARM_CORTEX_A7", "thumb", "thumb2"),
    "a7-arm": Core("cortex-a7", "UC_CPU_ARM_CORTEX_A7", "arm", "arm"),
    "926-arm": Core("arm926ej-s", "UC_CPU_ARM_926", "arm", "arm"),
    "926-thumb": Core("arm926ej-s", "UC_CPU_ARM_926", "thumb", "thumb1"),
}

Registers = tuple[int, ...]


class Machine:
    """An emulated processor that stops when it gets to a place."""

    def __init__(self, core: Core) -> None:
        """With a stack that has words to recognise on it."""
        unicorn = pytest.importorskip("unicorn")
        from unicorn import arm_const as const

        self.unicorn, self.const = unicorn, const
        mode = unicorn.UC_MODE_THUMB if core.state == "thumb" else unicorn.UC_MODE_ARM
        if core.cpu.startswith("cortex-m"):
            mode |= unicorn.UC_MODE_MCLASS
        self.engine = unicorn.Uc(unicorn.UC_ARCH_ARM, mode)
        self.engine.ctl_set_cpu_model(getattr(const, core.model))
        self.pages: set[int] = set()
        self.write(0x30000000, bytes(range(256)))
        self.names = [getattr(const, f"UC_ARM_REG_R{n}") for n in range(12)]
        for number, name in enumerate(self.names):
            self.engine.reg_write(name, 0x11111111 * number + 1)
        self.engine.reg_write(const.UC_ARM_REG_SP, 0x30000080)
        self.engine.reg_write(const.UC_ARM_REG_LR, 0x2FFFFFF1)

    def write(self, address: int, content: bytes) -> None:
        """Bytes at an address, in pages that are made for them."""
        for page in range(address & ~0xFFF, address + len(content), 0x1000):
            if page not in self.pages:
                self.pages.add(page)
                self.engine.mem_map(page, 0x1000)
        self.engine.mem_write(address, content)

    def registers(self) -> Registers:
        """r0 to r11 and sp: what a veneer must leave alone."""
        names = [*self.names, self.const.UC_ARM_REG_SP]
        return tuple(self.engine.reg_read(name) for name in names)

    def stack(self) -> bytes:
        """What is on the stack, from sp on."""
        return bytes(self.engine.mem_read(self.engine.reg_read(self.const.UC_ARM_REG_SP), 64))

    def run(self, start: int, until: int) -> None:
        """From an address (bit 0 set for Thumb) to another one."""
        self.engine.emu_start(start, until & ~1, count=20)
        assert self.engine.reg_read(self.const.UC_ARM_REG_PC) == until & ~1

    @property
    def lr(self) -> int:
        """The return address."""
        return int(self.engine.reg_read(self.const.UC_ARM_REG_LR))

    @property
    def thumb(self) -> int:
        """Whether it is in Thumb state."""
        cpsr = self.engine.reg_read(self.const.UC_ARM_REG_CPSR)
        return int(cpsr >> 5 & 1) if self.pages else 0


def through(core: Core, code: bytes, start: int, target: int) -> Machine:
    """The processor at `target`, after the branch at the start of `code`."""
    machine = Machine(core)
    machine.write(TEXT, code)
    # the code there doesn't matter, but it has to be executable
    machine.write(target & ~1, bytes(16))
    before, stack = machine.registers(), machine.stack()
    machine.run(start, target)
    assert before == machine.registers()
    assert stack == machine.stack()
    return machine


BRANCHES = {
    "thumb": ("bl far", "b far", "bl far + 8"),
    "arm": ("bl far", "b far", "bl far + 8", "blal far", "beq far"),
}


@pytest.mark.parametrize("target", [TEXT + 0x20000000, TEXT - 0x0F000000], ids=["up", "down"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        (name, text)
        for name, core in CORES.items()
        for text in BRANCHES[core.state]
        if core.form != "thumb1" or text != "b far"  # it reaches 2 KiB: no linker sees one
    ],
)
def test_a_far_branch_arrives_with_every_register_and_the_stack_as_it_left(
    name: str, text: str, target: int, tmp_path: Path
) -> None:
    """AAELF32, "Call and Jump relocations": a veneer may corrupt ip and the flags alone."""
    core = CORES[name]
    source = f".text\n.{core.state}\n.type start, %function\nstart: {text}\n"
    content = assembled(tmp_path, source, core.cpu)
    odd = core.state == "thumb"
    symbol = thumb("far", target) if odd else arm("far", target)
    made = made_at(content, [symbol])
    assert [core.form] == [stub.form.name for stub in made.second.stubs.all]
    expected = target + (8 if "+ 8" in text else 0) | odd
    machine = through(core, made.content(Region.TEXT), TEXT | odd, expected)
    if text.startswith("bl"):
        assert machine.lr == (TEXT + 4 | odd)
    else:
        assert machine.lr == 0x2FFFFFF1


@pytest.mark.parametrize(
    ("core", "state"), [("a7-thumb", "thumb"), ("a7-arm", "arm"), ("926-arm", "arm")]
)
def test_a_jump_into_the_other_instruction_set_goes_through_a_veneer(
    core: str, state: str, tmp_path: Path
) -> None:
    """A near B can't change the state; the veneer loads the program counter, which can."""
    cpu = CORES[core].cpu
    jump = "b.w near" if state == "thumb" else "b near"
    content = assembled(tmp_path, f".text\n.{state}\n{jump}\n", cpu)
    target = TEXT + 0x1000
    symbol = arm("near", target) if state == "thumb" else thumb("near", target)
    made = made_at(content, [symbol])
    assert len(made.second.stubs.all) == 1
    machine = through(CORES[core], made.content(Region.TEXT), TEXT | (state == "thumb"), target)
    assert machine.thumb == int(state == "arm")


def test_all_branches_to_one_target_share_a_veneer(tmp_path: Path) -> None:
    """Also a jump and a call; another offset from the target is another place."""
    source = """
        .text
        .thumb
        bl far
        bl other
        b.w far
        bl far + 8
        bl far
        .section .text.more, "ax"
        bl far
        bl other
    """
    made = made_at(assembled(tmp_path, source), [thumb("far", 0x1000), thumb("other", 0x2000)])
    code = made.content(Region.TEXT)
    jumps = [thumb_jump(code, at, 0) for at in (0, 4, 8, 12, 16, 20, 24)]
    places = [jump.target for jump in jumps if jump is not None]
    assert places == [28, 36, 28, 44, 28, 28, 36]
    section = made.linked.section(Region.TEXT)
    assert section is not None
    assert (
        Piece("veneer for far", 28, 8),
        Piece("veneer for other", 36, 8),
        Piece("veneer for far", 44, 8),
    ) == section.pieces[-3:]


def test_arm_and_thumb_branches_to_one_target_have_a_veneer_each(tmp_path: Path) -> None:
    """A veneer is entered in the state of the branch."""
    source = ".text\n.thumb\nbl far\n.arm\nbl far\n"
    made = made_at(assembled(tmp_path, source, "cortex-a7"), [thumb("far", 0x1000)])
    assert [stub.form.name for stub in made.second.stubs.all] == ["thumb2", "arm"]
    code = made.content(Region.TEXT)
    first, second = thumb_jump(code, 0, 0), arm_jump(code, 4, 0)
    assert first is not None
    assert second is not None
    assert (first.target, second.target) == (8, 16)


Limits = list[tuple[int, bool]]

#: Distances from the branch's PC (its address and 4 or 8), and whether the branch gets there.
THUMB_LIMITS: Limits = [
    (16 * MIB - 2, True),
    (16 * MIB, False),
    (-16 * MIB, True),
    (-16 * MIB - 2, False),
    (-16 * MIB + 2, True),
]
ARM_LIMITS: Limits = [
    (32 * MIB - 4, True),
    (32 * MIB, False),
    (-32 * MIB, True),
    (-32 * MIB - 4, False),
]
BLX_LIMITS: Limits = [
    (16 * MIB - 8, True),
    (16 * MIB, False),
    (-16 * MIB, True),
    (-16 * MIB - 4, False),
]


@pytest.mark.parametrize("mnemonic", ["bl", "b.w"])
@pytest.mark.parametrize("limit", THUMB_LIMITS)
def test_a_thumb_branch_has_a_veneer_just_where_it_does_not_reach(
    mnemonic: str, limit: tuple[int, bool], tmp_path: Path
) -> None:
    """DDI 0406C, A8.8.25: -16777216 to 16777214."""
    distance, reaches = limit
    content = assembled(tmp_path, f".text\n.thumb\n{mnemonic} far\n")
    target = TEXT + 4 + distance
    made = made_at(content, [thumb("far", target)], window=4)
    assert reaches == (not made.second.stubs.all)
    if reaches:
        jump = thumb_jump(made.content(Region.TEXT), 0, TEXT)
        assert jump is not None
        assert target == jump.target


@pytest.mark.parametrize("limit", ARM_LIMITS)
def test_an_arm_branch_has_a_veneer_just_where_it_does_not_reach(
    limit: tuple[int, bool], tmp_path: Path
) -> None:
    """DDI 0406C, A8.8.25: -33554432 to 33554428."""
    distance, reaches = limit
    content = assembled(tmp_path, ".text\n.arm\nbl far\n", "cortex-a7")
    made = made_at(content, [arm("far", TEXT + 8 + distance)], window=4)
    assert reaches == (not made.second.stubs.all)


@pytest.mark.parametrize("limit", BLX_LIMITS)
@pytest.mark.parametrize("offset", [0, 2])
def test_a_call_of_arm_code_has_a_veneer_where_blx_may_not_reach(
    offset: int, limit: tuple[int, bool], tmp_path: Path
) -> None:
    """BLX counts from a multiple of 4; whichever the place turns out to be, it is right."""
    distance, reaches = limit
    pad = "nop\n" * (offset // 2)
    content = assembled(tmp_path, f".text\n.thumb\n{pad}bl far\n", "cortex-a7")
    target = (TEXT + offset + 4 & ~3) + distance
    made = made_at(content, [arm("far", target)], window=4 + offset)
    assert not made.findings
    jump = thumb_jump(made.content(Region.TEXT), offset, TEXT)
    assert jump is not None
    if made.second.stubs.all:
        assert made.second.stubs.all[0].offset == jump.target - TEXT
    else:
        assert reaches
        assert (target, 0) == (jump.target, jump.thumb)


@pytest.mark.parametrize("limit", [(-16 * MIB, False), (-16 * MIB + 2, True)])
@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_what_the_loader_has_to_reach_does_not_use_the_lowest_distance(
    mode: Mode, limit: tuple[int, bool], tmp_path: Path
) -> None:
    """arch/arm/core/elf.c refuses off <= -0x1000000."""
    distance, reaches = limit
    content = assembled(tmp_path, ".text\n.thumb\nbl far\n")
    made = made_at(content, [thumb("far", TEXT + 4 + distance)], window=4, mode=mode)
    assert reaches == (not made.second.stubs.all)
    assert reaches == ("R_ARM_THM_CALL" in made.linked.left)


@pytest.mark.parametrize(("size", "veneers"), [(4, 0), (6, 1), (0x10000, 1)])
def test_a_branch_that_may_not_reach_from_some_place_has_a_veneer(
    size: int, veneers: int, tmp_path: Path
) -> None:
    """What decides is the memory, not the place in it that the extension happens to get."""
    content = assembled(tmp_path, ".text\n.thumb\nbl far\n")
    base = [thumb("far", TEXT + 4 - 16 * MIB)]
    assert veneers == len(made_at(content, base, window=size).second.stubs.all)


def test_a_function_without_a_known_address_is_far(tmp_path: Path) -> None:
    """A base image of which only the names are known, in relocatable mode."""
    content = assembled(tmp_path, ".text\n.thumb\nbl far\n")
    case = Case(
        extension=extension(mode=Mode.RELOCATABLE),
        base=offer([], exported={"far"}),
        heap=(TEXT, TEXT + 0x1000),
    )
    made = case.link(content)
    assert made.linked.left == {"R_ARM_ABS32": 1}
    assert len(made.content(Region.TEXT)) == 12


def test_a_conditional_branch_gets_further_through_a_veneer(tmp_path: Path) -> None:
    """B<c>.W has ±1 MiB, and is no type that the target's loader knows."""
    content = assembled(tmp_path, ".text\n.thumb\nbeq.w far\n")
    for mode in Mode:
        made = made_at(content, [thumb("far", 0x1000)], mode=mode)
        jump = thumb_jump(made.content(Region.TEXT), 0, 0)
        assert jump is not None
        assert jump.target == 4
        assert not jump.link


def test_own_functions_need_no_veneer(tmp_path: Path) -> None:
    """What is in the same region has a distance that doesn't change."""
    source = """
        .text
        .thumb
        bl mine
        .section .text.other, "ax"
        .space 0x10000
        .type mine, %function
        .thumb_func
    mine: bx lr
    """
    content = assembled(tmp_path, source)
    for mode in Mode:
        made = made_at(content, [], mode=mode)
        assert not made.second.stubs.all
        assert made.linked.left == {}


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_a_call_that_is_left_is_never_blx(mode: Mode, tmp_path: Path) -> None:
    """The loader keeps the opcode: BLX to Thumb code would arrive in Arm state."""
    source = ".text\n.thumb\nblx near\n.arm\nblx their\n"
    content = assembled(tmp_path, source, "cortex-a7")
    base = [thumb("near", TEXT + 0x2000), arm("their", TEXT + 0x3000)]
    made = made_at(content, base, mode=mode)
    assert made.linked.left == {"R_ARM_CALL": 1, "R_ARM_THM_CALL": 1}
    code = made.content(Region.TEXT)
    assert int.from_bytes(code[2:4], "little") & 0xD000 == 0xD000
    assert code[7] == 0xEB
