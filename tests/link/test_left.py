# SPDX-License-Identifier: Apache-2.0
"""What is left for the target's loader is what the loader of that release gets right.

Its model (`west_llext/loader`, which was checked against recorded results) loads an object with one
relocation; in memory is then what the psABI's formula gives. Whatever isn't so has a finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import pytest
from support import loads
from support.elfbuild import (
    FUNC,
    OBJECT,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_ABS,
    Rel,
    Sec,
    Sym,
    elf,
)
from support.linking import Case, Outcome, extension, offer

from west_llext.arch.formula import Space, evaluate
from west_llext.arch.machine import Machine, Release
from west_llext.arch.machines import MACHINES
from west_llext.arch.table import RangeError, Row, Via
from west_llext.emit.blob import blob
from west_llext.link.codec import codec
from west_llext.loader import target
from west_llext.loader.versions import Version
from west_llext.model.elf import Ident, Section, SectionType
from west_llext.model.manifest import Mode
from west_llext.model.region import Region

#: Releases whose loaders differ in relocations.
RELEASES: tuple[Release, ...] = ((3, 7), (4, 1), (4, 3), (4, 5))
MODELS = {
    3: target.Machine.X86,
    40: target.Machine.ARM,
    62: target.Machine.X86,
    93: target.Machine.ARC,
    94: target.Machine.XTENSA,
    183: target.Machine.ARM64,
    195: target.Machine.ARC,
    243: target.Machine.RISCV,
}
#: Near enough for a branch of 256 bytes.
TEXT, DATA, OUTSIDE = 0x40001000, 0x40002000, 0x40000F80
PLACE = 16
#: Instructions that a row expects at its place: branches of Arm by number, moves of AArch64.
INSTRUCTIONS = {1: 0xEA000000, 10: 0xF000F800, 28: 0xEB000000, 29: 0xEA000000, 30: 0xF000B800}
MOVZ = 0xD2800000


class Trial(NamedTuple):
    """One relocation: its row, the word at its place before, and A."""

    machine: Machine
    row: Row
    word: int
    A: int
    inside: bool

    @property
    def odd(self) -> int:
        """The Thumb bit of its target."""
        return int(self.machine.entry_is_odd and self.row.number in {10, 30})

    def ident(self) -> Ident:
        """What the file says of its machine."""
        flags = 0x05000000 if self.machine.entry_is_odd else 0
        return Ident(machine=self.machine.number, bits=self.machine.bits, little=True, flags=flags)

    def object(self) -> bytes:
        """The object: code with the place in it, and data."""
        row, content = self.row, bytearray(64)
        codec("<").dump(row.word, content, PLACE - row.before, self.word)
        place = Rel(
            offset=PLACE,
            type=row.number,
            symbol="inside" if self.inside else "outside",
            addend=self.A if self.machine.explicit_addends else None,
        )
        code, data = SHF_ALLOC | SHF_EXECINSTR, SHF_ALLOC | SHF_WRITE
        text = Sec(name=".text", flags=code, content=bytes(content), align=16, relocations=[place])
        ident = self.ident()
        return elf(
            machine=ident.machine,
            bits=ident.bits,
            flags=ident.flags,
            sections=[text, Sec(name=".data", flags=data, content=bytes(32), align=16)],
            symbols=[
                Sym(name="f", value=self.odd, size=4, type=FUNC, section=".text"),
                Sym(name="inside", value=8, type=OBJECT, section=".data"),
                Sym(name="outside"),
            ],
        )

    def base(self) -> list[Sym]:
        """What the base image defines."""
        kind = FUNC if self.row.branch else OBJECT
        return [Sym(name="outside", value=OUTSIDE | self.odd, type=kind, section=SHN_ABS)]

    def expected(self) -> int | None:
        """The word after loading; None where the value doesn't fit there."""
        S, P = DATA + 8 if self.inside else OUTSIDE, TEXT + PLACE
        try:
            if self.row.branch:
                return self.machine.branch(self.row, self.word, S=S, A=self.A, P=P, T=self.odd)
            value = evaluate(self.row.formula, S=S, A=self.A, P=P, T=self.odd)
            return self.row.encode(self.word, value)
        except RangeError:
            return None

    def loaded(self, made: Outcome, release: Release) -> int:
        """The word that the loader of a release makes."""
        ident = self.ident()
        on = target.Target(
            machine=MODELS[ident.machine],
            bits=ident.bits,
            heap=target.HeapPlan(address=0x50000000, size=1 << 20),
            symbols={b"outside": OUTSIDE | self.odd},
            version=Version(*release),
        )
        places = {"text": TEXT, "data": DATA}
        system, loaded = loads.load(blob(made.linked), on, buffer=0x60000000, places=places)
        assert loaded.ext is not None, (self.row.name, loads.logged(loaded))
        memory = loads.region(system, loaded, "text")
        return codec("<").load(self.row.word, memory, PLACE - self.row.before)


def trials(machine: Machine) -> Iterator[Trial]:
    """Every type that stands by itself, with two addends, inside and outside of the extension."""
    for row in machine.rows.values():
        if not isinstance(row, Row) or row.via is not Via.DIRECT or row.joins or row.pick:
            continue
        if row.space is Space.THREAD:
            continue
        word = 0
        if machine.entry_is_odd:
            word = INSTRUCTIONS.get(row.number, 0)
        elif "MOVW" in row.name:
            word = MOVZ
        for addend in (0, 8):
            A = addend - machine.pc_offset(row)
            if not machine.explicit_addends:
                if not row.holds(A):
                    continue
                yield Trial(machine, row, row.with_addend(word, A), A, inside=True)
                yield Trial(machine, row, row.with_addend(word, A), A, inside=False)
            else:
                yield Trial(machine, row, word, A, inside=True)
                yield Trial(machine, row, word, A, inside=False)


