# SPDX-License-Identifier: Apache-2.0
"""Raw images of memories, judged by binutils."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import compilers
from support.linked import BSS_SIZE, DATA, MEMORIES, RAM, RODATA, ROM, TEXT, prelocated, relocatable

from west_llext.diagnostics import LlextError
from west_llext.emit.raw import (
    MAX_HEX,
    Chunk,
    RawImage,
    binaries,
    binary,
    chunks,
    images,
    intel_hex,
)
from west_llext.model.manifest import Memory

WIDE = Memory(name="wide", address=0x2000_0000, size=1 << 24, access="rx")


def image(*found: tuple[int, bytes], memory: Memory = WIDE) -> RawImage:
    return RawImage(memory=memory, chunks=tuple(Chunk(*each) for each in found))


def by_address(text: str) -> dict[int, int]:
    """What an Intel HEX file says, read record by record as the specification has it."""
    found: dict[int, int] = {}
    high = 0
    lines = text.splitlines()
    assert lines[-1] == ":00000001FF"
    for line in lines:
        assert line[0] == ":"
        assert line == line.upper()
        record = bytes.fromhex(line[1:])
        assert sum(record) % 256 == 0
        assert record[0] == len(record) - 5 <= 16
        at, kind, data = int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        if kind == 4:
            high = int.from_bytes(data, "big") << 16
        elif kind == 0:
            assert at + len(data) <= 0x10000
            assert not found.keys() & range(high + at, high + at + len(data))
            found.update(enumerate(data, high + at))
        else:
            assert (kind, line) == (1, lines[-1])
    return found


def test_an_image_has_every_section() -> None:
    """.bss as zeros, because nothing else would clear it; an unused memory has no image."""
    assert chunks(relocatable()) == ()
    found = chunks(prelocated())
    assert images([*MEMORIES, WIDE], reversed(found)) == (
        image((0x21000100, TEXT), (0x21000140, RODATA), memory=ROM),
        RawImage(
            memory=RAM, chunks=(Chunk(0x21040020, DATA), Chunk(0x21040024, b"", zeros=BSS_SIZE))
        ),
    )


def test_a_binary_begins_with_its_memory_and_ends_with_the_last_byte() -> None:
    """Gaps are as erased flash, or as .bss where there can be some."""
    rom, ram = images(MEMORIES, chunks(prelocated()))
    assert binary(rom) == b"\xff" * 0x100 + TEXT + RODATA
    assert binary(ram) == bytes(0x20) + DATA + bytes(BSS_SIZE)


def test_a_hex_file_clears_bss() -> None:
    """Behind content in one record with it, and where there is nothing else."""
    ram = RawImage(
        memory=RAM, chunks=(Chunk(RAM.address, b"abcd"), Chunk(RAM.address + 8, b"", zeros=4))
    )
    far = RawImage(memory=RAM, chunks=(Chunk(RAM.address + 0x100, b"", zeros=17),))
    assert intel_hex(ram) == (":020000042104D5\n:0C0000006162636400000000000000006A\n:00000001FF\n")
    assert intel_hex(far) == (
        ":020000042104D5\n:1001000000000000000000000000000000000000EF\n:0101100000EE\n:00000001FF\n"
    )
    assert binary(far) == bytes(0x100 + 17)


def test_padding_in_a_memory_that_can_be_written_is_zero() -> None:
    """It may be .bss, which has no content of its own."""
    found = image((RAM.address, b"a"), (RAM.address + 4, b"b"), memory=RAM)
    assert binary(found) == b"a\0\0\0b"
    text = intel_hex(found)
    assert text is not None
    assert bytes(by_address(text).values()) == b"a\0\0\0b"


def test_a_hex_file_begins_with_the_first_byte_that_is_used() -> None:
    """The whole text; checksums by hand: the sum of all bytes of a record is 0 modulo 256."""
    assert intel_hex(image((0x2000_0100, bytes(range(16)) + b"\xaa"))) == (
        ":020000042000DA\n:10010000000102030405060708090A0B0C0D0E0F77\n:01011000AA44\n:00000001FF\n"
    )


def test_padding_is_filled_where_that_saves_a_record_and_gaps_are_not() -> None:
    """15 bytes of padding, then a gap of 16."""
    found = intel_hex(image((0x2000_0000, b"a"), (0x2000_0010, b"b"), (0x2000_0021, b"c")))
    assert found is not None
    padding = dict.fromkeys(range(0x2000_0001, 0x2000_0010), 0xFF)
    assert by_address(found) == {0x2000_0000: 97, **padding, 0x2000_0010: 98, 0x2000_0021: 99}


@st.composite
def layouts(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Address and size of chunks in order, some larger than a page of 64 KiB or at its end."""
    at = 0x2000_0000 + draw(st.integers(0, 0x10))
    found = []
    for _ in range(draw(st.integers(1, 6))):
        at += draw(st.sampled_from([0, 0, 1, 3, 15, 16, 17, 0xFFE0, 0x10000 - at % 0x10000]))
        size = draw(st.sampled_from([1, 2, 15, 16, 17, 100, 1023, 1024, 1025, 4000, 70000]))
        found.append((at, size))
        at += size
    return found


def filled(layout: list[tuple[int, int]]) -> list[tuple[int, bytes]]:
    """The chunks with random bytes."""
    chance = random.Random(0)  # noqa: S311 - not for secrets
    return [(at, chance.randbytes(size)) for at, size in layout]


