# SPDX-License-Identifier: Apache-2.0
"""RISC-V relocations as the target applies them, with what is wrong in them."""

from __future__ import annotations

import pytest
from support.elfbuild import EM_RISCV, SHN_ABS, Rel, Sym
from support.loads import code, extension, load, logged, region, target

from west_llext.loader.danger import Danger
from west_llext.loader.system import System
from west_llext.loader.target import HeapPlan, Machine, Target

PLACE = 0x80002000
LINK = "E: Failed to link, ret -8"


def machine(bits: int = 32) -> Target:
    """A RISC-V target."""
    heap = HeapPlan(address=0x80010000, size=64 << 10)
    return target(machine=Machine.RISCV, bits=bits, heap=heap)


def placed(
    kind: int, content: str, value: int, *, addend: int = 0, bits: int = 32
) -> tuple[str, list[str]]:
    """The place behind the load, and the log; `value` is the symbol's address."""
    absolute = Sym(name="s", value=value & (1 << bits) - 1, section=SHN_ABS)
    rel = Rel(offset=0, type=kind, symbol="s", addend=addend)
    data = extension(
        code(bytes.fromhex(content), relocations=[rel]),
        symbols=[absolute],
        machine=EM_RISCV,
        bits=bits,
    )
    system, loaded = load(data, machine(bits), buffer=0x88000000, places={"text": PLACE})
    found = region(system, loaded, "text").hex() if loaded.ext is not None else ""
    return found, logged(loaded)


@pytest.mark.parametrize(
    ("kind", "content", "value", "addend", "expected"),
    [
        (1, "00000000", 0x1234, 4, "38120000"),  # 32: S + A
        (3, "00000000", 0, 8, "08200080"),  # RELATIVE: start of the code + A
        (5, "00000000", 0x1234, 4, "34120000"),  # JUMP_SLOT: S, without A
        (33, "10000000", 0x21, 0, "31000000"),  # ADD8
        (34, "10000000", 0x2100, 0, "10210000"),  # ADD16
        (35, "10000000", 0x210000, 0, "10002100"),  # ADD32
        (37, "30000000", 0x10, 0, "20000000"),  # SUB8
        (38, "00300000", 0x1000, 0, "00200000"),  # SUB16
        (39, "00000030", 0x10000000, 0, "00000020"),  # SUB32
        (54, "ff000000", 0x12, 0, "12000000"),  # SET8
        (55, "ffff0000", 0x1234, 0, "34120000"),  # SET16
        (56, "ffffffff", 0x1234, 0, "34120000"),  # SET32
        (57, "00000000", PLACE + 0x100, 0, "00010000"),  # 32_PCREL
        (59, "00000000", PLACE + 0x100, 0, "00010000"),  # PLT32
        (26, "37050000", 0x12345FFF, 0, "37653412"),  # HI20 of lui a0: rounded up
        (27, "13050500", 0x12345FFF, 0, "1305f5ff"),  # LO12_I of addi a0, a0
        (28, "23200500", 0x12345FFF, 0, "a32f05fe"),  # LO12_S of sw zero, (a0)
        (17, "6f000000", PLACE + 0x800, 0, "6f001000"),  # JAL: imm[11] is bit 20
        (16, "63000000", PLACE + 0x10, 0, "63080000"),  # BRANCH: imm[4:1] is bits 11:8
        (44, "01c10000", PLACE + 0x10, 0, "01c90000"),  # RVC_BRANCH: imm[4] is bit 11
        (45, "01a00000", PLACE + 0x10, 0, "01a80000"),  # RVC_JUMP: imm[4] is bit 11
        (51, "01000100", 0, 0, "01000100"),  # RELAX: nothing
    ],
)
def test_a_value_goes_where_its_type_says(
    kind: int, content: str, value: int, addend: int, expected: str
) -> None:
    """RISC-V ELF psABI, relocations; encodings of the unprivileged ISA, chapters 2 and 16."""
    assert placed(kind, content, value, addend=addend) == (expected, [])


def test_a_call_is_two_instructions() -> None:
    """auipc ra; jalr ra: +0x1800 is 0x2000 - 0x800."""
    found, _ = placed(18, "97000000e7800000", PLACE + 0x1800)
    assert found == "97200000e7800080"


def test_six_bits_are_kept_as_five() -> None:
    """SET6 and SUB6 mask with 0x1f; the psABI says 6 bits."""
    assert placed(53, "c5000000", 0x07)[0] == "07000000"
    assert placed(52, "3f000000", 0x01)[0] == "1f000000"


def test_jal_is_checked_as_if_it_reached_2_gib() -> None:
    """+2 MiB is cut to 0, in silence."""
    assert placed(17, "6f000000", PLACE + 0x200000) == ("6f000000", [])