@pytest.mark.parametrize("release", RELEASES, ids=lambda each: f"{each[0]}.{each[1]}")
@pytest.mark.parametrize(
    "machine",
    # Xtensa's loader links files in writable memory only, where regions can't be put elsewhere
    [each for each in MACHINES.values() if each.name != "xtensa"],
    ids=lambda each: f"{each.name}-{each.bits}-{each.number}",
)
def test_the_loader_of_a_release_gets_right_what_is_left_for_it(
    machine: Machine, release: Release
) -> None:
    """In both modes that leave something; a type that it doesn't know has a finding."""
    right = 0
    for trial in trials(machine):
        for mode in (Mode.RELOCATABLE, Mode.BOUND):
            version = f"{release[0]}.{release[1]}.0"
            base = offer(trial.base(), ident=trial.ident(), zephyr_version=version)
            made = Case(extension=extension(mode=mode), base=base).link(trial.object())
            if made.findings:
                assert {each.code for each in made.findings} <= {"R003", "R004", "R007", "R008"}
            elif not made.second.stubs.all and (expected := trial.expected()) is not None:
                found = trial.loaded(made, release)
                assert found == expected, (trial, mode, hex(found), hex(expected))
                right += bool(made.linked.left)
    assert bool(right) is (release >= machine.first)


FILLED = "and the target's loader fills in the lower 32 bits only"
X86_64 = Ident(machine=62, bits=64, little=True, flags=0)


def pointers(*symbols: str, content: bytes | None = None) -> bytes:
    """An object for x86-64 with pointers to symbols; `here` is the first of them."""
    rows = [Rel(offset=8 * at, type=1, symbol=each, addend=0) for at, each in enumerate(symbols)]
    held = bytes(8 * len(symbols)) if content is None else content
    data = Sec(name=".data", flags=SHF_ALLOC | SHF_WRITE, content=held, relocations=rows)
    names = [Sym(name=each) for each in set(symbols) - {"here"}]
    here = Sym(name="here", type=OBJECT, section=".data")
    return elf(machine=62, bits=64, flags=0, sections=[data], symbols=[here, *names])


def far(address: int) -> Sym:
    """A function of the base image."""
    return Sym(name="far", value=address, type=FUNC, section=SHN_ABS)


def test_an_address_of_which_the_loader_fills_in_half_is_refused() -> None:
    """R012: it writes 4 bytes of R_X86_64_64; what is applied here is whole."""
    content = pointers("far", "far")
    base = offer([far(0x1_0000_0010)], ident=X86_64)
    made = Case(extension=extension(mode=Mode.RELOCATABLE), base=base).link(content)
    assert [str(each) for each in made.findings] == [
        f"""\
unit.o: error[R012]: R_X86_64_64 at .data+0x0 refers to 'far', which is at 0x100000010, \
{FILLED} (and 1 more like it)
hint: set 'mode: bound' or 'mode: prelocated'"""
    ]
    made = Case(extension=extension(mode=Mode.BOUND), base=base).link(content)
    assert made.content(Region.DATA) == (0x1_0000_0010).to_bytes(8, "little") * 2


@pytest.mark.parametrize("mode", [Mode.RELOCATABLE, Mode.BOUND])
def test_a_pointer_inside_of_an_extension_is_refused_above_4_gib(mode: Mode) -> None:
    """R012: the loader's heap is where the base image is."""
    for address, expected in (
        (0xFFFF_F000, []),
        (
            0x1_0000_0000,
            [
                f"""\
unit.o: error[R012]: R_X86_64_64 at .data+0x0 refers to 'here', which is loaded above that, {FILLED}
hint: set 'mode: prelocated'"""
            ],
        ),
    ):
        code = Section(".text", SectionType.PROGBITS, SHF_ALLOC, address, 0, 16, 0, 0, 16, 0)
        base = offer([], ident=X86_64)
        assert base.image is not None
        base = replace(base, image=replace(base.image, sections=(code,)))
        made = Case(extension=extension(mode=mode), base=base).link(pointers("here"))
        assert [str(each) for each in made.findings] == expected


def test_what_the_loader_leaves_alone_is_zero() -> None:
    """It adds nothing to the place of R_X86_64_64, and writes the lower half only."""
    content = pointers("far", content=b"\xff" * 8)
    base = offer([far(0x1000)], ident=X86_64)
    made = Case(extension=extension(mode=Mode.RELOCATABLE), base=base).link(content)
    assert made.linked.left == {"R_X86_64_64": 1}
    assert made.content(Region.DATA) == bytes(8)


def test_an_address_of_the_base_image_that_a_field_cant_hold_is_said_before_it_is_loaded() -> None:
    """R003 in every mode: medlow code of RV64 makes addresses up to 2 GiB, the loader none else."""
    row = Rel(offset=0, type=26, symbol="far", addend=0)
    code = bytes.fromhex("37050000")  # lui a0, 0
    content = elf(
        machine=243,
        bits=64,
        flags=1,
        sections=[
            Sec(name=".text", flags=SHF_ALLOC | SHF_EXECINSTR, content=code, relocations=[row])
        ],
        symbols=[Sym(name="far")],
    )
    ident = Ident(machine=243, bits=64, little=True, flags=1)
    base = offer([far(0x8000_1000)], ident=ident)
    for mode in Mode:
        made = Case(extension=extension(mode=mode), base=base).link(content)
        assert [str(each) for each in made.findings] == [
            """\
unit.o: error[R003]: R_RISCV_HI20 at .text+0x0 does not reach 'far': S + A = +0x80001000 is not in \
[-0x80000800, 0x7ffff800)
hint: compile with -mcmodel=medany"""
        ]
