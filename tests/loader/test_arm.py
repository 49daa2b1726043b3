# SPDX-License-Identifier: Apache-2.0
"""Arm and Thumb relocations as the target applies them; limits as elf.c has them, by hand."""

from __future__ import annotations

import struct

import pytest
from support.elfbuild import SHN_ABS, Rel, Sym
from support.loads import code, extension, load, logged, region, target

from west_llext.loader.system import System
from west_llext.loader.target import Veneers
from west_llext.loader.versions import NEWEST, Version

#: Where the code goes.
PLACE = 0x20002000
LINK = "E: Failed to link, ret -8"


def placed(kind: int, content: str, value: int, on: object = None) -> tuple[str, list[str]]:
    """The place behind the load, and the log; `value` is the symbol's address."""
    absolute = Sym(name="s", value=value & 0xFFFFFFFF, section=SHN_ABS)
    raw = bytes.fromhex(content)
    data = extension(
        code(raw, relocations=[Rel(offset=0, type=kind, symbol="s")]), symbols=[absolute]
    )
    system, loaded = load(data, on, places={"text": PLACE})  # type: ignore[arg-type]
    found = region(system, loaded, "text").hex() if loaded.ext is not None else ""
    return found, logged(loaded)


@pytest.mark.parametrize(
    ("kind", "content", "value", "expected"),
    [
        (2, "04000000", 0x1235, "39120000"),  # ABS32: addend 4, bit 0 stays
        (38, "04000000", 0x1235, "39120000"),  # TARGET1: as ABS32
        (3, "04000000", 0x20003000, "04100000"),  # REL32
        (21, "ffffffff", 0x1235, "35120000"),  # GLOB_DAT: whatever was there
        (22, "ffffffff", 0x1235, "35120000"),  # JUMP_SLOT
        (42, "00000080", 0x20002010, "10000080"),  # PREL31 keeps bit 31
        (0, "11223344", 0x1235, "11223344"),  # NONE
        (43, "000000e3", 0x1234ABCD, "cd0b0ae3"),  # MOVW_ABS_NC r0: imm4 a, imm12 bcd
        (44, "000040e3", 0x1234ABCD, "340241e3"),  # MOVT_ABS r0: imm4 1, imm12 234
        (47, "40f20000", 0x1234ABCD, "4af6cd30"),  # THM_MOVW: imm4 a, i 1, imm3 3, imm8 cd
        (48, "c0f20000", 0x1234ABCD, "c1f23420"),  # THM_MOVT: imm4 1, i 0, imm3 2, imm8 34
    ],
)
def test_a_value_goes_where_its_type_says(
    kind: int, content: str, value: int, expected: str
) -> None:
    """AAELF32, table 5.7; encodings of ARMv7-M ARM A7.7.76 and A7.7.79, ARMv7-A A8.8.102."""
    assert placed(kind, content, value) == (expected, [])


def test_a_branch_in_arm_state_reaches_32_mib_less_than_it_could() -> None:
    """The offset is written in words; -32 MiB itself is refused."""
    for distance, field in ((0x1FFFFFC, 0x7FFFFF), (-0x1FFFFFC, 0x800001)):
        # the addend of -8 that is in the place makes the target 8 further
        found, _ = placed(28, "feffffeb", PLACE + distance + 8)
        assert found == struct.pack("<I", 0xEB000000 | field).hex()
    for distance in (0x2000000, -0x2000000):
        _, log = placed(28, "feffffeb", PLACE + distance + 8)
        there = PLACE + distance + 8
        line = f"E: sym 's': relocation out of range (0x20002000 -> {there:#x})"
        assert log == [line, LINK]


