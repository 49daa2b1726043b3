# SPDX-License-Identifier: Apache-2.0
"""AArch64, x86, ARC and Xtensa relocations as the target applies them."""

from __future__ import annotations

import pytest
from support.elfbuild import SHN_ABS, Rel, Sec, Sym
from support.loads import CODE, code, extension, load, logged, region, target

from west_llext.loader.storage import Storage
from west_llext.loader.target import HeapPlan, Machine
from west_llext.loader.versions import NEWEST, Version

PLACE = 0x40002000
LINK = "E: Failed to link, ret -8"
#: e_machine and class by processor.
FILES = {
    "arm64": (183, 64),
    "x86": (3, 32),
    "x86_64": (62, 64),
    "arc": (93, 32),
    "xtensa": (94, 32),
}
MACHINES = {
    "arm64": Machine.ARM64,
    "x86": Machine.X86,
    "x86_64": Machine.X86,
    "arc": Machine.ARC,
    "xtensa": Machine.XTENSA,
}


def placed(
    name: str,
    kind: int,
    content: str,
    value: int,
    addend: int | None = 0,
    *,
    release: Version = NEWEST,
) -> tuple[str, list[str]]:
    """The place behind the load, and the log; `value` is the symbol's address."""
    number, bits = FILES[name]
    absolute = Sym(name="s", value=value & (1 << bits) - 1, section=SHN_ABS)
    rel = Rel(offset=0, type=kind, symbol="s", addend=addend)
    data = extension(
        code(bytes.fromhex(content), relocations=[rel]),
        symbols=[absolute],
        machine=number,
        bits=bits,
    )
    on = target(
        machine=MACHINES[name],
        bits=bits,
        version=release,
        heap=HeapPlan(address=0x40010000, size=64 << 10),
    )
    system, loaded = load(data, on, buffer=0x48000000, places={"text": PLACE})
    found = region(system, loaded, "text").hex() if loaded.ext is not None else ""
    return found, logged(loaded)


@pytest.mark.parametrize(
    ("kind", "content", "value", "expected"),
    [
        (257, "0000000000000000", 0x123456789A, "9a78563412000000"),  # ABS64
        (258, "00000000", 0xFFFFFFFF, "ffffffff"),  # ABS32
        (259, "00000000", 0xFFFF, "ffff0000"),  # ABS16
        (260, "0000000000000000", PLACE - 8, "f8ffffffffffffff"),  # PREL64
        (261, "00000000", PLACE - 8, "f8ffffff"),  # PREL32
        (262, "00000000", PLACE + 8, "08000000"),  # PREL16
        (263, "000080d2", 0x1234, "804682d2"),  # MOVW_UABS_G0 of movz x0
        (266, "0000a0f2", 0x123456789, "a068a4f2"),  # UABS_G1_NC of movk x0
        (270, "000080d2", -2, "20008092"),  # SABS_G0: movn x0, 1
        (270, "00008092", 2, "400080d2"),  # SABS_G0: movz x0, 2
        (275, "00000090", PLACE + 0x3123, "000000f0"),  # ADR_PREL_PG_HI21: 3 pages
        (274, "00000010", PLACE + 5, "20000030"),  # ADR_PREL_LO21: immlo 1, immhi 1
        (277, "00000091", 0x12345678, "00e01991"),  # ADD_ABS_LO12_NC: 0x678
        (278, "00004039", 0x12345678, "00e05939"),  # LDST8
        (284, "00004079", 0x12345678, "00f04c79"),  # LDST16: 0x33c
        (285, "000040b9", 0x12345678, "007846b9"),  # LDST32: 0x19e
        (286, "000040f9", 0x12345678, "003c43f9"),  # LDST64: 0xcf
        (299, "0000c03d", 0x12345670, "009cc13d"),  # LDST128: 0x67
        (273, "00000058", PLACE + 0x10, "80000058"),  # LD_PREL_LO19
        (279, "00000036", PLACE + 0x10, "80000036"),  # TSTBR14
        (280, "00000054", PLACE + 0x10, "80000054"),  # CONDBR19
        (282, "00000014", PLACE - 4, "ffffff17"),  # JUMP26
        (283, "00000094", PLACE + 0x10, "04000094"),  # CALL26
        (0, "11223344", 0, "11223344"),  # NONE
        (256, "11223344", 0, "11223344"),  # NONE
        (549, "00004091", 0x12FF0, "004c4091"),  # TLSLE_ADD_TPREL_HI12: 0x13000 >> 12
        (551, "00000091", 0x120, "00c00491"),  # TLSLE_ADD_TPREL_LO12_NC: 0x130
    ],
)
def test_aarch64(kind: int, content: str, value: int, expected: str) -> None:
    """AAELF64, 5.7; encodings of the Arm ARM (DDI 0487), C6.2."""
    assert placed("arm64", kind, content, value) == (expected, [])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (258, 1 << 32),
        (259, -1),
        (261, PLACE + (1 << 31)),
        (262, PLACE - 32769),
        (263, 0x10000),
        (274, PLACE + (1 << 20)),
        (275, PLACE + (1 << 32)),
        (279, PLACE + 0x8000),
        (280, PLACE - 0x100004),
        (283, PLACE + (1 << 27)),
        (283, PLACE - (1 << 27) - 4),
    ],
)
def test_aarch64_values_that_do_not_fit(kind: int, value: int) -> None:
    """One step past the limit."""
    there = value & (1 << 64) - 1
    line = f"E: sym 's': relocation out of range (0x40002000 -> {there:#x})"
    assert placed("arm64", kind, "00000094", value)[1] == [line, LINK]