@pytest.mark.parametrize(("kind", "most"), [(16, 0xFFF), (44, 0xFF), (45, 0x7FF), (17, 0x7FFFFFFF)])
def test_a_distance_must_fit(kind: int, most: int) -> None:
    """On RV64, where it doesn't wrap: one more, and one less at the other end, is too much."""
    for distance in (most + 1, -most - 2):
        limit = most if distance > 0 else most + 1
        line = f"E: {distance} byte relocation is not possible for type {kind} (max {limit})!"
        assert placed(kind, "6300000000000000", PLACE + distance, bits=64)[1] == [line, LINK]
    for distance in (most, -most - 1):
        assert placed(kind, "6300000000000000", PLACE + distance, bits=64)[1] == []


def test_words_above_2_gib_fail_on_rv64() -> None:
    """R_RISCV_32 is taken as a signed number."""
    _, log = placed(1, "0000000000000000", 0x80000000, bits=64)
    line = "E: 2147483648 byte relocation is not possible for type 1 (max 2147483647)!"
    assert log == [line, LINK]
    assert placed(2, "0000000000000000", 0x80000000, bits=64) == ("0000008000000000", [])


def test_only_the_low_8_bits_of_a_type_count() -> None:
    """ELF32_R_TYPE, also on RV64: 0x138 is SET32."""
    assert placed(0x138, "ffffffff00000000", 0x1234, bits=64)[0] == "3412000000000000"


def test_alignment_relocations_are_refused() -> None:
    """The next power of two, and the name of a symbol."""
    _, log = placed(43, "01000100", 0, addend=6)
    assert log == [
        "E: Symbol s with location 0x80002000 requires alignment to 8 bytes!",
        "E: Alignment relocation is currently not supported!",
        LINK,
    ]


def pairs(*rels: Rel, labels: tuple[int, ...] = (0,)) -> tuple[System, str, list[str]]:
    """Code of four `auipc a0` and `addi a0, a0`, and what relocations make of it."""
    raw = bytes.fromhex("1705000013050500") * 2
    symbols = [Sym(name=f"label{each}", value=each, binding=0, section=".text") for each in labels]
    symbols += [Sym(name="s", value=PLACE + 0x1804, section=SHN_ABS)]
    symbols += [Sym(name="t", value=PLACE + 0x10, section=SHN_ABS)]
    data = extension(code(raw, relocations=rels), symbols=symbols, machine=EM_RISCV)
    system, loaded = load(data, machine(), buffer=0x88000000, places={"text": PLACE})
    found = region(system, loaded, "text").hex() if loaded.ext is not None else ""
    return system, found, logged(loaded)


def upper(offset: int, symbol: str) -> Rel:
    """PCREL_HI20."""
    return Rel(offset=offset, type=23, symbol=symbol, addend=0)


def lower(offset: int, label: str) -> Rel:
    """PCREL_LO12_I."""
    return Rel(offset=offset, type=24, symbol=label, addend=0)


def test_the_lower_half_takes_the_distance_of_the_upper() -> None:
    """0x1804 from the auipc: 0x2000 and -0x7fc; they needn't be neighbours."""
    _, found, log = pairs(upper(0, "s"), upper(8, "t"), lower(4, "label0"))
    assert (found[:16], log) == ("1725000013054580", [])


def test_a_lower_half_without_an_upper_is_refused() -> None:
    """In the same section, with that offset."""
    _, _, log = pairs(upper(8, "t"), lower(4, "label0"))
    assert log == [
        "E: Could not find R_RISCV_PCREL_HI20 relocation for R_RISCV_PCREL_LO12 relocation!",
        (
            "E: Failed to resolve RISC-V PCREL relocation for symbol label0 at 0x80002004 "
            "with base address 0x80002000 load address 0x80002000 type 24"
        ),
        LINK,
    ]


def test_the_search_goes_on_where_the_last_one_ended() -> None:
    """Of two upper halves at one place the second is found once something behind it was."""
    rels = (upper(0, "s"), upper(8, "t"), lower(12, "label8"), upper(0, "t"), lower(4, "label0"))
    system, found, _ = pairs(*rels, labels=(0, 8))
    # from `t`: +0x10
    assert (found[8:16], system.last_pair) == ("13050501", 3)


def test_a_section_without_addends_is_a_danger() -> None:
    """The loader takes what happens to lie where an addend would be."""
    rel = Rel(offset=0, type=1, symbol="f")
    data = extension(code(relocations=[rel]), machine=EM_RISCV)
    with pytest.raises(Danger) as danger:
        load(data, machine(), buffer=0x88000000)
    expected = (
        "an entry of an SHT_REL section has no addend, and the loader would take what happens to "
        "lie in its place"
    )
    assert (danger.value.code, danger.value.message) == ("L023", expected)