def test_a_thumb_branch_reaches_16_mib_less_than_it_could() -> None:
    """And bit 0 of the target counts for the distance, but not for the field."""
    found, _ = placed(10, "fff7feff", PLACE + 4 + 0x100)
    assert found == "00f080f8"  # BL +0x100: S 0, J1 1, J2 1, imm10 0, imm11 0x80
    for distance in (0x1000000, -0x1000000):
        _, log = placed(10, "fff7feff", PLACE + 4 + distance)
        there = PLACE + 4 + distance
        line = f"E: sym 's': relocation out of range (0x20002000 -> {there:#x})"
        assert log == [line, LINK]
    assert placed(10, "fff7feff", PLACE + 4 + 0xFFFFFE)[0] == "fff3ffd7"


def test_prel31_ends_at_1_gib() -> None:
    """[-0x40000000, 0x40000000)."""
    assert placed(42, "00000000", PLACE - 0x40000000)[0] == "00000040"
    assert placed(42, "00000000", PLACE + 0x40000000)[1][1] == LINK


def test_thread_offsets_are_known_since_4_4() -> None:
    """R_ARM_TLS_LE32."""
    assert placed(108, "00000000", 8)[1] == ["E: unknown relocation: 108", LINK]
    assert placed(108, "00000000", 8, target(version=Version(4, 4))) == ("08000000", [])


@pytest.mark.parametrize("kind", [9, 20, 24, 25, 26, 41, 51, 57, 96, 102])
def test_types_that_are_not_known_are_refused(kind: int) -> None:
    """With their number."""
    assert placed(kind, "00000000", 0)[1] == [f"E: unknown relocation: {kind}", LINK]


def test_relative_counts_from_the_start_of_the_code() -> None:
    """R_ARM_RELATIVE, wherever the place is."""
    data = extension(code(bytes(4), relocations=[Rel(offset=0, type=23)]))
    system, loaded = load(data, places={"text": PLACE})
    assert region(system, loaded, "text").hex() == "00200020"


def veneers(kind: Veneers, *targets: int) -> tuple[System, bytes, bytes, list[str]]:
    """Calls to base symbols at addresses: code and veneers behind the load."""
    names = [f"s{number}" for number in range(len(targets))]
    rels = [Rel(offset=4 * each, type=10, symbol=name) for each, name in enumerate(names)]
    data = extension(
        code(bytes.fromhex("fff7feff") * len(targets), relocations=rels),
        symbols=[Sym(name=name) for name in names],
    )
    on = target(
        version=NEWEST,
        veneers=kind,
        symbols={name.encode(): addr for name, addr in zip(names, targets, strict=True)},
    )
    system, loaded = load(data, on, places={"text": PLACE, "veneer": 0x20003000})
    assert loaded.result == 0, logged(loaded)
    return (
        system,
        region(system, loaded, "text"),
        region(system, loaded, "veneer"),
        logged(loaded),
    )


def test_what_does_not_reach_goes_through_a_veneer() -> None:
    """One slot a branch; equal targets share one, the others stay empty."""
    _, text, slots, _ = veneers(Veneers.MAINLINE, 0x08000001, 0x08000001, 0x20002801)
    assert slots == struct.pack("<HHIII", 0xF8DF, 0xF000, 0x08000001, 0, 0) + bytes(8)
    # to 0x20003001: 0xffd and 0xff9 with the addend of -4; straight to 0x20002801: 0x7f5
    assert text.hex() == "00f0feff00f0fcff00f0fafb"


def test_veneers_of_small_cores_save_a_register() -> None:
    """push {r4}; ldr r4, [pc, #8]; mov ip, r4; pop {r4}; bx ip; nop; target."""
    _, _, slots, _ = veneers(Veneers.BASELINE, 0x08000001)
    expected = struct.pack("<6HI", 0xB410, 0x4C02, 0x46A4, 0xBC10, 0x4760, 0xBF00, 0x08000001)
    assert slots == expected


def test_a_veneer_is_only_for_undefined_symbols() -> None:
    """A call to an absolute one fails."""
    _, log = placed(10, "fff7feff", 0x08000001, target(version=NEWEST, veneers=Veneers.MAINLINE))
    assert log[-1] == LINK