def test_older_releases_miss_most_overflows_on_aarch64() -> None:
    """What is less than the field holds isn't found, nor what is one bit too large."""
    for value in (PLACE + (1 << 27), PLACE - (1 << 30)):
        assert placed("arm64", 283, "00000094", value, release=Version(4, 3))[1] == []
    assert placed("arm64", 283, "00000094", PLACE + (1 << 28), release=Version(4, 3))[1]


def test_older_releases_mix_up_the_two_moves_of_aarch64() -> None:
    """A positive value gets MOVN, a negative one MOVZ."""
    assert placed("arm64", 270, "000080d2", 2, release=Version(4, 3))[0] == "40008092"


def test_older_releases_know_no_thread_offsets_on_aarch64() -> None:
    """Nor dynamic relocations."""
    for kind in (549, 1025, 1027):
        log = placed("arm64", kind, "00004091", 0, release=Version(4, 3))[1]
        assert log == [f"E: unknown relocation: {kind}", LINK]


def test_x86_counts_with_what_is_in_the_place() -> None:
    """REL: R_386_32 and R_386_PC32."""
    assert placed("x86", 1, "04000000", 0x1234, None) == ("38120000", [])
    assert placed("x86", 2, "fcffffff", PLACE + 0x10, None) == ("0c000000", [])
    assert placed("x86", 4, "00000000", 0, None)[1] == ["E: unknown relocation: 4", LINK]


def test_x86_64_writes_half_of_a_pointer() -> None:
    """R_X86_64_64 leaves the upper 4 bytes as they were; nothing is checked."""
    assert placed("x86_64", 1, "ff" * 8, 0x123456789A, 1) == ("9b785634ffffffff", [])
    assert placed("x86_64", 10, "00000000", 0x123456789A) == ("9a785634", [])
    assert placed("x86_64", 11, "00000000", -1) == ("ffffffff", [])
    for kind in (2, 4):
        assert placed("x86_64", kind, "00000000", PLACE + 0x10, -4) == ("0c000000", [])
    assert placed("x86_64", 9, "00000000", 0)[1] == ["E: unknown relocation: 9", LINK]


def test_arc_adds_the_addend_of_a_branch_twice() -> None:
    """S25W: (0x1010 + 4 + 4 - 0x1000) >> 2 is 6; halves are swapped."""
    found, _ = placed("arc", 17, "00000000", PLACE + 0x10, 4)
    # 6 << 18 is 0x180000, whose upper half comes first
    assert found == "18000000"
    found, _ = placed("arc", 16, "00000000", PLACE + 0x10, 0)
    # 8 << 17 is 0x100000
    assert found == "10000000"