@settings(max_examples=60, deadline=None)
@given(layouts())
def test_a_hex_file_holds_exactly_the_content(layout: list[tuple[int, int]]) -> None:
    """Whatever the sizes and gaps: column-wise and row-wise records, pages, padding."""
    found = filled(layout)
    text = intel_hex(image(*found))
    assert text is not None
    read = by_address(text)
    content = {at + n: byte for at, data in found for n, byte in enumerate(data)}
    assert content == {at: byte for at, byte in read.items() if at in content}
    assert {0xFF} >= {byte for at, byte in read.items() if at not in content}
    whole = binary(image(*found))
    assert all(whole[at - WIDE.address] == byte for at, byte in content.items())
    assert len(whole) == max(content) + 1 - WIDE.address


@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(layouts())
def test_objcopy_reads_from_a_hex_file_what_it_writes_from_an_equal_elf(
    tmp_path: Path, layout: list[tuple[int, int]]
) -> None:
    """GNU objcopy: -I ihex of ours, and -O binary of an ELF file with these sections."""
    found = filled(layout)
    start = found[0][0]
    text = intel_hex(image(*found))
    assert text is not None
    (tmp_path / "our.hex").write_text(text)
    source = "".join(f'.section .s{n},"a"\n.incbin "{n}.bin"\n' for n, _ in enumerate(found))
    layout = "".join(f". = {at:#x}; .s{n} : {{ *(.s{n}) }}\n" for n, (at, _) in enumerate(found))
    for n, (_, data) in enumerate(found):
        (tmp_path / f"{n}.bin").write_bytes(data)
    (tmp_path / "x.s").write_text(source)
    (tmp_path / "x.ld").write_text(f"SECTIONS {{\n{layout}}}\n")
    gcc = [*compilers.gcc(), "-c", "x.s", "-o", "x.o"]
    fill = ["objcopy", "--gap-fill=0xff"]
    compilers.run(tmp_path, gcc)
    compilers.run(tmp_path, ["ld", "-T", "x.ld", "-e", "0x20000000", "x.o", "-o", "x.elf"])
    compilers.run(tmp_path, [*fill, "-O", "binary", "x.elf", "elf.bin"])
    compilers.run(tmp_path, [*fill, "-I", "ihex", "-O", "binary", "our.hex", "hex.bin"])
    ours = binary(image(*found))[start - WIDE.address :]
    assert (tmp_path / "elf.bin").read_bytes() == ours
    assert (tmp_path / "hex.bin").read_bytes() == ours


def test_an_address_above_4_gib_has_no_hex_file() -> None:
    """The format's addresses have 32 bits."""
    high = Memory(name="m", address=0xFFFF_FFF0, size=0x100, access="r")
    assert intel_hex(image((0xFFFF_FFF0, b"x" * 16), memory=high)) is not None
    assert intel_hex(image((0xFFFF_FFF0, b"x" * 17), memory=high)) is None
    assert binary(image((0xFFFF_FFF0, b"x" * 17), memory=high)) == b"x" * 17


def test_binaries_that_would_fill_the_disk_together_are_refused() -> None:
    """The whole text; each of them alone could be made."""
    memories = [
        Memory(name=f"m{each}", address=each << 32, size=1 << 30, access="rw") for each in range(3)
    ]
    found = [image(((each << 32) + (1 << 27) - 1, b"x"), memory=memories[each]) for each in (1, 2)]
    assert [len(each) for each in binaries(found)] == [1 << 27] * 2
    with pytest.raises(LlextError) as caught:
        binaries([*found, image((0, b"x"), memory=memories[0])])
    assert str(caught.value) == (
        "west-llext: error[O008]: raw images up to that of memory 'm0' would have 268435457 bytes "
        "together, more than 256 MiB\n"
        "hint: let the memories begin where their first extensions are placed"
    )


def test_zeros_of_many_megabytes_are_in_no_hex_file() -> None:
    """Three letters for each byte of .bss that an extension of some hundred bytes can have."""
    large = Chunk(0x2000_0000, b"x", zeros=MAX_HEX)
    assert intel_hex(RawImage(memory=WIDE, chunks=(large,))) is None
    assert intel_hex(RawImage(memory=WIDE, chunks=(large._replace(zeros=99),))) is not None


def test_a_binary_that_would_fill_the_disk_is_refused() -> None:
    """The whole text."""
    huge = Memory(name="psram", address=0x1000, size=1 << 40, access="rw")
    with pytest.raises(LlextError) as caught:
        binary(image((0x1000 + (1 << 28), b"x"), memory=huge))
    assert str(caught.value) == (
        "west-llext: error[O008]: raw image of memory 'psram' would have 268435457 bytes,"
        " more than 256 MiB: it begins at 0x1000\n"
        "hint: let the memory begin where its first extension is placed"
    )
    with pytest.raises(LlextError) as caught:
        binary(RawImage(memory=huge, chunks=(Chunk(0x2000, b"", zeros=1 << 28),)))
    assert str(caught.value).endswith(
        "\nhint: let the memory begin where its first extension is placed"
    )
    with pytest.raises(LlextError) as caught:
        binary(RawImage(memory=huge, chunks=(Chunk(0x2000, b"x", zeros=1 << 28),)))
    assert str(caught.value).endswith(
        "\nhint: divide the memory: each part has an image of its own"
    )


def test_sections_that_are_not_placed_are_no_image() -> None:
    """Overlap, or an end behind the memory: placing prevents both."""
    for bad in (
        [Chunk(ROM.address, b"xx"), Chunk(ROM.address + 1, b"y")],
        [Chunk(ROM.end - 1, b"xx")],
    ):
        with pytest.raises(ValueError, match="isn't placed"):
            images([ROM], bad)