def test_arc_words() -> None:
    """32, B26, and 32_ME with its halves swapped."""
    for kind in (4, 5):
        assert placed("arc", kind, "00000000", 0x12345678) == ("78563412", [])
    assert placed("arc", 27, "00000000", 0x12345678) == ("34127856", [])
    assert placed("arc", 3, "00000000", 0)[1] == ["E: unknown relocation: 3", LINK]


def xtensa(
    *rels: Rel, symbols: tuple[Sym, ...], content: str, release: Version = NEWEST
) -> tuple[str, list[str], int]:
    """Code behind a load from writable storage, the log, and the result."""
    data = extension(code(bytes.fromhex(content), relocations=rels), symbols=symbols, machine=94)
    on = target(
        machine=Machine.XTENSA,
        version=release,
        symbols={b"both": 0x1000},
        heap=HeapPlan(address=0x40010000, size=64 << 10),
    )
    system, loaded = load(data, on, buffer=0x48000000, storage=Storage.WRITABLE)
    found = region(system, loaded, "text").hex() if loaded.ext is not None else ""
    return found, logged(loaded), loaded.result


BOTH = Sym(name="both", type=2, section=".text", value=0x44)


@pytest.mark.parametrize("release", [Version(4, 3), NEWEST])
def test_xtensa_prefers_the_base_image_to_the_extension_itself(release: Version) -> None:
    """R_XTENSA_32 of a symbol that both have."""
    rel = Rel(offset=0, type=1, symbol="both", addend=0)
    found = xtensa(rel, symbols=(BOTH,), content="04000000", release=release)
    assert found == ("04100000", [], 0)


def test_xtensa_slots_take_an_addend() -> None:
    """GLOB_DAT and JMP_SLOT."""
    for kind in (3, 4):
        rel = Rel(offset=0, type=kind, symbol="both", addend=2)
        assert xtensa(rel, symbols=(BOTH,), content="ffffffff")[0] == "02100000"


def test_xtensa_passes_over_types_that_it_does_not_know() -> None:
    """In silence."""
    rel = Rel(offset=0, type=99, symbol="both", addend=0)
    assert xtensa(rel, symbols=(BOTH,), content="11223344") == ("11223344", [], 0)


def test_what_xtensa_cannot_find_is_only_a_warning_in_older_releases() -> None:
    """The load succeeds, with a slot that leads nowhere."""
    rel = Rel(offset=0, type=1, symbol="none", addend=0)
    warning = "W: PLT: cannot find idx 2 name none"
    symbols = (Sym(name="none"),)
    found = xtensa(rel, symbols=symbols, content="00000000", release=Version(4, 3))
    assert found == ("00000000", [warning], 0)
    found = xtensa(rel, symbols=symbols, content="00000000")
    assert found == ("", [warning, "E: Failed to link, ret -2"], -2)


def test_xtensa_patches_two_instructions_that_are_still_empty() -> None:
    """L32R and CALLn, by the distance in words from the next word; nothing is checked."""
    local = Sym(name="l", type=2, binding=0, section=".text", value=8)
    rel = Rel(offset=0, type=20, symbol="l", addend=0)
    # from 0 to 8: two words; l32r a2 has them in its upper bytes, call8 from bit 6 on
    assert xtensa(rel, symbols=(local,), content="21000000" + "00" * 8)[0][:6] == "210200"
    assert xtensa(rel, symbols=(local,), content="25000000" + "00" * 8)[0][:6] == "a50000"
    assert xtensa(rel, symbols=(local,), content="21010000" + "00" * 8)[0][:6] == "210100"


def test_xtensa_adds_the_address_of_a_section() -> None:
    """A symbol of a section."""
    section = Sym(name="", type=3, binding=0, section=".text")
    rel = Rel(offset=0, type=1, symbol=1, addend=0)
    found, _, _ = xtensa(rel, symbols=(section,), content="04000000")
    assert found == "38000048"


def test_a_processor_with_an_odd_page_has_a_section_of_its_own() -> None:
    """Sections of code that aren't called `.text` are code, too."""
    data = extension(code(), Sec(name=".iram", flags=CODE, content=bytes(4)), machine=94)
    on = target(machine=Machine.XTENSA, heap=HeapPlan(address=0x40010000, size=64 << 10))
    system, loaded = load(data, on, buffer=0x48000000)
    assert region(system, loaded, "text").hex() == "00bf704700000000"
